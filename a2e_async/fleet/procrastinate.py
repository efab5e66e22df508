"""Delivers shards through procrastinate, an engine in the same PostgreSQL: whoever is free gets the next one at once.

Laws of this file: it delivers and sweeps, nothing else. The store says which shards are open and who holds them, so
that a job of the engine may come late, twice or never; its arguments are a name and a number, never a secret. A job
whose worker gives no sign of life is buried only when two sweeps have seen it, and what is open is deferred as a NEW
job: a worker that wakes up and finishes its old one does not touch that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Status

from a2e_async.errors import LedgerError
from a2e_async.store.ports import Store

TASK: Final = "a2e_async.shard"
_AT_ONCE = 8  # shards that one process runs; how many rows run at once is said by the store
_ALONE = 0x61326501  # the number of the lock under which the engine's tables are made

RunOne = Callable[[int], Awaitable[None]]
"""Runs a shard by its number; does nothing when somebody else holds it."""


class Delivery:
    """The shards of one batch, delivered to this process among others.

    Args:
        url: Where the engine's tables are: the database of the store.
        store: The open store.
        batch: The batch's name.
        run_one: Runs a shard.
        ttl: Seconds without a sign of life after which a worker of the engine is taken for dead.
    """

    def __init__(self, url: str, store: Store, batch: str, run_one: RunOne, ttl: float) -> None:
        self.app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=3))
        self._url = url
        self._store = store
        self._batch = batch
        self._ttl = ttl
        self._stalled: frozenset[int | None] = frozenset()

        @self.app.task(name=TASK, queue=self._queue)
        async def shard(batch: str, no: int) -> None:
            if batch == self._batch:
                await run_one(no)

        self._task = shard

    @property
    def _queue(self) -> str:
        return f"a2e {self._batch}"

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, make the engine's tables where there are none, and work for the length of the block."""
        async with self.app.open_async():
            try:
                await self._make_tables()
            except psycopg.Error as error:  # its own words may have the address
                raise LedgerError(f"the engine's tables cannot be made: {type(error).__name__}") from None
            working = asyncio.create_task(self._work(), name="a2e deliveries")
            try:
                yield
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    async def sweep(self) -> None:
        """Defer what the store calls open, and bury what two sweeps have found with a dead worker."""
        for shard in await self._store.open_shards(self._batch):
            lock = f"{self._batch}/{shard.no}"
            with contextlib.suppress(AlreadyEnqueued):  # it waits already
                await self._task.configure(queueing_lock=lock).defer_async(batch=self._batch, no=shard.no)
        jobs = self.app.job_manager
        stalled = await jobs.get_stalled_jobs(queue=self._queue, seconds_since_heartbeat=self._ttl)
        found = {job.id: job for job in stalled}
        for number in found.keys() & self._stalled:
            await jobs.finish_job(found[number], Status.FAILED, delete_job=False)
        self._stalled = frozenset(found)

    async def _work(self) -> None:
        beats = {"update_heartbeat_interval": self._ttl / 6, "stalled_worker_timeout": self._ttl}
        how = {"concurrency": _AT_ONCE, "install_signal_handlers": False, "delete_jobs": "successful", **beats}
        await self.app.run_worker_async(queues=[self._queue], **how)  # type: ignore[arg-type] # each has its kind

    async def _make_tables(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as db:
            await db.execute("SELECT pg_advisory_lock(%s)", (_ALONE,))
            there = await (await db.execute("SELECT to_regclass('procrastinate_jobs')")).fetchone()
            if there is None or there[0] is None:
                await self.app.schema_manager.apply_schema_async()
