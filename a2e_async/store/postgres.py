"""A store in PostgreSQL, for processes on any number of machines; needs `pip install 'a2e_async[postgres]'`.

Three connections: one renews leases and listens, one writes, one reads, so that neither a slow query nor a busy writer
keeps a lease from being renewed. All are autocommitted, with one statement for each step, so that the database may be
behind pgbouncer; only hints need a session of their own, and without one tasks are found by polling as ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import Literal

from a2e_async.core.secrets import hide
from a2e_async.errors import FencedError, LedgerError, UsageError
from a2e_async.store import postgres_sql as sql
from a2e_async.store.engines import Change, Holding, Rows
from a2e_async.store.grouping import Grouping

_log = logging.getLogger("a2e_async")

_PATIENCE: Final = 5.0
_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_LISTEN_SECONDS: Final = 0.25
_LOCK: Final = 0x61326561  # of migrations
_DEFAULTS: Final[Mapping[str, str]] = {
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",
    "keepalives_idle": "15",
    "application_name": "a2e_async",
}
_AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)


class PostgresEngine:
    """A database; see `engines.SqlEngine`.

    Args:
        url: Its address, which may hold a password.
    """

    def __init__(self, url: str) -> None:
        self._place = hide(url)
        try:
            self._facts = {**_DEFAULTS, **{name: str(value) for name, value in conninfo_to_dict(url).items()}}
        except psycopg.Error:
            # Its words may show a part of the password.
            raise UsageError(f"store: {self._place} is no address that PostgreSQL can read") from None
        self._leases, self._writes, self._reads = (_Line(self._facts, self._place) for _ in range(3))
        self._grouping = Grouping(self._write, self._place)

    def __repr__(self) -> str:
        return f"<PostgreSQL {self._place}>"

    @property
    def place(self) -> str:
        """Its address, without the password."""
        return self._place

    @property
    def origin(self) -> str:
        """The database cluster and its timeline, which changes when a standby takes over or a backup is put back."""
        return self._writes.origin

    async def open(self) -> None:
        """Connect, and bring the tables up to date."""
        try:
            await self._migrate()
        except psycopg.Error as error:
            await self._disconnect()
            raise LedgerError(f"{self._place} cannot be used: {self._words(error)}") from None
        except BaseException:
            await self._disconnect()
            raise
        self._grouping.open()

    async def aclose(self) -> None:
        """Write what is waiting, and disconnect."""
        await self._grouping.aclose()
        await self._disconnect()

    async def _disconnect(self) -> None:
        await asyncio.gather(*[line.aclose() for line in (self._leases, self._writes, self._reads)])

    async def _migrate(self) -> None:
        db = await self._writes.connected()
        found = await (await db.execute(sql.EXISTS)).fetchone()
        version = await self._version(db) if found is not None and found[0] else 0
        if version < len(sql.STEPS):
            async with db.transaction():
                await db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                await db.execute(sql.BEGIN)
                for step in sql.STEPS[await self._version(db) :]:
                    await db.execute(step.encode())
                await db.execute(sql.KEEP_VERSION, (str(len(sql.STEPS)),))

    async def _version(self, db: psycopg.AsyncConnection[Any]) -> int:
        found = await (await db.execute(sql.VERSION)).fetchone()
        version = int(found[0]) if found is not None else 0
        if version > len(sql.STEPS):
            words = f"is of version {version}, this program knows up to {len(sql.STEPS)}: upgrade it"
            raise LedgerError(f"the store {self._place} {words}")
        return version

    def _words(self, error: psycopg.Error) -> str:
        """Give the words of an error on one line, without the password."""
        secret = self._facts.get("password")
        return hide(" ".join(str(error).split()) or type(error).__name__, [secret] if secret else [])

    # Reading and writing.

    async def read(self, text: str, **values: Any) -> Rows:  # noqa: ANN401 - what SQL takes
        """Carry out a statement that only reads."""
        return await self._until_done(self._reads, sql.translated(text), values, _PATIENCE)

    async def write(self, text: str, **values: Any) -> Rows:  # noqa: ANN401 - what SQL takes
        """Carry out one statement that needs no lease."""
        return await self._write(sql.translated(text), values)

    async def _write(self, text: str, values: Mapping[str, Any]) -> Rows:
        return await self._until_done(self._writes, text, values, None)

    async def _until_done(self, line: _Line, text: str, values: Mapping[str, Any], patience: float | None) -> Rows:
        """Carry out a statement, again while the database is away; whoever is cancelled does not cancel it."""
        loop = asyncio.get_running_loop()
        until, pause = None if patience is None else loop.time() + patience, _PAUSE
        while True:
            try:
                return await asyncio.shield(asyncio.ensure_future(line.run(text, values)))
            except psycopg.errors.UniqueViolation:
                if until is not None:
                    raise
                await asyncio.sleep(0)  # two have taken the next number of a shard
            except _AWAY as error:
                if self._grouping.closing or (until is not None and loop.time() >= until):
                    raise LedgerError(f"{self._place} is away: {self._words(error)}") from None
                line.note_away(self._words(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except psycopg.Error as error:
                raise LedgerError(f"{self._place} cannot be used: {self._words(error)}") from None

    async def change(self, change: Change) -> bool:
        """Write a row, if it stands where the verb may come."""
        return await self._grouping.change(change)

    async def insert(self, place: Holding, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows that the batch does not have yet."""
        await self._grouping.insert(place, rows)

    # Shards.

    async def add_shard(self, batch: str, rows: Sequence[dict[str, Any]]) -> int | None:
        """Add a shard that nobody holds, of those rows that the batch does not have."""
        columns = {name: [row[name] for row in rows] for name in ("id", "key", "family", "fields", "planned_at")}
        found = await self._write(sql.ADD_SHARD, {"batch": batch, "n": list(range(len(rows))), **columns})
        return int(found[0][0]) if found else None

    async def new_shard(self, batch: str, lease: int) -> int:
        """Add an empty shard that this lease holds."""
        found = await self._write(sql.NEW_SHARD, {"batch": batch, "lease": lease})
        if not found:
            raise FencedError("another process took this one for dead and holds its jobs now")
        return int(found[0][0])

    async def claim(self, place: Holding) -> bool:
        """Take a shard that nobody holds, or whose holder is dead."""
        at = {"batch": place.batch, "no": place.shard, "lease": place.lease}
        holder = await self._write(sql.HOLDER, at)
        if not holder:
            return False
        alive, taken = (await self._write(sql.CLAIM, {**at, "holder": holder[0][0]}))[0]
        if not alive:
            raise FencedError("another process took this one for dead and holds its jobs now")
        if taken:
            await self._write(sql.EDITS, at)
        return bool(taken)

    async def give_back(self, place: Holding) -> None:
        """Let go of a shard."""
        await self._grouping.settled()
        values = {"batch": place.batch, "no": place.shard, "lease": place.lease}
        await self._until_done(self._writes, sql.GIVE_BACK, values, _PATIENCE)

    # Leases.

    async def new_lease(self, worker: str, ttl: float) -> int:
        """Begin a lease."""
        found = await self._until_done(self._leases, sql.NEW_LEASE, {"worker": worker, "ttl": ttl}, _PATIENCE)
        return int(found[0][0])

    async def beat(self, lease: int) -> bool:
        """Renew a lease; False when it is gone."""
        return bool(await self._until_done(self._leases, sql.BEAT, {"lease": lease}, 0))

    async def end_lease(self, lease: int) -> None:
        """End a lease; a shard whose lease is gone is nobody's."""
        await self._grouping.settled()
        await self._until_done(self._leases, sql.END_LEASE, {"lease": lease}, 0)

    async def allot(self, lease: int, version: int, permits: int, demand: int) -> bool:
        """Give a lease so many permits if no others were given since this version."""
        values = {"lease": lease, "version": version, "permits": permits, "demand": demand}
        return bool((await self._write(sql.ALLOT, values))[0][0])

    async def open_purse(self, batch: str, coins: float) -> float:
        """Count what the batch holds and has spent from now on."""
        found = await self._write(sql.PURSE, {"batch": batch})
        if not found:
            await self._write(sql.OPEN_PURSE.format(batch=Literal(batch).as_string(None)), {})
            found = await self._write(sql.PURSE, {"batch": batch})
        self._grouping.limits[batch] = coins
        return float(found[0][0])

    # Hints.

    async def hint(self, task_id: str) -> None:
        """Tell an id to whoever listens."""
        await self._write(f"SELECT pg_notify('{sql.CHANNEL}', %(task_id)s)", {"task_id": task_id})

    async def hints(self) -> AsyncIterator[str]:
        """Give the ids of tasks that are hinted from now on; those told while the database was away are lost."""
        while True:
            try:
                db = await self._leases.connected()
                await db.execute(f"LISTEN {sql.CHANNEL}")
                while not db.closed:
                    async for told in db.notifies(timeout=_LISTEN_SECONDS):
                        yield told.payload
            except _AWAY as error:
                self._leases.note_away(self._words(error))
            await asyncio.sleep(_LONGEST_PAUSE)


