"""The table of commands, exit codes, and what every command has in common."""

from __future__ import annotations

import importlib.util
import inspect
import runpy
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from a2e_async import errors
from a2e_async.cli import settings
from a2e_async.cli.app import COMMANDS, app, main
from a2e_async.cli.codes import exit_code


def walk(command: click.Command, context: click.Context) -> Iterator[click.Command]:
    """Give a command and all commands below it."""
    yield command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from walk(below, click.Context(below, parent=context))


EVERY = list(walk(app, click.Context(app)))


def test_no_command_is_a_bare_coroutine_function():
    """Click never awaits: such a command would do nothing and exit 0."""
    assert len(EVERY) > len(COMMANDS)
    assert [one.name for one in EVERY if inspect.iscoroutinefunction(inspect.unwrap(one.callback or len))] == []


def test_help():
    """Every command has help for itself and for each of its options."""
    for command in EVERY:
        shown = CliRunner().invoke(command, ["--help"], catch_exceptions=False)
        assert (shown.exit_code, shown.stderr) == (0, ""), command.name
        assert "Options of every command:" in shown.stdout
        if not isinstance(command, click.Group):
            offered = {name for name in settings.LIMITED if f"--{name.replace('_', '-')} " in shown.stdout}
            assert offered == command.uses, command.name
        assert command.help
        assert all(option.help for option in command.params if isinstance(option, click.Option)), command.name


@pytest.mark.parametrize("name", COMMANDS)
def test_table(name):
    """The table says what the commands say of themselves."""
    command = app.get_command(click.Context(app), name)
    assert (command.name, COMMANDS[name][1].rstrip(".")) == (name, command.get_short_help_str(limit=200).rstrip("."))


def test_shared_options():
    """Every command takes the shared options, and no option of its own hides one."""
    for command in EVERY:
        own = [flag for param in command.params if param not in settings.OPTIONS for flag in param.opts]
        assert not settings.NAMES & set(own), command.name
        assert set(settings.OPTIONS) <= set(command.params), command.name


@pytest.mark.parametrize("words", [["--limit", "3", "--json"], ["--json", "--limit", "3"]])
def test_shared_options_before_and_after(words):
    """A shared option counts wherever it stands; the later one wins."""
    context = app.make_context("a2e", ["--out", "a", "--timeout", "5", "list", *words, "--out", "b", "text_to_image"])
    name, command, rest = app.resolve_command(context, [*context._protected_args, *context.args])
    below = command.make_context(name, rest, parent=context)
    assert (str(below.obj.out), below.obj.timeout, below.obj.json) == ("b", 5.0, True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidRequestError("x"), 2),
        (errors.ClientClosedError("x"), 2),
        (errors.MissingTokenError("x"), 4),
        (errors.AuthenticationError("x"), 4),
        (errors.InsufficientCoinsError("x"), 4),
        (errors.BudgetExceededError("x"), 4),
        (errors.TransportError("x"), 3),
        (errors.ProtocolError("x"), 3),
        (errors.JobFailedError("x"), 1),
        (errors.NotFoundError("x"), 1),
        (OSError("x"), 1),
        (KeyError("x"), 1),
    ],
)
def test_exit_codes(error, code):
    """A script can tell what went wrong."""
    assert exit_code(error) == code


def test_help_is_quick():
    """The help loads no command, no display and no simulator."""
    heavy = "rich", "a2e_async.simulator", "a2e_async.cli.run"
    code = f"import sys; from a2e_async.cli import app; app.main(); print([m for m in {heavy} if m in sys.modules])"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.splitlines()[-1] == "[]"


def test_no_words_at_all(monkeypatch, capsys):
    """`a2e` alone shows the help, as an error."""
    monkeypatch.setattr(sys, "argv", ["a2e"])
    assert main() == 2
    assert "text-to-image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        (("text-to-image",), "PROMPT"),
        (("text-to-imag", "x"), "Did you mean 'text-to-image'?"),
        (("lst",), "Did you mean 'list'?"),
        (("BALANCE",), "Did you mean 'balance'?"),
        (("batch", "rn"), "Did you mean 'run'?"),
        (("families", "imge_to_video"), "Did you mean 'image_to_video'"),
        (("start", "flux", "x"), "Did you mean 'flux2'"),
        (("watch", "text-to-imge", "1"), "Did you mean 'text_to_image'"),
        (("balance", "--jsn"), "--json"),
        (("xyzzy",), "No such command 'xyzzy'. (try"),
        (("show",), "Missing 'FAMILY', 'ID'."),
        (("start", "image_to_video"), "image_url: must be given; prompt: must"),
        (("start", "text_to_image", "a kite", "--prompt", "b"), "--prompt is given twice"),
        (("balance", "--out", "x"), "--out has no use in a2e balance"),
        (("list", "text_to_image", "--timeout", "3"), "--timeout has no use in a2e list"),
        (("batch", "status", "x", "--max-starts", "3"), "--max-starts has no use in a2e batch status"),
        (("text-to-image", "a kite", "--width", "0"), "width"),
        (("text-to-image", "a kite", "--width", "wide"), "--width"),
        (("image-to-video", "no-such-file.png", "--prompt", "p", "--negative-prompt", "n"), "no-such-file.png"),
        (("show", "text_to_videos", "1"), "text_to_videos"),
        (("start", "text_to_videos"), "text_to_videos"),
        (("cancel", "text_to_image", "1", "--dry-run"), "--dry-run"),
        (("watch", "text_to_image"), "ID"),
        (("balance", "--base-url", "video.a2e.ai", "--token", "sk_x"), "base_url"),
        (("balance", "--timeout", "0"), "--timeout"),
    ],
)
def test_usage(words, clue, monkeypatch, capsys):
    """What is used wrongly ends with 2 and one line that says what."""
    monkeypatch.setattr(sys, "argv", ["a2e", *words])
    assert main() == 2
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert (told.out, line[:5]) == ("", "a2e: ")
    assert clue in line


@pytest.mark.parametrize("missing", [("click",), ("rich",), ("click", "rich")])
def test_missing_extra(missing, monkeypatch, capsys):
    """Without the extra, one line names it."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else found(name))
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("a2e_async.__main__", run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"a2e: {' and '.join(missing)} missing: pip install 'a2e-async[cli]'\n"
