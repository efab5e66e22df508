"""A store in one SQLite file, for several processes of one machine.

Its write lock is the fence: a statement that checks who holds a shard and writes its rows stands in one transaction
which has the lock from its beginning. The clock of leases is the time since the machine was started, which all of its
processes have in common and nobody sets; leases of an earlier life of the machine are dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

from a2e_async.errors import LedgerError
from a2e_async.store.engines import Change, Holding, Rows
from a2e_async.store.lease import boottime
from a2e_async.store.places import boot_id, make_plain, refuse_network, refuse_planted
from a2e_async.store.sqlite_schema import migrate
from a2e_async.store.sqlite_thread import SqliteThread
from a2e_async.store.sqlite_writes import (
    added_shard,
    applied_edits,
    changed,
    inserted,
    require_held,
    require_lease,
    took_permits,
)
from a2e_async.store.values import HELD
from a2e_async.store.verbs import INTENDED

_PATIENCE: Final = 5.0
_LISTEN_SECONDS: Final = 0.025
_HINT_SECONDS: Final = 60.0
_WAL_SINCE: Final = (3, 51, 3)  # before it two connections that checkpoint at once can damage a WAL
_NOT_OVER: Final = "state NOT IN ('done', 'failed', 'refused', 'unknown', 'expired')"


class SqliteEngine:
    """One SQLite file; see `engines.SqlEngine`.

    Args:
        path: The file, None for one in memory.
        busy_seconds: How long another process may keep its lock before that is said to be a trouble.
    """

    def __init__(self, path: Path | None, *, busy_seconds: float = 10.0) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._thread: SqliteThread | None = None
        self._limits: dict[str, float] = {}

    @property
    def place(self) -> str:
        """Its address, for messages."""
        return "memory:" if self._path is None else f"sqlite:///{self._path}"

    @property
    def origin(self) -> str:
        """What the system knows the file by."""
        try:
            return "" if self._path is None else str(self._path.stat().st_ino)
        except OSError:
            return ""

    async def open(self) -> None:
        """Open the file, or begin one."""
        self._thread = SqliteThread(self._connect, self.place)
        await self._thread.open()

    async def aclose(self) -> None:
        """Write what is waiting, and close the file."""
        if self._thread is not None:
            await self._thread.aclose()

    def _connect(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """Open the file on the thread that will use it."""
        path = self._path or Path()
        refuse_network(path.parent)
        try:
            refuse_planted(path.resolve())  # beside the file itself, also where its address is a link
            make_plain(path)
        except OSError as error:
            raise LedgerError(f"{self.place} cannot be used: {error.strerror}") from error
        db = sqlite3.connect(path, isolation_level=None, timeout=self._busy_seconds)
        return contextlib.closing(prepared(db, wal=sqlite3.sqlite_version_info >= _WAL_SINCE))

    # Reading and writing.

    async def read(self, text: str, **values: Any) -> Rows:  # noqa: ANN401 - what SQL takes
        """Carry out a statement that only reads."""
        found: Rows = await self._ask(lambda db: db.execute(text, values).fetchall(), writes=False, patience=_PATIENCE)
        return found

    async def write(self, text: str, **values: Any) -> Rows:  # noqa: ANN401 - what SQL takes
        """Carry out one statement that needs no lease."""
        found: Rows = await self._ask(lambda db: db.execute(text, values).fetchall())
        return found

    async def _ask(self, task: Any, *, writes: bool = True, patience: float | None = None) -> Any:  # noqa: ANN401 - a task of the thread
        if self._thread is None:
            raise LedgerError(f"{self.place} is not open")
        return await self._thread.ask(task, writes=writes, patience=patience)

    async def change(self, change: Change) -> bool:
        """Write a row, if it stands where the verb may come."""
        limit = self._limits.get(change.place.batch) if change.verb is INTENDED else None
        return bool(await self._ask(lambda db: changed(db, change, limit)))

    async def insert(self, place: Holding, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows that the batch does not have yet."""

        def insert(db: sqlite3.Connection) -> None:
            require_held(db, place)
            inserted(db, place.batch, place.shard, rows)

        await self._ask(insert)

    # Shards.

    async def add_shard(self, batch: str, rows: Sequence[dict[str, Any]]) -> int | None:
        """Add a shard that nobody holds, of those rows that the batch does not have."""

        def add(db: sqlite3.Connection) -> int | None:
            known = "SELECT 1 FROM rows WHERE batch = ? AND id = ?"
            fresh = [row for row in rows if not db.execute(known, (batch, row["id"])).fetchone()]
            if not fresh:
                return None
            no = added_shard(db, batch, None)
            inserted(db, batch, no, fresh)
            return no

        added: int | None = await self._ask(add)
        return added

    async def new_shard(self, batch: str, lease: int) -> int:
        """Add an empty shard that this lease holds."""

        def add(db: sqlite3.Connection) -> int:
            require_lease(db, lease)
            return added_shard(db, batch, lease)

        return int(await self._ask(add))

    async def claim(self, place: Holding) -> bool:
        """Take a shard that nobody holds, or whose holder is dead."""

        def claim(db: sqlite3.Connection) -> bool:
            require_lease(db, place.lease)
            at = (place.batch, place.shard)
            found = db.execute("SELECT lease FROM shards WHERE batch = ? AND no = ?", at).fetchone()
            if found is None:
                return False
            db.execute("DELETE FROM leases WHERE id = ? AND beat + ttl < store_clock()", found)
            if db.execute("SELECT 1 FROM leases WHERE id = ?", found).fetchone():
                return False
            db.execute("UPDATE shards SET lease = ?, done = 0 WHERE batch = ? AND no = ?", (place.lease, *at))
            applied_edits(db, place)
            took_permits(db, place)
            return True

        return bool(await self._ask(claim))

    async def give_back(self, place: Holding) -> None:
        """Let go of a shard."""
        text = (
            "UPDATE shards SET lease = NULL, done = NOT EXISTS (SELECT 1 FROM rows r WHERE r.batch = :batch AND "  # noqa: S608 - a constant
            f"r.shard = :no AND {_NOT_OVER}) WHERE batch = :batch AND no = :no AND lease = :lease"
        )
        values = {"batch": place.batch, "no": place.shard, "lease": place.lease}
        await self._ask(lambda db: db.execute(text, values).fetchall(), patience=_PATIENCE)

    # Leases.

    async def new_lease(self, worker: str, ttl: float) -> int:
        """Begin a lease."""
        sql = "INSERT INTO leases (worker, boot, ttl, beat) VALUES (:worker, :boot, :ttl, store_clock()) RETURNING id"
        return int((await self.write(sql, worker=worker, boot=boot_id(), ttl=ttl))[0][0])

    async def beat(self, lease: int) -> bool:
        """Renew a lease; False when it is gone."""
        sql = "UPDATE leases SET beat = store_clock() WHERE id = ? RETURNING id"
        found = await self._ask(lambda db: db.execute(sql, (lease,)).fetchall(), patience=0)
        return bool(found)

    async def end_lease(self, lease: int) -> None:
        """End a lease; a shard whose lease is gone is nobody's."""
        await self._ask(lambda db: db.execute("DELETE FROM leases WHERE id = ?", (lease,)).fetchall(), patience=0)

    async def allot(self, lease: int, version: int, permits: int, demand: int) -> bool:
        """Give a lease so many permits if no others were given since this version."""

        def allot(db: sqlite3.Connection) -> bool:
            step = "UPDATE limits SET version = version + 1 WHERE name = 'running' AND version = ? RETURNING 1"
            if not db.execute(step, (version,)).fetchall():
                return False
            give = "UPDATE leases SET permits = ?, demand = ? WHERE id = ?"
            db.execute(give, (permits, demand, lease))
            return True

        return bool(await self._ask(allot))

    async def open_purse(self, batch: str, coins: float) -> float:
        """Count what the batch holds and has spent from now on."""

        def open_it(db: sqlite3.Connection) -> float:
            found = db.execute("SELECT taken FROM purses WHERE batch = ?", (batch,)).fetchone()
            if found is None or found[0] < 0:  # what nobody can have spent would lift the limit
                found = db.execute(f"SELECT coalesce(sum({HELD}), 0.0) FROM rows WHERE batch = ?", (batch,)).fetchone()  # noqa: S608 - a constant
                db.execute("INSERT OR REPLACE INTO purses VALUES (?, ?)", (batch, found[0]))
            return float(found[0])

        taken = float(await self._ask(open_it))
        self._limits[batch] = coins
        return taken

    # Hints.

    async def hint(self, task_id: str) -> None:
        """Tell an id to whoever listens."""
        now = boottime()

        def tell(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM hints WHERE at NOT BETWEEN ? AND ?", (now - _HINT_SECONDS, now + _HINT_SECONDS))
            db.execute("INSERT INTO hints (task_id, at) VALUES (?, ?)", (task_id, now))

        await self._ask(tell)

    async def hints(self) -> AsyncIterator[str]:
        """Give the ids of tasks that are hinted from now on: the file is asked when it has changed."""
        last = (await self.read("SELECT coalesce(max(id), 0) FROM hints"))[0][0]
        seen: tuple[int, ...] = ()
        while True:
            now = self._changed_at()
            if now == seen:
                await asyncio.sleep(_LISTEN_SECONDS)
                continue
            seen = now
            sql = "SELECT id, task_id FROM hints WHERE id > :last ORDER BY id"
            for number, task_id in await self.read(sql, last=last):
                last = number
                yield task_id

    def _changed_at(self) -> tuple[int, ...]:
        """Give what changes whenever somebody writes the file."""
        found: list[int] = []
        file = self._path or Path()
        for path in (file, file.with_name(file.name + "-wal")):
            with contextlib.suppress(OSError):
                known = path.stat()
                found += [known.st_mtime_ns, known.st_size]
        return tuple(found)


def prepared(db: sqlite3.Connection, *, wal: bool) -> sqlite3.Connection:
    """Make a connection safe, and bring its tables up to date."""
    with contextlib.ExitStack() as held:
        held.callback(db.close)
        for pragma in ("trusted_schema = OFF", "synchronous = FULL", "fullfsync = 1", "checkpoint_fullfsync = 1"):
            db.execute(f"PRAGMA {pragma}")
        db.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        db.create_function("store_clock", 0, boottime)
        migrate(db)
        if boot_id():
            db.execute("DELETE FROM leases WHERE boot NOT IN (?, '')", (boot_id(),))
        held.pop_all()
    return db