class _Line:
    """One connection, made anew when it was lost."""

    def __init__(self, facts: Mapping[str, str], place: str) -> None:
        self._address = make_conninfo(**facts)
        self._place = place
        self._db: psycopg.AsyncConnection[Any] | None = None
        self.origin = ""
        self._connecting = asyncio.Lock()
        self._away = False

    async def connected(self) -> psycopg.AsyncConnection[Any]:
        """Give the connection."""
        async with self._connecting:
            if self._db is None or self._db.closed:
                db = await psycopg.AsyncConnection.connect(self._address, autocommit=True, prepare_threshold=None)
                settings = await (await db.execute(sql.SETTINGS)).fetchone()
                if settings is not None and settings[-1] != "UTF8":
                    await db.close()
                    raise LedgerError(f"{self._place} keeps text as {settings[-1]}; a store needs UTF8")
                self.origin = await _origin(db)
                self._db = db
        return self._db

    async def run(self, text: str, values: Mapping[str, Any]) -> Rows:
        """Carry out one statement; a connection that fails is given up."""
        db = await self.connected()
        try:
            cursor = await db.execute(text.encode(), values or None)
            rows: Rows = await cursor.fetchall() if cursor.description else []
        except _AWAY:
            if db.closed or db.broken:
                await self.aclose()
            raise
        if self._away:
            self._away = False
            _log.info("%s is back", self._place)
        return rows

    def note_away(self, words: str) -> None:
        """Say once that the database is away."""
        if not self._away:
            self._away = True
            _log.warning("%s is away (%s); what is to be written waits", self._place, words)

    async def aclose(self) -> None:
        """Disconnect."""
        db, self._db = self._db, None
        if db is not None:
            await db.close()


async def _origin(db: psycopg.AsyncConnection[Any]) -> str:
    """Give the cluster and the timeline, "" where this user may not know it."""
    try:
        found = await (await db.execute(sql.ORIGIN)).fetchone()
    except psycopg.Error:
        return ""
    return str(found[0]) if found is not None else ""
