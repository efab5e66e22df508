"""What stops a batch, and how a run is left."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import pytest
from batches import (
    HOUR,
    KITE,
    bring_to,
    client,
    entries,
    images,
    one_bill_each,
    play,
    service,
    states,
)
from ledgers import opened

from a2e_async import (
    AuthenticationError,
    BudgetExceededError,
    InsufficientCoinsError,
    LedgerError,
    TransportError,
)
from a2e_async.batch import Batch, State


async def _stopped(tmp_path, sim, *, options=None, rows=8, **opening):
    """Run a batch that cannot go on; gives the run and how many rows stand where."""
    run = await play(tmp_path, sim, images(rows), options={"max_starts": 1, **(options or {})}, **opening)
    return run, Counter((await states(tmp_path)).values())


async def test_a_budget_that_is_used_up_stops_the_batch(tmp_path):
    """What was paid for is brought to its end, the rest stays planned, and a larger budget goes on with it."""
    async with service() as sim:
        run, counts = await _stopped(tmp_path, sim, options={"budget": 35})
        assert isinstance(run.stopped_by, BudgetExceededError)
        assert counts == {State.DONE: 3, State.PLANNED: 5}
        assert sim.book.charged == 30
        assert sum(one.entry.state is State.DONE for one in run.outcomes.values()) == 3
        run, counts = await _stopped(tmp_path, sim)
        assert (run.stopped_by, counts) == (None, {State.DONE: 8})
        assert one_bill_each(sim, 8)


async def test_a_budget_of_the_batch_holds_for_all_of_its_lives(tmp_path):
    """Coins of earlier runs count, and the client's own budget holds besides."""
    async with service() as sim:
        run, counts = await _stopped(tmp_path, sim, max_coins=20)
        assert (type(run.stopped_by), counts[State.DONE]) == (BudgetExceededError, 2)
        run, counts = await _stopped(tmp_path, sim, max_coins=20)
        assert (type(run.stopped_by), counts[State.DONE]) == (BudgetExceededError, 2)
        run, counts = await _stopped(tmp_path, sim, max_coins=50, options={"budget": 10})
        assert (type(run.stopped_by), counts[State.DONE]) == (BudgetExceededError, 3)
        run, counts = await _stopped(tmp_path, sim, max_coins=50)
        assert (type(run.stopped_by), counts[State.DONE]) == (BudgetExceededError, 5)
        assert sim.book.charged == 50
        run, counts = await _stopped(tmp_path, sim, max_coins=80)
        assert (run.stopped_by, counts) == (None, {State.DONE: 8})


@pytest.mark.parametrize("quoted", [True, False])
async def test_a_budget_of_the_batch_holds_with_many_starts_at_once(tmp_path, quoted):
    """Coins are held before a start is sent, also while nobody knows the price."""
    async with service(latency=0.4) as sim:
        if not quoted:
            sim.faults.add("quote", "status", status=500, hits=None)
        run, counts = await _stopped(tmp_path, sim, rows=20, max_coins=70, options={"max_starts": 32})
        assert isinstance(run.stopped_by, BudgetExceededError)
        assert counts == {State.DONE: 7, State.PLANNED: 13}
        assert sim.book.charged == 70


async def test_a_lost_start_keeps_its_coins_held(tmp_path):
    """What may have been charged is not spent a second time."""
    async with service() as sim:
        sim.faults.add("text_to_image.start", "reset", when="after", hits=1)
        sim.faults.add("text_to_image.list", "status", status=500, hits=None)
        run, counts = await _stopped(tmp_path, sim, rows=4, max_coins=30)
        assert isinstance(run.stopped_by, BudgetExceededError)
        assert counts == {State.DONE: 2, State.INTENDED: 1, State.PLANNED: 1}
        assert sim.book.charged == 30


async def test_too_few_coins_stop_the_batch(tmp_path):
    """The rest stays planned."""
    async with service(coins=25) as sim:
        run, counts = await _stopped(tmp_path, sim)
        assert isinstance(run.stopped_by, InsufficientCoinsError)
        assert counts == {State.DONE: 2, State.PLANNED: 6}
        sim.world.coins = 1000
        run, counts = await _stopped(tmp_path, sim)
        assert (run.stopped_by, counts) == (None, {State.DONE: 8})
        assert one_bill_each(sim, 8)


async def test_a_wrong_token_stops_the_batch(tmp_path):
    """Nothing is sent row after row."""
    async with service() as sim:
        run, counts = await _stopped(tmp_path, sim, options={"token": "sk_wrong"}, rows=30)
        assert isinstance(run.stopped_by, AuthenticationError)
        assert counts == {State.PLANNED: 30}
        assert sim.counters["text_to_image.start"] < 10


async def test_a_service_that_cannot_be_reached_stops_the_batch(tmp_path):
    """What was surely not received is planned, not intended: the next run needs not look for it."""
    async with service() as sim:
        run, counts = await _stopped(tmp_path, sim, options={"base_url": "http://127.0.0.1:1"})
        assert isinstance(run.stopped_by, TransportError)
        assert counts == {State.PLANNED: 8}
        assert len(run.outcomes) == 1
        run, counts = await _stopped(tmp_path, sim)
        assert counts == {State.DONE: 8}
        assert sim.counters["text_to_image.list"] == 1  # tells the time of the service; no tag is looked for


