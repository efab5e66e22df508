"""Coins: nothing comes back that was not charged here, nothing comes back twice, and no guess is called spent."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from virtual_time import IMAGE, VIDEO, caught, client, until, virtual

from a2e_async import BudgetExceededError, JobFailedError, TextToImage
from a2e_async.core.records import Record
from a2e_async.engine.jobs.coins import Coins, Reservation
from a2e_async.simulator.virtual import DirectTransport

FAILING = TextToImage("a kite [fail]")


def record(number, coins=None):
    """Make a record of a task."""
    return Record(id=f"t{number}", family="text_to_image", coins=coins)


def held(coins, price=None, *, on=None):
    """Make a reservation that is counted as reserved."""
    reservation = Reservation((), price, coins)
    (on or Coins()).hold(coins)
    return reservation


def test_a_refund_comes_once_and_only_for_what_was_charged():
    """Tasks of others, tasks that ended well and tasks that were refunded give nothing back."""
    coins = Coins()
    coins.charge(held(30, 30, on=coins), 30, [record(1), record(2), record(3)])
    assert (coins.spent, coins.reserved) == (30, 0)
    coins.refund(["t1", "t1", "somebody else's"])
    assert coins.spent == 20
    coins.forget(["t2"])
    coins.refund(["t1", "t2"])
    assert coins.spent == 20
    coins.refund(["t3"])
    assert coins.spent == 10


def test_each_task_is_charged_what_it_names_else_its_share():
    """What records name adds up to what the start was charged."""
    coins = Coins()
    coins.charge(held(0, on=coins), 12, [record(1, 5), record(2, 7), record(3)])
    coins.refund(["t3"])
    assert coins.spent == 12
    coins.refund(["t2"])
    assert coins.spent == 5


@pytest.mark.parametrize("odd", [None, -1, float("nan"), float("inf"), True, "10"])
def test_an_unknown_price_stays_reserved_until_a_record_names_it(odd):
    """Coins that are none are no word of the service; the last word on the tasks settles it."""
    coins = Coins()
    coins.charge(held(100, on=coins), odd, [record(1), record(2)])
    assert (coins.spent, coins.reserved) == (0, 100)
    coins.told([record(1, odd if isinstance(odd, float) else None), record(9, 5)])
    assert (coins.spent, coins.reserved) == (0, 100)
    coins.told([record(1, 4), record(2, 6)])
    assert (coins.spent, coins.reserved) == (10, 0)
    coins.told([record(1, 4), record(2, 6)])
    coins.refund(["t1"])
    assert coins.spent == 6


def test_a_refund_of_an_unknown_price_gives_back_what_is_held():
    """Only when all of its tasks came back: before that nobody knows which of them cost what."""
    coins = Coins()
    coins.charge(held(100, on=coins), None, [record(1), record(2)])
    coins.refund(["t1"])
    assert coins.reserved == 100
    coins.refund(["t2"])
    assert (coins.spent, coins.reserved) == (0, 0)
    coins.charge(held(50, on=coins), None, [record(3)])
    coins.forget(["t3", "t3", "nobody's"])
    assert (coins.spent, coins.reserved) == (0, 50)


def test_doubles_are_charged_once():
    """However often they are found, and whatever nonsense stands beside them."""
    coins = Coins()
    for _ in range(2):
        coins.charge_more({"t1": 10, "t2": -5, "t3": float("nan")})
    assert coins.spent == 10


def test_what_is_remembered_is_bounded(monkeypatch):
    """Jobs that were let go of do not pile up; the oldest go first."""
    monkeypatch.setattr("a2e_async.engine.jobs.coins._MOST_KEPT", 3)
    coins = Coins()
    for number in range(5):
        coins.charge_more({f"t{number}": 10})
    coins.refund(["t0", "t1"])
    assert coins.spent == 50
    coins.refund(["t2", "t3", "t4"])
    assert coins.spent == 20


@pytest.mark.parametrize("how", ["attach", "find"])
@virtual(opened=False, task_seconds=100)
async def test_what_others_paid_widens_no_budget(sim, how):
    """Cancelled or failed, tasks of another client give this one nothing back."""
    async with client(sim) as other, client(sim, budget=20) as a2e:
        jobs = [other.start(IMAGE) for _ in range(4)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        for job in jobs:
            same = (
                a2e.attach("text_to_image", *job.task_ids) if how == "attach" else await a2e.find(TextToImage, job.tag)
            )
            assert await same.cancel()
        assert a2e.spent == 0
        sim.world.change(task_seconds=5)
        ended = await asyncio.gather(*(a2e.start(IMAGE) for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(end, BudgetExceededError) for end in ended) == 3
        for job in jobs:
            job.detach()


@virtual(options={"budget": 20}, task_seconds=100)
async def test_a_refund_is_counted_once_whoever_watches(a2e, sim):
    """A job that was let go of and attached anew, twice over, gets its coins back once."""
    job = a2e.start(IMAGE)
    await job.accepted()
    job.detach()
    first, second = (a2e.attach("text_to_image", *job.task_ids) for _ in range(2))
    assert await first.cancel()
    assert a2e.spent == sim.world.book.spent == 0
    await caught(second.cancel())
    assert a2e.spent == 0
    second.detach()


@virtual(options={"budget": 100}, task_seconds=5)
async def test_a_failure_that_two_jobs_see_is_refunded_once(a2e, sim):
    """Started and attached, the task's coins come back once."""
    job = a2e.start(FAILING)
    await job.accepted()
    same = a2e.attach("text_to_image", *job.task_ids)
    job.family = same.family = attrs.evolve(job.family, refunds=True)
    for one in (job, same):
        assert isinstance(await caught(one.wait()), JobFailedError)
    assert a2e.spent == 0


