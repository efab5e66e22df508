"""Coins of a budget that come back, stay held or are spent, by how a start ends; and an account without coins."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, virtual

from a2e_async import (
    BudgetExceededError,
    ImageToVideo,
    InsufficientCoinsError,
    JobCancelledError,
    JobFailedError,
    RejectedRequestError,
    StartUnknownError,
    TextToImage,
)


def budget(coins, **options):
    """Give the options of a client with a budget."""
    return {"budget": coins, **options}


@virtual(options=budget(10))
async def test_a_refused_start_gives_its_coins_back(a2e, sim):
    """What was reserved for a start that the service refuses is free for the next one."""
    sim.faults.add("*.start", "status", status=400)
    await caught(a2e.start(IMAGE).wait())
    assert (a2e.spent, a2e.reserved) == (0, 0)
    await a2e.start(IMAGE)


@virtual(options=budget(10))
async def test_a_start_that_never_left_gives_its_coins_back(a2e, sim):
    """A start that is refused for being too many is released when it is given up."""
    sim.faults.add("*.start", "status", status=429, hits=6)
    await caught(a2e.start(IMAGE).wait())
    assert a2e.reserved == 0
    await a2e.start(IMAGE)


@virtual(options=budget(10))
async def test_a_start_that_was_let_go_of_in_time_is_not_sent(a2e, sim):
    """A job that is detached while its price is asked sends nothing and holds nothing."""
    sim.faults.add("quote", "delay", seconds=5)
    job = a2e.start(IMAGE)
    await asyncio.sleep(1)
    job.detach()
    await asyncio.sleep(10)
    assert sim.counters["text_to_image.start"] == 0
    assert a2e.reserved == 0


@virtual(options=budget(30), task_seconds=100)
async def test_a_cancelled_start_gives_its_coins_back(a2e, sim):
    """A task that is deleted while initialized is refunded, and the budget has its coins again."""
    job = a2e.start(VIDEO)
    await job.accepted()
    assert a2e.spent == 30
    assert await job.cancel()
    error = await caught(job.wait())
    assert isinstance(error, JobCancelledError)
    assert error.refunded is True
    assert a2e.spent == sim.world.book.spent == 0
    await a2e.start(VIDEO)


@virtual(options=budget(30), task_seconds=100)
async def test_a_start_that_is_too_late_to_cancel_keeps_its_coins_spent(a2e, sim):
    """A task that has begun is not deleted, and nothing is claimed back."""
    job = a2e.start(VIDEO)
    await job.accepted()
    await asyncio.sleep(50)
    assert not await job.cancel()
    assert a2e.spent == 30


@virtual(options=budget(30))
async def test_a_lost_start_stays_reserved_until_it_is_found(a2e, sim):
    """While a lost start is looked for its coins are held; recovered, they are spent."""
    sim.world.change(list_lag=20)
    sim.faults.add("*.start", "reset", when="after")
    job = a2e.start(VIDEO)
    await asyncio.sleep(10)
    assert (a2e.spent, a2e.reserved) == (0, 30)
    assert isinstance(await caught(a2e.start(VIDEO).wait()), BudgetExceededError)
    await job
    assert (a2e.spent, a2e.reserved) == (30, 0)


@virtual(options=budget(30))
async def test_a_start_that_stays_unknown_stays_reserved(a2e, sim):
    """StartUnknownError gives no coins back: they may have been charged."""
    sim.faults.add("*.start", "reset", when="after")
    assert isinstance(await caught(a2e.with_options(tagging=False).start(VIDEO).wait()), StartUnknownError)
    assert (a2e.spent, a2e.reserved) == (0, 30)
    assert isinstance(await caught(a2e.start(VIDEO).wait()), BudgetExceededError)


@virtual(options=budget(30))
async def test_a_second_send_that_is_refused_gives_the_coins_back(a2e, sim):
    """Once the absence of the first send is proven, a refusal of the second settles the matter."""
    sim.faults.add("*.start", "reset")
    sim.faults.add("*.start", "status", status=400)
    assert isinstance(await caught(a2e.start(VIDEO).wait()), RejectedRequestError)
    assert (a2e.spent, a2e.reserved) == (0, 0)


@pytest.mark.parametrize("refunds", [True, False, None])
@virtual(options=budget(100))
async def test_a_failed_task_keeps_its_coins_spent_unless_it_is_documented(a2e, sim, refunds, monkeypatch):
    """Only a family that is documented to refund gives the coins back; the error says which it is."""
    job = a2e.start(TextToImage("[fail]"))
    job.family = attrs.evolve(job.family, refunds=refunds)
    error = await caught(job.wait())
    assert isinstance(error, JobFailedError)
    assert error.refunded is refunds
    assert a2e.spent == (0 if refunds else 10)


@pytest.mark.parametrize("coins", [float("nan"), float("inf"), -5, "10", None])
@virtual(options=budget(100))
async def test_coins_that_are_no_number_settle_at_the_price(a2e, sim, coins):
    """Nonsense in a reply's coins cannot break the budget."""
    real = sim._service._answers["start"]
    sim._service._answers["start"] = lambda *what: {**real(*what), "coins": coins}
    await a2e.start(IMAGE)
    assert (a2e.spent, a2e.reserved) == (10, 0)


