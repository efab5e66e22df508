"""When a worker has nothing left to do, and when it only has to wait."""

from __future__ import annotations

import asyncio

from batches import images, one_bill_each, service
from fleets import all_done, planned_batch, states, stores, work, worker

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
