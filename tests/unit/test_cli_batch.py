"""The parts of `a2e batch`: the tally, its displays, prices, signals, and the line that goes on."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from a2e_async import A2EClient, simulator
from a2e_async.batch.entries import Entry, State
from a2e_async.batch.rows import read_row
from a2e_async.cli import batch_going
from a2e_async.cli.app import main
from a2e_async.cli.batch_board import BatchBoard, board_for
from a2e_async.cli.batch_live import LiveBatchBoard
from a2e_async.cli.batch_price import price_of
from a2e_async.cli.batch_tally import Tally, _span
from a2e_async.cli.batch_troubles import Troubles
from a2e_async.cli.run import Run
from a2e_async.cli.settings import Settings
from a2e_async.cli.signals import Signals
from a2e_async.errors import LedgerError, TransportError


def entry(row_id: str, state: State) -> Entry:
    """Give an entry in this state."""
    return Entry(id=row_id, family="text_to_image", fields={}, state=state)


def tally(**states: State) -> Tally:
    """Give a tally of rows in these states."""
    return Tally.of(states.items())


class Client:
    """Knows what a client knows about coins and the service."""

    spent = 20.0
    outage: float | None = None


def test_tally():
    """Rows are counted where they stand; each end counts once."""
    known = tally(a=State.DONE, b=State.PLANNED, c=State.PLANNED, d=State.FAILED)
    for state in (State.INTENDED, State.INTENDED, State.ACCEPTED, State.COMPLETED, State.DONE, State.DONE):
        known.change(entry("b", state))
    known.change(entry("e", State.UNKNOWN))
    assert known.stages == {"queued": 1, "starting": 0, "running": 0, "downloading": 0, "done": 2, "failed": 2}
    assert (known.total, known.open, known.bad, len(known._ends)) == (5, 1, 2, 2)
    assert known.rate is None
    assert known.pace() == ""


def test_pace():
    """The pace is that of the last minute, and the time that is left follows from it."""
    known = tally(**{f"r{number}": State.PLANNED for number in range(30)})
    known._began = time.monotonic() - 600
    known._ends.extend([time.monotonic() - 120] * 5 + [time.monotonic() - 1] * 6)
    assert known.rate == pytest.approx(0.1, rel=0.01)
    assert known.seconds_left == pytest.approx(300, rel=0.01)
    assert known.pace() == "0.1 rows/s · about 5 min 00 s left"


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (7_260, "2 h 01 min")])
def test_span(seconds, words):
    """Times are told as people say them."""
    assert _span(seconds) == words


def test_line():
    """One line says everything that is worth saying."""
    known = tally(a=State.DONE, b=State.ACCEPTED, c=State.REFUSED)
    known.spent_before, known.spent_now, known.to_spend = 100, 20, 50
    assert known.line() == "1 of 3 done · 1 running · 1 failed · 120 coins spent, 30 left"
    known.outage = 90
    assert known.line().endswith(" · no answer from the service for 1 min 30 s")


async def test_plain_board(capsys):
    """Off a terminal there is a line now and then and one at the end."""
    board = BatchBoard(tally(a=State.DONE), Client())
    board.every = 0.02
    async with board:
        await asyncio.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2
    assert lines[-1] == "1 of 1 done · 20 coins spent"


async def test_board_asks_for_the_balance():
    """What is left is known from the account when there is no budget; a batch goes on without knowing it."""
    async with simulator.serve(coins=70) as sim, A2EClient(sim.token, base_url=sim.url) as a2e:
        known = tally(a=State.PLANNED)
        async with BatchBoard(known, a2e):
            while known.to_spend is None:  # noqa: ASYNC110 - the board tells nobody
                await asyncio.sleep(0.01)
        assert known.money() == "0 coins spent, 70 left"
        sim.faults.add("balance", "status", status=400, hits=None)
        known = tally(a=State.PLANNED)
        async with BatchBoard(known, a2e):
            await asyncio.sleep(0.1)
        assert known.money() == "0 coins spent"


def test_choice(monkeypatch):
    """The display is live on a terminal only."""
    assert type(board_for(tally(), Client())) is BatchBoard
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert type(board_for(tally(), Client())) is BatchBoard
    monkeypatch.setenv("TERM", "xterm")
    assert type(board_for(tally(), Client())) is LiveBatchBoard


def test_live():
    """The live display has a bar for each stage, the pace, the coins and the health of the service."""
    board = LiveBatchBoard(tally(a=State.DONE, b=State.ACCEPTED), Client())
    board.tally.outage = 12
    console = Console(file=io.StringIO(), width=100)
    console.print(board.draw())
    lines = console.file.getvalue().splitlines()
    assert [line.split()[0] for line in lines[:6]] == list(board.tally.stages)
    assert [line.split()[-1] for line in lines[:6]] == ["0", "0", "1", "0", "1", "0"]
    assert lines[6].strip() == "1 of 2 done"
    assert lines[7].strip() == "0 coins spent · no answer from the service for 12 s"


def row(**values: object):
    """Give a row of text to image."""
    return read_row(values, family="text_to_image", line=1, typed=True)


async def test_price():
    """There is one quote for each family and what decides its price; a price that is given asks nothing."""
    rows = [row(prompt=f"kite {number}", width=640 + number % 2, height=640) for number in range(10)]
    rows += [row(prompt="kite", model_type="seedream", input_images=[f"https://x.org/{n}.png"]) for n in range(3)]
    async with simulator.serve() as sim, A2EClient(sim.token, base_url=sim.url) as a2e:
        price = await price_of(a2e, rows, None)
        assert (price.rows, price.unpriced, sim.counters["quote"]) == (13, 0, 3)
        assert price.coins > 0
        sim.faults.add("quote", "status", status=400)
        assert (await price_of(a2e, rows[:4], None)).unpriced == 2
        assert str(await price_of(a2e, rows, 2.5)) == "13 rows to start, about 32.5 coins"
        assert sim.counters["quote"] == 5
        sim.faults.add("quote", "null")
        assert str(await price_of(a2e, rows[:1], None)) == (
            "1 rows to start, about 0 coins, and 1 of a price that is not known"
        )


async def test_signals():
    """The first signal stops, the second cancels, and the handlers are as before then."""
    before = signal.getsignal(signal.SIGTERM)
    stops = []
    with Signals() as signals:
        signals.stop = lambda: stops.append(1)
        await signals.guard(sleep_through(signal.SIGINT))
        assert (signals.count, stops) == (1, [1])
        tell(signal.SIGTERM)
        await signals.guard(asyncio.sleep(60, None))
        assert (signals.count, stops) == (2, [1])
        assert signal.getsignal(signal.SIGTERM) is before


async def sleep_through(number: signal.Signals) -> None:
    """Get a signal and go on."""
    tell(number)
    await asyncio.sleep(0.1)


def tell(number: signal.Signals) -> None:
    """Send this process a signal."""
    os.kill(os.getpid(), number)


async def test_signals_before_there_is_anything_to_stop():
    """Then the first one cancels."""
    with Signals() as signals:
        tell(signal.SIGINT)
        await signals.guard(asyncio.sleep(60, None))
        assert signals.count == 1


async def test_signals_without_the_loop(monkeypatch):
    """Where loops have no signal handlers the signals arrive all the same."""

    def refuse(*_args: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    before = signal.getsignal(signal.SIGINT)
    with Signals() as signals:
        tell(signal.SIGINT)
        await signals.guard(asyncio.sleep(60, None))
        assert signals.count == 1
    assert signal.getsignal(signal.SIGINT) is before


async def test_a_cancellation_of_somebody_else_goes_on():
    """Only what the signals have cancelled is caught."""
    with Signals() as signals:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await signals.guard(asyncio.sleep(60, None))
        task.uncancel()


def test_troubles(capsys):
    """Each kind of error is told once, the most frequent first, and not too many of them."""
    troubles = Troubles()
    assert not troubles
    for number in range(25):
        troubles.note("r1", TransportError(f"odd {number}"))
    for number in range(3):
        troubles.note(f"row-{number}", TransportError("refused"))
    troubles.tell(Run(Settings()))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "a2e: refused (row row-0 and 2 more)"
    assert len(lines) == 21
    assert lines[-1] == "a2e: and 6 more kinds of errors; the report has them all"


@pytest.fixture
def a2e(tmp_path, monkeypatch, capfd):
    """Give a function that runs the command line in a folder with a row file and gives code, stdout and stderr."""
    rows = [{"id": f"r{number}", "family": "text_to_image", "prompt": f"kite {number}"} for number in range(3)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("a2e_async.cli.run.SIMULATED_SPEED", 100.0)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["a2e", *words])
        code = main()
        told = capfd.readouterr()
        return code, told.out, told.err

    return run


RUN = ("--simulate", "batch", "run", "rows.jsonl", "--out", "out")


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        (("batch", "run", "rows.jsonl"), "--out"),
        (("batch", "run", "nowhere.csv", "--out", "out"), "nowhere.csv"),
        ((*RUN, "--max-coins", "nan"), "finite"),
        ((*RUN, "--rate", "0"), "--rate"),
        ((*RUN, "--max-running", "0"), "--max-running"),
        ((*RUN, "--family", "films"), "films"),
        (("batch", "status", "nowhere"), "holds no batch"),
        (("batch", "report", "nowhere"), "holds no batch"),
        (("batch", "retry", "nowhere"), "holds no batch"),
        (("batch", "retry", "out", "--dry-run"), "--dry-run"),
        ((*RUN[:-1], "rows.jsonl"), "rows.jsonl"),
    ],
)
def test_usage(a2e, words, clue):
    """What is used wrongly ends with 2 and one line that says what."""
    code, out, err = a2e(*words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert clue in err


def test_damaged_ledger(a2e, tmp_path):
    """A ledger that is no ledger is refused in one line, and left alone."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ledger.sqlite").write_bytes(b"no ledger" * 1000)
    code, _out, err = a2e(*RUN)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "damaged" in err
    assert (tmp_path / "out" / "ledger.sqlite").read_bytes() == b"no ledger" * 1000


