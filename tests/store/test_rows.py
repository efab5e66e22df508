"""Rows in a store: what each verb writes, and from where it may come."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from ledgers import FILE, entry

from a2e_async.store.entries import MOVES, RowEvent, State
from a2e_async.store.ports import JOBS, KeptUpload

_VERBS = {
    RowEvent.INTENDED: lambda book: book.intended("a", "abcdefgh", 1, 5.0),
    RowEvent.SENDING: lambda book: book.sending("a", "a", 12.5),
    RowEvent.ACCEPTED: lambda book: book.accepted("a", ["t1"], 20),
    RowEvent.FINISHED: lambda book: book.finished("a", coins=30, urls=["https://r.example/1"], records=[{"_id": "t1"}]),
    RowEvent.DOWNLOADED: lambda book: book.downloaded("a", [FILE]),
    RowEvent.FAILED: lambda book: book.ended("a", RowEvent.FAILED, "why"),
    RowEvent.REFUSED: lambda book: book.ended("a", RowEvent.REFUSED, "why"),
    RowEvent.LOST: lambda book: book.ended("a", RowEvent.LOST, "why"),
    RowEvent.EXPIRED: lambda book: book.ended("a", RowEvent.EXPIRED, "why"),
    RowEvent.RELEASED: lambda book: book.released("a", "why"),
    RowEvent.AGAIN: lambda book: book.again(["a"], list(State)),
    RowEvent.NOTED: lambda book: book.noted("a", "why"),
}


async def _stand(store, state):
    await store._engine.write("UPDATE rows SET state = :state WHERE id = 'a'", state=state.value)


async def _one(book, row_id="a"):
    return (await book.known([row_id]))[row_id]


@pytest.mark.parametrize("event", list(RowEvent))
async def test_a_verb_changes_a_row_only_from_where_its_event_may_come(store, ledger, event):
    """The table of moves is the law of every store; a verb that is told twice leaves what it left."""
    await ledger.plan([entry()])
    for state in State:
        await _stand(store, state)
        before = await _one(ledger)
        moved = bool(await _VERBS[event](ledger))
        after = await _one(ledger)
        allowed, leads = MOVES[event]
        assert moved == (state in allowed), (event, state)
        assert after.state is ((leads or state) if moved else state)
        if not moved:
            assert after == before


async def test_a_row_goes_through_all_of_its_life(ledger):
    """Each write changes what it says and nothing else."""
    known = (await ledger.plan([entry(fields={"prompt": "höher 🪁"})]))["a"]
    assert (known.state, known.attempt, known.fields) == (State.PLANNED, 1, {"prompt": "höher 🪁"})
    await ledger.intended("a", "abcdefgh", 1, 25.0)
    await ledger.sending("a", "a", 100.0)
    await ledger.sending("a", "b", 160.0)
    known = await _one(ledger)
    assert (known.letters, known.sent_first, known.sent_last, known.price) == ("ab", 100.0, 160.0, 25.0)
    await ledger.accepted("a", ["t1", "t2"], 20)
    await ledger.finished("a", coins=None, urls=["https://r.example/1.png"], records=[{"_id": "t1", "coins": 20}])
    await ledger.noted("a", "the file host is down")
    known = await _one(ledger)
    assert (known.state, known.tag, known.task_ids, known.coins, known.error) == (
        State.COMPLETED, "abcdefgh", ("t1", "t2"), 20, "the file host is down",
    )  # fmt: skip
    await ledger.downloaded("a", [FILE])
    known = await _one(ledger)
    assert (known.state, known.files, known.error, known.urls, known.records) == (
        State.DONE, (FILE,), "", ("https://r.example/1.png",), ({"_id": "t1", "coins": 20},),
    )  # fmt: skip
    times = known.planned_at, known.intended_at, known.accepted_at, known.finished_at, known.done_at
    assert list(times) == sorted(times)


async def test_what_is_told_twice_comes_out_the_same(ledger):
    """A store that was away is told again what it may have done already."""
    await ledger.plan([entry()])
    for event in (RowEvent.INTENDED, RowEvent.SENDING, RowEvent.ACCEPTED, RowEvent.FINISHED, RowEvent.DOWNLOADED):
        await _VERBS[event](ledger)
        once = await _one(ledger)
        again = await _VERBS[event](ledger)
        twice = await _one(ledger)
        if event is RowEvent.FINISHED:
            assert not again or twice.state is once.state
        for name in (
            "tag",
            "price",
            "letters",
            "sent_first",
            "task_ids",
            "coins",
            "accepted_at",
            "finished_at",
            "urls",
        ):
            assert getattr(twice, name) == getattr(once, name), (event, name)


async def test_a_new_attempt_remembers_what_the_old_one_has_cost(ledger):
    """It forgets tag, ids and error, and takes the row as it was given last."""
    await ledger.plan([entry(), entry("b")])
    await ledger.intended("a", "abcdefgh", 1, 5.0)
    await ledger.accepted("a", ["t1"], 20)
    await ledger.ended("a", RowEvent.FAILED, "x" * 5000)
    assert len((await _one(ledger)).error) == 2000
    await ledger.plan([entry(fields={"prompt": "another"})])
    assert (await _one(ledger)).edited == ("text_to_image", {"prompt": "another"})
    assert await ledger.again(["a", "b"], [State.FAILED]) == ["a"]
    known = await _one(ledger)
    assert (known.state, known.attempt, known.tag, known.task_ids, known.coins, known.fields, known.edited) == (
        State.PLANNED, 2, None, (), None, {"prompt": "another"}, None,
    )  # fmt: skip
    assert await ledger.coins() == 20
    assert await ledger.counts() == {State.PLANNED: 2}


async def test_a_released_row_waits_as_if_it_had_never_been_sent(ledger):
    """What was surely not taken has no tag, no price and no intent."""
    await ledger.plan([entry()])
    await ledger.intended("a", "abcdefgh", 1, 5.0)
    await ledger.sending("a", "a", 1.0)
    await ledger.released("a", "no route")
    known = await _one(ledger)
    assert (known.state, known.tag, known.intended_at, known.letters, known.price, known.error) == (
        State.PLANNED, None, None, "", None, "no route",
    )  # fmt: skip


async def test_an_intent_of_the_same_tag_keeps_its_time(store, ledger):
    """A resume does not make an old intent young; a new tag has a time of its own."""
    await ledger.plan([entry()])
    await ledger.intended("a", "abcdefgh", 1)
    await store._engine.write("UPDATE rows SET intended_at = 5.0")
    await ledger.intended("a", "abcdefgh", 1)
    assert (await _one(ledger)).intended_at == 5.0
    await ledger.intended("a", "bcdefghi", 2)
    assert (await _one(ledger)).intended_at > 1e9


async def test_planning_changes_only_what_was_not_begun(ledger):
    """An edited row is taken over as long as it is planned, and the first version stays after that."""
    await ledger.plan([entry(), entry("b")])
    await ledger.intended("b", "abcdefgh", 1)
    new = {"prompt": "another"}
    known = await ledger.plan([entry(fields=new), entry("b", fields=new), entry("c")])
    assert [known[row].fields["prompt"] for row in "abc"] == ["another", "a kite", "a kite"]


async def test_one_key_is_one_row_in_every_process(views):
    """Two processes that plan the same keys at once find the same rows; what was asked for first stays."""
    one, other = await views.another(), await views.another()
    books = [await store.join(JOBS, await store.lease()) for store in (one, other)]
    keys = [f"order-{n}" for n in range(30)]
    given = [[entry(key, fields={"prompt": f"by {n}"}) for key in keys] for n in range(2)]
    answers = await asyncio.gather(*[books[n].plan([one]) for n in range(2) for one in given[n]])
    found = {key: [answer[key] for answer in answers if key in answer] for key in keys}
    assert all(len({(row.shard, row.fields["prompt"]) for row in rows}) == 1 for rows in found.values())
    assert (await one.find("order-7")).key == "order-7"
    assert await other.find("order-77") is None
    held = list(itertools.chain(*[await book.in_states(list(State)) for book in books]))
    assert sorted(row.id for row in held) == sorted(keys)


async def test_the_row_of_another_holder_is_not_written(views):
    """It is known to everybody, and changed by its holder alone."""
    one, other = await views.another(), await views.another()
    mine, his = [await store.join(JOBS, await store.lease()) for store in (one, other)]
    await mine.plan([entry()])
    assert (await his.known(["a"]))["a"].shard == mine.shard
    assert not await his.intended("a", "abcdefgh", 1)
    assert (await _one(mine)).state is State.PLANNED


async def test_text_that_utf_8_has_no_bytes_for_is_kept(ledger):
    """A lone surrogate or a NUL from a service or a caller stops nothing."""
    known = await ledger.plan([entry(fields={"prompt": "a\ud800\0"})])
    assert known["a"].fields == {"prompt": "a\ud800\0"}
    await ledger.accepted("a", ["t\udfff\0"], 10**400)
    await ledger.ended("a", RowEvent.FAILED, "b\ud800\0")
    known = await _one(ledger)
    assert (known.task_ids, known.coins, known.error) == (("t\udfff\0",), None, "b? ")


async def test_many_rows_of_many_verbs_keep_their_order(ledger):
    """Writes that share a commit are each carried out, and in order for each row."""
    await ledger.plan([entry(f"r{n}") for n in range(120)])

    async def live(n):
        told = [
            ledger.intended(f"r{n}", "abcdefgh", 1, 1.0),
            ledger.sending(f"r{n}", "a", 1.0),
            ledger.accepted(f"r{n}", [f"t{n}"], 2),
            ledger.downloaded(f"r{n}", []),
        ]
        return await asyncio.gather(*told)

    assert all(all(moved) for moved in await asyncio.gather(*map(live, range(120))))
    assert await ledger.counts() == {State.DONE: 120}
    assert await ledger.coins() == 240


async def test_rows_are_given_page_by_page_in_the_order_of_planning(store, ledger):
    """More than a page of them, and those of some states only."""
    names = [f"r{n}" for n in range(1100)]
    await ledger.plan([entry(name) for name in names])
    await ledger.intended("r5", "abcdefgh", 1)
    assert [one.id async for one in store.entries("trial")] == names
    assert [one.id async for one in store.entries("trial", states=[State.INTENDED])] == ["r5"]
    assert await store.batches() == {"trial": {State.PLANNED: 1099, State.INTENDED: 1}}


async def test_a_job_is_found_by_its_task(store):
    """By exactly its id; a batch's rows are not jobs."""
    book = await store.join(JOBS, await store.lease())
    await book.plan([entry("order-1"), entry("order-2")])
    await book.accepted("order-1", ["t_1", "t%2"], 1)
    assert [(await store.find_task(name)).key for name in ("t_1", "t%2")] == ["order-1", "order-1"]
    assert [await store.find_task(name) for name in ("tx1", "t", '"', "%")] == [None] * 4


