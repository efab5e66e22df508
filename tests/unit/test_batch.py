"""A batch: killed anywhere and run again it does what is left and nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections import Counter

import pytest
from batches import HOUR, Asked, bring_to, client, entries, film, picture, pictures, play, service, states
from ledgers import opened

from a2e_async import (
    A2EClient,
    A2EError,
    AuthenticationError,
    BudgetExceededError,
    DownloadError,
    ImageToVideo,
    InsufficientCoinsError,
    InvalidRequestError,
    JobFailedError,
    JobTimeoutError,
    LedgerError,
    NotFoundError,
    StartUnknownError,
    TextToImage,
    TransportError,
    UsageError,
)
from a2e_async.batch import Batch, State
from a2e_async.batch.course import Outcome
from a2e_async.batch.entries import Event
from a2e_async.batch.ledger import Ledger
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.stored import read_coins

KITE = picture("kite")


def one_bill_each(sim, count):
    """Whether so many rows were billed, each once."""
    bills = sim.book.bills_by_tag()
    return len(bills) == len(sim.book.starts) == count and set(bills.values()) == {1}


# From every state.


async def test_a_planned_row_is_started_watched_and_fetched(tmp_path):
    """One start, one file, and the ledger knows all of it."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.PLANNED)
        run = await play(tmp_path, sim, [KITE])
        assert (sim.counters["text_to_image.start"], sim.counters["file"]) == (1, 1)
        assert sim.counters["text_to_image.list"] == 1  # tells the time of the service
        (path,) = run.outcomes["kite"].paths
        known = (await entries(tmp_path))["kite"]
        (start,) = sim.book.starts
        assert (known.state, known.tag, known.task_ids, known.coins) == (State.DONE, start.tag, start.task_ids, 10)
        (file,) = known.files
        assert (path, file.bytes) == (tmp_path / "kite.png", path.stat().st_size)
        assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("age", [0, HOUR, 47 * HOUR, 60 * HOUR])
async def test_an_intent_that_is_found_is_adopted(tmp_path, age):
    """Whatever its age: no start, the task's own file."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.INTENDED, sim=sim, age=age)
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.DONE
        assert (sim.counters["text_to_image.start"], sim.counters["file"]) == (0, 1)
        assert run.outcomes["kite"].entry.task_ids == sim.book.starts[0].task_ids


async def test_an_intent_of_a_moment_ago_is_looked_for_as_long_as_a_list_may_lag(tmp_path):
    """What was sent just before the kill and is not listed yet is not sent again."""
    async with service(list_lag=6) as sim:
        await bring_to(tmp_path, KITE, State.INTENDED, sim=sim)
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.DONE
        assert sim.counters["text_to_image.start"] == 0


@pytest.mark.parametrize("age", [0, HOUR, 47 * HOUR])
async def test_an_intent_that_is_proven_absent_is_sent_under_its_own_tag(tmp_path, age):
    """As the second send of the same intent."""
    async with service() as sim:
        tag = await bring_to(tmp_path, KITE, State.INTENDED, sim=sim, there=False, age=age)
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.DONE
        assert [start.name for start in sim.book.starts] == [f"a kite ~{tag}b"]


async def test_an_old_intent_that_is_not_found_is_unknown_and_not_started_by_itself(tmp_path):
    """Lists drop what is old, so absence proves nothing; only a retry that is asked for starts it anew."""
    async with service() as sim:
        tag = await bring_to(tmp_path, KITE, State.INTENDED, there=False, age=49 * HOUR)
        run = await play(tmp_path, sim, [KITE])
        assert isinstance(run.outcomes["kite"].error, StartUnknownError)
        assert run.outcomes["kite"].entry.state is State.UNKNOWN
        since = Asked(sim)
        for options in ({}, {"retry_failed": True}):
            run = await play(tmp_path, sim, [KITE], **options)
            assert (run.outcomes["kite"].entry.state, run.outcomes["kite"].error) == (State.UNKNOWN, None)
        assert since() == 0
        run = await play(tmp_path, sim, [KITE], retry_unknown=True)
        assert (run.outcomes["kite"].entry.state, run.outcomes["kite"].entry.attempt) == (State.DONE, 2)
        assert [start.tag == tag for start in sim.book.starts] == [False]


async def test_an_intent_stays_one_while_the_list_cannot_be_had(tmp_path):
    """A service in trouble makes no row unknown for good: the next run looks again."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.INTENDED, sim=sim)
        sim.faults.add("text_to_image.list", "status", status=500, hits=None)
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.INTENDED
        sim.faults.clear()
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.DONE
        assert sim.counters["text_to_image.start"] == 0


