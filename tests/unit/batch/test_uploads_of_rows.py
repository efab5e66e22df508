"""Uploads of rows whose files change, go or were never on a disk, and what becomes of the coins that were held."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from batches import client, play, service
from photo_rows import done, uploads
from photos import photo, png

from a2e_async import ImageToVideo, InputFailedError, Transfers, UsageError
from a2e_async.batch import Batch, MemoryLedger, Row, State
from a2e_async.batch.budget import BatchBudget, coins_of_uploads
from a2e_async.batch.files import Files
from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.uploads import BatchUploads
from a2e_async.simulator import ManualClock

PRICE = {"transfers": Transfers(upload_price=7)}


@contextlib.asynccontextmanager
async def uploading(folder, sim, limit=None):
    """Give what uploads files of a ledger in memory, the ledger, and the budget that pays."""
    async with (
        client(sim, **PRICE) as a2e,
        contextlib.aclosing(await FolderLedger.open(folder, MemoryLedger())) as ledger,
    ):
        budget = BatchBudget(limit, 0, a2e)
        yield BatchUploads(a2e, ledger, budget), ledger, budget


def left(budget):
    """Give the coins of a budget that are neither spent nor held."""
    return budget._budget.left


async def test_what_was_uploaded_serves_a_row_whose_file_has_gone_since(tmp_path):
    """What lies at the service is still what the row says."""
    file = Files(tmp_path).take(photo(tmp_path / "a.png").name)
    async with service() as sim, uploading(tmp_path, sim) as (some, _ledger, _budget):
        url = await some.url(file)
        photo(tmp_path / "a.png", 2)
        assert await some.url(file) == url
        (tmp_path / "a.png").unlink()
        assert await some.url(file) == url
        assert uploads(sim) == 1


@pytest.mark.parametrize("days", [1.5, 2.5])
async def test_whether_its_url_still_lives_is_told_by_the_service_and_by_no_other_clock(tmp_path, days):
    """A URL of three days: the clock of this machine is a week behind, and would take a dead one for good."""
    file = Files(tmp_path).take(photo(tmp_path / "a.png").name)
    clock = ManualClock(time.time() + 7 * 86_400)
    async with service(clock=clock) as sim, uploading(tmp_path, sim) as (some, ledger, _budget):
        url = await some.url(file)
        (tmp_path / "a.png").unlink()
        clock.advance(days * 86_400)
        async with client(sim) as later:
            another = BatchUploads(later, ledger, BatchBudget(None, 0, later))
            if days < 2:
                assert await another.url(file) == url
            else:
                with pytest.raises(UsageError, match=r"a\.png"):
                    await another.url(file)


async def test_coins_that_were_held_for_an_upload_that_was_not_asked_for_come_back(tmp_path):
    """The file has gone before it was sent: neither the budget nor the ledger counts it."""
    file = Files(tmp_path).take(photo(tmp_path / "a.png").name)
    (tmp_path / "a.png").unlink()
    async with service() as sim, uploading(tmp_path, sim, 20) as (some, ledger, budget):
        with pytest.raises(UsageError, match=r"a\.png"):
            await some.url(file)
        assert left(budget) == 20
        assert coins_of_uploads(await ledger.kept("upload_coins")) == 0
        assert sim.counters["presign"] == 0


async def test_coins_of_an_upload_whose_answer_was_lost_stay_counted(tmp_path):
    """It may have been charged, and a budget that forgot it would spend more than its limit."""
    file = Files(tmp_path).take(photo(tmp_path / "a.png").name)
    async with service() as sim, uploading(tmp_path, sim, 20) as (some, ledger, budget):
        sim.faults.add("presign", "reset", when="after")
        with pytest.raises(InputFailedError):
            await some.url(file)
        assert left(budget) == 13
        assert coins_of_uploads(await ledger.kept("upload_coins")) == 7


async def test_closing_lets_go_of_uploads_that_are_under_way(tmp_path):
    """Nobody waits for a slow storage; whoever asked hears that it was left."""
    file = Files(tmp_path).take(photo(tmp_path / "a.png").name)
    async with service(latency=100) as sim, uploading(tmp_path, sim) as (some, _ledger, _budget):
        asking = asyncio.create_task(some.url(file))
        await asyncio.sleep(0.05)
        await some.aclose()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert some._running == {}


async def test_bytes_of_a_program_are_given_again_by_the_program(tmp_path):
    """They are nowhere on this machine: the words say so, and nothing is sent."""
    row = Row("me", ImageToVideo(png(1), prompt="she waves", negative_prompt="blurry"))
    async with service(latency=2) as sim:
        sim.faults.add("presign", "status", status=503, hits=None)
        await play(tmp_path, sim, [row])
        sim.faults.clear()
        async with client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
            (outcome,) = [one async for one in batch.run(await batch.redo("me"))]
        assert "was given by a program: run the batch again with its rows" in str(outcome.error)
        assert (outcome.entry.state, len(sim.book.starts)) == (State.PLANNED, 0)
        assert done(await play(tmp_path, sim, [row]))


@pytest.mark.parametrize("words", ["much", "-5", "nan", "inf", None])
def test_coins_of_uploads_that_nobody_can_read_are_none(words):
    """A damaged ledger lifts no cap: neither below nothing nor without end."""
    assert coins_of_uploads(words) == 0
