"""When a worker has nothing left to do, and when it only has to wait."""

from __future__ import annotations

import asyncio

from batches import images, one_bill_each, service
from fleets import all_done, planned_batch, states, stores, work, worker

from a2e_async.core import tags
from a2e_async.store.entries import State, tag_of
from a2e_async.store.ports import Wants


async def test_a_worker_without_room_waits_for_some(tmp_path):
    """All places are somebody else's at first: it does not leave, although nobody holds what is left."""
    async with service() as sim, stores(2) as views:
        await planned_batch(views[0], images(6), max_running=4)
        lease = await views[1].lease(3)
        await views[1].share(lease, Wants(running=4, demand=4, used=4))
        working = asyncio.create_task(work(worker(views[0], sim, tmp_path / "out")))
        await asyncio.sleep(0.3)
        assert not working.done()
        await lease.aclose()
        await working
        assert all_done(await states(views[0]), 6)
        assert one_bill_each(sim, 6)


async def test_places_that_the_dead_have_taken_come_back_with_their_rows(tmp_path):
    """All places are those of tasks that a dead process has started: whoever takes its shard has them."""
    rows = images(6)
    async with service() as sim, stores(1) as (store,):
        await planned_batch(store, rows, max_running=2, size=2)
        lease = await store.lease()
        book = await store.claim("b", (await store.open_shards("b"))[0].no, lease)
        for entry in await book.in_states([State.PLANNED]):
            tag = tag_of(book.batch_id, entry.id, 1)
            body = {"prompt": "x", "name": tags.put("a kite", tag, tags.FIRST, 100)}
            await book.intended(entry.id, tag, 1)
            await book.sending(entry.id, tags.FIRST, sim.clock.now())
            await book.accepted(entry.id, [task.id for task in sim.world.start("text_to_image", body)], 10)
        await lease.aclose()
        assert [shard.running for shard in await store.open_shards("b")] == [2, 0, 0]
        await work(worker(store, sim, tmp_path / "out"))
        assert all_done(await states(store), 6)
        assert one_bill_each(sim, 6)
