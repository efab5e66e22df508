"""A budget that holds: coins are reserved before a start is sent, counted by its reply, given back when refused."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from virtual_time import IMAGE, VIDEO, caught, until, virtual

from a2e_async import (
    A2EClient,
    BudgetExceededError,
    RejectedRequestError,
    StartUnknownError,
    UsageError,
)
from a2e_async.families.wan30 import Wan30
from a2e_async.families.wan_video import WanVideo

LONG_VIDEO = attrs.evolve(VIDEO, video_time=20)


def budget(coins, **options):
    """Give the options of a client with a budget."""
    return {"budget": coins, **options}


@virtual(options=budget(1_000))
async def test_300_starts_at_once_keep_a_budget_exactly(a2e, sim):
    """300 starts of 10 coins with a budget of 1,000: 100 are billed, 200 refused, and nothing else is sent."""
    jobs = [a2e.start(IMAGE) for _ in range(300)]
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    refused = [end for end in ended if isinstance(end, BudgetExceededError)]
    assert len(refused) == 200
    assert len(sim.world.book.starts) == 100
    assert sim.world.book.charged == 1_000
    assert sim.counters["text_to_image.start"] == 100
    assert (a2e.spent, a2e.reserved) == (1_000, 0)
    assert (refused[0].needed, refused[0].left) == (10, 0)
    assert "nothing was sent" in str(refused[0])


@virtual(options=budget(1_000, max_starts=300))
async def test_300_starts_in_flight_at_once_keep_it_too(a2e, sim):
    """The budget does not lean on the number of workers."""
    jobs = [a2e.start(IMAGE) for _ in range(300)]
    await until(lambda: sim.counters["text_to_image.start"])
    await asyncio.sleep(0)
    assert a2e.reserved + a2e.spent <= 1_000
    await asyncio.gather(*jobs, return_exceptions=True)
    assert sim.world.book.charged == 1_000


@virtual(options=budget(1_000))
async def test_the_quote_is_asked_once_for_each_kind(a2e, sim):
    """One question per family and pricing fields, however many starts wait for it."""
    kinds = [IMAGE, attrs.evolve(IMAGE, prompt="another"), VIDEO, attrs.evolve(VIDEO, prompt="another"), LONG_VIDEO]
    jobs = [a2e.start(request) for request in kinds * 3]
    await asyncio.gather(*jobs)
    assert sim.counters["quote"] == 3
    assert a2e.spent == sim.world.book.charged == 6 * 10 + 6 * 30 + 3 * 120


@virtual(options=budget(1_000))
async def test_a_price_may_be_decided_by_mappings_and_lists_of_them(a2e, sim):
    """Starts whose pricing fields hold JSON objects are kinds like others: equal ones are quoted once, all are paid."""
    links = [{"type": "reference_image", "url": f"https://files.example.net/{number}.png"} for number in (1, 2)]
    lengths = [Wan30(input={"prompt": "a"}, parameters={"resolution": "720P", "duration": many}) for many in (5, 10)]
    media = WanVideo("a", model="wan2.7-i2v", task_type="reference_image", reference_media=links)
    await asyncio.gather(*(a2e.start(request) for request in [*lengths, media] * 2))
    assert sim.counters["quote"] == 3
    assert a2e.spent == sim.world.book.charged == 2 * (30 + 60 + 30)


@virtual()
async def test_without_a_budget_nothing_is_quoted(a2e, sim):
    """A client without a budget asks for no price, and still says what it has spent."""
    await a2e.start(IMAGE)
    assert sim.counters["quote"] == 0
    assert (a2e.spent, a2e.reserved) == (10, 0)


@virtual(options=budget(100))
async def test_a_price_of_the_caller_is_taken_and_not_asked(a2e, sim):
    """With price= no quote is asked; the coins of the reply count in the end."""
    job = a2e.start(IMAGE, price=60)
    error = await caught(a2e.start(IMAGE, price=60).wait())
    assert isinstance(error, BudgetExceededError)
    assert (error.needed, error.left) == (60, 40)
    await job
    assert a2e.spent == 10
    await a2e.with_options(price=90).start(IMAGE)
    assert sim.counters["quote"] == 0


@virtual(options=budget(100))
async def test_a_start_that_costs_more_than_quoted_is_settled_by_its_reply(a2e, sim):
    """What the service charges counts, and is the price of the next start."""
    await a2e.start(IMAGE, price=1)
    assert a2e.spent == 10
    await a2e.start(IMAGE)
    assert (a2e.spent, sim.counters["quote"]) == (20, 0)


@virtual(options=budget(100))
async def test_a_quote_that_fails_gives_way_to_the_last_price(a2e, sim):
    """When no quote can be had the price that was seen last counts."""
    sim.faults.add("quote", "status", status=404, hits=None)
    await a2e.start(IMAGE)
    jobs = [a2e.start(IMAGE) for _ in range(20)]
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert sum(isinstance(end, BudgetExceededError) for end in ended) == 11
    assert sim.world.book.charged == 100
    assert sim.counters["quote"] == 1


@pytest.mark.parametrize("fault", [("status", {"status": 404}), ("html", {}), ("null", {}), ("reset", {})])
@virtual(options=budget(200))
async def test_a_start_of_unknown_price_goes_alone_and_tells_the_others(a2e, sim, fault):
    """Without any price one start goes by itself with all that is left; then all know the price."""
    kind, details = fault
    sim.faults.add("quote", kind, hits=None, **details)
    jobs = [a2e.start(VIDEO) for _ in range(10)]
    await until(lambda: sim.counters["image_to_video.start"], step=0.01)
    assert a2e.reserved == 200
    assert sim.counters["image_to_video.start"] == 1
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert sum(isinstance(end, BudgetExceededError) for end in ended) == 4
    assert a2e.spent == sim.world.book.charged == 180


@virtual(options=budget(50))
async def test_a_budget_is_passed_by_at_most_one_unknown_price(a2e, sim):
    """An unknown price may be more than is left; after that one start nothing more is sent."""
    sim.faults.add("quote", "html", hits=None)
    jobs = [a2e.start(LONG_VIDEO) for _ in range(5)] + [a2e.start(VIDEO) for _ in range(5)]
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    refused = [end for end in ended if isinstance(end, BudgetExceededError)]
    starts = sim.world.book.starts
    assert len(refused) == 10 - len(starts)
    assert sum(start.coins for start in starts[:-1]) < 50
    assert a2e.spent == sim.world.book.charged
    assert all(0 <= end.left < 50 for end in refused)


@virtual(options=budget(1_000))
async def test_starts_of_other_kinds_wait_for_one_that_goes_alone(a2e, sim):
    """A start that holds all that is left for a moment refuses nobody."""
    sim.faults.add("quote", "html", hits=None)
    jobs = [a2e.start(request) for request in [VIDEO, IMAGE, LONG_VIDEO] * 3]
    jobs += [a2e.start(attrs.evolve(IMAGE, width=512), price=10)]
    await asyncio.gather(*jobs)
    assert a2e.spent == sim.world.book.charged == 3 * (30 + 10 + 120) + 10


@virtual(options=budget(1_000))
async def test_an_unknown_price_that_is_refused_lets_the_next_one_go(a2e, sim):
    """When the start that goes alone is refused, the next one goes alone."""
    sim.faults.add("quote", "html", hits=None)
    sim.faults.add("*.start", "status", status=400, hits=2)
    ended = await asyncio.gather(*(a2e.start(VIDEO) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(end, RejectedRequestError) for end in ended) == 2
    assert (a2e.spent, a2e.reserved) == (90, 0)


@virtual(options=budget(1_000))
async def test_an_unknown_price_that_is_lost_keeps_all_that_was_left(a2e, sim):
    """A lost start of unknown price holds the whole rest: the others end, and none waits for ever."""
    sim.faults.add("quote", "html", hits=None)
    sim.faults.add("*.start", "reset", when="after")
    ended = await asyncio.gather(
        *(a2e.with_options(tagging=False).start(VIDEO) for _ in range(5)), return_exceptions=True
    )
    assert isinstance(ended[0], StartUnknownError)
    assert {type(end) for end in ended[1:]} == {BudgetExceededError}
    assert (a2e.spent, a2e.reserved) == (0, 1_000)


@virtual(options=budget(1_000, on_unknown_price="refuse"))
async def test_unknown_prices_are_refused_on_demand(a2e, sim):
    """With on_unknown_price="refuse" a start without any price is not sent."""
    sim.faults.add("quote", "html", hits=None)
    error = await caught(a2e.start(IMAGE).wait())
    assert isinstance(error, BudgetExceededError)
    assert error.needed is None
    assert error.left == 1_000
    assert sim.counters["text_to_image.start"] == 0
    await a2e.start(IMAGE, price=10)


def test_on_unknown_price_is_checked():
    """Another word than "alone" or "refuse" is a UsageError."""
    with pytest.raises(UsageError, match="on_unknown_price: must be 'alone' or 'refuse'"):
        A2EClient("sk_x", on_unknown_price="ask")
