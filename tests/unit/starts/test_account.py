"""A refusal of one start ends no other one, unless the account itself says so."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, virtual

from a2e_async import AuthenticationError, InsufficientCoinsError, RejectedRequestError


def others(a2e, count=60):
    """Start many videos behind the first one."""
    return [a2e.start(VIDEO) for _ in range(count)]


@pytest.mark.parametrize(
    "words", ["prompt not allowed: no", "Insufficient coins", "You run out of coins", "not enough credits"]
)
@virtual(options={"max_starts": 2})
async def test_words_about_coins_end_no_other_start_while_the_account_is_full(a2e, sim, words):
    """Whatever one refusal says, the queue is dropped only when the balance is less than the price."""
    sim.faults.add("text_to_image.start", "code", code=400, message=words, hits=None)
    bad, good = a2e.start(IMAGE), others(a2e)
    error = await caught(bad.wait())
    assert isinstance(error, InsufficientCoinsError | RejectedRequestError)
    results = await asyncio.gather(*good)
    assert len(results) == len(sim.world.book.starts) == 60


@pytest.mark.parametrize("fault", ["html", "reset", "null"])
@virtual(options={"max_starts": 2})
async def test_a_balance_that_cannot_be_had_ends_no_other_start(a2e, sim, fault):
    """In doubt each start hears its own answer."""
    sim.faults.add("balance", fault, hits=None)
    sim.faults.add("text_to_image.start", "status", status=402)
    bad, good = a2e.start(IMAGE), others(a2e)
    assert isinstance(await caught(bad.wait()), InsufficientCoinsError)
    await asyncio.gather(*good)


@pytest.mark.parametrize(("coins", "quoted", "dropped"), [(5, True, 9), (0, False, 9), (5, False, 0)])
@virtual(options={"max_starts": 1})
async def test_an_empty_account_ends_the_queue(a2e, sim, coins, quoted, dropped):
    """It holds less than the start costs, or nothing at all; without a price a few coins may be enough for others."""
    sim.world.coins = coins
    if not quoted:
        sim.faults.add("quote", "html", hits=None)
    jobs = [a2e.start(IMAGE) for _ in range(10)]
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert {type(end) for end in ended} == {InsufficientCoinsError}
    assert sum(end.message.startswith("not sent: ") for end in ended) == dropped
    assert not sim.world.book.starts


@virtual(options={"max_starts": 8})
async def test_a_start_that_comes_while_the_account_is_asked_is_tried(a2e, sim):
    """Only what was queued when the refusal came is dropped."""
    sim.world.coins = 0
    sim.faults.add("balance", "delay", seconds=3)
    first = [a2e.start(IMAGE) for _ in range(20)]
    await asyncio.sleep(1)
    sim.world.coins = 0
    late = a2e.start(IMAGE)
    error = await caught(late.wait())
    await asyncio.gather(*first, return_exceptions=True)
    assert not error.message.startswith("not sent")


@virtual(options={"max_starts": 2})
async def test_a_403_for_one_prompt_is_the_starts_own(a2e, sim):
    """The service's own 403 speaks of the token only when its other calls refuse it, too; the facts are kept."""
    sim.faults.add("text_to_image.start", "status", status=403, message="this prompt is forbidden")
    bad, good = a2e.start(IMAGE), others(a2e, 5)
    error = await caught(bad.wait())
    assert type(error) is RejectedRequestError
    assert (error.status, error.tag, error.request) == (403, bad.tag, IMAGE)
    assert error.message.startswith("this prompt is forbidden")
    await asyncio.gather(*good)


@pytest.mark.parametrize("status", [401, 403])
@virtual()
async def test_a_token_that_every_call_refuses_is_said_at_once(a2e, sim, status):
    """Such a start ends with AuthenticationError."""
    sim.faults.add("*", "status", status=status, hits=None)
    assert isinstance(await caught(a2e.start(IMAGE).wait()), AuthenticationError)
    assert now() < 1


@virtual(opened=False)
async def test_closing_while_the_account_is_asked_ends_the_start_with_its_own_error(sim):
    """The refusal was heard already; nothing waits for the second opinion."""
    sim.faults.add("balance", "delay", seconds=9)
    sim.faults.add("text_to_image.start", "status", status=403)
    async with client(sim) as a2e:
        job = a2e.start(IMAGE)
        await asyncio.sleep(2)
        assert not job.done()
    assert isinstance(await caught(job.wait()), AuthenticationError)