@pytest.mark.parametrize("state", [State.ACCEPTED, State.COMPLETED])
async def test_what_was_accepted_is_never_started_again(tmp_path, state):
    """An accepted row is watched, a completed one asked once for its link; both are fetched."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, state, sim=sim)
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.DONE
        assert (sim.counters["text_to_image.start"], sim.counters["text_to_image.list"]) == (0, 0)
        assert sim.counters["file"] == 1
        if state is State.COMPLETED:
            assert (sim.counters["text_to_image.batch"], sim.counters["text_to_image.detail"]) == (0, 1)


async def test_what_is_done_asks_for_nothing(tmp_path):
    """A finished batch is run again without a request, and gives every row with its files."""
    async with service() as sim:
        first = await play(tmp_path, sim, pictures(5))
        since = Asked(sim)
        again = await play(tmp_path, sim, pictures(5))
        assert since() == 0
        assert {row: one.paths for row, one in again.outcomes.items()} == {
            row: one.paths for row, one in first.outcomes.items()
        }


@pytest.mark.parametrize("damage", ["deleted", "cut", "longer"])
async def test_a_file_that_is_not_whole_is_fetched_again(tmp_path, damage):
    """No start: the link is asked for anew, and the file is as it was."""
    async with service() as sim:
        (path,) = (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths
        whole = path.read_bytes()
        if damage == "deleted":
            path.unlink()
        else:
            path.write_bytes(whole[:5] if damage == "cut" else whole + b"more")
        since = Asked(sim)
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].paths == (path,)
        assert path.read_bytes() == whole
        assert (since(".start"), since(".detail"), since("file")) == (0, 1, 1)


async def test_a_file_that_is_gone_here_and_there_is_told(tmp_path):
    """When the service has forgotten the task too, the row says so and is not paid for again."""
    async with service() as sim:
        (path,) = (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths
        path.unlink()
        await _forget(sim)
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].error is not None
        assert run.outcomes["kite"].paths == ()
        assert sim.counters["text_to_image.start"] == 1


async def _forget(sim):
    for task_id in list(sim.book.tasks):
        sim.world.delete("text_to_image", task_id)


async def test_a_paid_task_that_the_service_denies_is_asked_for_again_and_paid_again_only_when_told_so(tmp_path):
    """Tasks may be hidden for a while: the row goes on waiting, which is free, until its id is named for a redo."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.ACCEPTED, sim=sim)
        await sim.clock.sleep(4)
        await _forget(sim)
        run = await play(tmp_path, sim, [KITE])
        assert (run.outcomes["kite"].entry.state, type(run.outcomes["kite"].error)) == (State.ACCEPTED, NotFoundError)
        billed = len(sim.book.starts)
        for options in ({"retry_failed": True}, {"retry_unknown": True}):
            run = await play(tmp_path, sim, [KITE], **options)
            assert run.outcomes["kite"].entry.state is State.ACCEPTED
        assert len(sim.book.starts) == billed
        async with client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
            rows = await batch.redo("kite")
            assert [one.entry.state async for one in batch.run(rows)] == [State.DONE]
        assert len(sim.book.starts) == billed + 1


# How rows end.


