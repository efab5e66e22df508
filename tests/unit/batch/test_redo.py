"""Rows that ended, or never can, are done again when they are named; a retry takes only rows that are given."""

from __future__ import annotations

import time

import pytest
from batches import KITE, bring_to, client, entries, forget, image, planned, play, service, states, video
from ledgers import opened

from a2e_async import DownloadError, UsageError
from a2e_async.batch import Batch, State
from a2e_async.batch.verdicts import KEPT_SECONDS
from a2e_async.store.entries import RowEvent


async def redo(folder, sim, *row_ids):
    """Do rows of a folder again; gives their outcomes."""
    async with client(sim) as a2e, Batch.open(folder, a2e) as batch:
        rows = await batch.redo(*row_ids)
        return [outcome async for outcome in batch.run(rows)]


async def aged(folder, seconds):
    """Let all rows of a folder be older."""
    async with opened(folder) as book:
        columns = ("accepted_at", "finished_at", "intended_at")
        await book.write(*((f"UPDATE rows SET {name} = {name} - ?", (seconds,)) for name in columns))


@pytest.mark.parametrize("state", [State.ACCEPTED, State.COMPLETED, State.DONE])
async def test_a_row_whose_result_has_gone_comes_to_an_end_and_can_be_redone(tmp_path, state):
    """It is expired, in words that say what to do; nothing is started for it until it is named."""
    async with service() as sim:
        if state is State.DONE:
            (path,) = (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths
            path.unlink()
        else:
            await bring_to(tmp_path, KITE, state, sim=sim)
            await sim.clock.sleep(4)
        await aged(tmp_path, 2 * KEPT_SECONDS)
        await forget(sim)
        for options in ({}, {"retry_failed": True, "retry_unknown": True}):
            run = await play(tmp_path, sim, [KITE], **options)
            known = run.outcomes["kite"].entry
            assert known.state is State.EXPIRED
            assert "redo kite makes it again" in known.error
        assert len(sim.book.starts) == 1
        (outcome,) = await redo(tmp_path, sim, "kite")
        assert (outcome.entry.state, outcome.entry.attempt, len(sim.book.starts)) == (State.DONE, 2, 2)


@pytest.mark.parametrize("state", [State.UNKNOWN, State.EXPIRED])
async def test_what_was_given_up_is_asked_for_once_more_in_each_run(tmp_path, state):
    """Its ids are known and asking is free: a task that shows again is brought home."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.ACCEPTED, sim=sim)
        async with opened(tmp_path) as book:
            await book.write(("UPDATE rows SET state = ?", (state.value,)))
        assert (await play(tmp_path, sim, [KITE])).outcomes["kite"].entry.state is State.DONE
        assert sim.counters["text_to_image.start"] == 0


@pytest.mark.parametrize("ends", [RowEvent.FAILED, RowEvent.EXPIRED])
async def test_redo_takes_an_edited_row_as_it_was_given_last(tmp_path, ends):
    """The warning that it keeps its first version says so."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        async with opened(tmp_path) as book:
            await book.write(("UPDATE rows SET state = 'accepted'", ()))
            await book.ended("kite", ends, "why")
        edited = image("kite", "a blue kite")
        run = await play(tmp_path, sim, [edited])
        assert run.outcomes["kite"].row.fields == {"prompt": "a kite"}
        (outcome,) = await redo(tmp_path, sim, "kite")
        assert outcome.row.fields == outcome.entry.fields == {"prompt": "a blue kite"}
        assert outcome.entry.edited is None
        assert sim.book.starts[-1].name.startswith("a blue kite")


async def test_an_edit_that_is_taken_back_is_none(tmp_path):
    """What counts is how the row was given last."""
    async with service() as sim:
        for prompt in ("a kite", "a blue kite", "a kite"):
            await play(tmp_path, sim, [image("kite", prompt)])
        assert (await entries(tmp_path))["kite"].edited is None


async def test_redo_refuses_what_is_not_there_or_goes_on_well(tmp_path):
    """And changes nothing then, not even for the other rows that are named."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        await bring_to(tmp_path, image("runs"), State.ACCEPTED, sim=sim)
        await bring_to(tmp_path, image("starts"), State.INTENDED, sim=sim)
        await bring_to(tmp_path, image("waits"), State.PLANNED)
        for row_id in ("nobody", "runs", "starts"):
            with pytest.raises(UsageError, match=f"redo.*{row_id}"):
                await redo(tmp_path, sim, "kite", row_id)
        assert (await states(tmp_path))["kite"] is State.DONE
        assert [one.entry.state for one in await redo(tmp_path, sim, "waits")] == [State.DONE]


async def test_a_retry_attempts_only_rows_that_are_given(tmp_path):
    """What is no more among the rows is neither started nor called planned."""
    async with service() as sim:
        rows = [image(name, "[fail]") for name in "abc"]
        await play(tmp_path, sim, rows)
        await play(tmp_path, sim, rows[:1], retry_failed=True)
        assert len(sim.book.starts) == 4
        assert set((await states(tmp_path)).values()) == {State.FAILED}


async def test_a_retry_attempts_a_row_once_in_a_run(tmp_path):
    """One that fails again is not attempted for ever."""
    async with service() as sim:
        await play(tmp_path, sim, [image("a", "[fail]")])
        async with client(sim) as a2e, Batch.open(tmp_path, a2e, retry_failed=True) as batch:
            assert [one.entry.attempt async for one in batch.run([image("a", "[fail]")])] == [2]


async def test_rows_are_listed_by_the_file_that_was_given_last(tmp_path):
    """Rows that are planned later are in it, too."""
    async with opened(tmp_path) as book:
        await book.plan([planned(image(name)) for name in "abc"])
        await book.list_only(["a", "b"])
        assert {row: one.listed for row, one in (await book.known(["a", "b", "c"])).items()} == {
            "a": True, "b": True, "c": False,
        }  # fmt: skip
        await book.list_only(["c"])
        assert [one.id for one in await book.in_states(frozenset(State)) if one.listed] == ["c"]


# Rows that take another one's image.


async def chain_after(tmp_path, event, length):
    """End a row by an event, and play so many rows each of which takes the image of the one before."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.INTENDED, sim=sim)
        async with opened(tmp_path) as book:
            await book.write(
                ("UPDATE rows SET state = ?", ("intended" if event is not RowEvent.EXPIRED else "accepted",))
            )
            if event is RowEvent.FAILED:
                await book.write(("UPDATE rows SET state = 'accepted'", ()))
            await book.ended("kite", event, "why")
            await book.write(("UPDATE rows SET accepted_at = 1, intended_at = 1", ()))
        more = (image(f"f{n}", image_from=f"f{n - 1}") for n in range(1, length))
        return (await play(tmp_path, sim, [KITE, video("f0", "kite"), *more])).outcomes


@pytest.mark.parametrize(("event", "words"), [
    (RowEvent.FAILED, "failed"), (RowEvent.REFUSED, "was refused"), (RowEvent.LOST, "is unknown"),
    (RowEvent.EXPIRED, "is expired"),
])  # fmt: skip
async def test_a_row_whose_source_ended_badly_is_refused_in_plain_words(tmp_path, event, words):
    """And so is what waits for it."""
    outcomes = await chain_after(tmp_path, event, 20)
    assert outcomes["f0"].entry.error == f"its source kite {words}"
    assert outcomes["f19"].entry.error == "its source f18 was refused"
    assert {one.entry.state for row, one in outcomes.items() if row != "kite"} == {State.REFUSED}


@pytest.mark.slow
async def test_a_chain_of_any_length_behind_a_failed_source_is_refused(tmp_path):
    """Longer than Python's stack is deep."""
    outcomes = await chain_after(tmp_path, RowEvent.FAILED, 1_500)
    assert outcomes["f1499"].entry.error == "its source f1498 was refused"
    assert {one.entry.state for row, one in outcomes.items() if row != "kite"} == {State.REFUSED}


async def test_a_row_that_was_sent_is_looked_for_also_when_its_source_is_gone(tmp_path):
    """It may have been paid for: it is found, and never sent again."""
    async with service() as sim:
        await bring_to(tmp_path, video("there", "kite"), State.INTENDED, sim=sim)
        await bring_to(tmp_path, video("absent", "kite"), State.INTENDED, there=False, age=60)
        run = await play(tmp_path, sim, [video("there", "kite"), video("absent", "kite"), image("kite", "[fail]")])
        assert run.outcomes["there"].entry.state is State.DONE
        assert run.outcomes["absent"].entry.state in (State.INTENDED, State.UNKNOWN)
        assert sim.counters["image_to_video.start"] == 0
        run = await play(tmp_path, sim, [video("absent", "nobody")])
        assert sim.counters["image_to_video.start"] == 0


async def test_an_image_that_is_a_day_old_is_asked_for_anew(tmp_path, monkeypatch):
    """Its URL lives for about three days, and a run may last longer."""
    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        assert [one.entry.state async for one in batch.run([KITE])] == [State.DONE]
        assert [one.entry.state async for one in batch.run([KITE, video("video", "kite")])] == [State.DONE] * 2
        asked = sim.counters["text_to_image.detail"]
        real = time.time
        monkeypatch.setattr("a2e_async.engine.http.moment.time.time", lambda: real() + 90_000)
        assert [one.error async for one in batch.run([KITE, video("video2", "kite")])] == [None, None]
        assert sim.counters["text_to_image.detail"] == asked + 1
        await forget(sim)
        monkeypatch.setattr("a2e_async.engine.http.moment.time.time", lambda: real() + 190_000)
        errors = [one.error async for one in batch.run([KITE, video("video3", "kite")])]
        assert isinstance(errors[1], DownloadError)
        assert "redo kite makes it again" in str(errors[1])
