"""However the block of a batch is left, the answers of starts on the wire are written down before its ledger closes."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest
from batches import KITE, bring_to, client, entries, images, play, service, states

from a2e_async import A2EError, HeadSwap, LedgerError, UsageError
from a2e_async.batch import Batch, State

DANCE = "http://files.example.net/dance.mp4"
SWAPS = [HeadSwap(f"http://files.example.net/{n}.png", target_image_url=DANCE) for n in range(3)]


async def _run(batch):
    async for _outcome in batch.run(SWAPS):
        pass


async def _first_bill(sim):
    while not sim.book.starts:  # noqa: ASYNC110 - the simulator wakes nobody
        await asyncio.sleep(0.02)


async def _an_exception(batch, _a2e, sim):
    running = asyncio.create_task(_run(batch))
    await _first_bill(sim)
    running.cancel()
    raise ZeroDivisionError


async def _cancelled(sim, *pauses):
    """Have whoever asks cancelled once a start is on the wire, and again after each of these pauses."""
    me = asyncio.current_task()

    async def cancel():
        await _first_bill(sim)
        for pause in (0, *pauses):
            await asyncio.sleep(pause)
            me.cancel()

    return asyncio.create_task(cancel())


async def _a_cancellation(batch, _a2e, sim):
    cancelling = await _cancelled(sim)
    await _run(batch)
    del cancelling


async def _two_cancellations(batch, _a2e, sim):
    cancelling = await _cancelled(sim, 0.2)
    await _run(batch)
    del cancelling


async def _a_generator_that_is_closed(batch, _a2e, sim):
    outcomes = batch.run(SWAPS)
    first = asyncio.ensure_future(anext(outcomes))
    await _first_bill(sim)
    first.cancel()
    await asyncio.wait([first])
    await outcomes.aclose()


async def _the_client_closed_first(batch, a2e, sim):
    running = asyncio.create_task(_run(batch))
    await _first_bill(sim)
    await a2e.aclose()
    await asyncio.wait([running])
    running.exception()


async def _the_client_closing_at_once(batch, a2e, sim):
    running = asyncio.create_task(_run(batch))
    await _first_bill(sim)
    closing = asyncio.create_task(a2e.aclose())
    await asyncio.sleep(0)
    running.cancel()
    del closing


async def _a_second_run(batch, _a2e, sim):
    running = asyncio.create_task(_run(batch))
    await _first_bill(sim)
    running.cancel()
    await _run(batch)


WAYS = [
    _an_exception, _a_cancellation, _two_cancellations, _a_generator_that_is_closed, _the_client_closed_first,
    _the_client_closing_at_once, _a_second_run,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("order", ["client outside", "client inside"])
async def test_no_id_is_lost_however_the_block_is_left(tmp_path, way, order):
    """Its family carries no name, so that a start whose answer is not written down is lost for good."""
    async with service(latency=16, task_seconds=4) as sim:

        async def block():
            if order == "client outside":
                async with client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
                    await way(batch, a2e, sim)
            else:
                async with contextlib.AsyncExitStack() as stack:
                    a2e = client(sim)
                    await a2e.open()
                    batch = await stack.enter_async_context(Batch.open(tmp_path, a2e))
                    stack.push_async_callback(a2e.aclose)
                    await way(batch, a2e, sim)

        leaving = asyncio.create_task(block())
        await asyncio.wait([leaving])
        if not leaving.cancelled():
            leaving.exception()
        billed = {task_id for start in sim.book.starts for task_id in start.task_ids}
        assert billed
        written = {task_id for one in (await entries(tmp_path)).values() for task_id in one.task_ids}
        assert billed <= written
        await play(tmp_path, sim, SWAPS)
        assert set((await states(tmp_path)).values()) == {State.DONE}
        assert len(sim.book.starts) == 3


async def test_an_answer_that_comes_too_late_is_told(tmp_path, caplog):
    """The ledger cannot wait for ever; ids that it does not have stand in the log."""
    async with service(latency=40) as sim:
        async with client(sim, close_timeout=0.2) as a2e:
            async with Batch.open(tmp_path, a2e) as batch:
                running = asyncio.create_task(_run(batch))
                while not sim.book.starts:  # noqa: ASYNC110 - the simulator wakes nobody
                    await asyncio.sleep(0.02)
                running.cancel()
            with caplog.at_level(logging.ERROR, "a2e_async"):
                await asyncio.sleep(3)
        billed = [task_id for start in sim.book.starts for task_id in start.task_ids]
        assert billed
        assert all(task_id in caplog.text for task_id in billed)


@pytest.mark.parametrize("trouble", ["token", "gone", "coins", "budget", "ledger"])
async def test_run_raises_what_stopped_it_after_the_last_outcome(tmp_path, trouble):
    """Whoever wrote the plain loop is told; `stopped_by` has the same error."""
    options = {"token": {"token": "sk_wrong"}, "gone": {"base_url": "http://127.0.0.1:1"}, "budget": {"budget": 15}}
    seen = []
    async with service(coins=15 if trouble == "coins" else 1000) as sim:
        async with client(sim, max_starts=1, **options.get(trouble, {})) as a2e, Batch.open(tmp_path, a2e) as batch:
            with pytest.raises(A2EError) as caught:  # noqa: PT012 - of the loop
                async for outcome in batch.run(images(6)):
                    seen.append(outcome)
                    if trouble == "ledger":
                        with contextlib.suppress(LedgerError):
                            await batch.ledger.write(("this is no SQL", ()))
        assert caught.value is batch.stopped_by
        assert len(seen) < 6


async def test_a_batch_that_is_stopped_by_its_caller_raises_nothing(tmp_path):
    """That is no trouble."""
    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        batch.stop()
        assert [outcome async for outcome in batch.run(images(3))] == []


async def test_a_tag_that_is_in_use_ends_no_row(tmp_path):
    """When one process runs the same rows twice, what is billed is never refused."""
    async with service(task_seconds=10) as sim, client(sim) as a2e:
        tag = await bring_to(tmp_path, KITE, State.INTENDED, sim=sim)
        other = a2e.start(KITE.request(), tag=tag)
        async with Batch.open(tmp_path, a2e) as batch:
            (outcome,) = [outcome async for outcome in batch.run([KITE])]
            assert isinstance(outcome.error, UsageError)
            assert outcome.entry.state is State.INTENDED
        other.detach()
        await play(tmp_path, sim, [KITE])
        assert await states(tmp_path) == {"kite": State.DONE}