async def test_a_failed_task_is_failed_until_it_is_retried(tmp_path):
    """It is not asked about again; a retry is a new intent with a new tag, and old coins count."""
    async with service() as sim:
        rows = [picture("bad", "[fail] a kite"), picture("good")]
        run = await play(tmp_path, sim, rows)
        assert isinstance(run.outcomes["bad"].error, JobFailedError)
        assert {row: one.entry.state for row, one in run.outcomes.items()} == {"bad": State.FAILED, "good": State.DONE}
        assert run.outcomes["bad"].entry.error
        since = Asked(sim)
        assert (await play(tmp_path, sim, rows, retry_unknown=True)).outcomes["bad"].entry.state is State.FAILED
        assert since() == 0
        run = await play(tmp_path, sim, rows, retry_failed=True)
        assert (run.outcomes["bad"].entry.state, run.outcomes["bad"].entry.attempt) == (State.FAILED, 2)
        assert since(".start") == 1
        assert one_bill_each(sim, 3)
        assert read_coins(tmp_path / FILE_NAME) == 30


async def test_a_refused_start_is_refused_until_it_is_retried(tmp_path):
    """Moderation and the like: the words of the service are kept, nothing is billed."""
    async with service() as sim:
        row = picture("kite", "[blocked]")
        run = await play(tmp_path, sim, [row])
        assert run.outcomes["kite"].entry.state is State.REFUSED
        assert run.outcomes["kite"].entry.error
        since = Asked(sim)
        assert (await play(tmp_path, sim, [row])).outcomes["kite"].entry.state is State.REFUSED
        assert since() == 0
        await play(tmp_path, sim, [row], retry_failed=True)
        assert since(".start") == 1
        assert sim.book.charged == 0


async def test_a_start_that_breaks_a_rule_of_the_client_is_refused(tmp_path):
    """It is never sent."""
    row = picture("kite", input_images=["http://127.0.0.1/a.png"])
    async with A2EClient("sk_x", base_url="https://video.example.com") as a2e, Batch.open(tmp_path, a2e) as batch:
        (outcome,) = [outcome async for outcome in batch.run([row])]
    assert isinstance(outcome.error, InvalidRequestError)
    assert (outcome.entry.state, batch.stopped_by) == (State.REFUSED, None)


async def test_a_timeout_leaves_the_row_accepted_for_the_next_run(tmp_path):
    """The task goes on, and the next run watches it."""
    async with service(task_seconds=20) as sim:
        run = await play(tmp_path, sim, [KITE], timeout=0.2)
        assert isinstance(run.outcomes["kite"].error, JobTimeoutError)
        assert run.outcomes["kite"].entry.state is State.ACCEPTED
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.DONE
        assert one_bill_each(sim, 1)


async def test_a_failed_download_leaves_the_row_completed_for_the_next_run(tmp_path):
    """What was paid for is fetched later, without a start."""
    async with service() as sim:
        sim.faults.add("file", "status", status=403, hits=None)
        run = await play(tmp_path, sim, [KITE])
        assert isinstance(run.outcomes["kite"].error, DownloadError)
        assert (run.outcomes["kite"].entry.state, run.outcomes["kite"].paths) == (State.COMPLETED, ())
        assert run.outcomes["kite"].entry.error
        sim.faults.clear()
        run = await play(tmp_path, sim, [KITE])
        assert (run.outcomes["kite"].entry.state, run.outcomes["kite"].entry.error) == (State.DONE, "")
        assert one_bill_each(sim, 1)


async def test_several_files_of_a_row_are_numbered(tmp_path):
    """No other row's file has such a name."""
    async with service() as sim:
        rows = [picture("a", max_images=3), picture("a-1"), picture("A"), picture("a-file-1")]
        run = await play(tmp_path, sim, rows)
        assert [path.name for path in run.outcomes["a"].paths] == ["a-file-1.png", "a-file-2.png", "a-file-3.png"]
        names = [path.name.lower() for one in run.outcomes.values() for path in one.paths]
        assert len(set(names)) == len(names) == 6


# What stops a batch.


async def _stopped(tmp_path, sim, *, options=None, rows=8, **opening):
    """Run a batch that cannot go on; gives the run and how many rows stand where."""
    run = await play(tmp_path, sim, pictures(rows), options={"max_starts": 1, **(options or {})}, **opening)
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
    """A batch that is stopped does not forget an intent: it would be sent a second time without a look."""
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
            async for outcome in batch.run(pictures(20)):
                outcomes.append(outcome)
                batch.stop()
                sent = sim.counters["text_to_image.start"]
        assert sim.counters["text_to_image.start"] <= sent + 2
        counts = Counter((await states(tmp_path)).values())
        assert counts[State.DONE] == len(outcomes) == len(sim.book.starts)
        assert counts[State.PLANNED] == 20 - len(outcomes) > 0
        assert batch.stopped_by is None
        await play(tmp_path, sim, pictures(20))
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
                async for _outcome in batch.run(pictures(20)):
                    break
                async for _outcome in batch.run(pictures(20)):
                    break
            async with Batch.open(tmp_path, a2e) as batch:
                assert [one.entry.state async for one in batch.run(pictures(20))] == [State.DONE] * 20
        assert one_bill_each(sim, 20)


