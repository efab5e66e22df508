"""One batch in one process: shards are taken, as many as there is room for, until nothing is left for this process.

Laws of this file: a shard is run once in the life of a client; the room for rows is what the store grants, asked again
six times in the time of a lease; a process whose lease is gone leaves at once, for everything it held is somebody
else's; whatever else ends a round, it gives back what it holds. The store is asked for shards when there is room for
one and the last answer had some, and else three times in the time of a lease: somebody may have died.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from a2e_async.batch.runner import RowsRun
from a2e_async.batch.shards import ShardEnd, Ways, run_shard
from a2e_async.client import A2EClient
from a2e_async.errors import A2EError, FencedError, LedgerError
from a2e_async.fleet.terms import Terms, stopped
from a2e_async.store.entries import State
from a2e_async.store.ports import Lease, Shard, Store, Wants

_log = logging.getLogger("a2e_async")

_BEATS = 6  # in the time of a lease
_SWEEPS = 3
_LONGEST_PAUSE = 10.0


_MOST_SHARDS = 64  # that are asked for at once


async def pause(wake: asyncio.Event, ttl: float) -> None:
    """Wait for something to happen, for a third of a lease at most: then somebody may have died."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_longest_pause(ttl)):
            await wake.wait()
    wake.clear()


def _longest_pause(ttl: float) -> float:
    return min(_LONGEST_PAUSE, ttl / _SWEEPS)


@attrs.define(eq=False)
class _Running:
    """A shard that this process runs."""

    rows: int = 0
    run: RowsRun | None = None

    @property
    def waiting(self) -> int:
        """How many of its rows had no turn yet."""
        return max(0, self.rows - (self.run.begun if self.run else 0))


class Deliverer(Protocol):
    """An engine that says to this process which shards to run, such as `procrastinate.Delivery`."""

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Deliver for the length of the block."""
        ...

    async def sweep(self) -> None:
        """Ask again for what the store calls open."""
        ...


Engine = Callable[[str, Callable[[int], Awaitable[None]]], Deliverer]
"""Makes a deliverer of a batch's name and of what runs a shard by its number."""


