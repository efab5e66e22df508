"""The command line's options are made of the fields of request classes."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Literal

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import a2e_async.families  # noqa: F401 - makes the families known
from a2e_async.cli import fields, settings
from a2e_async.cli.app import app, main
from a2e_async.cli.commands import explain
from a2e_async.core.family import Request, families
from a2e_async.core.records import Result
from a2e_async.core.requests import fields_of, request
from a2e_async.errors import InvalidRequestError
from a2e_async.families.image_to_video import ImageToVideo


@request
class Odd(Request[Result]):
    """Something of every kind.

    Some more words.

    Args:
        text: Words that go on
            in a second line.
        amount: A share.
        often: How often.
        sure: Whether.
        parts: Pieces.
        scene: Anything at all.
        timeout: A name that every command already has.
        size: One of two (service default: "small").
        speed: One of two numbers.

    Raises:
        InvalidRequestError: Never.
    """

    text: str
    amount: float = 1.0
    often: int | None = None
    sure: bool | None = None
    parts: Sequence[str] | None = None
    scene: dict[str, Any] | None = None
    timeout: int | None = None
    size: Literal["small", "large"] | None = None
    speed: Literal[1, 2] | None = None


def completed(*words: str) -> list[str]:
    """Give what the shell offers for the last of these words."""
    *args, incomplete = words
    return [item.value for item in ShellComplete(app, {}, "a2e", "_A2E_COMPLETE").get_completions(args, incomplete)]


def told(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    """Run a command and give its JSON lines."""
    assert app.main([*words, "--json"], standalone_mode=False) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def parsed(*args: str) -> dict[str, Any]:
    """Give what click makes of these words."""
    found: dict[str, Any] = {}
    command = click.Command("odd", params=fields.options_of(Odd), callback=lambda **given: found.update(given))
    outcome = CliRunner().invoke(command, args, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return found


def test_kinds():
    """Each kind of field is read."""
    found = parsed(
        "--text", "a", "--amount", "0.5", "--often", "3", "--no-sure", "--parts", "x", "--parts", "y",
        "--scene", '{"a": [1]}', "--task-timeout", "9", "--size", "large", "--speed", "2", "--extra", '{"k": 1}',
    )  # fmt: skip
    assert fields.build(Odd, found) == Odd(
        text="a", amount=0.5, often=3, sure=False, parts=["x", "y"], scene={"a": [1]}, timeout=9, size="large", speed=2,
        extra={"k": 1},
    )  # fmt: skip


def test_defaults():
    """What is not given keeps its default."""
    assert fields.build(Odd, parsed("--text", "a")) == Odd(text="a")


@pytest.mark.parametrize(
    "args",
    [
        ("--text", "a", "--often", "many"),
        ("--text", "a", "--scene", "{"),
        ("--text", "a", "--size", "middle"),
        ("--text", "a", "--speed", "3"),
    ],
)
def test_wrong_options(args):
    """A wrong option is refused."""
    command = click.Command("odd", params=fields.options_of(Odd), callback=lambda **_: None)
    assert CliRunner().invoke(command, args).exit_code == 2


def test_missing_options():
    """A required option is marked in the help, and named by the one who builds the request."""
    command = click.Command("odd", params=fields.options_of(Odd), callback=lambda **_: None)
    assert "[required]" in CliRunner().invoke(command, ["--help"]).stdout
    with pytest.raises(InvalidRequestError, match="text"):
        fields.build(Odd, parsed())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ["image_url", "prompt", "negative_prompt"]),
        ({"image_url": "https://x.org/a.png"}, ["prompt", "negative_prompt"]),
        (
            {"image_url": "data:image/png,x", "video_time": 7, "prompt": "p"},
            ["image_url", "video_time", "negative_prompt"],
        ),
        ({"image_url": "https://x.org/a.png", "prompt": "p", "negative_prompt": "n", "video_time": 7}, ["video_time"]),
    ],
)
def test_all_that_is_wrong(given, named):
    """One error names every field that is missing or wrong."""
    with pytest.raises(InvalidRequestError) as refused:
        fields.build(ImageToVideo, given)
    said = [part.partition(":")[0] for part in refused.value.message.split("; ")]
    assert sorted(name for name in said if name in ImageToVideo.__slots__) == sorted(named)
    assert refused.value.field in named


def test_helps_without_docstrings():
    """`python -OO` drops docstrings; the words are still there, read from the source."""
    code = (
        "from a2e_async.cli import fields; from a2e_async import TextToImage as T; print(fields.helps_of(T)['width'])"
    )
    child = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=True)
    assert "pixels" in child.stdout
    assert fields.doc_of(type("Made", (), {})) == ""


def test_helps():
    """Help is the docstring's and ends where the section does."""
    helps = fields.helps_of(Odd)
    assert helps["text"] == "Words that go on in a second line."
    assert helps["timeout"] == "A name that every command already has."
    assert set(helps) == {field.name for field in fields_of(Odd)}