async def test_an_exception_of_the_callers_leaves_as_itself(tmp_path):
    """Nothing of the batch covers it, and the ledger is closed."""
    async with service() as sim, client(sim) as a2e:

        async def fail():
            async with Batch.open(tmp_path, a2e) as batch:
                async for _outcome in batch.run(pictures(5)):
                    raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        async with opened(tmp_path):
            pass


async def test_a_cancelled_run_is_resumed(tmp_path):
    """A task that runs a batch can be cancelled anywhere."""
    async with service() as sim:
        for seconds in (0.05, 0.15, 0.25, 0.4):
            running = asyncio.create_task(play(tmp_path, sim, pictures(15), options={"max_starts": 3}))
            await asyncio.sleep(seconds)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await play(tmp_path, sim, pictures(15))
        assert one_bill_each(sim, 15)


async def test_a_ledger_that_fails_in_the_middle_stops_the_batch(tmp_path, caplog):
    """Nothing more is sent, every paid task is named somewhere, and the next run pays nothing twice."""
    async with service(latency=0.4) as sim:
        outcomes = []
        async with client(sim, max_starts=4) as a2e, Batch.open(tmp_path, a2e, max_running=10) as batch:
            with pytest.raises(LedgerError):  # noqa: PT012 - of the loop
                async for outcome in batch.run(pictures(30)):
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
        await play(tmp_path, sim, pictures(30))
        assert set((await states(tmp_path)).values()) == {State.DONE}
        assert one_bill_each(sim, 30)


# Chains.


async def test_a_film_is_made_of_the_picture_of_another_row(tmp_path):
    """Text to image to film in one file, in whatever order."""
    async with service() as sim:
        run = await play(tmp_path, sim, [film("film", "edited"), picture("edited", image_from="kite"), KITE])
        assert run.order == ["kite", "edited", "film"]
        assert all(one.entry.state is State.DONE for one in run.outcomes.values())
        assert [path.suffix for one in run.outcomes.values() for path in one.paths] == [".png", ".png", ".mp4"]
        _first, second, third = (sim.world.task(start.task_ids[0]) for start in sim.book.starts)
        assert second.fields["input_images"][0].startswith(sim.url)
        assert third.fields["image_url"].startswith(sim.url)


async def test_a_chain_goes_on_from_a_picture_of_an_earlier_run(tmp_path):
    """Its link has expired by then, and is asked for anew."""
    async with service(file_ttl=30) as sim:
        await play(tmp_path, sim, [KITE])
        old = await _link(sim)
        await sim.clock.sleep(30)
        since = Asked(sim)
        run = await play(tmp_path, sim, [KITE, film("film", "kite")])
        assert run.outcomes["film"].entry.state is State.DONE
        assert (since("text_to_image.detail"), since("text_to_image.start"), since("image_to_video.start")) == (1, 0, 1)
        used = sim.world.task(sim.book.starts[-1].task_ids[0]).fields["image_url"]
        assert used.startswith(sim.url)
        assert used != old


async def _link(sim):
    async with client(sim) as a2e:
        return (await a2e.look("text_to_image", next(iter(sim.book.tasks)))).urls[0]


