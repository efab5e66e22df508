"""What an interrupted run says: lines to paste, never a token."""

from __future__ import annotations

import shlex
from pathlib import Path

import attrs

from a2e_async.cli.resume import lines
from a2e_async.cli.settings import Settings
from a2e_async.core.family import Family, family_of
from a2e_async.errors import A2EError, ClientClosedError, StartUnknownError
from a2e_async.families.image_to_video import IMAGE_TO_VIDEO


@attrs.frozen(eq=False, kw_only=True)
class Left:
    """What is asked of a job."""

    family: Family = IMAGE_TO_VIDEO
    task_ids: tuple[str, ...] = ()
    tag: str = "k7f3q9x2m4pd"
    error: A2EError | None = None


def test_one_line_per_family():
    """All ids of a family stand in one line."""
    jobs = [
        Left(task_ids=("1", "2")),
        Left(family=family_of("text_to_image"), task_ids=("3",)),
        Left(task_ids=("4",)),
    ]
    assert lines(jobs, Settings()) == ["a2e watch image_to_video 1 2 4", "a2e watch text_to_image 3"]


def test_options():
    """What decides where it goes on comes along, quoted; the token does not."""
    settings = Settings(token="sk_secret", base_url="http://localhost:1", out=Path("my films"), json=True)
    (line,) = lines([Left(task_ids=("1",))], settings)
    assert shlex.split(line)[4:] == ["--base-url", "http://localhost:1", "--out", "my films"]


def test_starts_without_ids():
    """Starts that were never sent are counted; those without an answer are named by their tags."""
    jobs = [Left(error=ClientClosedError("x")), Left(error=ClientClosedError("x")), Left(error=StartUnknownError("x"))]
    told = lines(jobs, Settings())
    assert told[0] == "2 starts were not sent"
    assert "image_to_video k7f3q9x2m4pd" in told[1]


def test_simulated():
    """What ran in a simulator of this process cannot be resumed."""
    assert lines([], Settings(simulate=True)) == []
    assert lines([Left(task_ids=("1",))], Settings(simulate=True)) == ["the simulator has ended, and its tasks with it"]


def test_nothing_left():
    """When all is done there is nothing to say."""
    assert lines([], Settings()) == []
