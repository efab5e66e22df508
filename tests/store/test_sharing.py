"""What processes share: coins, running tasks and the rate; their parts never add up to more than the limit."""

from __future__ import annotations

import asyncio
import random

import pytest
from ledgers import entry

from a2e_async.errors import BudgetExceededError, FencedError, UsageError
from a2e_async.store.entries import RowEvent, State
from a2e_async.store.ports import JOBS, Share, Wants
from a2e_async.store.values import HELD


async def _held(store, batch=JOBS):
    """Add up what rows hold and have cost, and give what the purse says."""
    sql = f"SELECT coalesce(sum({HELD}), 0.0) FROM rows WHERE batch = :batch"
    taken = await store._engine.read("SELECT taken FROM purses WHERE batch = :batch", batch=batch)
    return (await store._engine.read(sql, batch=batch))[0][0], taken[0][0]


async def _intend(book, name, price):
    try:
        return await book.intended(name, "abcdefgh", 1, price)
    except BudgetExceededError as error:
        return error


async def test_a_purse_is_never_passed_whoever_intends(views):
    """Many intents of several processes at once: as many as there are coins for, and not one more."""
    stores = [await views.another() for _ in range(3)]
    for store in stores:
        assert await store.open_purse(JOBS, 100) == 0
    books = [await store.join(JOBS, await store.lease()) for store in stores]
    for n, book in enumerate(books):
        await book.plan([entry(f"{n}-{row}") for row in range(40)])
    told = await asyncio.gather(*[
        _intend(book, f"{n}-{row}", 3.0) for n, book in enumerate(books) for row in range(40)
    ])  # fmt: skip
    assert told.count(True) == 33
    refused = [error for error in told if error is not True]
    assert len(refused) == 87
    assert {error.needed for error in refused} == {3.0}
    assert all(0 <= error.left < 100 for error in refused)
    assert await _held(stores[0]) == (99, 99)
    assert await _intend(books[0], "0-0", 3.0)  # the same intent once more holds nothing more


async def test_a_small_intent_goes_where_a_large_one_does_not(store):
    """Also when both stand in one statement."""
    await store.open_purse(JOBS, 10)
    book = await store.join(JOBS, await store.lease())
    await book.plan([entry("large"), entry("small"), entry("free")])
    told = await asyncio.gather(_intend(book, "large", 50.0), _intend(book, "small", 10.0), _intend(book, "free", None))
    assert [type(one) for one in told] == [BudgetExceededError, bool, bool]
    assert (await book.known(["large"]))["large"].state is State.PLANNED


async def test_a_purse_follows_every_change_of_a_row(store):
    """What is held, charged, given back, and attempted anew: the counter always says what the rows say."""
    await store.open_purse("trial", 1000)
    book = await store.join("trial", await store.lease())
    await book.plan([entry(name) for name in "abcd"])
    for name in "abcd":
        await book.intended(name, "abcdefgh", 1, 10.0)
    assert await _held(store, "trial") == (40, 40)
    await book.released("a", "no route")
    await book.ended("b", RowEvent.REFUSED, "why")
    await book.sending("c", "a", 1.0)
    await book.accepted("c", ["t"], 25)
    await book.accepted("d", ["t"], None)
    assert await _held(store, "trial") == (35, 35)
    await book.ended("c", RowEvent.FAILED, "why", coins=0)
    await book.downloaded("d", [], coins=7)
    assert await _held(store, "trial") == (7, 7)
    assert await book.again(["d"], [State.DONE]) == ["d"]
    await book.intended("d", "bcdefghi", 2, 10.0)
    assert await _held(store, "trial") == (17, 17)


async def test_a_purse_counts_what_was_spent_before_it_was_opened(views):
    """Also by processes that know nothing of it."""
    one, other = await views.another(), await views.another()
    book = await one.join(JOBS, await one.lease())
    await book.plan([entry("a"), entry("b")])
    await book.intended("a", "abcdefgh", 1, 10.0)
    assert await other.open_purse(JOBS, 15) == 10
    await book.accepted("a", ["t"], 12)
    his = await other.join(JOBS, await other.lease())
    await his.plan([entry("c")])
    assert isinstance(await _intend(his, "c", 4.0), BudgetExceededError)
    assert await _intend(his, "c", 3.0) is True
    assert await _intend(book, "b", 4.0) is True  # a process that bounds nothing


async def test_an_intent_whose_row_stands_elsewhere_is_no_matter_of_coins(store):
    """A row that was accepted is not intended again, and nobody is told of coins."""
    await store.open_purse(JOBS, 10)
    book = await store.join(JOBS, await store.lease())
    await book.plan([entry()])
    await book.accepted("a", ["t"], 10)
    assert await _intend(book, "a", 99.0) is False
    assert (await book.known(["a"]))["a"].state is State.ACCEPTED


@pytest.mark.parametrize("coins", [-1, float("nan"), float("inf"), "5", True, None])
async def test_a_purse_that_is_no_number_is_refused(store, coins):
    """The message names it."""
    with pytest.raises(UsageError, match="coins: must be a number of at least 0"):
        await store.open_purse(JOBS, coins)


async def test_running_tasks_are_shared_and_never_too_many(views):
    """Processes come, want much or little, and go; the sum of their permits never passes the limit."""
    chance = random.Random(7)
    limit, wants = 20, {}
    stores = [await views.another() for _ in range(4)]
    leases = {}
    for _step in range(60):
        n = chance.randrange(4)
        if n not in leases:
            leases[n] = await stores[n].lease()
            wants[n] = 0
        elif chance.random() < 0.1:
            await leases.pop(n).aclose()
            wants.pop(n)
            continue
        used = chance.randint(0, wants[n])
        demand = chance.choice([0, 3, 50])
        share = await stores[n].share(leases[n], Wants(running=limit, demand=demand, used=used))
        wants[n] = share.running
        assert sum(wants.values()) <= limit
        assert share.running >= used