async def test_a_chain_whose_picture_is_gone_waits_and_is_not_paid_for(tmp_path):
    """The row stays planned and says why."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        await _forget(sim)
        run = await play(tmp_path, sim, [KITE, film("film", "kite")])
        assert isinstance(run.outcomes["film"].error, DownloadError)
        assert run.outcomes["film"].entry.state is State.PLANNED
        assert "kite" in run.outcomes["film"].entry.error
        assert sim.counters["image_to_video.start"] == 0


async def test_a_chain_whose_source_failed_is_not_started(tmp_path):
    """Each row of it is given with its reason, and goes on when the source is retried."""
    rows = [picture("kite", "[fail]"), film("film", "kite"), film("film2", "film"), picture("other")]
    async with service() as sim:
        run = await play(tmp_path, sim, rows)
        assert {row: one.entry.state for row, one in run.outcomes.items()} == {
            "kite": State.FAILED, "film": State.REFUSED, "film2": State.REFUSED, "other": State.DONE,
        }  # fmt: skip
        told = {row: (type(run.outcomes[row].error), run.outcomes[row].entry.error) for row in ("film", "film2")}
        assert told == {
            "film": (A2EError, "its source kite failed"),
            "film2": (A2EError, "its source film was refused"),
        }
        assert sim.counters["image_to_video.start"] == 0
        rows[0] = picture("kite")
        run = await play(tmp_path, sim, rows[:2], retry_failed=True)
        assert run.outcomes["film"].entry.state is State.DONE


async def test_a_chain_whose_source_is_missing_is_told_at_the_end(tmp_path):
    """A source may come late, so only the end of the rows tells."""
    async with service() as sim:
        run = await play(tmp_path, sim, [film("film", "nobody"), film("film2", "film"), KITE])
        assert run.order == ["kite", "film", "film2"]
        assert "its source nobody is not among the rows" in str(run.outcomes["film"].error)
        assert run.outcomes["film"].entry.state is State.PLANNED


@pytest.mark.parametrize("state", [State.ACCEPTED, State.INTENDED])
async def test_a_chained_row_that_was_begun_goes_on(tmp_path, state):
    """What was accepted needs no picture any more, what was intended is looked for first."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        await bring_to(tmp_path, film("film", "kite"), state, sim=sim)
        run = await play(tmp_path, sim, [film("film", "kite"), KITE])
        assert run.outcomes["film"].entry.state is State.DONE
        assert sim.counters["image_to_video.start"] == 0


# Which row has its turn: a course of our own, which asks nobody.


class Paced:
    """Brings rows in a time of its own and notes how many there are at once."""

    def __init__(self, batch, seconds=0.01, bad=()):
        self.ledger, self.seconds, self.bad = batch.ledger, seconds, bad
        self.now = self.most = 0
        self.order = []
        batch._course = self

    def stop(self):
        """Stop nothing: what is under way ends soon."""

    async def answered(self):
        """Wait for nothing: nothing is sent."""

    async def give_up(self, row, entry, _event, _words, error):
        """Write nothing down."""
        return Outcome(row=row, entry=entry, error=error)

    async def bring(self, row, entry, source):
        """Note the row, and let it be done."""
        self.now += 1
        self.most = max(self.most, self.now)
        self.order.append((row.id, source.row_id if source else None))
        await asyncio.sleep(self.seconds)
        self.now -= 1
        await self.ledger.accepted(row.id, ["t"], 1)
        if row.id in self.bad:
            await self.ledger.ended(row.id, Event.FAILED, "bad")
        else:
            await self.ledger.downloaded(row.id, [])
        return Outcome(row=row, entry=(await self.ledger.known([row.id]))[row.id])


@pytest.fixture
async def batch(tmp_path):
    """Open a batch of three at once whose client is never asked."""
    async with A2EClient("sk_x") as a2e, Batch.open(tmp_path, a2e, max_running=3) as open_batch:
        yield open_batch


@pytest.mark.parametrize("kind", ["list", "generator", "async generator"])
async def test_no_more_rows_run_at_once_than_asked_for(batch, kind):
    """Rows come from anywhere, and every one is given once."""

    async def one_by_one():
        for row in pictures(20):
            await asyncio.sleep(0.002)
            yield row

    rows = {"list": pictures(20), "generator": (row for row in pictures(20)), "async generator": one_by_one()}[kind]
    course = Paced(batch)
    given = [outcome.row.id async for outcome in batch.run(rows)]
    assert sorted(given) == sorted(row.id for row in pictures(20))
    assert course.most == 3


