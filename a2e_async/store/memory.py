"""A store in memory, for tests of applications: no file, and the very same rules and statements."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from typing import Self

from a2e_async.store.sql_store import SqlStore
from a2e_async.store.sqlite import SqliteEngine, prepared
from a2e_async.store.sqlite_thread import SqliteThread


class _Memory:
    """The rows, and who may use them: one thread at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.db = prepared(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False), wal=False)
        weakref.finalize(self, self.db.close)


class _MemoryEngine(SqliteEngine):
    def __init__(self, memory: _Memory) -> None:
        super().__init__(None)
        self._memory = memory

    async def open(self) -> None:
        self._thread = SqliteThread(self._connect, self.place, guard=self._memory.lock)
        await self._thread.open()

    def _connect(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return contextlib.nullcontext(self._memory.db)

    def _changed_at(self) -> tuple[int, ...]:
        return (self._memory.db.total_changes,)


class MemoryStore(SqlStore):
    """A store that outlives the clients which are opened with it, as a file does, but not its process.

    Give the same one to two clients, one after the other, to test what is found after a restart; two that are open at
    once, as two processes are, take a view each of the same rows (`another`).

    Example:
        store = MemoryStore()
        await store.open()
        lease = await store.lease()
        ledger = await store.join(JOBS, lease)
    """

    def __init__(self) -> None:
        self._memory = _Memory()
        super().__init__(_MemoryEngine(self._memory))

    def another(self) -> Self:
        """Give another view of the same rows, as another process has it."""
        other = type(self)()
        other._memory = self._memory  # noqa: SLF001 - of the same class
        SqlStore.__init__(other, _MemoryEngine(self._memory))
        return other
