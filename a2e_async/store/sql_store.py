"""A store over an engine that speaks SQL: everything that is the same for SQLite, PostgreSQL and memory."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from secrets import token_hex

from a2e_async.errors import FencedError, LedgerError, UsageError
from a2e_async.store import overview
from a2e_async.store.engines import Holding, SqlEngine
from a2e_async.store.entries import Entry, State
from a2e_async.store.lease import HeldLease, boottime, check_ttl, until, worker_name
from a2e_async.store.ports import JOBS, TTL, Holder, KeptUpload, Lease, Ledger, Shard, Share, Wants
from a2e_async.store.purses import checked_limit, spent
from a2e_async.store.shares import Permits, next_permits
from a2e_async.store.stored_ledger import StoredLedger, as_rows, begun, entries_of, keep, kept
from a2e_async.store.values import STORED, WHOLE, dump
from a2e_async.store.verbs import edited_as

_log = logging.getLogger("a2e_async")

_PAGE = 500
_LONGEST_BATCH = 200
_TRIES = 100


class SqlStore:
    """A store; see `ports.Store`.

    Args:
        engine: Where it lies.
    """

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._leases: dict[int, HeldLease] = {}
        self._newcomers: set[int] = set()
        self._origin = ""
        self._copied = False

    @property
    def place(self) -> str:
        """Its address, for messages."""
        return self._engine.place

    def __repr__(self) -> str:
        return f"<store {self.place}>"

    async def open(self) -> None:
        """Connect, and bring its tables up to date."""
        await self._engine.open()
        try:
            facts = {"salt": token_hex(16), "store_id": token_hex(16), "begun": repr(time.time())}
            for key, words in (facts | {"origin": self._engine.origin}).items():
                sql = "INSERT INTO about (key, value) VALUES (:key, :words) ON CONFLICT (key) DO NOTHING"
                await self._engine.write(sql, key=key, words=words)
            await self._learn_origin()
        except BaseException:
            await self._engine.aclose()
            raise

    async def aclose(self) -> None:
        """End its leases, write what is waiting, and let go of the connections."""
        for lease in list(self._leases.values()):
            await lease.aclose()
        await self._engine.aclose()

    async def _learn_origin(self) -> None:
        """Note that this is a copy, or was put back: what it calls planned may have been started by the other one."""
        self._origin, known = self._engine.origin, await self.kept("origin") or ""
        if known != self._origin and self._origin:
            await self.keep("origin", self._origin)
        if known and self._origin and known != self._origin:
            await self.keep("copied", repr(time.time()))
            words = "%s is a copy, or was put back: what it calls planned is looked for before it is started"
            _log.warning(words, self.place)
        self._copied = await self.kept("copied") is not None

    def _is_copied(self) -> bool:
        """Whether it is, or has become one since it was opened: a standby that took over may lack the last writes."""
        return self._copied or self._engine.origin not in ("", self._origin)

    # Leases and shards.

    async def lease(self, ttl: float = TTL, *, worker: str = "") -> Lease:
        """Take a lease."""
        ttl, sent = check_ttl(ttl), boottime()
        number = await self._engine.new_lease(worker or worker_name(), ttl)

        async def end() -> None:
            self._leases.pop(number, None)
            await self._engine.end_lease(number)

        held = HeldLease(number, ttl, sent, lambda: self._engine.beat(number), end)
        self._leases[number] = held
        self._newcomers.add(number)
        return held

    async def join(self, batch: str, lease: Lease) -> Ledger:
        """Give the ledger of a new, empty shard of an endless batch."""
        batch_id = await self._batch_id(batch)
        return StoredLedger(
            self._engine, Holding(batch, await self._engine.new_shard(batch, lease.id), lease.id), batch_id
        )

    async def add_shard(self, batch: str, entries: Sequence[Entry]) -> int | None:
        """Add a shard of those rows that the batch does not have yet; gives its number, None when it has all."""
        await self._batch_id(batch)
        no = await self._engine.add_shard(batch, as_rows(entries, batch))
        await self._note_edits(batch, entries, -1 if no is None else no)
        return no

    async def _note_edits(self, batch: str, entries: Sequence[Entry], but: int) -> None:
        """Keep beside rows how they are given now, where it differs from before; those of one shard are new."""
        if batch == JOBS:
            return
        sql = (
            f"SELECT {STORED} FROM rows WHERE batch = :batch AND shard != :but AND "  # noqa: S608 - a constant
            "id IN (SELECT value FROM json_each(:ids))"
        )
        found = await self._engine.read(sql, batch=batch, but=but, ids=dump([one.id for one in entries]))
        given = {one.id: one for one in entries}
        for known in entries_of(found, STORED):
            edited = edited_as(known, given[known.id])
            if edited != (None if known.edited is None else dump([known.edited[0], dict(known.edited[1])])):
                note = "UPDATE rows SET edited = :edited WHERE batch = :batch AND id = :id"
                await self._engine.write(note, edited=edited, batch=batch, id=known.id)

    async def claim(self, batch: str, no: int, lease: Lease) -> Ledger | None:
        """Take a shard whose holder is dead or has given it back; None while somebody else holds it."""
        place = Holding(batch, no, lease.id)
        if not await self._engine.claim(place):
            return None
        return StoredLedger(self._engine, place, await self._batch_id(batch), copied=self._is_copied())

    async def open_shards(self, batch: str | None = None, *, most: int = -1) -> Sequence[Shard]:
        """Give the shards that nobody holds and that have rows which have not come to an end, the oldest first."""
        return await overview.open_shards(self._engine, batch or "", most)

    # What it knows.

    async def batches(self) -> Mapping[str, Mapping[State, int]]:
        """Give the batches of the store, and how many rows of each stand in which state."""
        found: dict[str, dict[State, int]] = {}
        for (name,) in await self._engine.read("SELECT name FROM batches ORDER BY name"):
            found[name] = {}
        sql = "SELECT batch, state, count(*) FROM rows GROUP BY batch, state"
        for batch, state, count in await self._engine.read(sql):
            found.setdefault(batch, {})[State(state)] = count
        return found

    async def holders(self, batch: str) -> Sequence[Holder]:
        """Give the processes that have a lease, each with the shards of the batch that it holds."""
        return await overview.holders(self._engine, batch)

    async def coins(self, batch: str) -> float:
        """Add up the coins of a batch: what was charged in all attempts, and what may have been."""
        return await overview.coins(self._engine, batch)

    async def list_only(self, batch: str, ids: Collection[str]) -> None:
        """Note that these are the rows of the rows file, and that all others are no more in it."""
        await overview.list_only(self._engine, batch, ids)

    async def entries(self, batch: str, *, states: Collection[State] = tuple(State)) -> AsyncIterator[Entry]:
        """Give the rows of a batch, page by page, in the order in which they were planned."""
        sql = (
            f"SELECT number, {STORED} FROM rows WHERE batch = :batch AND number > :after AND "  # noqa: S608 - a constant
            "state IN (SELECT value FROM json_each(:states)) ORDER BY number LIMIT :page"
        )
        wanted, after = dump([state.value for state in states]), 0
        while True:
            page = await self._engine.read(sql, batch=batch, after=after, states=wanted, page=_PAGE)
            for one in entries_of([row[1:] for row in page], STORED):
                yield one
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    async def find(self, key: str) -> Entry | None:
        """Give the row of a key, from whichever process; None if there is none."""
        found = await self._engine.read(f"SELECT {WHOLE} FROM rows WHERE key = :key", key=key)  # noqa: S608 - a constant
        return entries_of(found, WHOLE)[0] if found else None

    async def find_task(self, task_id: str) -> Entry | None:
        """Give the row of an application's job by the id of one of its tasks, None if there is none."""
        sql = f"SELECT {WHOLE} FROM rows WHERE key IS NOT NULL AND task_ids LIKE :like ESCAPE '!'"  # noqa: S608 - a constant
        escaped = "".join(f"!{one}" if one in "!%_" else one for one in json.dumps(task_id))
        found = entries_of(await self._engine.read(sql, like=f"%{escaped}%"), WHOLE)
        return next((entry for entry in found if task_id in entry.task_ids), None)

    async def kept(self, key: str) -> str | None:
        """Give the words that were kept under a key for the whole store."""
        return await kept(self._engine, key)

    async def keep(self, key: str, words: str) -> None:
        """Keep some words for the whole store."""
        await keep(self._engine, key, words)

    async def begun(self) -> bool:
        """Whether any row of the store was begun, or a process is at work with it."""
        alive = "SELECT 1 FROM leases WHERE beat + ttl >= store_clock() LIMIT 1"
        return await begun(self._engine) or bool(await self._engine.read(alive))

    # What is shared.

    async def share(self, lease: Lease, wants: Wants) -> Share:
        """Give this process its part of the limits that all processes share."""
        for _try in range(_TRIES):
            version, orphans, parts, dead = await self._parts()
            if dead:  # what they ran is counted by their rows from now on, and goes to whoever claims these
                await self._engine.write("DELETE FROM leases WHERE beat + ttl < store_clock()")
                continue
            own = next((part for part in parts if part.lease == lease.id), None)
            if own is None:
                raise FencedError("another process took this one for dead and holds its jobs now")
            permits = own.permits
            if wants.running is not None:
                mine = [p if p.lease != lease.id else Permits(p.lease, p.permits, wants.demand) for p in parts]
                permits = next_permits(wants.running, mine, lease.id, wants.used, orphans)
            if await self._engine.allot(lease.id, version, permits, wants.demand):
                running = None if wants.running is None else permits
                return Share(running=running, rate=self._rate(lease.id, wants, len(parts)), live=len(parts))
        raise LedgerError(f"{self.place}: the shared limits change too often to be read")

    def _rate(self, lease: int, wants: Wants, live: int) -> float | None:
        newcomer, known = lease in self._newcomers, wants.rate
        self._newcomers.discard(lease)
        return None if known is None else 0.0 if newcomer and live > 1 else known / live

    async def _parts(self) -> tuple[int, int, list[Permits], bool]:
        """Give the version of the permits, the tasks that nobody watches, what each process has, and if one is dead."""
        sql = (
            "SELECT (SELECT version FROM limits WHERE name = 'running'), (SELECT count(*) FROM shards s JOIN rows r "  # noqa: S608 - constants
            "ON r.batch = s.batch AND r.shard = s.no WHERE s.done = 0 AND NOT EXISTS (SELECT 1 FROM leases h WHERE "
            f"h.id = s.lease) AND {overview.RUNNING_ROW}), l.id, l.permits, l.demand, "
            "CASE WHEN l.beat + l.ttl < store_clock() THEN 1 ELSE 0 END FROM leases l"
        )
        found = await self._engine.read(sql)
        parts = [Permits(*row[2:5]) for row in found]
        return (found[0][0], found[0][1], parts, any(row[5] for row in found)) if found else (0, 0, [], False)

    async def open_purse(self, batch: str, coins: float) -> float:
        """Let intents of the batch be bounded from now on."""
        await self._batch_id(batch)
        return await self._engine.open_purse(batch, checked_limit(coins))

    async def spend(self, batch: str, coins: float, *, most: float | None = None) -> bool:
        """Count coins for what is no row, such as an upload."""
        return await spent(self._engine, batch, float(coins), most)

    async def upload(self, sha256: str) -> KeptUpload | None:
        """Give the upload of a file by its digest, None when none is known."""
        sql = "SELECT sha256, url, expires FROM uploads WHERE sha256 = :sha256"
        found = await self._engine.read(sql, sha256=sha256)
        return KeptUpload(sha256=found[0][0], url=found[0][1], expires=found[0][2]) if found else None

    async def keep_upload(self, upload: KeptUpload) -> None:
        """Remember an upload, in the place of what was known of the same file."""
        sql = (
            "INSERT INTO uploads (sha256, url, expires) VALUES (:sha256, :url, :expires) "
            "ON CONFLICT (sha256) DO UPDATE SET url = excluded.url, expires = excluded.expires"
        )
        await self._engine.write(sql, sha256=upload.sha256, url=upload.url, expires=upload.expires)

    async def hint(self, task_id: str) -> None:
        """Tell every process that something has happened to a task."""
        await self._engine.hint(task_id)

    async def hints(self, lease: Lease) -> AsyncIterator[str]:
        """Give the ids of tasks that were hinted from now on, until the lease is closed or gone."""
        async for task_id in until(lease, self._engine.hints()):
            yield task_id

    # Batches.

    async def _batch_id(self, batch: str) -> str:
        """Give the random id of a batch, which is made when there is none."""
        if not isinstance(batch, str) or not 0 < len(batch) <= _LONGEST_BATCH or not batch.isprintable():
            raise UsageError(f"batch: must be a printable name of 1 to {_LONGEST_BATCH} characters, not {batch!r:.60}")
        sql = "INSERT INTO batches (name, batch_id) VALUES (:batch, :fresh) ON CONFLICT (name) DO NOTHING"
        found = await self._engine.read("SELECT batch_id FROM batches WHERE name = :batch", batch=batch)
        if not found:
            await self._engine.write(sql, batch=batch, fresh=token_hex(16))
            found = await self._engine.read("SELECT batch_id FROM batches WHERE name = :batch", batch=batch)
        return str(found[0][0])
