"""Uploads that cost coins take none that the starts need which they are for: the price of a start is held ahead."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from batches import play
from batches import service as batch_service
from given import OTHER, PNG, WORDS, sent
from photo_rows import waves
from photos import photo
from uploading import client, service
from virtual_time import until

from a2e_async import BudgetExceededError, ImageToVideo, JobDetachedError, Transfers
from a2e_async.store.memory import MemoryStore
from a2e_async.store.ports import JOBS

UPLOAD = 5
START = 30
PRICED = {"transfers": Transfers(upload_price=UPLOAD)}
CHARGED = {"upload": UPLOAD}


def pictures(count):
    """Give the bytes of so many pictures."""
    return [PNG + bytes([number]) for number in range(count)]


async def outcomes(jobs):
    """Give the results and errors of jobs."""
    return await asyncio.gather(*jobs, return_exceptions=True)


@contextlib.asynccontextmanager
async def processes(sim, count, **options):
    """Open so many clients of one store in memory."""
    first = MemoryStore()
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            store = first.another()
            await store.open()
            stack.push_async_callback(store.aclose)
            clients.append(await stack.enter_async_context(client(sim, store=store, **PRICED, **options)))
        yield clients, store


async def test_no_upload_is_paid_for_a_start_that_the_budget_has_no_coins_for():
    """Eight starts at once, coins for three: three uploads are charged and three starts, and all is spent."""
    budget = 3 * (START + UPLOAD)
    async with service(prices=CHARGED) as sim, client(sim, budget=budget, **PRICED) as a2e:
        found = await outcomes([a2e.image_to_video(one, **WORDS) for one in pictures(8)])
        refused = [one for one in found if isinstance(one, BudgetExceededError)]
        assert len(refused) == 5
        assert sent(sim) == (3, 3)
        assert sim.counters["image_to_video.start"] == 3
        assert (a2e.spent, a2e.reserved) == (budget, 0)


async def test_one_content_for_many_starts_is_held_and_charged_once():
    """Four starts of one picture and coins for four starts and one upload: all of them run."""
    budget = 4 * START + UPLOAD
    async with service(prices=CHARGED) as sim, client(sim, budget=budget, **PRICED) as a2e:
        await asyncio.gather(*[a2e.image_to_video(PNG, **WORDS) for _ in range(4)])
        assert sent(sim) == (1, 1)
        assert (a2e.spent, a2e.reserved) == (budget, 0)


@pytest.mark.parametrize("how", ["cancel", "detach", "failed upload"])
async def test_what_was_held_for_a_start_that_is_never_sent_comes_back(how):
    """Let go of during its upload, or without a file: its price is there for the next one, the upload's as charged."""
    async with service(prices=CHARGED) as sim, client(sim, budget=START + UPLOAD, **PRICED) as a2e:
        sim.faults.add("presign", "status", status=400, hits=1) if how == "failed upload" else None
        sim.faults.add("upload", "delay", seconds=20, hits=1)
        job = a2e.image_to_video(PNG, **WORDS)
        await until(lambda: sim.counters["presign"], 0.01)
        if how == "cancel":
            assert await job.cancel() is True
        elif how == "detach":
            job.detach()
        await outcomes([job])
        assert a2e.reserved == 0
        await a2e.image_to_video(PNG, **WORDS)
        assert (a2e.spent, a2e.reserved) == (START + UPLOAD, 0)
        assert sim.counters["image_to_video.start"] == 1


async def test_an_upload_that_the_rest_does_not_cover_is_not_asked_for_and_holds_nothing():
    """The start alone would go; with its upload it does not, and neither is sent."""
    async with service(prices=CHARGED) as sim, client(sim, budget=START + UPLOAD - 1, **PRICED) as a2e:
        with pytest.raises(BudgetExceededError, match="the upload of"):
            await a2e.image_to_video(PNG, **WORDS)
        assert sent(sim) == (0, 0)
        assert (a2e.spent, a2e.reserved) == (0, 0)


async def test_the_budget_of_all_processes_of_a_store_counts_uploads():
    """Two processes with four pictures each and coins for three starts: three uploads and starts, no coin more."""
    budget = 3 * (START + UPLOAD)
    async with service(prices=CHARGED) as sim, processes(sim, 2, budget=budget) as (clients, store):
        jobs = [
            a2e.start(ImageToVideo(one, **WORDS), price=START)
            for n, a2e in enumerate(clients)
            for one in pictures(8)[4 * n : 4 * n + 4]
        ]
        found = await outcomes(jobs)
        assert [type(one) for one in found if isinstance(one, Exception)] == [BudgetExceededError] * 5
        assert sent(sim) == (3, 3)
        assert sim.counters["image_to_video.start"] == 3
        assert await store.open_purse(JOBS, budget) == budget


async def test_an_upload_that_the_store_remembers_costs_no_process_anything():
    """The second process starts with the URL of the first, and the purse has just the coins of its start left."""
    async with service(prices=CHARGED) as sim, processes(sim, 2, budget=2 * START + UPLOAD) as (clients, store):
        for a2e in clients:
            await a2e.start(ImageToVideo(PNG, **WORDS), price=START)
        assert sent(sim) == (1, 1)
        assert await store.open_purse(JOBS, 1000) == 2 * START + UPLOAD


async def test_what_a_store_counts_for_a_start_that_is_never_sent_comes_back():
    """Refused uploads, and a start that was detached during its upload: only the upload that was made stays counted."""
    async with service(prices=CHARGED) as sim, processes(sim, 1, budget=100) as ((a2e,), store):
        sim.faults.add("presign", "status", status=400, hits=1)
        await outcomes([a2e.start(ImageToVideo(PNG, **WORDS), price=START)])
        assert await store.open_purse(JOBS, 1000) == 0
        sim.faults.add("upload", "delay", seconds=10, hits=1)
        job = a2e.start(ImageToVideo(OTHER, **WORDS), price=START)
        await until(lambda: sim.counters["upload"], 0.01)
        assert await store.open_purse(JOBS, 1000) == START + UPLOAD
        job.detach()
        with pytest.raises(JobDetachedError):
            await job
        while await store.open_purse(JOBS, 1000) != UPLOAD:  # noqa: ASYNC110 - the row is written beside
            await asyncio.sleep(0.01)


async def test_the_rows_of_a_batch_keep_their_coins_from_the_uploads_of_others(tmp_path):
    """Eight photos and a cap for three rows: three uploads are paid for, three rows are done, the cap is met."""
    cap = 3 * (START + UPLOAD)
    rows = waves(tmp_path, *(photo(tmp_path / f"{n}.png", n).name for n in range(8)))
    async with batch_service(prices=CHARGED) as sim:
        run = await play(tmp_path / "out", sim, rows, options=PRICED, max_coins=cap)
        assert isinstance(run.stopped_by, BudgetExceededError)
        assert sum(outcome.entry.state.value == "done" for outcome in run.outcomes.values()) == 3
        assert sent(sim) == (3, 3)
        charged = [movement.coins for movement in sim.book.movements if movement.coins < 0]
        assert -sum(charged) == cap
        again = await play(tmp_path / "out", sim, rows, options=PRICED, max_coins=cap)
        assert isinstance(again.stopped_by, BudgetExceededError)
        assert sent(sim) == (3, 3)