async def test_rows_that_wait_for_a_picture_hold_no_place(batch):
    """With three places and a hundred waiting rows the others go on."""
    course = Paced(batch)
    rows = [*(film(f"f{n}", "last") for n in range(100)), *pictures(10), picture("last")]
    given = [outcome.row.id async for outcome in batch.run(rows)]
    assert given[:11].count("last") == 1
    assert all(source == "last" for row, source in course.order if row.startswith("f"))
    assert len(given) == 111
    assert course.most == 3


async def test_a_long_chain_goes_on_step_by_step(batch):
    """Each row has the picture of the one before it."""
    course = Paced(batch, seconds=0)
    rows = [picture("r0"), *(picture(f"r{n}", image_from=f"r{n - 1}") for n in range(1, 30))]
    given = [outcome.row.id async for outcome in batch.run(reversed(rows))]
    assert given == [row.id for row in rows]
    assert course.order == [("r0", None), *((f"r{n}", f"r{n - 1}") for n in range(1, 30))]


async def test_a_slow_source_holds_nobody_up(batch):
    """Rows that are there run while the next one is waited for."""
    gate = asyncio.Event()

    async def rows():
        yield picture("a")
        yield picture("b")
        await gate.wait()
        yield picture("c")

    Paced(batch)
    given = []
    async with asyncio.timeout(5):
        async for outcome in batch.run(rows()):
            given.append(outcome.row.id)
            if len(given) == 2:
                gate.set()
    assert given == ["a", "b", "c"]


async def test_a_slow_generator_is_not_read_to_its_end_first(batch):
    """A generator that takes its time blocks the loop only a row or two at a time."""
    Paced(batch, seconds=0)
    read = []

    def rows():
        for row in pictures(40):
            read.append(row.id)
            time.sleep(0.02)
            yield row

    given = [len(read) async for _outcome in batch.run(rows())]
    assert given[0] < 30
    assert len(given) == 40


async def test_a_quick_async_source_is_planned_many_rows_at_a_time(batch):
    """It is as quick as a list is."""

    async def rows():
        for row in pictures(300):
            await asyncio.sleep(0)
            yield row

    Paced(batch, seconds=0)
    before = batch.ledger.counters.commits
    batch._max_running = 100
    assert len([outcome async for outcome in batch.run(rows())]) == 300
    assert batch.ledger.counters.commits - before < 150


async def test_an_endless_source_is_read_no_more_than_some_rows_ahead(batch):
    """Back-pressure: only what is soon needed is taken."""
    read = []

    def endless():
        n = 0
        while True:
            read.append(n)
            yield picture(f"r{n}")
            n += 1

    Paced(batch)
    async for _outcome in batch.run(endless()):
        if batch.ledger.counters.writes > 520:
            break
    assert len(read) < 2100


