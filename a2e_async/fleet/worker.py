"""One process that works on batches, one after the other, until nothing is left for it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from a2e_async.batch.budget import BatchBudget
from a2e_async.batch.journal import OnChange
from a2e_async.batch.room import RowPlaces
from a2e_async.batch.shards import Ways
from a2e_async.client import A2EClient
from a2e_async.engine.files.names import require_writable
from a2e_async.fleet.rounds import Engine, Round, pause
from a2e_async.fleet.terms import Terms, check_folder, mark_folder, read_terms, stopped
from a2e_async.store.entries import State
from a2e_async.store.ports import JOBS, Lease, Store
from a2e_async.store.purses import SharedPurse

OpenClient = Callable[[Terms], AbstractAsyncContextManager[A2EClient]]


class Worker:
    """A process that works on batches.

    Args:
        store: The open store.
        folder: Where files go.
        client: Opens a client as a batch's terms say.
        ttl: Seconds without a sign of life after which others may take what it holds.
        batch: The only batch to work on; None: all of the store, one after the other.
        stay: Whether it waits for more when nothing is left.
        on_change: Told of each change of a row, after it was written down.
        engine: Makes what delivers shards; None: this process looks for them itself.

    Attributes:
        ends: How many rows ended in which state, by this process.
        stopped_by: The error for which it stopped, or None.
        lease: Its lease, None before it has one.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        client: OpenClient,
        *,
        ttl: float,
        batch: str | None = None,
        stay: bool = False,
        on_change: OnChange = lambda _entry: None,
        engine: Engine | None = None,
    ) -> None:
        self.ends: Counter[State] = Counter()
        self.stopped_by: Exception | None = None
        self.lease: Lease | None = None
        self._store = store
        self._folder = folder
        self._client = client
        self._ttl = ttl
        self._only = batch
        self._stay = stay
        self._on_change = on_change
        self._engine = engine
        self._stopping = False
        self._wake = asyncio.Event()
        self._rounds: set[tuple[str, str]] = set()
        self._round: Round | None = None

    def stop(self) -> None:
        """Start nothing more; what was sent goes on, what was not is left for others."""
        self._stopping = True
        self._wake.set()
        if self._round is not None:
            self._round.stop()

    async def run(self) -> None:
        """Work until nothing is left; `stopped_by` says what else has ended it.

        Raises:
            UsageError: The batch, the folder or this version is not the right one.
            LedgerError: The store cannot be used, or belongs to another service or account.
        """
        self.lease = await self._store.lease(self._ttl, worker=f"{socket.gethostname()} {os.getpid()}")
        try:
            while not self._stopping:
                found = await self._next()
                if found is not None:
                    await self._work(*found)
                elif not self._stay:
                    return
                else:
                    await pause(self._wake, self._ttl)
        finally:
            await self.lease.aclose()

    async def _next(self) -> tuple[str, Terms] | None:
        """Give a batch that has rows left, and that this process has not been through."""
        names = await self._store.batches()
        for name in [self._only] if self._only is not None else [name for name in names if name != JOBS]:
            left = sum(count for state, count in names.get(name, {}).items() if not state.final)
            if name not in names or (left and not await stopped(self._store, name)):
                terms = await read_terms(self._store, name)
                if (name, terms.run) not in self._rounds:
                    return name, terms
        return None

    async def _work(self, batch: str, terms: Terms) -> None:
        assert self.lease is not None  # noqa: S101 - `run` has just taken it
        self._rounds.add((batch, terms.run))
        await asyncio.to_thread(require_writable, self._folder)
        await check_folder(self._store, batch, self._folder, shared=terms.shared)
        await mark_folder(self._store, batch, self._folder)
        async with self._client(terms) as a2e:
            ways = Ways(
                folder=self._folder,
                room=RowPlaces(0),
                options=terms.start_options(),
                budget=await _budget(self._store, batch, terms, a2e),
                service=terms.service,
                same_account=terms.same_account,
                host=socket.gethostname(),
                on_change=self._on_change,
            )
            self._round = Round(self._store, self.lease, a2e, batch=batch, terms=terms, ways=ways, engine=self._engine)
            try:
                if not self._stopping:
                    await self._round.run()
            finally:
                self.ends += self._round.ends
                self.stopped_by = self.stopped_by or self._round.stopped_by
                self._stopping = self._stopping or self.stopped_by is not None
                self._round = None


async def _budget(store: Store, batch: str, terms: Terms, a2e: A2EClient) -> BatchBudget | None:
    """Bound what the batch costs: the store counts for all processes, and this one asks for each price beforehand."""
    if terms.max_coins is None:
        return None
    await store.open_purse(batch, terms.max_coins)
    return BatchBudget.shared(terms.max_coins, a2e, SharedPurse(store, batch, terms.max_coins))