async def test_words_and_uploads_are_kept_for_the_whole_store(views):
    """Every process reads what one has kept; the last one counts."""
    one, other = await views.another(), await views.another()
    assert len(await one.kept("salt")) == 32
    assert await one.kept("salt") == await other.kept("salt")
    await one.keep("service", "https://a.example")
    await other.keep("service", "https://b.example")
    assert await one.kept("service") == "https://b.example"
    assert await one.upload("00") is None
    await one.keep_upload(KeptUpload(sha256="00", url="https://u.example/1", expires=None))
    await other.keep_upload(KeptUpload(sha256="00", url="https://u.example/2", expires=99.5))
    assert await one.upload("00") == KeptUpload(sha256="00", url="https://u.example/2", expires=99.5)


async def test_a_refused_row_of_another_holder_is_taken_to_be_attempted_anew(views):
    """By one of many that want it at once; its old holder writes it no more, and a row that runs is taken by nobody."""
    stores = [await views.another() for _ in range(3)]
    mine, *others = [await store.join(JOBS, await store.lease()) for store in stores]
    await mine.plan([entry(), entry("runs")])
    await mine.intended("runs", "abcdefgh", 1)
    assert await mine.ended("a", RowEvent.REFUSED, "BudgetExceededError: no coins")
    known = (await mine.known(["a"]))["a"]
    told = await asyncio.gather(*[book.adopt(known) for book in others for _ in range(3)])
    now = (await mine.known(["a"]))["a"]
    holder = next(book for book in others if book.shard == now.shard)
    assert sum(told) >= 1
    assert (now.state, now.attempt, now.error, now.tag) == (State.PLANNED, 2, "", None)
    assert not await mine.intended("a", "bcdefghi", 2)
    assert await holder.intended("a", "bcdefghi", 2)
    assert not any([await book.adopt((await mine.known(["runs"]))["runs"]) for book in others])
    assert (await mine.known(["runs"]))["runs"].shard == mine.shard


async def test_a_holder_that_is_dead_takes_no_row(views):
    """Its lease is gone: what it writes late changes nothing."""
    one, other = await views.another(), await views.another()
    lease = await other.lease()
    mine, late = await one.join(JOBS, await one.lease()), await other.join(JOBS, lease)
    await mine.plan([entry()])
    await mine.ended("a", RowEvent.REFUSED, "why")
    await one._engine.write("DELETE FROM leases WHERE id = :id", id=lease.id)
    assert not await late.adopt((await mine.known(["a"]))["a"])
    assert (await mine.known(["a"]))["a"].state is State.REFUSED