@pytest.mark.parametrize("trouble", ["budget", "coins", "token", "gone"])
async def test_what_an_earlier_run_may_have_sent_stays_intended(tmp_path, trouble):
    """A batch that is stopped does not forget an intent: it would be sent a second time without a search."""
    async with service(coins=0 if trouble == "coins" else 1000) as sim:
        await bring_to(tmp_path, KITE, State.INTENDED, there=False, age=HOUR)
        options = {
            "budget": {"budget": 5},
            "token": {"token": "sk_wrong"},
            "gone": {"base_url": "http://127.0.0.1:1"},
        }
        await play(tmp_path, sim, [KITE], options=options.get(trouble))
        known = (await entries(tmp_path))["kite"]
        assert (known.state, known.tag is None) == (State.INTENDED, False)
        assert sim.book.charged == 0


async def test_stop_sends_nothing_more_and_lets_what_was_sent_end(tmp_path):
    """Queued starts are let go of; the rows that were not begun are not given."""
    async with service(latency=1) as sim:
        async with client(sim, max_starts=2) as a2e, Batch.open(tmp_path, a2e) as batch:
            outcomes = []
            async for outcome in batch.run(images(20)):
                outcomes.append(outcome)
                batch.stop()
                sent = sim.counters["text_to_image.start"]
        assert sim.counters["text_to_image.start"] <= sent + 2
        counts = Counter((await states(tmp_path)).values())
        assert counts[State.DONE] == len(outcomes) == len(sim.book.starts)
        assert counts[State.PLANNED] == 20 - len(outcomes) > 0
        assert batch.stopped_by is None
        await play(tmp_path, sim, images(20))
        assert one_bill_each(sim, 20)


async def test_stop_is_heard_while_the_source_is_waited_for(tmp_path):
    """A source that gives nothing holds nobody up, and it is closed."""
    closed = []

    async def silent():
        try:
            yield KITE
            await asyncio.sleep(60)
        finally:
            closed.append(True)

    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        asyncio.get_running_loop().call_later(0.4, batch.stop)
        async with asyncio.timeout(5):
            assert [outcome.row.id async for outcome in batch.run(silent())] == ["kite"]
    assert closed == [True]


async def test_leaving_a_run_lets_go_and_the_next_one_pays_nothing_twice(tmp_path):
    """A loop that is left by `break`: no task is left behind, in the same process or in the next."""
    async with service(latency=0.4, task_seconds=6) as sim:
        async with client(sim, max_starts=4) as a2e:
            async with Batch.open(tmp_path, a2e, max_running=12) as batch:
                async for _outcome in batch.run(images(20)):
                    break
                async for _outcome in batch.run(images(20)):
                    break
            async with Batch.open(tmp_path, a2e) as batch:
                assert [one.entry.state async for one in batch.run(images(20))] == [State.DONE] * 20
        assert one_bill_each(sim, 20)


async def test_an_exception_of_the_callers_leaves_as_itself(tmp_path):
    """Nothing of the batch covers it, and the ledger is closed."""
    async with service() as sim, client(sim) as a2e:

        async def fail():
            async with Batch.open(tmp_path, a2e) as batch:
                async for _outcome in batch.run(images(5)):
                    raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        async with opened(tmp_path):
            pass


async def test_a_cancelled_run_is_resumed(tmp_path):
    """A task that runs a batch can be cancelled anywhere."""
    async with service() as sim:
        for seconds in (0.05, 0.15, 0.25, 0.4):
            running = asyncio.create_task(play(tmp_path, sim, images(15), options={"max_starts": 3}))
            await asyncio.sleep(seconds)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await play(tmp_path, sim, images(15))
        assert one_bill_each(sim, 15)


async def test_a_ledger_that_fails_in_the_middle_stops_the_batch(tmp_path, caplog):
    """Nothing more is sent, every paid task is named somewhere, and the next run pays nothing twice."""
    async with service(latency=0.4) as sim:
        outcomes = []
        async with client(sim, max_starts=4) as a2e, Batch.open(tmp_path, a2e, max_running=10) as batch:
            with pytest.raises(LedgerError):  # noqa: PT012 - of the loop
                async for outcome in batch.run(images(30)):
                    if not outcomes:
                        with contextlib.suppress(LedgerError):
                            await batch.ledger.write(("this is no SQL", ()))
                        sent = sim.counters["text_to_image.start"]
                    outcomes.append(outcome)
        assert isinstance(batch.stopped_by, LedgerError)
        assert sim.counters["text_to_image.start"] <= sent + 4
        named = {task for one in (await entries(tmp_path)).values() for task in one.task_ids}
        named |= {task for one in outcomes if one.error for task in one.error.task_ids}
        assert [task for task in sim.book.tasks if task not in named and task not in caplog.text] == []
        await play(tmp_path, sim, images(30))
        assert set((await states(tmp_path)).values()) == {State.DONE}
        assert one_bill_each(sim, 30)
