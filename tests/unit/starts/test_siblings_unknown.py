"""A start of which not all tasks are known is never taken back, or gone on with, as if there were no others."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from lost_starts import FOUR_VIDEOS
from virtual_time import caught, client, now, until, virtual

from a2e_async import JobCancelledError, Journal, UsageError
from a2e_async.engine.jobs.options import Options

COINS = 120


def refunded(sim):
    """Give the coins that came back."""
    return sum(start.refunded for start in sim.world.book.starts)


@pytest.mark.parametrize("wait", [0, 0.02, 0.06, 0.2, 1.0])
@virtual(task_seconds=500)
async def test_a_start_is_taken_back_with_the_tasks_that_its_answer_did_not_name(a2e, sim, wait):
    """The answer names the first of four; all four are deleted, and all their coins come back."""
    job = a2e.start(FOUR_VIDEOS)
    await asyncio.sleep(wait)
    assert await job.cancel()
    assert (await caught(job)).refunded is True
    assert sum(start.coins for start in sim.world.book.starts) == refunded(sim)
    assert (a2e.spent, a2e.reserved) == (0, 0)


@pytest.mark.parametrize("fails", [True, False])
@virtual(task_seconds=500, list_lag=400)
async def test_a_start_is_not_taken_back_while_some_of_its_tasks_are_unknown(a2e, sim, fails, caplog):
    """What nobody can name would go on, and stay charged: so the job goes on, and ends with all four."""
    if fails:
        sim.faults.add("image_to_video.list", "status", status=500, hits=13)
    job = a2e.start(FOUR_VIDEOS)
    await job.accepted()
    assert await job.cancel() is False
    assert refunded(sim) == 0
    assert not job.done()
    assert "asked for 4 tasks, and 1 are known" in caplog.text
    assert len((await job).urls) == 4
    assert a2e.spent == COINS


@virtual(task_seconds=5)
async def test_a_start_that_made_fewer_tasks_is_done_with_them(a2e, sim, caplog):
    """For as long as it may lag the list shows no other than the one that is known: there is none, which is said."""
    (task,) = sim.world.start("image_to_video", started(name="alone ~abcdefgha"))
    result = await a2e.attach("image_to_video", task.id, tag="abcdefgh", options=Options(tasks=4))
    assert result.task_ids == (task.id,)
    assert "asked for 4 tasks, and 1 are known" in caplog.text
    assert 60 < now() < 120


@virtual(task_seconds=500)
async def test_two_who_take_a_start_back_know_its_tasks_once(a2e, sim):
    """Both hear that it was taken back."""
    job = a2e.start(FOUR_VIDEOS)
    await job.accepted()
    assert await asyncio.gather(job.cancel(), job.cancel()) == [True, True]
    assert isinstance(await caught(job), JobCancelledError)
    assert len(job.task_ids) == 4
    assert a2e.spent == 0


def started(**fields):
    """Give the body of a start."""
    return {"image_url": "http://example.com/a.png", "prompt": "p", "negative_prompt": "n", **fields}


class Noted(Journal):
    """Notes the tasks that it is told of."""

    def __init__(self):
        self.told = []

    async def accepted(self, _tag, task_ids, coins):
        """Note tasks, and what they cost."""
        self.told.append((task_ids, coins))


@pytest.mark.parametrize("lag", [0, 20, 400])
@pytest.mark.parametrize("seconds", [5, 100])
@virtual(opened=False)
async def test_tasks_that_a_dead_process_had_not_found_are_found_by_the_next(sim, lag, seconds):
    """They were paid for: the job that is gone on with ends with all of them, and counts no coins of the other."""
    sim.world.change(list_lag=lag, task_seconds=seconds)
    async with client(sim, close_timeout=0) as dead:
        job = dead.start(FOUR_VIDEOS)
        await job.accepted()
    known = sim.world.book.starts[0].task_ids[:1]
    sim.world.change(list_lag=lag if lag < 60 else 0)
    async with client(sim) as heir:
        journal = Noted()
        again = heir.attach("image_to_video", *known, tag=job.tag, options=Options(tasks=4, journal=journal))
        assert set((await again).task_ids) == set(sim.world.book.starts[0].task_ids)
        assert journal.told[-1] == (again.task_ids, COINS)
        assert (heir.spent, heir.reserved) == (0, 0)
    assert len(sim.world.book.starts) == 1


@virtual(opened=False, task_seconds=5, list_lag=400)
async def test_only_tasks_of_the_send_that_is_known_are_siblings(sim):
    """Of a start that was taken twice the job has the tasks of one send."""
    async with client(sim, close_timeout=0) as dead:
        sim.faults.add("image_to_video.start", "reset", when="after")
        job = dead.start(FOUR_VIDEOS)
        await until(lambda: len(sim.world.book.starts) == 2)
        await asyncio.sleep(500)
    first, second = sim.world.book.starts
    async with client(sim) as heir:
        again = heir.attach("image_to_video", second.task_ids[0], tag=job.tag, options=Options(tasks=4))
        assert set((await again).task_ids) == set(second.task_ids)
    assert not set(first.task_ids) & set(second.task_ids)


@virtual(task_seconds=5)
async def test_without_a_tag_nothing_more_is_looked_for(a2e, sim):
    """Nor where all tasks are known, or nobody says how many there are."""
    ids = [task.id for task in sim.world.start("image_to_video", started(number_of_images=4))]
    for tag, tasks, known in ((None, 4, 1), ("abcdefgh", 4, 4), ("abcdefgh", 1, 1)):
        await a2e.attach("image_to_video", *ids[:known], tag=tag, options=Options(tasks=tasks))
    assert sim.counters["image_to_video.list"] == 0
    assert now() < 60


def test_how_many_tasks_were_asked_for_is_a_number():
    """Anything else is refused by name."""
    for wrong in (0, -1, 1.5, "4", True, None):
        with pytest.raises(UsageError, match="tasks: must be a whole number of at least 1"):
            attrs.evolve(Options(), tasks=wrong)
