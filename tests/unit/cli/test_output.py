"""What goes to stdout and stderr, and that no token goes to either."""

from __future__ import annotations

import errno
import io
import json
import sys

import pytest

from a2e_async.cli.display import output
from a2e_async.cli.display.output import Output, masked, print_error
from a2e_async.engine.settings import TOKEN_VARIABLES


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("refused sk_live_abc-123.", ()),
        ("refused eyJhbGciOi.zzz", ("eyJhbGciOi.zzz",)),
        ("refused eyJhbGciOi.zzz", ("  eyJhbGciOi.zzz\n",)),
    ],
)
def test_tokens(text, tokens):
    """Tokens are stars."""
    assert masked(text, *tokens).startswith("refused sk_***")
    assert "abc-123" not in masked(text, *tokens)
    assert "zzz" not in masked(text, *tokens)


def test_environment(monkeypatch):
    """The environment's token is stars."""
    monkeypatch.setenv("A2E_TOKEN", "opaque-token-value")
    assert masked("bad opaque-token-value") == "bad sk_***"


def test_variables():
    """Every variable from which the client takes a token is known here."""
    assert output.VARIABLES == TOKEN_VARIABLES


def test_short_token():
    """A token too short to be one spoils no words."""
    assert masked("at a time", "a", None) == "at a time"


def test_complaint(capsys):
    """A complaint is one line on stderr."""
    print_error("first\nsecond  third sk_secret")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "a2e: first second third sk_***\n")


def test_results(capsys):
    """Results are text or json lines."""
    Output().result("text", {"a": 1})
    Output().result("", {"a": 1})
    Output(as_json=True).result("text", {"a": "é", "path": object})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "text"
    assert json.loads(lines[1])["a"] == "é"
    assert len(lines) == 2


def test_held(capsys, monkeypatch):
    """Results wait for a live display that shares their terminal."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    held = Output()
    held.hold()
    held.result("text", {})
    assert capsys.readouterr().out == ""
    held.release()
    held.release()
    assert capsys.readouterr().out == "text\n"


def test_not_held(capsys):
    """Results that go elsewhere do not wait."""
    held = Output()
    held.hold()
    held.result("text", {})
    assert capsys.readouterr().out == "text\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("\x07\x9b\x7f\x00", "\\x07\\x9b\\x7f\\x00"),
        ("left\u202eright\u2066", "left\\u202eright\\u2066"),
        ("half \ud800", "half \\ud800"),
        ("first\rsecond", "first\\rsecond"),
        ("кот é 😀\tx\ny", "кот é 😀\tx\ny"),
    ],
)
def test_nothing_is_obeyed(text, shown, capsys):
    """What a terminal takes for a command is written out; letters, tabs and our own line ends stay."""
    assert output.plain(text) == shown
    output.tell(text)
    Output().result(text, {})
    told = capsys.readouterr()
    assert (told.out, told.err) == (f"{shown}\n", f"{shown}\n")


def test_one_line():
    """No text from outside makes a line of its own."""
    assert output.one_line("kite\r\na2e: paid\u2028x\x85y") == "kite a2e: paid x y"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_reads_as_it_was(encoding, monkeypatch):
    """Whatever stdout can hold, a JSON line has no control character and reads as what was given."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    data = {"text": "кот 😀 é \x1b\x7f\x9b\u202e\u2028\ud800", "list": [1, {"a": None}]}
    line = output.as_json(data)
    assert json.loads(line) == data
    line.encode(encoding)
    assert all(letter.isprintable() for letter in line)


def test_deep_json():
    """What is nested deeper than anybody reads is cut, and what is not stays whole."""
    deep: object = "end"
    for _ in range(5_000):
        deep = {"a": [deep]}
    assert output.as_json({"deep": deep}).count("{") <= 100
    assert json.loads(output.as_json({"a": [{"b": (1, 2)}]})) == {"a": [{"b": [1, 2]}]}


class _Full(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def write(self, _text):
        """Refuse it."""
        raise OSError(self.number, "refused")


@pytest.mark.parametrize(("number", "is_lost"), [(errno.EPIPE, False), (errno.ENOSPC, True)])
def test_stdout_takes_no_more(number, is_lost, monkeypatch, capsys):
    """What cost something is named on stderr from then on, the rest is dropped; only a full disk is a fault."""
    monkeypatch.setattr(sys, "stdout", _Full(number))
    held = Output()
    held.result("free", {})
    held.result("paid for", {}, paid=True)
    held.result("free", {})
    assert capsys.readouterr().err == "paid for\n"
    assert (held.unread is not None, held.lost is not None) == (True, is_lost)


@pytest.mark.parametrize("stream", [_Full(errno.EPIPE), None])
def test_stderr_takes_nothing(stream, monkeypatch):
    """Nobody there to hear is no reason to stop."""
    monkeypatch.setattr(sys, "stderr", stream)
    print_error("nobody hears this")
    Output().say("nor this")


def test_quiet(capsys):
    """What is only good to know is left out."""
    Output(quiet=True).note("open it")
    Output().note("look at it")
    Output(quiet=True).say("resume")
    assert capsys.readouterr().err == "look at it\nresume\n"