async def test_all_of_a_limit_is_used_when_it_is_wanted(views):
    """Two hungry processes come to a half each within two rounds; one that wants nothing leaves it to the other."""
    one, other = await views.another(), await views.another()
    mine, his = await one.lease(), await other.lease()
    much = Wants(running=9, demand=100)
    assert (await one.share(mine, much)).running == 9
    assert (await other.share(his, much)).running == 0
    assert (await one.share(mine, Wants(running=9, demand=100, used=9))).running == 9  # what runs is not taken away
    assert (await one.share(mine, Wants(running=9, demand=100, used=4))).running in (4, 5)
    assert (await other.share(his, much)).running in (4, 5)
    await one.share(mine, Wants(running=9, demand=0, used=0))
    shares = [await other.share(his, much)]
    assert shares[-1].running == 9


async def test_what_a_dead_process_ran_keeps_its_place_until_it_is_claimed(views):
    """Its tasks run on at the service: their places go to whoever claims its rows, and nobody else."""
    one, other = await views.another(), await views.another()
    mine, his = await one.lease(), await other.lease()
    await one.share(mine, Wants(running=10, demand=10))
    book = await one.join(JOBS, mine)
    await book.plan([entry(f"{n}") for n in range(6)])
    for n in range(5):
        await book.intended(f"{n}", "abcdefgh", 1)
        await book.sending(f"{n}", "a", 1.0)
    for n in range(3):
        await book.accepted(f"{n}", ["t"], 1)
    mine._task.cancel()
    await one._engine.write("UPDATE leases SET beat = beat - 1000 WHERE id = :id", id=mine.id)
    assert (await other.share(his, Wants(running=10, demand=100))).running == 5
    taken = await other.claim(JOBS, book.shard, his)
    assert taken is not None
    third = await views.another()
    assert (await third.share(await third.lease(), Wants(running=10, demand=100))).running == 0
    await third.aclose()
    assert (await other.share(his, Wants(running=10, demand=100, used=5))).running == 10
    with pytest.raises(FencedError):
        await one.share(mine, Wants(running=10))


async def test_the_rate_is_shared_among_the_live(views):
    """A newcomer waits for its second turn, when the others know of it."""
    one, other = await views.another(), await views.another()
    mine, his = await one.lease(), await other.lease()
    assert await one.share(mine, Wants(rate=10)) == Share(running=None, rate=0.0, live=2)
    assert await one.share(mine, Wants(rate=10)) == Share(running=None, rate=5.0, live=2)
    assert (await other.share(his, Wants(rate=10))).rate == 0.0
    assert (await other.share(his, Wants(rate=10))).rate == 5.0
    await mine.aclose()
    assert await other.share(his, Wants(rate=10)) == Share(running=None, rate=10.0, live=1)
    assert (await other.share(his, Wants())).rate is None


async def test_hints_reach_every_process(views):
    """Whoever listens is told of each, in order, until its lease has ended."""
    one, other = await views.another(), await views.another()
    mine, his = await one.lease(), await other.lease()
    heard = {"mine": [], "his": []}

    async def listen(store, lease, name):
        async for task_id in store.hints(lease):
            heard[name].append(task_id)

    listening = [asyncio.create_task(listen(one, mine, "mine")), asyncio.create_task(listen(other, his, "his"))]
    for n in range(100):  # until both listen
        await one.hint(f"first-{n}")
        if all(heard.values()):
            break
        await asyncio.sleep(0.03)
    await other.hint("t1")
    await one.hint("t2")
    for _ in range(100):
        if all(told[-2:] == ["t1", "t2"] for told in heard.values()):
            break
        await asyncio.sleep(0.03)
    assert [told[-2:] for told in heard.values()] == [["t1", "t2"]] * 2
    await mine.aclose()
    await his.aclose()
    await asyncio.wait_for(asyncio.gather(*listening), 5)


@pytest.mark.parametrize(("event", "counted"), [(None, 10), ("done", 0), ("failed", 0)])
async def test_an_answer_of_no_coins_is_believed_when_the_task_has_ended(store, event, counted):
    """Some answers come before the charge: until then the price counts, in this life and in the next one."""
    await store.open_purse(JOBS, 100)
    book = await store.join(JOBS, await store.lease())
    await book.plan([entry()])
    await book.intended("a", "abcdefgh", 1, 10.0)
    await book.accepted("a", ["t"], 0)
    if event == "done":
        await book.downloaded("a", [], coins=0)
    elif event == "failed":
        await book.ended("a", RowEvent.FAILED, "why")
    assert await book.coins() == counted
    assert await _held(store) == (counted, counted)


async def test_coins_of_no_row_are_counted_and_bounded(views):
    """Uploads of all processes: never more than the limit, and what was spent already counts in any case."""
    stores = [await views.another() for _ in range(2)]
    for store in stores:
        await store.open_purse(JOBS, 20)
    told = await asyncio.gather(*[store.spend(JOBS, 3, most=20) for store in stores for _ in range(5)])
    assert told.count(True) == 6
    assert await stores[0].spend(JOBS, -3)
    assert await stores[1].spend(JOBS, 3, most=20)
    assert await stores[1].spend(JOBS, 7)
    assert await stores[0].open_purse(JOBS, 1000) == 25
    assert await stores[0].spend("without a purse", 99, most=1)