class Nameless(DirectTransport):
    """A service whose replies name no coins, but for its last words on a task."""

    until_final = False

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        if self.until_final and b'"completed"' in reply.body:
            return reply
        return attrs.evolve(reply, body=reply.body.replace(b'"coins"', b'"nothing"'))


@pytest.mark.parametrize("told", [False, True])
@virtual(opened=False, task_seconds=5)
async def test_a_price_that_nobody_tells_is_never_spent(sim, told):
    """What is held for it stays reserved, and is finished when the final record names the coins."""
    sim.faults.add("quote", "html", hits=None)
    wire = Nameless(sim, 0.05)
    wire.until_final = told
    async with client(sim, http=wire, budget=1000) as a2e:
        await a2e.start(IMAGE)
        assert (a2e.spent, a2e.reserved) == ((10, 0) if told else (0, 1000))


@virtual(opened=False, task_seconds=5)
async def test_a_failed_start_of_unknown_price_gives_back_what_it_held(sim):
    """A refund is a refund, also where the price was never said."""
    sim.faults.add("quote", "html", hits=None)
    async with client(sim, http=Nameless(sim, 0.05), budget=1000) as a2e:
        job = a2e.start(FAILING)
        job.family = attrs.evolve(job.family, refunds=True)
        await caught(job.wait())
        assert (a2e.spent, a2e.reserved) == (0, 0)


@pytest.mark.parametrize("fault", [("html", {}), ("status", {"status": 503}), ("reset", {}), ("hang", {})])
@virtual(options={"budget": 10_000})
async def test_a_quote_that_failed_is_asked_again(a2e, sim, fault):
    """One enquiry that came to nothing says nothing about the next; one that hangs is given up."""
    kind, details = fault
    if kind == "hang":
        kind, details = "delay", {"seconds": 10_000}
    sim.faults.add("quote", kind, hits=6, **details)
    sim.faults.add("image_to_video.start", "status", status=400)
    await caught(a2e.start(VIDEO).wait())
    assert not a2e._shared.opened.engine.budget._asked
    before = sim.counters["quote"]
    sim.faults.clear()
    await a2e.start(VIDEO)
    assert sim.counters["quote"] > before


@pytest.mark.parametrize("said", [0, -5, float("inf")])
@virtual(options={"budget": 25}, opened=False)
async def test_a_quote_of_nothing_lets_no_thousand_through(sim, said):
    """A price of 0 or less is believed when a reply has named it, so one start goes alone and tells the real one."""
    real = sim._service._answers["quote"]
    sim._service._answers["quote"] = lambda asked: {**real(asked), "coins": said}
    async with client(sim, budget=25) as a2e:
        jobs = [a2e.start(IMAGE) for _ in range(50)]
        ended = await asyncio.gather(*jobs, return_exceptions=True)
        assert sum(isinstance(end, BudgetExceededError) for end in ended) == 48
        assert a2e.spent == sim.world.book.charged == 20


@virtual(options={"budget": 10_000})
async def test_prices_of_single_tasks_are_not_kept_for_ever(a2e, sim, monkeypatch):
    """Where a URL decides the price each start is a kind of its own; the oldest are forgotten."""
    monkeypatch.setattr("a2e_async.engine.starts.budget._MOST_PRICES", 3)
    await asyncio.gather(*(a2e.sound(f"https://files.example.net/{number}.mp4") for number in range(6)))
    await until(lambda: not a2e.stats().running)
    assert len(a2e._shared.opened.engine.budget._prices) == 3
