"""A batch of a client with a store lies in that store: the folder has nothing but files, and the dead leave theirs."""

from __future__ import annotations

import asyncio

import pytest
from batches import client, images, one_bill_each, play, service, video

from a2e_async.batch import Batch, State
from a2e_async.batch.steps import planned
from a2e_async.core import tags
from a2e_async.errors import LedgerError
from a2e_async.store.entries import tag_of
from a2e_async.store.opening import open_store


@pytest.fixture(params=["sqlite", "memory"])
async def store(request, tmp_path):
    """Give an open store."""
    held = open_store("memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/jobs.sqlite")
    await held.open()
    yield held
    await held.aclose()


async def test_its_rows_lie_in_the_store_and_are_paid_for_once(tmp_path, store):
    """A second run starts only what is new, a chain as well; the folder holds files, and no ledger."""
    folder = tmp_path / "kites"
    async with service() as sim:
        await play(folder, sim, images(2), options={"store": store})
        run = await play(folder, sim, [*images(3), video("flies", "r2")], options={"store": store})
        assert {one.entry.state for one in run.outcomes.values()} == {State.DONE}
        assert one_bill_each(sim, 4)
    assert {one.id: one.state async for one in store.entries("kites")} == dict.fromkeys(run.outcomes, State.DONE)
    assert sorted(path.name for path in folder.iterdir()) == ["flies.mp4", "r0.png", "r1.png", "r2.png"]


async def test_one_process_at_a_time_has_it_open(tmp_path, store):
    """A second one is refused with the holder named, and welcome when the first has ended."""
    folder = tmp_path / "kites"
    async with service() as sim, client(sim, store=store) as first, client(sim, store=store) as second:
        async with Batch.open(folder, first):
            with pytest.raises(LedgerError, match=r"'kites' in .* is open in .*: wait until it has ended"):
                await Batch.open(folder, second).__aenter__()
        async with Batch.open(folder, second) as batch:
            assert [one.entry.state async for one in batch.run(images(1))] == [State.DONE]


async def test_what_an_ended_run_has_started_is_not_paid_again(tmp_path, store):
    """It was left while its starts ran; the next run watches their tasks."""
    folder = tmp_path / "kites"
    async with service(task_seconds=40) as sim:
        async with client(sim, store=store) as a2e, Batch.open(folder, a2e) as batch:
            running = asyncio.create_task(anext(batch.run(images(3))))
            while len(sim.book.starts) < 3:  # noqa: ASYNC110 - the book tells nobody
                await asyncio.sleep(0.01)
            running.cancel()
        run = await play(folder, sim, images(3), options={"store": store})
        assert {one.entry.state for one in run.outcomes.values()} == {State.DONE}
        assert one_bill_each(sim, 3)


async def test_what_a_dead_process_has_sent_is_found_and_not_paid_again(tmp_path, store):
    """Its answer never came; the next run finds the task by its tag, with the service's time of the POST."""
    (row,) = images(1)
    async with service() as sim:
        lease = await store.lease()
        book = await store.join("kites", lease)
        await book.plan([planned(row)])
        tag = tag_of(book.batch_id, row.id, 1)
        await book.intended(row.id, tag, 1)
        await book.sending(row.id, tags.FIRST, sim.clock.now())
        sim.world.start(row.family.name, {"prompt": "x", "name": tags.put("a kite", tag, tags.FIRST, 100)})
        await lease.aclose()  # as it ends by itself when nobody beats any more
        run = await play(tmp_path / "kites", sim, [row], options={"store": store})
        assert run.outcomes[row.id].entry.state is State.DONE
        assert one_bill_each(sim, 1)


async def test_a_folder_that_has_a_ledger_of_its_own_is_refused(tmp_path, store):
    """Its rows were paid for, and no store knows of them: nothing is sent."""
    async with service() as sim:
        await play(tmp_path, sim, images(1))
        with pytest.raises(LedgerError, match="has a ledger of its own"):
            await play(tmp_path, sim, images(1), options={"store": store})
        assert one_bill_each(sim, 1)


async def test_a_batch_that_was_cut_into_shards_is_refused(tmp_path, store):
    """Its rows are held shard by shard, by others."""
    await store.keep("terms of kites", "{}")
    async with service() as sim:
        with pytest.raises(LedgerError, match="worked on in shards"):
            await play(tmp_path / "kites", sim, images(1), options={"store": store})


async def test_its_budget_counts_what_earlier_lives_have_spent(tmp_path, store):
    """With 25 coins two images of 10 are made, whatever number of runs is asked for."""
    async with service() as sim:
        for _ in range(2):
            await play(tmp_path / "kites", sim, images(4), options={"store": store}, max_coins=25)
        assert one_bill_each(sim, 2)
