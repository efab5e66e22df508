"""The command line's options are made of the fields of request classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import pytest
from click.testing import CliRunner

import a2e_async.families  # noqa: F401 - makes the families known
from a2e_async.cli import fields, settings
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
        "--scene", '{"a": [1]}', "--task-timeout", "9",
    )  # fmt: skip
    assert fields.build(Odd, found) == Odd(
        text="a", amount=0.5, often=3, sure=False, parts=["x", "y"], scene={"a": [1]}, timeout=9
    )


def test_defaults():
    """What is not given keeps its default."""
    assert fields.build(Odd, parsed("--text", "a")) == Odd(text="a")


@pytest.mark.parametrize("args", [(), ("--text", "a", "--often", "many"), ("--text", "a", "--scene", "{")])
def test_wrong_options(args):
    """A wrong option is refused."""
    command = click.Command("odd", params=fields.options_of(Odd), callback=lambda **_: None)
    assert CliRunner().invoke(command, args).exit_code == 2


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
