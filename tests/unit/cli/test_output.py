"""What goes to stdout and stderr, and that no token goes to either."""

from __future__ import annotations

import json

import pytest

from a2e_async.cli.display import output
from a2e_async.cli.display.output import Output, complain, masked
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
    complain("first\nsecond  third sk_secret")
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
