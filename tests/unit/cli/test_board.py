"""The board of running jobs: plain lines off a terminal, a live display on one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from a2e_async.cli.display.board import Board, BoardRow, shorten, summary
from a2e_async.cli.display.boards import board_for
from a2e_async.cli.display.live import LiveBoard


def test_plain(capsys):
    """Off a terminal each change is one plain line."""
    with Board() as board:
        kite, moon = board.add("text_to_image", "a red kite"), board.add("text_to_image", "a moon")
        board.change(kite, "processing", coins=10)
        board.change(kite, "processing", coins=10)
        board.change(kite, "done", good=True)
        board.change(moon, "failed", good=False)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" s  ", 1)[1] for line in lines[:3]] == [
        "text_to_image  a red kite: processing",
        "text_to_image  a red kite: done",
        "text_to_image  a moon: failed",
    ]
    assert lines[3].startswith("1 of 2 done · 1 failed · 10 coins · ")
    assert "\x1b" not in "".join(lines)


def test_single(capsys):
    """One job needs no total."""
    with Board() as board:
        board.add("text_to_image", "a red kite")
    assert capsys.readouterr().err == ""


def test_seconds():
    """A finished row keeps its time."""
    row = BoardRow(family="f", label="l", begun=10.0, ended=12.5)
    assert row.seconds == 2.5


def test_labels():
    """Labels are short and in one line."""
    assert shorten("a\nb  c") == "a b c"
    assert len(shorten("word " * 40)) == 48


def test_choice(monkeypatch):
    """The display is live on a terminal only."""
    assert type(board_for()) is Board
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert type(board_for()) is Board
    monkeypatch.setenv("TERM", "xterm")
    assert type(board_for()) is LiveBoard


def drawn(board: LiveBoard, height: int, width: int = 100) -> list[str]:
    """Give what the display draws."""
    board._console = Console(file=io.StringIO(), width=width, height=height)
    board._console.print(board._draw())
    return board._console.file.getvalue().splitlines()


def test_live():
    """The live display has one line per job and a total."""
    board = LiveBoard()
    kite, moon, _sun = (board.add("text_to_image", label) for label in ("a red kite", "a moon [bold]", "a sun"))
    board.change(kite, "done", coins=10, good=True)
    board.change(moon, "failed", good=False)
    lines = drawn(board, 40)
    assert len(lines) == 4
    assert "✓" in lines[0]
    assert "a red kite" in lines[0]
    assert "10 coins" in lines[0]
    assert "✗" in lines[1]
    assert "a moon [bold]" in lines[1]
    assert "queued" in lines[2]
    assert lines[3].startswith("1 of 3 done · 1 failed · 10 coins")


@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
def test_narrow_terminals(width):
    """A mark and a state are always whole; what is cut is the label, and the family and the numbers go first."""
    board = LiveBoard()
    row = board.add("text_to_image", "a red kite over wide dunes in low morning sun")
    board.change(row, "downloading", coins=1000, good=True)
    [line, *_rest] = drawn(board, 24, width)
    assert line.startswith("✓  ")
    assert "downloading" in line
    assert len(line) <= min(width, 110)
    assert ("1000 coins" in line) == (width >= 60)
    assert ("text_to_image" in line) == (width >= 80)


def test_notice(capsys):
    """What holds up everything is a line of the live display, and a plain line elsewhere; an empty one goes."""
    board = LiveBoard()
    board.add("text_to_image", "a kite")
    board.notice("cannot connect\n\x1b[2J")
    assert drawn(board, 24)[-1].strip() == "cannot connect \\x1b[2J"
    board.notice("")
    assert len(drawn(board, 24)) == 2
    for quiet in (False, True):
        plain = Board(quiet=quiet)
        plain.notice("cannot connect")
        plain.notice("")
    assert capsys.readouterr().err == "a2e: cannot connect\n"


def test_a_terminal_that_has_gone(monkeypatch):
    """The display of a closed terminal shows nothing and breaks nothing: the jobs go on."""

    class Gone(io.StringIO):
        def write(self, _text):
            raise OSError(5, "Input/output error")

        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", Gone())
    monkeypatch.setenv("TERM", "xterm")
    with board_for() as board:
        assert board.live
        board.change(board.add("text_to_image", "a kite"), "done", good=True)


def test_overflow():
    """More jobs than lines show the failed and running ones first."""
    board = LiveBoard()
    rows = [board.add("text_to_image", f"job {number}") for number in range(100)]
    for row in rows[:97]:
        board.change(row, "done", good=True)
    board.change(rows[50], "failed", good=False)
    lines = drawn(board, 8)
    assert len(lines) == 6
    assert [line.split("job ")[1].split()[0] for line in lines[:4]] == ["50", "97", "98", "99"]
    assert lines[4].strip() == "and 96 more"


def test_total():
    """Coins are summed."""
    rows = [
        BoardRow(family="f", label="l", coins=10),
        BoardRow(family="f", label="l", coins=2.5),
        BoardRow(family="f", label="l"),
    ]
    assert summary(rows, 1.0) == "0 of 3 done · 12.5 coins · 1.0 s"