# The account itself runs out of coins.


@pytest.mark.parametrize("poor", ["400", "200", "402"])
@virtual(coins=35, options={"max_starts": 1})
async def test_too_few_coins_end_the_starts_that_are_queued(a2e, sim, poor):
    """When the account is empty every queued start ends with the same error and is not sent; a later one is tried."""
    sim.world.change(poor=poor)
    jobs = [a2e.start(IMAGE) for _ in range(10)]
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(end).__name__ for end in ended] == ["Result"] * 3 + ["InsufficientCoinsError"] * 7
    assert sim.counters["text_to_image.start"] == 4
    assert ended[9].message.startswith("not sent: ")
    assert ended[9].status == ended[3].status
    assert ended[9].tag == jobs[9].tag
    assert len(sim.world.book.starts) == 3
    error = await caught(a2e.start(IMAGE, price=10).wait())
    assert isinstance(error, InsufficientCoinsError)
    assert error.needed == 10
    assert sim.counters["text_to_image.start"] == 5
    sim.world.coins = 10
    await a2e.start(IMAGE)


@pytest.mark.parametrize(
    "words", ["Insufficient coins", "not enough credits", "Your coin balance is insufficient", "You run out of coins"]
)
@virtual()
async def test_too_few_coins_are_known_by_their_words(a2e, sim, words):
    """Each of the service's texts for an empty account is InsufficientCoinsError."""
    sim.faults.add("*.start", "code", code=1, message=words)
    assert isinstance(await caught(a2e.start(IMAGE).wait()), InsufficientCoinsError)
    assert now() < 1


@virtual(options=budget(60), opened=False)
async def test_a_budget_belongs_to_a_client_and_its_views(sim):
    """Views share the budget of their client; another client has its own."""
    async with client(sim, budget=60) as a2e:
        await a2e.with_options(timeout=60).start(VIDEO)
        await a2e.start(VIDEO)
        assert isinstance(await caught(a2e.with_options().start(VIDEO).wait()), BudgetExceededError)
        assert a2e.with_options().spent == 60
    async with client(sim, budget=60) as a2e:
        await a2e.start(VIDEO)


@virtual(options=budget(35), task_seconds=5)
async def test_four_videos_of_one_start_are_reserved_together(a2e, sim):
    """The price of a start is that of all its tasks."""
    four = ImageToVideo("http://example.com/a.png", prompt="x", negative_prompt="y", number_of_images=4)
    error = await caught(a2e.start(four).wait())
    assert isinstance(error, BudgetExceededError)
    assert error.needed == 120
