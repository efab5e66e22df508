"""Where durable jobs meet the rest: hints, cancel, detach, attach, gather, drain, tags."""

from __future__ import annotations

import asyncio

import pytest
from durable import BOAT, KITE, durable, ended

from a2e_async import Cadence, JobCancelledError

SELDOM = {"cadence": Cadence(delay=8)}


@durable(task_seconds=600)
async def test_a_hint_reaches_the_process_that_has_the_job(world):
    """With polls seconds apart the job ends soon after the other process was told."""
    owner, receiver = await world.process(**SELDOM), await world.process(**SELDOM)
    job = owner.start(KITE, key="order-1")
    await job.accepted()
    await asyncio.sleep(0.3)
    world.sim.world.finish(job.task_ids[0])
    receiver.hint(job.task_ids[0])
    async with asyncio.timeout(4):
        assert (await job).urls


@durable(task_seconds=2)
async def test_a_job_that_is_cancelled_stays_cancelled(world):
    """Queued here: it was never sent, its key gives the same end, and no other process starts it."""
    a2e = await world.process(max_running=1)
    first, second = a2e.start(KITE, key="one"), a2e.start(BOAT, key="two")
    await first.accepted()
    assert await second.cancel()
    assert (await a2e.find_job("two")).state == "refused"
    other = await world.process()
    with pytest.raises(JobCancelledError) as caught:
        await other.start(BOAT, key="two")
    assert caught.value.refunded
    await ended(other, "one")
    assert world.starts == 1


@durable(task_seconds=2)
async def test_what_another_process_has_is_not_cancelled_from_here(world):
    """It says no, the job goes on, and its owner can take it back."""
    owner, other = await world.process(), await world.process()
    job = owner.start(KITE, key="one")
    await job.accepted()
    followed = other.start(KITE, key="one")
    await followed.accepted()
    assert not await followed.cancel()
    assert not job.done()
    assert (await followed).urls


@durable(task_seconds=1)
async def test_a_detached_job_is_gone_on_with_later(world):
    """Let go of here, it runs on; the same key watches it again, and nothing is paid twice."""
    a2e = await world.process()
    job = a2e.start(KITE, key="one")
    await job.accepted()
    job.detach()
    assert (await a2e.start(KITE, key="one")).task_ids == job.task_ids
    assert world.starts == 1


@durable(task_seconds=0.3)
async def test_gather_and_drain_and_attach_know_durable_jobs(world):
    """Many at once, waiting for all, and watching a durable job's task by its id, as without a store."""
    a2e = await world.process()
    results = await a2e.gather([KITE, BOAT], max_running=1)
    assert len({one.task_ids for one in results}) == 2
    job = a2e.start(KITE, key="one")
    await job.accepted()
    attached = a2e.attach("text_to_image", *job.task_ids)
    await a2e.drain()
    assert (await attached).task_ids == (await job).task_ids
    assert (attached.key, [one.key async for one in a2e.stored_jobs()][-1]) == (None, "one")


@durable(task_seconds=0.3)
async def test_a_tag_of_the_callers_is_kept(world):
    """`tag=` names the tasks under a key, also when another process starts the row."""
    first = await world.process(max_running=1, lease=3600)
    jobs = [first.start(KITE, key="one"), first.start(BOAT, key="two", tag="boat4711tag")]
    await jobs[0].accepted()
    await first.aclose()
    await asyncio.gather(*jobs, return_exceptions=True)
    second = await world.process()
    (found,) = await ended(second, "two")
    assert found.tag == "boat4711tag"
    assert world.sim.world.book.starts[-1].name.endswith("~boat4711taga")


@durable()
async def test_a_start_that_is_taken_back_as_its_row_is_written_is_not_sent(world):
    """The row comes first, and says that it was taken back: no process starts it later."""
    a2e = await world.process()
    job = a2e.start(KITE, key="one")
    assert await job.cancel()
    with pytest.raises(JobCancelledError):
        await job
    assert [one.state for one in await ended(a2e, "one")] == ["refused"]
    other = await world.process()
    await asyncio.sleep(5)
    assert other.jobs() == []
    assert world.starts == 0