@pytest.mark.parametrize("name", sorted(families()))
def test_families(name):
    """Every field of every family is an option with help."""
    request = families()[name].request
    options = fields.options_of(request)
    assert [option.name for option in options] == [field.name for field in fields_of(request)]
    assert all(option.help for option in options)
    assert not settings.NAMES & {flag for option in options for flag in (*option.opts, *option.secondary_opts)}


def test_skip():
    """A field can be left to an argument."""
    assert "image_url" not in [option.name for option in fields.options_of(ImageToVideo, skip=("image_url",))]


def test_rules():
    """A broken rule is the request's own error."""
    with pytest.raises(InvalidRequestError, match="negative_prompt"):
        fields.build(ImageToVideo, {"image_url": "https://example.org/a.png", "prompt": "it moves"})


def test_secrets():
    """Output shows what was set but no secret."""
    request = ImageToVideo("https://example.org/a.png", prompt="p", negative_prompt="n", webhook_token="hush")
    assert fields.given_fields(request) == {
        "image_url": "https://example.org/a.png", "prompt": "p", "negative_prompt": "n"
    }  # fmt: skip
    assert fields.given_fields(None) == {}


def test_choices_are_named_when_one_is_wrong(monkeypatch, capsys):
    """A value that is no choice ends with 2 and names the option and the choices."""
    words = ["start", "image-to-video", "--image-url", "https://example.org/a.png", "--video-time", "7"]
    monkeypatch.setattr("sys.argv", ["a2e", *words])
    assert main() == 2
    shown = capsys.readouterr().err
    assert "--video-time" in shown
    assert "'5', '10', '15', '20'" in shown


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("fam",), ["families"]),
        (("start", "text"), ["text_to_image"]),
        (("start", "text-"), ["text-to-image"]),
        (("families", "image_to"), ["image_to_video"]),
        (("show", "image-to"), ["image-to-video"]),
        (("start", "image_to_video", "--negative"), ["--negative-prompt"]),
        (("start", "image_to_video", "--video-time", "1"), ["10", "15"]),
        (("quote", "text_to_image", "--model-type", ""), ["a2e", "zimage", "seedream"]),
        (("text-to-image", "--req-key", "high_aes_"), ["high_aes_general_v21_L"]),
    ],
)
def test_completion(words, offered):
    """The shell completes commands, families, fields and choices."""
    assert completed(*words) == offered


@pytest.mark.parametrize("name", sorted(families()))
def test_the_example_can_be_copied(name):
    """The example of a family is a right request, in the shell's words as in Python's."""
    family = families()[name]
    program, start, which, *words = shlex.split(explain.shell_example(family))
    assert (program, start, which) == ("a2e", "start", name)
    given: dict[str, Any] = {}
    command = click.Command(name, params=fields.options_of(family.request), callback=lambda **all_: given.update(all_))
    command.main(words, standalone_mode=False)
    assert fields.build(family.request, given) == family.request(**family.example)
    called = explain.python_example(family).removeprefix("await a2e.")
    made = family.request.__name__
    assert called.startswith((f"{name}(", f"start({made}("))
    inner = called.removeprefix("start(").replace(f"{name}(", f"{made}(").replace("))", ")")
    assert eval(inner, {made: family.request}) == family.request(**family.example)


@pytest.mark.parametrize("name", sorted(families()))
def test_a_family_is_explained(name, capsys):
    """People get the title, each field with its option, each endpoint, and both examples."""
    family = families()[name]
    assert app.main(["families", name], standalone_mode=False) == 0
    shown = capsys.readouterr().out
    assert family.title in shown
    assert all(f"  {fields.option_name(field.name)} " in shown for field in fields_of(family.request))
    assert all(f"{way['method']:<7}{way['path']}" in shown for way in explain.endpoints_of(family))
    assert all(note in shown for note in (family.price, *family.notes))
    assert explain.python_example(family) in shown
    assert explain.shell_example(family) in shown


def test_the_fields_of_a_family_as_data(capsys):
    """Each field has its option, type, choices, rule and default."""
    found = {line["field"]: line for line in told(capsys, "families", "image-to-video")}
    assert set(found) == {field.name for field in fields_of(ImageToVideo)}
    seconds = found["video_time"]
    assert (seconds["choices"], seconds["type"], seconds["default"]) == ([5, 10, 15, 20], "integer", "5")
    assert (found["image_url"]["required"], found["image_url"]["type"]) == (True, "URL")
    assert found["extend_prompt"]["default"] == "true"
    assert found["model_type"]["default"] == "GENERAL"


def test_the_whole_catalogue_as_data(capsys):
    """Every family and every call is a line with method and path of each way to ask."""
    lines = told(capsys, "families")
    assert {line["family"] for line in lines if "family" in line} == set(families())
    named = {line["call"] for line in lines if "call" in line}
    assert {"credits.balance", "voices.public", "speech.say", "prompts.extend"} <= named
    ways = [way for line in lines for way in line["endpoints"]]
    assert all(way["method"] in ("GET", "POST", "PUT", "DELETE") for way in ways)
    assert all(way["path"].startswith("/api/") for way in ways)
    assert all(line["title"] for line in lines)
