"""Answers that name 0 coins where a price is known: the budget holds until the last word on a task says so, too."""

from __future__ import annotations

import asyncio
import json
import re

import attrs
import pytest
from lost_starts import FOUR_IMAGES, FOUR_VIDEOS
from virtual_time import IMAGE, caught, client, until, virtual

from a2e_async import BudgetExceededError
from a2e_async.simulator.virtual import DirectTransport


class Free(DirectTransport):
    """Names 0 coins in answers to starts, or everywhere but in a quote."""

    def __init__(self, app, *, everywhere):
        super().__init__(app, 0.05)
        self._everywhere = everywhere

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        if request.start or (self._everywhere and "quote" not in request.path):
            return attrs.evolve(reply, body=re.sub(rb'"coins": ?\d+', b'"coins": 0', reply.body))
        return reply


@pytest.mark.parametrize("request_of", [IMAGE, FOUR_VIDEOS])
@virtual(opened=False, task_seconds=100)
async def test_a_start_that_is_said_to_cost_nothing_is_held_for(sim, request_of):
    """Of 30 starts no more are sent than the budget pays for at the quoted price, whatever their answers say."""
    price = 10 if request_of is IMAGE else 120
    async with client(sim, http=Free(sim, everywhere=False), budget=3 * price) as a2e:
        ended = await asyncio.gather(*(a2e.start(request_of) for _ in range(30)), return_exceptions=True)
        assert [type(end) for end in ended].count(BudgetExceededError) == 27
        assert (a2e.spent, a2e.reserved) == (sim.world.book.spent, 0) == (3 * price, 0)


@virtual(opened=False, task_seconds=100)
async def test_what_costs_nothing_to_the_end_gives_its_coins_back(sim):
    """The final record names 0 coins, too: then the start was free, and the next one may go."""
    async with client(sim, http=Free(sim, everywhere=True), budget=10) as a2e:
        job = a2e.start(IMAGE)
        await job.accepted()
        assert (a2e.spent, a2e.reserved) == (0, 10)
        assert isinstance(await caught(a2e.start(IMAGE).wait()), BudgetExceededError)
        await job
        assert (a2e.spent, a2e.reserved) == (0, 0)
        await a2e.start(IMAGE)


@virtual(opened=False, task_seconds=100)
async def test_whoever_says_that_a_start_is_free_is_believed(sim):
    """With price=0 nothing is held."""
    async with client(sim, http=Free(sim, everywhere=True), budget=10) as a2e:
        jobs = [a2e.start(IMAGE, price=0) for _ in range(5)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        assert (a2e.spent, a2e.reserved) == (0, 0)
        await asyncio.gather(*jobs)


class PartlyNamed(DirectTransport):
    """Leaves the coins out of the last row of each answer to a start."""

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        if not request.start:
            return reply
        body = json.loads(reply.body)
        del body["data"][-1]["coins"]
        return attrs.evolve(reply, body=json.dumps(body).encode())


@pytest.mark.parametrize("quoted", [True, False])
@virtual(opened=False, task_seconds=100, siblings_in_reply=True)
async def test_coins_that_some_tasks_do_not_name_are_held(sim, quoted):
    """Three of four images name their coins: the price is held until all do, and the three teach no price of four."""
    if not quoted:
        sim.faults.add("quote", "html", hits=None)
    async with client(sim, http=PartlyNamed(sim, 0.05), budget=100) as a2e:
        first = a2e.start(FOUR_IMAGES)
        await first.accepted()
        assert (a2e.spent, a2e.reserved) == ((0, 40) if quoted else (30, 0))
        second = a2e.start(FOUR_IMAGES)
        await until(lambda: a2e.reserved > (40 if quoted else 0), step=0.01)
        assert a2e.reserved == (80 if quoted else 70)
        await asyncio.gather(first, second)
        assert a2e.spent == (80 if quoted else 60)