async def test_a_source_that_fails_ends_the_run_with_its_own_error(batch):
    """After the rows that it has given."""
    Paced(batch)

    def rows():
        yield from pictures(5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _given = [outcome async for outcome in batch.run(rows())]
    assert (await batch.ledger.counts())[State.DONE] + (await batch.ledger.counts()).get(State.PLANNED, 0) == 5


async def test_requests_are_rows_and_equal_ones_are_numbered(batch):
    """A program's own requests: the same ids in every run."""
    Paced(batch)
    kite, other = TextToImage("a kite"), TextToImage("another")
    link = ImageToVideo("https://example.com/a.png", prompt="x", negative_prompt="y")
    requests = [kite, kite, other, kite, link]
    first = sorted([outcome.row.id async for outcome in batch.run(requests)])
    again = sorted([outcome.row.id async for outcome in batch.run(iter(requests))])
    assert first == again
    assert len(set(first)) == 5
    assert sum(row_id.startswith(min(first)[:16]) for row_id in first) >= 1


@pytest.mark.parametrize("rows", [[KITE, KITE], [KITE, picture("kite", "another")], [picture("a\nb")], [picture("")]])
async def test_rows_of_the_same_or_no_id_are_refused(batch, rows):
    """A program that numbers its rows wrongly is told."""
    Paced(batch)
    with pytest.raises(UsageError):
        _given = [outcome async for outcome in batch.run(rows)]


async def test_what_is_no_row_is_refused(batch):
    """Neither text nor dictionaries are guessed at."""
    with pytest.raises((UsageError, TypeError)):
        _given = [outcome async for outcome in batch.run(["a kite"])]


@pytest.mark.parametrize("wrong", [{"max_running": 0}, {"max_running": 1.5}, {"max_running": None}, {"max_coins": -1}])
async def test_wrong_arguments_are_refused_at_once(tmp_path, wrong):
    """Before a folder is made."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Batch.open(tmp_path / "out", None, **wrong)
    assert not any(tmp_path.iterdir())


async def test_an_opening_that_fails_lets_go_of_the_ledger(tmp_path, monkeypatch):
    """Whatever goes wrong in it, the folder is free afterwards."""

    async def broken(_ledger):
        raise LedgerError("broken")

    async with A2EClient("sk_x") as a2e:
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "coins", broken)
            with pytest.raises(LedgerError, match="broken"):
                async with Batch.open(tmp_path, a2e):
                    pass
        async with Batch.open(tmp_path, a2e):
            pass


# What is edited, and where.


async def test_a_row_that_was_edited_before_it_was_begun_is_taken_as_it_is(tmp_path, caplog):
    """Only what was sent cannot be changed."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.PLANNED)
        await play(tmp_path, sim, [picture("kite", "another")])
        assert sim.book.starts[0].name.startswith("another ~")
        assert not caplog.records


@pytest.mark.parametrize("state", [State.INTENDED, State.ACCEPTED, State.COMPLETED])
async def test_a_row_that_was_edited_after_it_was_begun_keeps_its_first_version(tmp_path, caplog, state):
    """Also when its family was changed: the task that was paid for is brought home, and a warning says so once."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, state, sim=sim, there=state is not State.INTENDED)
        edited = ImageToVideo("https://example.com/a.png", prompt="it climbs", negative_prompt="blurry")
        row = film("kite", None, edited.prompt)
        row.fields["image_url"] = edited.image_url
        run = await play(tmp_path, sim, [row])
        known = run.outcomes["kite"].entry
        assert (known.state, known.family, known.fields) == (State.DONE, "text_to_image", {"prompt": "a kite"})
        assert run.outcomes["kite"].row.family.name == "text_to_image"
        assert sim.counters["image_to_video.start"] == 0
        assert [record.message for record in caplog.records if "keeps its first version" in record.message] == [
            "row kite was edited after it was begun and keeps its first version; redo kite starts it anew as it is now"
        ]


async def test_a_row_that_is_retried_is_taken_as_it_is_now(tmp_path):
    """A prompt that was refused can be mended."""
    async with service() as sim:
        await play(tmp_path, sim, [picture("kite", "[fail] a kite")])
        run = await play(tmp_path, sim, [KITE], retry_failed=True)
        assert run.outcomes["kite"].entry.state is State.DONE
        assert run.outcomes["kite"].entry.fields == {"prompt": "a kite"}


async def test_a_file_that_is_edited_adds_work_and_repeats_none(tmp_path):
    """Rows without ids: what is new is started, what was there is not."""
    async with service() as sim:
        await play(tmp_path, sim, [TextToImage("a"), TextToImage("b")])
        await play(tmp_path, sim, [TextToImage("c"), TextToImage("b"), TextToImage("b")])
        assert Counter(start.name[0] for start in sim.book.starts) == {"a": 1, "b": 2, "c": 1}


async def test_lists_and_tuples_are_the_same_row(tmp_path, caplog):
    """JSON knows lists only, which is no edit."""
    async with service() as sim:
        links = (f"{sim.url}/a.png", f"{sim.url}/b.png")
        for kind in (tuple, list):
            await play(tmp_path, sim, [picture("kite", input_images=kind(links))])
        assert len(sim.book.starts) == 1
        assert not caplog.records


async def test_the_same_rows_in_another_folder_are_new_intents(tmp_path):
    """Two batches never take each other's tasks for their own."""
    async with service() as sim:
        for name in ("one", "two"):
            await play(tmp_path / name, sim, pictures(3))
        assert one_bill_each(sim, 6)
