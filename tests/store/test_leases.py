"""Who holds what: leases, shards and takeovers; what a dead or sleeping process writes is not taken."""

from __future__ import annotations

import asyncio

import pytest
from ledgers import entry

from a2e_async.errors import FencedError, LedgerError, UsageError
from a2e_async.store.entries import RowEvent, State
from a2e_async.store.ports import JOBS, Wants

SHORT = 0.6


async def _dead(store, lease):
    """Let a lease have run out, as if its process had been sleeping."""
    lease._task.cancel()
    await store._engine.write("UPDATE leases SET beat = beat - 1000 WHERE id = :id", id=lease.id)


async def test_a_shard_is_held_by_one_process_at_a_time(views):
    """What a live process holds is nobody else's; given back it is free at once."""
    one, other = await views.another(), await views.another()
    mine, his = await one.lease(), await other.lease()
    book = await one.join(JOBS, mine)
    await book.plan([entry()])
    assert await other.open_shards() == []
    assert await other.claim(JOBS, book.shard, his) is None
    await book.aclose()
    (free,) = await other.open_shards(JOBS)
    assert (free.batch, free.no, free.rows, free.open) == (JOBS, book.shard, 1, 1)
    taken = await other.claim(JOBS, free.no, his)
    assert list(await taken.known(["a"])) == ["a"]
    assert await one.claim(JOBS, free.no, mine) is None
    assert await other.claim("nothing", 0, his) is None
    assert await other.claim(JOBS, 77, his) is None


async def test_a_dead_process_loses_its_rows_and_writes_nothing_more(views):
    """After the takeover every write of the old holder is refused, whatever it is, and it learns of it."""
    one, other = await views.another(), await views.another()
    mine, his = await one.lease(), await other.lease()
    book = await one.join(JOBS, mine)
    await book.plan([entry(), entry("b")])
    await book.intended("a", "abcdefgh", 1, 5.0)
    await _dead(one, mine)
    (free,) = await other.open_shards()
    taken = await other.claim(JOBS, free.no, his)
    for write in (
        lambda: book.sending("a", "a", 1.0),
        lambda: book.accepted("a", ["t1"], 1),
        lambda: book.plan([entry("c")]),
        lambda: book.noted("b", "late"),
        lambda: one.join(JOBS, mine),
        lambda: one.claim(JOBS, free.no, mine),
    ):
        with pytest.raises(FencedError):
            await write()
    known = await taken.known(["a", "b", "c"])
    assert {row.id: (row.state, row.letters, row.error) for row in known.values()} == {
        "a": (State.INTENDED, "", ""),
        "b": (State.PLANNED, "", ""),
    }
    assert await taken.sending("a", "a", 2.0)


async def test_without_a_lease_nothing_is_written_although_nobody_has_taken_the_rows(views):
    """It was closed, or buried by whoever counted the living: its holder may not write, and the rows are free."""
    one, other = await views.another(), await views.another()
    theirs = await other.lease()
    for bury in (lambda lease: lease.aclose(), lambda _lease: other.share(theirs, Wants(running=1))):
        lease = await one.lease()
        book = await one.join(JOBS, lease)
        name = f"row-{book.shard}"
        await book.plan([entry(name)])
        await _dead(one, lease)
        await bury(lease)
        for write in (lambda: book.intended(name, "abcdefgh", 1), lambda: book.plan([entry("new")])):  # noqa: B023
            with pytest.raises(FencedError):
                await write()
        assert (await other.claim(JOBS, book.shard, theirs)) is not None


async def test_a_lease_whose_beats_stop_runs_out(views):
    """By the store's clock, a time to live after the last beat and not before; while it beats it is alive."""
    one, other = await views.another(), await views.another()
    mine, his = await one.lease(SHORT), await other.lease()
    book = await one.join(JOBS, mine)
    await book.plan([entry()])
    await asyncio.sleep(SHORT * 1.5)
    assert await other.open_shards() == []
    await mine.fresh()
    mine._task.cancel()  # it sleeps
    assert await other.claim(JOBS, book.shard, his) is None
    await asyncio.sleep(SHORT * 1.2)
    assert await other.claim(JOBS, book.shard, his) is not None


async def test_a_process_that_was_taken_for_dead_is_told_at_its_next_beat(views):
    """Its right ends there, and whoever waits for its end is woken."""
    one, other = await views.another(), await views.another()
    mine, his = await one.lease(SHORT), await other.lease()
    book = await one.join(JOBS, mine)
    await book.plan([entry()])
    await one._engine.write("UPDATE leases SET beat = beat - 1000 WHERE id = :id", id=mine.id)
    taken = await other.claim(JOBS, book.shard, his)
    if taken is None:  # it has beaten in between
        pytest.skip("the machine was too slow for this lease")
    await asyncio.wait_for(mine.gone(), 5)
    assert mine.lost
    with pytest.raises(FencedError, match="took it for dead"):
        await mine.fresh()


