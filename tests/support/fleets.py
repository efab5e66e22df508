"""Fleets for tests: several workers of one process, each with its own view of one store in memory."""

from __future__ import annotations

import asyncio
import contextlib

from batches import client

from a2e_async.batch.spool import Spool
from a2e_async.fleet.planning import plan
from a2e_async.fleet.terms import Terms
from a2e_async.fleet.worker import Worker
from a2e_async.store.entries import State
from a2e_async.store.memory import MemoryStore

TTL = 0.6


@contextlib.asynccontextmanager
async def stores(count):
    """Open so many views of one store, as so many processes have them."""
    first = MemoryStore()
    views = [first, *(first.another() for _ in range(count - 1))]
    for one in views:
        await one.open()
    try:
        yield views
    finally:
        for one in views:
            await one.aclose()


async def planned_batch(store, rows, *, size=3, name="b", **terms):
    """Write rows into a store."""
    with contextlib.closing(Spool.of(rows)) as spool:
        return await plan(store, name, spool, Terms(**terms), size=size)


def worker(store, sim, folder, *, ttl=TTL, options=None, **more):
    """Make a worker in front of a simulated service."""

    def opened(terms):
        return client(sim, **terms.client_options(), **(options or {}))

    return Worker(store, folder, opened, ttl=ttl, **more)


async def work(*workers):
    """Let workers work until nothing is left."""
    await asyncio.gather(*(one.run() for one in workers))


async def entries(store, name="b"):
    """Give the rows of a batch by id."""
    return {entry.id: entry async for entry in store.entries(name)}


async def states(store, name="b"):
    """Give the states of a batch's rows."""
    return {row_id: entry.state for row_id, entry in (await entries(store, name)).items()}


def all_done(found, count):
    """Whether so many rows are there, and all of them done."""
    return len(found) == count and set(found.values()) == {State.DONE}


class Peak:
    """The most tasks that ran at a simulated service at once, while it is watched."""

    def __init__(self, sim):
        self.most = 0
        self._sim = sim
        self._task = None

    async def __aenter__(self):
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_error):
        self._task.cancel()

    async def _watch(self):
        while True:
            now = self._sim.world.clock.now()
            self.most = max(self.most, sum(task.ends > now for task in self._sim.world.tasks))
            await asyncio.sleep(0.01)
