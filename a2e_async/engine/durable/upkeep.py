"""What goes on beside the jobs of a client with a store: its lease, its part of the limits, hints, the dead.

Law of this file: none of it may end. A store that is away costs a turn and is said; the jobs go on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from a2e_async.engine.durable.following import Followed
from a2e_async.engine.durable.holdings import Holdings
from a2e_async.engine.durable.journal import JobJournal
from a2e_async.engine.durable.limits import Sharing
from a2e_async.engine.engine import Engine
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.errors import FencedError, LedgerError
from a2e_async.store.ports import Store

_log = logging.getLogger("a2e_async")

_SWEEPS: Final = 3  # in the time of a lease


class Upkeep:
    """Keeps a client in the store.

    Args:
        engine: Whose jobs end when the lease is gone.
        store: The store.
        holdings: What this process holds there.
        sharing: Its part of the limits.
        followed: The jobs of others, about which hints tell.
        sweep: Takes over what the dead have left.
        ttl: Seconds without a beat after which a process is taken for dead.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        holdings: Holdings,
        *,
        sharing: Sharing,
        followed: Followed,
        sweep: Callable[[], Awaitable[None]],
        ttl: float,
    ) -> None:
        self._engine = engine
        self._store = store
        self._holdings = holdings
        self._sharing = sharing
        self._followed = followed
        self._sweep = sweep
        self._ttl = ttl
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, *more: Callable[[], Awaitable[Any]]) -> None:
        """Begin, with these besides."""
        runs = [*more, self._followed.run, self._sweep_again, self._watch_lease, self._listen]
        runs += [self._sharing.run] if self._sharing.is_needed else []
        self._tasks = [asyncio.create_task(self._lasting(run), name="a2e store") for run in runs]

    async def aclose(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _sweep_again(self) -> None:
        while True:
            await asyncio.sleep(self._ttl / _SWEEPS)
            with contextlib.suppress(FencedError):
                await self._sweep()

    async def _watch_lease(self) -> None:
        """Let go of everything when the lease is gone: it is another process's now; then begin anew."""
        while True:
            lease = self._holdings.lease
            await lease.gone()
            held = {job: journal for job in self._engine.live.jobs if (journal := _held_by(job)) is not None}
            _log.warning(
                "the lease of this process is gone, and another one may hold its %d jobs; they end here", len(held)
            )
            for job, journal in held.items():
                journal.forsake()
                words = f"another process holds the job of key {job.key} now; a2e.find_job({job.key!r}) tells how it is"
                self._engine.ends.fail(job, FencedError(words))
            await self._holdings.renew()
            await self._sharing.ask()

    async def _listen(self) -> None:
        while True:
            async for task_id in self._store.hints(self._holdings.lease):
                self._engine.poller.hint(task_id)
                self._followed.hurry()
            await asyncio.sleep(1)  # the lease is gone, and there is another one soon

    async def _lasting(self, run: Callable[[], Awaitable[Any]]) -> None:
        """Run what must not end: a store that is away, or a fault of ours, costs a turn and is said."""
        while True:
            try:
                await run()
            except LedgerError as error:
                _log.warning("the store cannot be used at the moment: %s", error)
            except Exception:  # noqa: BLE001 - the others go on, and this one does in a while
                _log.exception("internal error in %s (please report)", run)
            await asyncio.sleep(self._ttl / _SWEEPS)


def _held_by(job: AnyJob) -> JobJournal | None:
    """Give the journal of a job whose row is this process's own."""
    journal = job.options.journal
    return journal if isinstance(journal, JobJournal) and journal.held else None
