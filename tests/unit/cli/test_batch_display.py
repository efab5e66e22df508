"""How far a batch is: the progress, its displays, and what went wrong."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from a2e_async.cli.batch.errors import ErrorSummary
from a2e_async.cli.display.board import BatchBoard
from a2e_async.cli.display.boards import batch_board_for
from a2e_async.cli.display.live import LiveBatchBoard
from a2e_async.cli.display.progress import Progress, _duration
from a2e_async.cli.run import Run
from a2e_async.cli.settings import Settings
from a2e_async.errors import TransportError
from a2e_async.store.entries import Entry, State


def entry(row_id: str, state: State) -> Entry:
    """Give an entry in this state."""
    return Entry(id=row_id, family="text_to_image", fields={}, state=state)


def progress(**states: State) -> Progress:
    """Give a progress of rows in these states."""
    return Progress.of(states.items())


class Client:
    """Knows what a client knows about coins and the service."""

    spent = 20.0
    outage: float | None = None


def test_counts():
    """Rows are counted where they stand; each end counts once."""
    known = progress(a=State.DONE, b=State.PLANNED, c=State.PLANNED, d=State.FAILED)
    for state in (State.INTENDED, State.INTENDED, State.ACCEPTED, State.COMPLETED, State.DONE, State.DONE):
        known.change(entry("b", state))
    known.change(entry("e", State.UNKNOWN))
    assert {stage: count for stage, count in {state.word: n for state, n in known.shown.items()}.items() if count} == {
        "planned": 1, "done": 2, "failed": 1, "unknown": 1,
    }  # fmt: skip
    assert (known.total, known.open, known.bad, len(known._ends)) == (5, 1, 2, 2)
    assert known.rate is None
    assert known.speed_text() == ""


def test_speed():
    """The pace is that of the last minute, and the time that is left follows from it."""
    known = progress(**{f"r{number}": State.PLANNED for number in range(30)})
    known._began = time.monotonic() - 600
    known._ends.extend([time.monotonic() - 120] * 5 + [time.monotonic() - 1] * 6)
    assert known.rate == pytest.approx(0.1, rel=0.01)
    assert known.seconds_left == pytest.approx(300, rel=0.01)
    assert known.speed_text() == "0.1 rows/s · about 5 min 00 s left"


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (7_260, "2 h 01 min")])
def test_duration(seconds, words):
    """Times are told as people say them."""
    assert _duration(seconds) == words


def test_line():
    """One line says everything that is worth saying."""
    known = progress(a=State.DONE, b=State.ACCEPTED, c=State.REFUSED)
    known.spent_before, known.spent_now, known.to_spend = 100, 20, 50
    assert known.line() == "1 of 3 done · 1 running · 1 refused · 120 coins spent, 30 left"
    known.outage = 90
    assert known.line().endswith(" · no answer from the API for 1 min 30 s")


def test_choice(monkeypatch):
    """The display is live on a terminal only."""
    assert type(batch_board_for(progress(), Client())) is BatchBoard
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert type(batch_board_for(progress(), Client())) is BatchBoard
    monkeypatch.setenv("TERM", "xterm")
    assert type(batch_board_for(progress(), Client())) is LiveBatchBoard


def test_live():
    """The live display has a bar for each state, the pace, the coins and the health of the service."""
    board = LiveBatchBoard(progress(a=State.DONE, b=State.ACCEPTED), Client())
    board.progress.outage = 12
    console = Console(file=io.StringIO(), width=100)
    console.print(board.draw())
    lines = console.file.getvalue().splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["planned", "starting", "running", "downloading", "done"]
    assert [line.split()[-1] for line in lines[:5]] == ["0", "0", "1", "0", "1"]
    assert lines[5].strip() == "1 of 2 done"
    assert lines[6].strip() == "0 coins spent · no answer from the API for 12 s"


@pytest.mark.parametrize("width", [30, 40, 80])
def test_narrow_terminals(width):
    """A bar gives way to the name of its state and the number of its rows, and no line is wrapped."""
    board = LiveBatchBoard(progress(a=State.DONE, b=State.ACCEPTED), Client())
    board._console = Console(file=io.StringIO(), width=width)
    board.notice("stopping")
    board._console.file.truncate(0)
    board._console.print(board.draw())
    lines = board._console.file.getvalue().lstrip("\0").splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["planned", "starting", "running", "downloading", "done"]
    assert [line.split()[-1] for line in lines[:5]] == ["0", "0", "1", "0", "1"]
    assert lines[-1].strip() == "stopping"
    assert max(map(len, lines)) <= width


def test_errors(capsys):
    """Each kind of error is told once, the most frequent first, and not too many of them."""
    found = ErrorSummary()
    assert not found
    for number in range(25):
        found.add(TransportError(f"odd {number}"), "r1")
    for number in range(3):
        found.add(TransportError("refused"), f"row-{number}")
    found.print(Run(Settings()))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "a2e: refused (row row-0 and 2 more)"
    assert len(lines) == 21
    assert lines[-1] == "a2e: and 6 more errors; the page and the manifest have all"
