"""Answers that name 0 coins, or none: the budget holds until the last word on a task says what it has cost."""

from __future__ import annotations

import asyncio
import json
import re

import attrs
import pytest
from lost_starts import FOUR_IMAGES, FOUR_VIDEOS
from virtual_time import IMAGE, caught, client, until, virtual

from a2e_async import BudgetExceededError, Journal
from a2e_async.engine.jobs.coins import Coins, Reservation
from a2e_async.engine.jobs.options import Options
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
        assert (a2e.spent, a2e.reserved) == ((0, 40) if quoted else (30, 10))
        second = a2e.start(FOUR_IMAGES)
        await until(lambda: a2e.reserved > (40 if quoted else 10), step=0.01)
        assert a2e.reserved == (80 if quoted else 70)
        await asyncio.gather(first, second)
        assert (a2e.spent, a2e.reserved) == (80, 0)


class Late(DirectTransport):
    """Names coins at the end of a task alone; before that it says 0, or nothing."""

    def __init__(self, app, before, after=None):
        super().__init__(app, 0.05)
        self._before, self._after = before, after

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        body = json.loads(reply.body) if reply.status == 200 else {}
        data = body.get("data")
        for row in data if isinstance(data, list) else [data, *(data or {}).get("rows", [])]:
            if isinstance(row, dict) and "current_status" in row:
                ended = row["current_status"] in ("completed", "failed")
                row["coins"] = (self._after or row["coins"]) if ended else self._before
        return attrs.evolve(reply, body=json.dumps(body).encode()) if body else reply


@pytest.mark.parametrize("before", [0, None, -10, "10"])
@pytest.mark.parametrize("request_of", [IMAGE, FOUR_IMAGES, FOUR_VIDEOS])
@virtual(opened=False, task_seconds=20)
async def test_a_price_that_is_told_at_the_end_alone_is_waited_for(sim, before, request_of):
    """Nobody quotes it, and answers name none: one start goes alone, and its end tells the price to all others."""
    sim.faults.add("quote", "no_route", hits=None)
    price = {IMAGE: 10, FOUR_IMAGES: 40, FOUR_VIDEOS: 120}[request_of]
    async with client(sim, http=Late(sim, before), budget=3 * price) as a2e:
        ended = await asyncio.gather(*(a2e.start(request_of) for _ in range(12)), return_exceptions=True)
        assert [type(end) for end in ended].count(BudgetExceededError) == 9
        assert (a2e.spent, a2e.reserved) == (sim.world.book.spent, 0) == (3 * price, 0)


@pytest.mark.parametrize("how", ["detach", "cancel", "fails", "never told", "close"])
@virtual(opened=False, task_seconds=20)
async def test_whoever_waits_for_a_price_goes_on_when_its_job_has_ended(sim, how):
    """However that ends: nobody waits for ever, and no more is spent than there is."""
    sim.faults.add("quote", "no_route", hits=None)
    before, after = (None, "many") if how == "never told" else (0, None)
    async with client(sim, http=Late(sim, before, after), budget=30) as a2e:
        first = a2e.start(attrs.evolve(IMAGE, prompt="[fail]") if how == "fails" else IMAGE)
        others = [a2e.start(IMAGE) for _ in range(5)]
        await first.accepted()
        if how == "detach":
            first.detach()
        elif how == "cancel":
            assert await first.cancel()
        elif how == "close":
            await a2e.aclose()
        ended = await asyncio.gather(first, *others, return_exceptions=True)
        assert sim.world.book.spent <= 30
        started = {"detach": 0, "cancel": 3, "fails": 2, "never told": 0, "close": 0}[how]
        assert sum(not isinstance(end, Exception) for end in ended[1:]) == started


@virtual(opened=False, task_seconds=100)
async def test_tasks_that_show_up_late_and_name_no_coins_stay_reserved(sim):
    """The answer names one of four and its coins; the others, found in the list, cost as much until they say so."""
    sim.faults.add("quote", "no_route", hits=None)

    class FirstAlone(Free):
        async def send(self, request, headers):
            reply = await DirectTransport.send(self, request, headers)
            if request.start:
                return reply
            return attrs.evolve(reply, body=re.sub(rb'"coins": ?\d+', b'"coins": null', reply.body))

    async with client(sim, http=FirstAlone(sim, everywhere=True), budget=200) as a2e:
        job = a2e.start(FOUR_VIDEOS)
        await until(lambda: len(job.task_ids) == 4)
        assert (a2e.spent, a2e.reserved) == (30, 90)
        await job
        assert (a2e.spent, a2e.reserved) == (30, 90)
        assert sim.world.book.spent == 120


class Noted(Journal):
    """Notes what is written down of coins."""

    def __init__(self):
        self.told = []

    async def accepted(self, _tag, _task_ids, coins):
        """Note what a start has cost."""
        self.told.append(coins)


@pytest.mark.parametrize(("says", "written"), [(Free, None), (DirectTransport, 10)])
@virtual(opened=False, task_seconds=20)
async def test_a_charge_of_nothing_is_not_written_down_before_the_end(sim, says, written):
    """A later process counts the price that was held until then, for some answers come before the charge."""
    http = Free(sim, everywhere=False) if says is Free else DirectTransport(sim, 0.05)
    async with client(sim, http=http) as a2e:
        journal = Noted()
        await a2e.start(IMAGE, options=Options(journal=journal))
        assert journal.told == [written]


def test_sums_of_parts_of_coins_leave_no_crumbs():
    """What is reserved comes back to nothing, and never to less."""
    coins, held = Coins(), [Reservation((), 9.99, 9.99) for _ in range(30)]
    coins.hold(sum(one.coins for one in held))
    for one in held:
        coins.release(one)
    assert coins.reserved == 0
