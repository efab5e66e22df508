"""`a2e batch` in this process: boards, prices, usage, what breaks on the way, and the line that goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from a2e_async import A2EClient, simulator
from a2e_async.batch.reading import read_row
from a2e_async.cli.app import main
from a2e_async.cli.batch import loop
from a2e_async.cli.batch.price import price_of
from a2e_async.cli.display.board import BatchBoard
from a2e_async.cli.display.progress import Progress
from a2e_async.errors import LedgerError
from a2e_async.store.entries import State


def progress(**states: State) -> Progress:
    """Give the progress of rows in these states."""
    return Progress.of(states.items())


class Client:
    """Knows what a client knows about coins and the service."""

    spent = 20.0
    outage: float | None = None


async def test_plain_board(capsys):
    """Off a terminal there is a line now and then and one at the end."""
    board = BatchBoard(progress(a=State.DONE), Client())
    board.every = 0.02
    async with board:
        await asyncio.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2
    assert lines[-1] == "1 of 1 done · 20 coins spent"


async def test_board_asks_for_the_balance():
    """What is left is known from the account when there is no budget; a batch goes on without knowing it."""
    async with simulator.serve(coins=70) as sim, A2EClient(sim.token, base_url=sim.url) as a2e:
        known = progress(a=State.PLANNED)
        async with BatchBoard(known, a2e):
            while known.to_spend is None:  # noqa: ASYNC110 - the board tells nobody
                await asyncio.sleep(0.01)
        assert known.coins_text() == "0 coins spent, 70 left"
        sim.faults.add("balance", "status", status=400, hits=None)
        known = progress(a=State.PLANNED)
        async with BatchBoard(known, a2e):
            await asyncio.sleep(0.1)
        assert known.coins_text() == "0 coins spent"


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
            "1 row to start, about 0 coins, plus 1 row of unknown price"
        )


def tell(number: signal.Signals) -> None:
    """Send this process a signal."""
    os.kill(os.getpid(), number)


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
        ((*RUN, "--family", "videos"), "videos"),
        (("batch", "status", "nowhere"), "holds no batch"),
        (("batch", "report", "nowhere"), "holds no batch"),
        (("batch", "retry", "nowhere"), "holds no batch"),
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
    real = loop.Batch.run

    async def broken(batch, rows):
        async for outcome in real(batch, rows):
            yield outcome
            raise LedgerError("the disk is full")

    monkeypatch.setattr(loop.Batch, "run", broken)
    code, _out, err = a2e(*RUN)
    assert code == 2
    assert "a2e: the disk is full" in err
    assert Path("out", "index.html").exists()


def test_report_cannot_be_written(a2e, monkeypatch):
    """A report that cannot be written is told; the rows are done."""

    def full(*_args: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop, "write_whole_report", full)
    code, out, err = a2e(*RUN)
    assert (code, out) == (1, "")
    assert "No space left" in err
    assert "3 of 3 done" in err


def test_the_line_that_goes_on(a2e, monkeypatch):
    """It is the same command, ready to be pasted, without the token and without what was done already."""
    monkeypatch.setattr(loop.Batch, "run", interrupted)
    words = ("--max-running", "7", "--rate", "2.5", "--family", "text-to-image", "--skip-bad-rows", "--retry-failed")
    code, _out, err = a2e(*RUN, *words, "--token", "sk_secret_token", "-vv", "--json")
    assert code == 130
    assert err.splitlines()[-1] == (
        "a2e batch run rows.jsonl --family text_to_image --max-running 7 --rate 2.5 --skip-bad-rows "
        "--json --simulate --out out -v -v"
    )


async def interrupted(_batch, _rows):
    """Be interrupted twice before the first row."""
    tell(signal.SIGINT)
    await asyncio.sleep(0.1)
    tell(signal.SIGINT)
    await asyncio.sleep(60)
    yield


def test_chained_rows_without_their_image(a2e, tmp_path):
    """A row whose image does not come is refused, with a line that says so, and no line offers to go on with it."""
    rows = [
        {"id": "kite", "family": "text_to_image", "prompt": "a kite [fail]"},
        {"id": "video", "family": "image_to_video", "prompt": "up", "negative_prompt": "blur", "image_from": "kite"},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, out, err = a2e(*RUN, "--json")
    assert code == 1
    last = json.loads(out.splitlines()[-1])
    assert (last["row"], last["status"], last["error"]) == ("video", "refused", "its source kite failed")
    assert "its source kite failed" in err
    assert "to resume" not in err
    code, out, _err = a2e(*RUN, "--dry-run", "--json")
    assert code == 0
    video = json.loads(out.splitlines()[1])["request"]
    assert video == {"prompt": "up", "negative_prompt": "blur", "image_from": "kite"}
