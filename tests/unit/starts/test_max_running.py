"""`max_running`: how many starts of a client run at the service at once, without a store."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import IMAGE, caught, client, until, virtual

from a2e_async import JobCancelledError, UsageError

TASK = 20
LIMITED = {"max_running": 3, "max_starts": 8}


def running(sim):
    """Count the tasks that run at the service."""
    return sum(task.ends > sim.world.clock.now() for task in sim.world.tasks)


async def peak(sim, jobs):
    """Give the most tasks that ran at once until these jobs had ended."""
    most = 0
    while not all(job.done() for job in jobs):
        most = max(most, running(sim))
        await asyncio.sleep(0.5)
    return most


@virtual(options=LIMITED, task_seconds=TASK)
async def test_no_more_tasks_run_than_are_allowed(a2e, sim):
    """Ten jobs on three places: never more than three run, all of them end, and each was started once."""
    jobs = [a2e.start(IMAGE) for _ in range(10)]
    assert await peak(sim, jobs) == 3
    assert sim.counters["text_to_image.start"] == 10


@virtual(options=LIMITED, task_seconds=TASK)
async def test_a_job_that_waits_for_its_place_is_cancelled_for_nothing(a2e, sim):
    """Of four jobs the last one waits; cancelled, it was never sent, and its place goes to the next."""
    jobs = [a2e.start(IMAGE) for _ in range(5)]
    await asyncio.sleep(2)
    assert await jobs[3].cancel()
    assert isinstance(await caught(jobs[3]), JobCancelledError)
    await asyncio.gather(*jobs[:3], jobs[4])
    assert sim.counters["text_to_image.start"] == 4


@virtual(options=LIMITED, task_seconds=TASK)
async def test_a_refused_start_gives_its_place_back(a2e, sim):
    """Starts that the service refuses hold no place: what waited behind them runs."""
    sim.faults.add("text_to_image.start", "status", status=400, hits=3)
    jobs = [a2e.start(IMAGE) for _ in range(6)]
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert sum(isinstance(one, Exception) for one in outcomes) == 3


@virtual(options=LIMITED, task_seconds=TASK)
async def test_a_limit_that_is_raised_lets_the_queue_go_on(a2e, sim):
    """More places at once start more of what waits; fewer end nothing."""
    jobs = [a2e.start(IMAGE) for _ in range(8)]
    await asyncio.sleep(2)
    places = a2e._parts().engine.starter.places
    places.limit = 6
    await until(lambda: running(sim) == 6)
    places.limit = 1
    await asyncio.sleep(2)
    assert running(sim) == 6
    assert await peak(sim, jobs) == 6


@virtual(opened=False)
async def test_a_limit_is_a_whole_number(sim):
    """Anything but a whole number of at least 1 is refused before anything is opened."""
    for wrong in (0, 1.5, True, "3"):
        with pytest.raises(UsageError, match="max_running: must be a whole number of at least 1"):
            client(sim, max_running=wrong)