def test_ledger_breaks_on_the_way(a2e, monkeypatch):
    """A disk that is full in the middle ends with 2; the report is written all the same."""
    real = batch_going.Batch.run

    async def broken(batch, rows):
        async for outcome in real(batch, rows):
            yield outcome
            raise LedgerError("the disk is full")

    monkeypatch.setattr(batch_going.Batch, "run", broken)
    code, _out, err = a2e(*RUN)
    assert code == 2
    assert "a2e: the disk is full" in err
    assert Path("out", "index.html").exists()


def test_report_cannot_be_written(a2e, monkeypatch):
    """A report that cannot be written is told; the rows are done."""

    def full(*_args: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(batch_going, "write_report", full)
    code, out, err = a2e(*RUN)
    assert (code, out) == (1, "")
    assert "No space left" in err
    assert "3 of 3 done" in err


def test_nobody_reads(a2e, monkeypatch):
    """When nobody reads the lines any more, nothing more is started and no row is spoilt by it."""

    def broken(*_args: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("a2e_async.cli.output.Output.result", broken)
    monkeypatch.setattr("a2e_async.cli.run.os.dup2", lambda *_fds: None)
    code, _out, err = a2e(*RUN, "--json", "--max-running", "1")
    assert code == 1
    assert "Traceback" not in err
    monkeypatch.undo()
    states = batch_going.known_states(Path("out").absolute())
    assert set(states.values()) <= {State.PLANNED, State.DONE}


def test_the_line_that_goes_on(a2e, monkeypatch):
    """It is the same command, ready to be pasted, without the token and without what was done already."""
    monkeypatch.setattr(batch_going.Batch, "run", interrupted)
    words = ("--max-running", "7", "--rate", "2.5", "--family", "text-to-image", "--skip-bad-rows", "--retry-failed")
    code, _out, err = a2e(*RUN, *words, "--token", "sk_secret_token", "-vv", "--json")
    assert code == 130
    assert err.splitlines()[-1] == (
        "a2e batch run --max-running 7 --rate 2.5 rows.jsonl --family text_to_image --skip-bad-rows "
        "--json --simulate --out out -v -v"
    )


async def interrupted(_batch, _rows):
    """Be interrupted twice before the first row."""
    tell(signal.SIGINT)
    await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    tell(signal.SIGINT)
    await asyncio.sleep(60)
    yield


def test_chained_rows_without_their_picture(a2e, tmp_path):
    """A row whose picture does not come is left, with a line that says so."""
    rows = [
        {"id": "kite", "family": "text_to_image", "prompt": "a kite [fail]"},
        {"id": "film", "family": "image_to_video", "prompt": "up", "negative_prompt": "blur", "image_from": "kite"},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, out, err = a2e(*RUN, "--json")
    assert code == 1
    last = json.loads(out.splitlines()[-1])
    assert (last["row"], last["status"], last["error"]) == ("film", "planned", "row kite made no picture")
    assert "row kite made no picture" in err
    code, out, _err = a2e(*RUN, "--dry-run", "--json")
    assert code == 0
    film = json.loads(out.splitlines()[1])["request"]
    assert film == {"prompt": "up", "negative_prompt": "blur", "image_from": "kite"}
