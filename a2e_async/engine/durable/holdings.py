"""What this process holds in the store: its lease, its own shard, and the shards of dead processes that it took over.

Laws of this file: rows are written only through the ledger of the shard in which they lie; a lease that is gone is
never used again, and neither is anything that was held by it: there are a new lease and a new shard then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence

from a2e_async.errors import FencedError, LedgerError
from a2e_async.store.entries import Entry, State
from a2e_async.store.ports import JOBS, Lease, Ledger, Store

_log = logging.getLogger("a2e_async")

OPEN = frozenset(state for state in State if not state.final)
"""The states of rows that somebody has to go on with."""


class Holdings:
    """The lease and the shards of one process.

    Args:
        store: The store, open.
        ttl: Seconds without a beat after which others may take what this process holds.

    Attributes:
        batch_id: The random id of all jobs of the store, from which their tags are derived.
    """

    def __init__(self, store: Store, ttl: float) -> None:
        self._store = store
        self._ttl = ttl
        self._lease: Lease | None = None
        self._own: Ledger | None = None
        self._shards: dict[int | None, Ledger] = {}
        self._there = asyncio.Event()
        self.batch_id = ""

    @property
    def lease(self) -> Lease:
        """The lease; `renew` has taken one."""
        if self._lease is None:
            raise FencedError("this process has no lease of the store")
        return self._lease

    @property
    def own(self) -> Ledger:
        """The ledger of the shard for what is started here."""
        if self._own is None:
            raise FencedError("this process has no shard of the store")
        return self._own

    async def own_when_there(self) -> Ledger:
        """Give the same, as soon as there is one: after a lease was lost it takes a moment to have another one."""
        await self._there.wait()
        return self.own

    async def replaced(self, ledger: Ledger) -> None:
        """Wait until another shard has taken the place of one that is gone."""
        while self._own is ledger or self._own is None:
            self._there.clear()
            await self._there.wait()

    def ledger_of(self, entry: Entry) -> Ledger | None:
        """Give the ledger in which a row can be written here, None while another process holds it."""
        return self._shards.get(entry.shard)

    async def renew(self) -> None:
        """Take a lease and a shard, in the place of those that are gone."""
        lost = list(self._shards.values()), self._lease
        self._lease = await self._store.lease(self._ttl)
        self._own = await self._store.join(JOBS, self._lease)
        self._shards, self.batch_id = {self._own.shard: self._own}, self._own.batch_id
        self._there.set()
        await _give_back(*lost)

    async def claim(self, shard: int) -> Ledger | None:
        """Take a shard over whose holder is dead or has left; None while somebody has it, this process included."""
        if shard in self._shards:
            return None
        ledger = await self._store.claim(JOBS, shard, self.lease)
        if ledger is not None:
            self._shards[shard] = ledger
        return ledger

    async def orphans(self) -> AsyncIterator[tuple[Ledger, list[Entry]]]:
        """Take over what dead processes have left, shard by shard; gives the rows that have to go on."""
        for shard in await self._store.open_shards(JOBS):
            ledger = await self.claim(shard.no)
            if ledger is not None:
                rows = await ledger.in_states(OPEN)
                _log.info("took over %d jobs of a process that has ended (shard %d)", len(rows), shard.no)
                yield ledger, rows

    async def leave(self) -> None:
        """Give everything back, so that nobody has to wait for the lease to run out."""
        self._there.clear()
        held = list(self._shards.values()), self._lease
        self._shards, self._own, self._lease = {}, None, None
        await _give_back(*held)


async def _give_back(shards: Sequence[Ledger], lease: Lease | None) -> None:
    for ledger in shards:
        with contextlib.suppress(LedgerError):  # it is another one's already
            await ledger.aclose()
    if lease is not None:
        with contextlib.suppress(LedgerError):
            await lease.aclose()
