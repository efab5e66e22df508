"""A batch from every state that a kill may leave: what is left is done, and nothing twice."""

from __future__ import annotations

import hashlib

import pytest
from batches import (
    HOUR,
    KITE,
    Asked,
    bring_to,
    client,
    entries,
    forget,
    images,
    play,
    service,
)
from ledgers import opened

from a2e_async import NotFoundError, StartUnknownError
from a2e_async.batch import Batch, State
from a2e_async.core import tags


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
    """Lists drop what is old, so absence proves nothing; only a retry that is asked for starts it again."""
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


async def _both_letters_sent(folder, sim):
    tag = await bring_to(folder, KITE, State.INTENDED, sim=sim, there=False)
    async with opened(folder) as book:
        await book.sending("kite", tags.SECOND, sim.clock.now())
    return tag


async def test_a_row_whose_two_sends_are_proven_absent_is_unknown_and_says_what_helps(tmp_path):
    """There is no third send: the row is done again only when somebody says so, and its first coins stay counted."""
    async with service() as sim:
        tag = await _both_letters_sent(tmp_path, sim)
        run = await play(tmp_path, sim, [KITE])
        entry = run.outcomes["kite"].entry
        assert (entry.state, type(run.outcomes["kite"].error)) == (State.UNKNOWN, StartUnknownError)
        assert "redo kite starts it again, and pays a second time" in entry.error
        since = Asked(sim)
        await play(tmp_path, sim, [KITE], retry_failed=True)
        assert (since(), sim.book.starts) == (0, [])
        run = await play(tmp_path, sim, [KITE], retry_unknown=True)
        assert (run.outcomes["kite"].entry.state, run.outcomes["kite"].entry.attempt) == (State.DONE, 2)
        assert [start.tag == tag for start in sim.book.starts] == [False]


async def test_a_row_whose_two_sends_cannot_be_looked_for_is_looked_for_again(tmp_path):
    """A list that is away proves nothing: the next run looks again, for free, and says so."""
    async with service() as sim:
        await _both_letters_sent(tmp_path, sim)
        sim.faults.add("text_to_image.list", "status", status=500, hits=None)
        entry = (await play(tmp_path, sim, [KITE])).outcomes["kite"].entry
        assert entry.state is State.INTENDED
        assert "the next run looks for it again, which is free" in entry.error


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
        first = await play(tmp_path, sim, images(5))
        since = Asked(sim)
        again = await play(tmp_path, sim, images(5))
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
        await forget(sim)
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].error is not None
        assert run.outcomes["kite"].paths == ()
        assert sim.counters["text_to_image.start"] == 1


async def test_a_paid_task_that_the_service_denies_is_asked_for_again_and_paid_again_only_when_told_so(tmp_path):
    """Tasks may be hidden for a while: the row goes on waiting, which is free, until its id is named for a redo."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.ACCEPTED, sim=sim)
        await sim.clock.sleep(4)
        await forget(sim)
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
