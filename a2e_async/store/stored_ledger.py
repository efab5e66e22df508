"""The ledger of a shard in a store that speaks SQL."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from a2e_async.errors import LedgerError
from a2e_async.store import overview
from a2e_async.store.engines import Change, Holding, Rows, SqlEngine
from a2e_async.store.entries import Entry, State
from a2e_async.store.fields import dump_fields
from a2e_async.store.ports import JOBS
from a2e_async.store.reading_rows import RowReads
from a2e_async.store.values import CHARGED, STORED, UNPRICED, WHOLE, dump, entry_of
from a2e_async.store.verbs import ADOPT, RowVerbs, Verb, again, as_edited, planning


class StoredLedger(RowVerbs):
    """The rows of one shard, as `ports.Ledger`.

    Args:
        engine: Where it lies.
        place: Whose rows are written.
        batch_id: The batch's own random id.
        copied: Whether rows that are planned here may have been started from a copy of the store.
    """

    def __init__(self, engine: SqlEngine, place: Holding, batch_id: str, *, copied: bool = False) -> None:
        self._engine = engine
        self._place = place
        self._batch_id = batch_id
        self._reads = RowReads(self._known)
        self._copied = copied
        self._open = True

    @property
    def batch_id(self) -> str:
        """The batch's own random id."""
        return self._batch_id

    @property
    def place(self) -> str:
        """Where it lies, for messages."""
        return f"{self._engine.place} ({self._place.batch})"

    @property
    def copied(self) -> bool:
        """Whether the store was copied or put back before the shard was claimed; a new shard is nobody else's."""
        return self._copied

    @property
    def shard(self) -> int:
        """The number of the shard."""
        return self._place.shard

    # What is written.

    async def plan(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        """Note rows that are new, and give what is known of all of them."""
        if self._place.batch == JOBS:  # mostly new, and never changed by this
            await self._engine.insert(self._place, as_rows(entries, JOBS))
            return await self.known([one.id for one in entries])
        known = await self.known([one.id for one in entries])
        fresh = [one for one in entries if one.id not in known]
        if fresh:
            await self._engine.insert(self._place, as_rows(fresh, self._place.batch))
        noted = [one.id for one in entries if one.id in known and await self._note(known[one.id], one)]
        if fresh or noted:
            known |= await self.known([*[one.id for one in fresh], *noted])
        return known

    async def _note(self, known: Entry, given: Entry) -> bool:
        """Note that a row of this shard is given otherwise."""
        found = planning(known, given) if known.shard == self.shard else None
        return found is not None and await self._change(found[0], known.id, **found[1])

    async def again(self, row_ids: Iterable[str], states: Collection[State]) -> list[str]:
        """Let rows that stand in one of these states be attempted anew; gives which."""
        verb = again(states, CHARGED)
        entries = [one for one in (await self.known(list(row_ids))).values() if one.state in verb.allowed]
        return [
            entry.id
            for entry, values in zip(entries, as_edited(entries), strict=True)
            if await self._change(verb, entry.id, **values) or await self._is_anew(entry)
        ]

    async def adopt(self, entry: Entry) -> bool:
        """Take a row that was refused out of another holder's shard into this one, to be attempted anew."""
        place, values = self._place, {"id": entry.id, "attempt": entry.attempt + 1}
        at = {"batch": place.batch, "shard": place.shard, "lease": place.lease}
        if await self._engine.write(ADOPT, **at, **values):
            return True
        now = (await self.known([entry.id])).get(entry.id)  # it may have been carried out before the store was away
        return now is not None and now.shard == place.shard and await self._is_anew(entry)

    async def _is_anew(self, before: Entry) -> bool:
        """Whether a change that was told twice, as the store was away, was carried out the first time."""
        now = (await self.known([before.id]))[before.id]
        return now.state is State.PLANNED and now.attempt == before.attempt + 1

    async def list_only(self, row_ids: Iterable[str]) -> None:
        """Note that these are the rows of the rows file, and that all others are no more in it."""
        await overview.list_only(self._engine, self._place.batch, list(row_ids))

    async def keep(self, key: str, words: str) -> None:
        """Keep some words for the whole store."""
        await keep(self._engine, key, words)

    async def _change(self, verb: Verb, row_id: str, **values: Any) -> bool:  # noqa: ANN401 - what SQL takes
        return await self._engine.change(Change(self._place, row_id, verb, values))

    # What is read.

    async def known(self, ids: Sequence[str]) -> dict[str, Entry]:
        """Give what is known of these rows of the batch, by id, whoever holds them."""
        return await self._reads.known(ids)

    async def _known(self, ids: list[str]) -> dict[str, Entry]:
        sql = f"SELECT {WHOLE} FROM rows WHERE batch = :batch AND id IN (SELECT value FROM json_each(:ids))"  # noqa: S608 - a constant
        return {one.id: one for one in entries_of(await self._read(sql, ids=dump(ids)), WHOLE)}

    async def kept(self, key: str) -> str | None:
        """Give the words that were kept under a key."""
        return await kept(self._engine, key)

    async def counts(self) -> dict[State, int]:
        """Count the rows of the shard by state."""
        sql = "SELECT state, count(*) FROM rows WHERE batch = :batch AND shard = :shard GROUP BY state"
        return {State(state): count for state, count in await self._read(sql, shard=self.shard)}

    async def in_states(self, states: Collection[State], most: int = -1) -> list[Entry]:
        """Give the rows of the shard that stand in one of these states, those accepted last first."""
        sql = (
            f"SELECT {STORED} FROM rows WHERE batch = :batch AND shard = :shard AND state IN "  # noqa: S608 - a constant
            "(SELECT value FROM json_each(:states)) ORDER BY coalesce(accepted_at, 0) DESC, number LIMIT :most"
        )
        most = most if most >= 0 else _ALL
        given = dump([one.value for one in states])
        return entries_of(await self._read(sql, shard=self.shard, states=given, most=most), STORED)

    async def unpriced(self) -> list[Entry]:
        """Give the rows of the batch that were sent, and of which nobody knows what they cost."""
        sql = f"SELECT {STORED} FROM rows WHERE batch = :batch AND {UNPRICED}"  # noqa: S608 - constants
        return entries_of(await self._read(sql), STORED)

    async def begun(self) -> bool:
        """Whether any row of the store was begun."""
        return await begun(self._engine)

    async def coins(self) -> float:
        """Add up the coins of the batch."""
        return await overview.coins(self._engine, self._place.batch)

    async def aclose(self) -> None:
        """Give the shard back; a store that is away frees it when the lease has run out."""
        if self._open:
            self._open = False
            with contextlib.suppress(LedgerError):
                await self._engine.give_back(self._place)

    async def _read(self, sql: str, **values: Any) -> Rows:  # noqa: ANN401 - what SQL takes
        return await self._engine.read(sql, batch=self._place.batch, **values)


_ALL = 1 << 40


def as_rows(entries: Sequence[Entry], batch: str) -> list[dict[str, Any]]:
    """Give the values of rows that are new."""
    return [
        {
            "id": one.id,
            "key": one.key or (one.id if batch == JOBS else None),
            "family": one.family,
            "fields": dump_fields(one.fields),
            "planned_at": one.planned_at or time.time(),
        }
        for one in entries
    ]


def entries_of(rows: Rows, columns: str) -> list[Entry]:
    """Make entries of rows of these columns."""
    return [entry_of(tuple(row), columns) for row in rows]


async def kept(engine: SqlEngine, key: str) -> str | None:
    """Give the words that were kept under a key."""
    found = await engine.read("SELECT value FROM about WHERE key = :key", key=key)
    return str(found[0][0]) if found else None


async def keep(engine: SqlEngine, key: str, words: str) -> None:
    """Keep some words under a key."""
    sql = "INSERT INTO about (key, value) VALUES (:key, :words) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    await engine.write(sql, key=key, words=words)


async def begun(engine: SqlEngine) -> bool:
    """Whether any row of a store was begun."""
    return bool(await engine.read("SELECT 1 FROM rows WHERE state != 'planned' LIMIT 1"))