async def test_of_two_that_claim_one_shard_one_gets_it(views):
    """Also when its holder is dead and both see it at the same time."""
    stores = [await views.another() for _ in range(4)]
    leases = [await store.lease() for store in stores]
    for _round in range(5):
        dead = await stores[0].lease()
        book = await stores[0].join("race", dead)
        await book.plan([entry(f"{_round}")])
        await _dead(stores[0], dead)
        claims = [store.claim("race", book.shard, lease) for store, lease in zip(stores, leases, strict=True)]
        taken = [got for got in await asyncio.gather(*claims) if got is not None]
        assert len(taken) == 1
        assert await taken[0].noted(f"{_round}", "mine")


async def test_closing_a_lease_or_a_store_frees_its_shards(views):
    """Others need not wait until it has run out."""
    one, other = await views.another(), await views.another()
    for leave in (lambda store, lease: lease.aclose(), lambda store, lease: store.aclose()):
        lease = await one.lease()
        book = await one.join("left", lease)
        await book.plan([entry(f"row-{book.shard}")])
        await leave(one, lease)
        assert lease.lost
        (free,) = [shard for shard in await other.open_shards() if shard.no == book.shard]
        assert await other.claim("left", free.no, await other.lease()) is not None


async def test_numbers_of_leases_are_never_used_twice(views):
    """Not even that of one that was closed last."""
    store = await views.another()
    numbers = []
    for _ in range(4):
        lease = await store.lease()
        numbers.append(lease.id)
        await lease.aclose()
    assert len(set(numbers)) == 4


async def test_a_shard_whose_rows_are_over_is_not_offered(views):
    """Neither given back nor left by a dead process; one with a row that waits is."""
    one, other = await views.another(), await views.another()
    for n, leave in enumerate(("given back", "dead")):
        lease = await one.lease()
        book = await one.join("over", lease)
        await book.plan([entry(f"{n}")])
        await book.ended(f"{n}", RowEvent.REFUSED, "why")
        if leave == "dead":
            await _dead(one, lease)
        else:
            await book.aclose()
    assert await other.open_shards() == []


async def test_shards_of_a_batch_are_added_once(views):
    """The same rows again add nothing; new ones make a shard of their own."""
    one, other = await views.another(), await views.another()
    rows = [entry(f"r{n}") for n in range(6)]
    assert await one.add_shard("films", rows[:3]) == 0
    assert await other.add_shard("films", rows[:3]) is None
    assert await other.add_shard("films", rows[1:]) == 1
    shards = await one.open_shards("films")
    assert [(shard.no, shard.rows, shard.open) for shard in shards] == [(0, 3, 3), (1, 3, 3)]
    book = await one.claim("films", 1, await one.lease())
    assert sorted(row.id for row in await book.in_states(list(State))) == ["r3", "r4", "r5"]
    at_once = [store.add_shard("films", [entry(f"{n}")]) for n, store in enumerate([one, other] * 5)]
    assert sorted(await asyncio.gather(*at_once)) == list(range(2, 12))


async def test_an_edit_is_taken_over_when_the_shard_is_claimed(views):
    """A row that was not begun is started as it was given last; one that was begun keeps its first version."""
    store = await views.another()
    await store.add_shard("films", [entry("a"), entry("b")])
    lease = await store.lease()
    book = await store.claim("films", 0, lease)
    await book.intended("b", "abcdefgh", 1)
    await book.sending("b", "a", 1.0)
    await book.aclose()
    new = {"prompt": "another"}
    assert await store.add_shard("films", [entry("a", fields=new), entry("b", fields=new)]) is None
    book = await store.claim("films", 0, lease)
    known = await book.known(["a", "b"])
    assert [(known[row].fields["prompt"], known[row].edited) for row in "ab"] == [
        ("another", None),
        ("a kite", ("text_to_image", new)),
    ]


@pytest.mark.parametrize("ttl", [0, 0.1, -1, 1e9, "30", True, None, float("nan")])
async def test_a_time_that_is_none_is_refused(store, ttl):
    """Before anything is written; the message names the rule."""
    with pytest.raises(UsageError, match=r"ttl: must be a number of 0.5 to 3600 seconds"):
        await store.lease(ttl)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, 7])
async def test_a_name_of_a_batch_that_is_none_is_refused(store, name):
    """It is shown to people and stands in addresses."""
    with pytest.raises(UsageError, match="batch: must be a printable name"):
        await store.join(name, await store.lease())


async def test_a_cancelled_caller_leaves_what_it_wrote(views):
    """A write that was asked for is carried out, whether somebody waits for it or not."""
    one, other = await views.another(), await views.another()
    book = await one.join(JOBS, await one.lease())
    await book.plan([entry()])
    writing = asyncio.create_task(book.intended("a", "abcdefgh", 1))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await book.noted("a", "after it")
    assert (await other.find("a")).state is State.INTENDED


async def test_a_store_can_be_opened_once_more(views):
    """With what was in it, where it outlives its closing; what is asked of a closed one is refused."""
    store = await views.another()
    book = await store.join(JOBS, await store.lease())
    await book.plan([entry()])
    await store.aclose()
    with pytest.raises(LedgerError, match=r"is closed|is not open"):
        await book.noted("a", "late")
    await store.open()
    taken = await store.claim(JOBS, book.shard, await store.lease())
    assert await taken.noted("a", "why")
    assert (await store.find("a")).error == "why"
