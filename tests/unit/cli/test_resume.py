"""What an interrupted run says: lines to paste, never a token."""

from __future__ import annotations

import shlex
from pathlib import Path

import attrs
import click
import pytest
from click.testing import CliRunner

from a2e_async.cli import fields
from a2e_async.cli.base import Command
from a2e_async.cli.resume import batch_line, lines, same_command
from a2e_async.cli.settings import Settings
from a2e_async.core.family import Family, family_of
from a2e_async.errors import A2EError, ClientClosedError, StartUnknownError
from a2e_async.families.image_to_video import IMAGE_TO_VIDEO
from a2e_async.families.text_to_image import TextToImage


@attrs.frozen(eq=False, kw_only=True)
class Left:
    """What is asked of a job."""

    family: Family = IMAGE_TO_VIDEO
    task_ids: tuple[str, ...] = ()
    tag: str = "k7f3q9x2m4pd"
    error: A2EError | None = None
    request: object = TextToImage("a kite")


def test_one_line_per_family():
    """All ids of a family stand in one line."""
    jobs = [
        Left(task_ids=("1", "2")),
        Left(family=family_of("text_to_image"), task_ids=("3",)),
        Left(task_ids=("4",)),
    ]
    assert lines(jobs, Settings()) == ["a2e watch image_to_video -- 1 2 4", "a2e watch text_to_image -- 3"]


def test_options():
    """What decides where it goes on comes along, quoted; the token does not."""
    settings = Settings(token="sk_secret", base_url="http://localhost:1", json=True)
    (line,) = lines([Left(task_ids=("1",))], settings, Path("my videos"))
    assert shlex.split(line)[3:] == ["--base-url", "http://localhost:1", "--out", "my videos", "--", "1"]


def test_ids_are_never_options():
    """Whatever the service calls a task, the line that is pasted takes it for an id."""
    (line,) = lines([Left(task_ids=("--base-url=http://evil.example", "-q", "a b; rm -rf"))], Settings())
    assert shlex.split(line)[3:] == ["--", "--base-url=http://evil.example", "-q", "a b; rm -rf"]


@pytest.mark.parametrize(
    ("folder", "words"),
    [("out", ["out", "--failed"]), ("my out", ["my out", "--failed"]), ("--out", ["--failed", "--", "--out"])],
)
def test_retry(folder, words):
    """A batch's folder is never an option either."""
    assert shlex.split(batch_line("retry", Path(folder), "--failed"))[3:] == words


@click.command(cls=Command, uses=("out",))
@click.argument("words", nargs=-1)
@click.option("--flag/--no-flag", default=None)
@click.option("--many", multiple=True)
@click.option("--only", is_flag=True)
@click.option("--size", type=float)
@click.option("--extra", type=fields._Json())
@click.option("--hush")
@click.pass_context
def something(context, **_values):
    """Say how it was called."""
    click.echo(same_command(context.obj, without={"hush"}))


@pytest.mark.parametrize(
    "words",
    [
        ["a kite", "a moon"],
        ["--no-flag", "--many", "1", "--many", "2", "--only", "--size", "2.5"],
        ["--flag", "--extra", '{"a": [1, "é"]}', "--out", "my out", "--json", "-v", "-v"],
        ["--", "--a", "b"],
        [],
    ],
)
def test_the_same_command(words):
    """It reads as what was given: pasted, it does the same once more; what is left out is left out."""

    def said(given):
        shown = CliRunner().invoke(something, given, obj=Settings(), prog_name="a2e something")
        assert shown.exit_code == 0, shown.output
        return shlex.split(shown.stdout)[2:]

    once = said([*words[:1], *words[1:]] if words[:1] == ["--"] else ["--hush", "sh", *words])
    assert sorted(once) == sorted(words)
    assert said(once) == once


def test_starts_without_ids():
    """Starts that were never sent are counted; those without an answer are named by their tags."""
    jobs = [Left(error=ClientClosedError("x")), Left(error=ClientClosedError("x")), Left(error=StartUnknownError("x"))]
    told = lines(jobs, Settings())
    assert told[0] == '2 starts not sent: "a kite", "a kite"'
    assert "image_to_video k7f3q9x2m4pd" in told[1]


def test_simulated():
    """What ran in a simulator of this process cannot be resumed."""
    assert lines([], Settings(simulate=True)) == []
    assert lines([Left(task_ids=("1",))], Settings(simulate=True)) == [
        "the simulator has ended and took its tasks with it: nothing to resume"
    ]


def test_nothing_left():
    """When all is done there is nothing to say."""
    assert lines([], Settings()) == []
