"""Limits that all processes of a store share: running jobs, the rate, and the budget."""

from __future__ import annotations

import asyncio

import pytest
from durable import KITE, durable

from a2e_async import BudgetExceededError, TextToImage

PRICE = 10


def kites(count, begin=0):
    """Give so many different requests."""
    return [TextToImage(f"kite {begin + n}") for n in range(count)]


def peak_of(sim):
    """Give the most tasks that ran at once, by the service's own times."""
    moments = sorted(
        [(task.created, 1) for task in sim.world.tasks] + [(task.ends, -1) for task in sim.world.tasks],
        key=lambda one: (one[0], one[1]),
    )
    most = now = 0
    for _at, step in moments:
        now += step
        most = max(most, now)
    return most


@durable(task_seconds=0.4)
async def test_running_jobs_are_bounded_over_all_processes(world):
    """Three processes with ten jobs each never run more than six, and come to use most of these places."""
    processes = [await world.process(max_running=6, lease=1.2) for _ in range(3)]
    jobs = [a2e.start(one) for n, a2e in enumerate(processes) for one in kites(10, 100 * n)]
    await asyncio.gather(*jobs)
    assert world.starts == 30
    assert peak_of(world.sim) <= 6


@durable(task_seconds=0.5)
async def test_what_a_dead_process_ran_keeps_its_places_until_it_ends(world):
    """The heir takes the tasks over with their places: the limit holds while it catches up."""
    dead = await world.process(max_running=4, lease=1)
    jobs = [dead.start(one, key=one.prompt) for one in kites(12)]
    await asyncio.gather(*(job.accepted() for job in jobs[:4]))
    await world.kill(dead)
    heir = await world.process(max_running=4, lease=1)
    await asyncio.gather(*[heir.start(one, key=one.prompt) for one in kites(12)])
    assert world.starts == 12
    assert peak_of(world.sim) <= 4


@durable()
async def test_the_budget_is_that_of_all_processes(world):
    """Two processes with thirty starts of 10 coins and a budget of 250: exactly 25 are started, the others refused."""
    processes = [await world.process(budget=250) for _ in range(2)]
    jobs = [a2e.start(one, price=PRICE) for n, a2e in enumerate(processes) for one in kites(15, 100 * n)]
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, BudgetExceededError)]
    assert (world.starts, len(refused)) == (25, 5)


@durable()
async def test_a_budget_outlives_its_processes(world):
    """What earlier processes have spent is spent; the key that was refused may be tried anew with a larger budget."""
    first = await world.process(budget=25)
    for n in range(2):
        await first.start(kites(1, n)[0], price=PRICE)
    await first.aclose()
    second = await world.process(budget=25)
    with pytest.raises(BudgetExceededError):
        await second.start(KITE, price=PRICE, key="order-1")
    await second.aclose()
    third = await world.process(budget=30)
    assert (await third.start(KITE, price=PRICE, key="order-1")).urls
    assert world.starts == 3


@durable()
async def test_the_rate_is_shared(world):
    """Two processes at 20 requests a second together: a second of both is hardly more than that."""
    processes = [await world.process(rate=20, lease=0.6) for _ in range(2)]
    await asyncio.sleep(0.5)
    before = [len(a2e.wire.sent) for a2e in processes]
    jobs = [a2e.start(one) for n, a2e in enumerate(processes) for one in kites(30, 100 * n)]
    await asyncio.sleep(1)
    assert sum(len(a2e.wire.sent) for a2e in processes) - sum(before) <= 24
    for job in jobs:
        job.detach()
