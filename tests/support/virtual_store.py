"""A store in memory that lives in the time of the running loop: no thread, and each request of it takes a moment.

The rules and the statements are those of every store, in the same order; what is left out is the thread that carries
them out elsewhere, which knows nothing of virtual time.
"""

from __future__ import annotations

import asyncio
from typing import Self

from a2e_async.store.lease import _SAFE
from a2e_async.store.memory import MemoryStore, _MemoryEngine
from a2e_async.store.ports import TTL
from a2e_async.store.sql_store import SqlStore
from a2e_async.store.sqlite_thread import SqliteThread, Work

_SECONDS = 0.002  # from a request to its answer


class _InTheLoop(SqliteThread):
    """Carries out work in the loop that asks for it, a moment later."""

    async def open(self):
        """Let the clock of leases be the loop's."""
        with self._connect() as self._db:
            self._db.create_function("store_clock", 0, self._loop.time)
        self._thread = object()

    async def aclose(self):
        """Take no more work; what was given is still done."""
        self._thread = None

    async def ask(self, task, *, writes, patience=None):
        """Do something, also when nobody waits for it any more."""
        if self._thread is None:
            raise self._refusal()
        work = Work(task, self._loop.create_future(), writes)
        self._loop.call_later(_SECONDS, self._do, self._db, [work])
        return await asyncio.shield(work.answer)


class _Engine(_MemoryEngine):
    async def open(self):
        self._thread = _InTheLoop(self._connect, self.place)
        await self._thread.open()


class VirtualStore(MemoryStore):
    """A store in memory in virtual time; see `MemoryStore`."""

    def __init__(self) -> None:
        super().__init__()
        SqlStore.__init__(self, _Engine(self._memory))

    def another(self) -> Self:
        """Give another view of the same rows, as another process has it."""
        other = type(self)()
        other._memory = self._memory
        SqlStore.__init__(other, _Engine(self._memory))
        return other

    async def lease(self, ttl=TTL, *, worker=""):
        """Take a lease whose time is the loop's."""
        now = asyncio.get_running_loop().time
        sent = now()
        held = await super().lease(ttl, worker=worker)
        held._clock, held._until = now, sent + ttl * _SAFE
        return held