class Round:
    """One batch, with one client and one lease.

    Args:
        store: The open store.
        lease: This process's lease.
        a2e: The open client.
        batch: The batch's name.
        terms: How it is run.
        ways: How its rows are brought to their files; the room in it is set here.
        engine: Makes what delivers shards; None: this process looks for them itself.

    Attributes:
        ends: How many rows ended in which state.
        stopped_by: The error for which nothing more was started, or None.
    """

    def __init__(
        self,
        store: Store,
        lease: Lease,
        a2e: A2EClient,
        *,
        batch: str,
        terms: Terms,
        ways: Ways,
        engine: Engine | None = None,
    ) -> None:
        self.ends: Counter[State] = Counter()
        self.stopped_by: Exception | None = None
        self._store = store
        self._lease = lease
        self._a2e = a2e
        self._batch = batch
        self._terms = terms
        self._ways = ways
        self._wake = asyncio.Event()
        self._stopping = False
        self._had: set[int] = set()
        self._running: dict[asyncio.Task[ShardEnd | None], _Running] = {}
        self._free_rows = terms.max_running
        self._may_be_had = True
        self._ask_by = 0.0
        self._again = asyncio.Event()
        self._deliverer = engine(batch, self.deliver) if engine is not None else None

    def stop(self) -> None:
        """Start nothing more; what was sent goes on, what was not is left for others."""
        self._stopping = True
        for one in self._running.values():
            if one.run is not None:
                one.run.stop()
        self._wake.set()

    async def run(self) -> None:
        """Take shards until nothing is left for this process; `stopped_by` says what else has ended it."""
        await self._share()
        beating = asyncio.create_task(self._beat(), name="a2e fleet")
        fenced = asyncio.create_task(self._leave_when_fenced(), name="a2e fence")
        leave = self._ways.room.join(self._wake.set)
        try:
            async with contextlib.nullcontext() if self._deliverer is None else self._deliverer.opened():
                while not await self._is_over():
                    await pause(self._wake, self._lease.ttl)
        finally:
            leave()
            for task in (beating, fenced, *self._running):
                task.cancel()
            await asyncio.gather(beating, fenced, *self._running, return_exceptions=True)

    async def deliver(self, no: int) -> None:
        """Run a shard to its end that an engine has delivered; nothing happens when it is somebody else's."""
        if not self._stopping and no not in self._had:
            await asyncio.wait([await self._take(no, 0)])

    async def _is_over(self) -> bool:
        """Take what there is room for; says whether nothing runs here and nothing may come."""
        if self._is_to_be_asked():
            await self._sweep()
        if self._running or self._stopping:
            return not self._running
        free = await self._store.open_shards(self._batch)
        counts = (await self._store.batches()).get(self._batch, {})
        left = sum(count for state, count in counts.items() if not state.final)
        # What was left by this process is not run again by it; anything else is to be had, now or when its holder dies.
        return left <= sum(shard.open for shard in free if shard.no in self._had)

    def _is_to_be_asked(self) -> bool:
        """Whether asking for shards may bring some: each row's end would ask otherwise, of a store that all ask."""
        wants = self._deliverer is None and self._has_room() and self._may_be_had
        return wants or not self._running or asyncio.get_running_loop().time() >= self._ask_by

    async def _sweep(self) -> None:
        """Claim shards that nobody holds while there is room.

        One whose tasks run already needs none: it brings their places along. Without that, a batch whose places were
        all taken by processes that have died would stand still, for nobody else would ever have room.
        """
        if self._stopping:
            return
        try:
            open_to_us = await self._open_to_us()
        except FencedError:
            raise
        except LedgerError as error:
            _log.warning("the store cannot be asked for work: %s", error.message)
            return
        self._ask_by = asyncio.get_running_loop().time() + _longest_pause(self._lease.ttl)
        self._free_rows = sum(shard.open for shard in open_to_us)
        if self._deliverer is not None:
            await self._deliverer.sweep()
            return
        self._may_be_had = await self._take_some(open_to_us)

    async def _open_to_us(self) -> list[Shard]:
        """Give the first shards that this process may take; all of them only where the first were had by it before."""
        found = await self._store.open_shards(self._batch, most=_MOST_SHARDS)
        if len(found) == _MOST_SHARDS and all(shard.no in self._had for shard in found):
            found = await self._store.open_shards(self._batch)
        return [shard for shard in found if shard.no not in self._had]

    async def _take_some(self, open_to_us: Sequence[Shard]) -> bool:
        """Claim them while there is room; says whether some are left."""
        at = self._lease.id % (len(open_to_us) or 1)  # so that not all processes want the same one
        for shard in sorted([*open_to_us[at:], *open_to_us[:at]], key=lambda one: not one.running):
            if self._stopping or not (shard.running or self._has_room()):
                return True
            await self._take(shard.no, shard.open)
        return False

    def _has_room(self) -> bool:
        return self._ways.room.free > sum(one.waiting for one in self._running.values())

    async def _take(self, no: int, rows: int) -> asyncio.Task[ShardEnd | None]:
        """Run a shard, and wait until it is known how many rows it has, or that it is somebody else's."""
        known, running = asyncio.Event(), _Running(rows=rows)

        def opened(run: RowsRun, rows: int) -> None:
            running.run, running.rows = run, rows
            if self._stopping:
                run.stop()
            self._again.set()
            known.set()

        self._had.add(no)
        task = asyncio.create_task(
            run_shard(self._store, self._lease, self._a2e, self._batch, no, ways=self._ways, on_open=opened),
            name=f"a2e shard {no}",
        )
        self._running[task] = running
        task.add_done_callback(lambda _task: known.set())
        task.add_done_callback(lambda task: self._end(task, no))
        await known.wait()
        return task

    def _end(self, task: asyncio.Task[ShardEnd | None], no: int) -> None:
        del self._running[task]
        self._ask_by = 0.0
        self._wake.set()
        if task.cancelled():
            return
        error, end = task.exception(), None if task.exception() else task.result()
        if isinstance(error, Exception):
            self._stop_for(error)
        elif end is None:
            self._had.discard(no)  # somebody else was quicker, and may die
        else:
            self.ends += end.ends
            if end.stopped_by is not None:
                self._stop_for(end.stopped_by)

    def _stop_for(self, error: Exception) -> None:
        if self.stopped_by is None or isinstance(error, FencedError):
            self.stopped_by = error
        self.stop()

    # What is shared with the others.

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._lease.ttl / _BEATS):
                    await self._again.wait()
            self._again.clear()
            try:
                await self._share()
                if not self._stopping and (why := await stopped(self._store, self._batch)):
                    _log.info("the batch was stopped: %s", why)
                    self.stop()
            except FencedError:
                return
            except A2EError as error:
                _log.warning("the store cannot be asked for limits, the last ones hold: %s", error)

    async def _share(self) -> None:
        room, terms, before = self._ways.room, self._terms, self._ways.room.limit
        room.limit = min(before, room.taken)  # what is given up here must not be taken before the answer is there
        demand = room.taken + sum(one.waiting for one in self._running.values()) + self._free_rows
        wants = Wants(
            running=terms.max_running, demand=min(demand, terms.max_running), used=room.taken, rate=terms.rate
        )
        try:
            share = await self._store.share(self._lease, wants)
        except BaseException:
            room.limit = before
            raise
        room.limit = terms.max_running if share.running is None else share.running
        self._a2e._parts().engine.service.pacer.rate = share.rate  # noqa: SLF001 - nobody else changes the pace

    async def _leave_when_fenced(self) -> None:
        """Let go of everything when the lease is gone: somebody else has it, and nothing is written any more."""
        await self._lease.gone()
        self._stop_for(FencedError("another process has taken this one for dead and goes on with its rows"))
        for task in list(self._running):
            task.cancel()
