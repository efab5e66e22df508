"""The guide ships with the package, and `a2e guide` prints it."""

from __future__ import annotations

import json
import re

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from a2e_async.cli.app import app
from a2e_async.cli.commands.guide import drawn, pages, title_of

_ESCAPES = re.compile(r"\x1b\[[\d;]*m")


def guide(*words):
    """Run `a2e guide`, whose output is no terminal, and give what it prints."""
    ended = CliRunner().invoke(app, ["guide", *words], catch_exceptions=False, standalone_mode=False)
    assert not ended.return_value, ended.stderr
    return ended.stdout


def test_topics_are_listed_with_their_titles():
    """Without a topic all are named, one a line."""
    lines = guide().splitlines()
    assert [line.split()[0] for line in lines] == list(pages())
    assert all(title_of(text) in line for text, line in zip(pages().values(), lines, strict=True))
    assert len(lines) > 10


@pytest.mark.parametrize("topic", ["own-family", "own_family", "Own-Family", "own-family.md"])
def test_a_page_is_plain_markdown_where_nobody_reads(topic):
    """A file or a program gets the page as it stands."""
    assert guide(topic).rstrip() == pages()["own-family"].rstrip()


def test_a_page_as_json():
    """A program can ask for the page as data."""
    assert json.loads(guide("errors", "--json")) == {
        "topic": "errors",
        "title": "Errors and what to do next",
        "text": pages()["errors"],
    }


def test_an_unknown_topic_names_the_one_that_was_meant():
    """A misspelt topic is an error of usage."""
    ended = CliRunner().invoke(app, ["guide", "eror"], standalone_mode=False)
    assert ended.return_value == 2
    assert "Did you mean 'errors'" in ended.stderr


def test_topics_are_completed():
    """A shell completes the names of the pages."""
    items = ShellComplete(app, {}, "a2e", "_A2E_COMPLETE").get_completions(["guide"], "er")
    assert [(item.value, item.help) for item in items] == [("errors", "Errors and what to do next")]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("topic", pages())
def test_a_page_fits_its_terminal(topic, columns):
    """On a terminal no line is wider than it, and what only machines read is not shown."""
    shown = drawn(pages()[topic], columns)
    lines = [_ESCAPES.sub("", line).rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= min(columns, 100)
    assert "\x1b[" in shown
    assert not any(line.startswith("<!--") for line in lines)
