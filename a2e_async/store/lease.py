"""The right to send: when a start may leave, and when this process must take it that it is thought dead.

Laws of this file: the right is counted from when the beat was SENT, by a clock that goes on while the machine sleeps,
and is half of what others grant; when it is over nothing is sent until the store has answered again; a lease is lost
only when the store says so, never because the store cannot be reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

from a2e_async.errors import FencedError, LedgerError, UsageError

T = TypeVar("T")

_log = logging.getLogger("a2e_async")

_BEATS: Final = 6  # in the time of a lease
_SAFE: Final = 0.5  # of a lease's time
_LEAST: Final = 0.5
_MOST: Final = 3600.0

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", None)


def boottime() -> float:
    """Give the seconds since this machine was started; with those that it has slept where the system counts them.

    Linux does. Elsewhere the monotonic clock is taken, which on some systems stands still while the machine sleeps:
    there only the store's own check, and the search for the tag after a takeover, see such a sleep.
    """
    return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.monotonic()


def check_ttl(ttl: float) -> float:
    """Give back the time of a lease.

    Raises:
        UsageError: It is no number of 0.5 to 3600 seconds.
    """
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not _LEAST <= ttl <= _MOST:
        raise UsageError(f"ttl: must be a number of {_LEAST:g} to {_MOST:g} seconds, not {ttl!r:.40}")
    return float(ttl)


def worker_name() -> str:
    """Name this process for people."""
    return f"{socket.gethostname()}:{os.getpid()}"[:200]


class HeldLease:
    """A lease that is renewed in the background while it lives; see `ports.Lease`.

    Args:
        number: Its number.
        ttl: Seconds without a beat after which others may take what it holds.
        sent: When its first beat was sent, by `clock`.
        beat: Renews it in the store; gives False when it is gone there. Raises LedgerError while the store is away.
        end: Ends it in the store.
        clock: Gives seconds that go on while the machine sleeps.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        number: int,
        ttl: float,
        sent: float,
        beat: Callable[[], Awaitable[bool]],
        end: Callable[[], Awaitable[None]],
        *,
        clock: Callable[[], float] = boottime,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._number = number
        self._ttl = ttl
        self._beat = beat
        self._end = end
        self._clock = clock
        self._sleep = sleep
        self._until = sent + ttl * _SAFE
        self._renewed = asyncio.Event()
        self._gone = asyncio.Event()
        self._why = ""
        self._away = False
        self._task = asyncio.create_task(self._renew(), name="a2e lease")

    @property
    def id(self) -> int:
        """Its number."""
        return self._number

    @property
    def ttl(self) -> float:
        """Seconds without a beat after which others may take its shards."""
        return self._ttl

    @property
    def lost(self) -> bool:
        """Whether it is known to be gone."""
        return self._gone.is_set()

    @property
    def may_send(self) -> bool:
        """Whether a start may be sent at this very moment."""
        return not self._gone.is_set() and self._clock() < self._until

    async def fresh(self) -> None:
        """Return when a start may be sent now; waits while the store is away.

        Raises:
            FencedError: The lease is gone.
        """
        while not (self.may_send or self.lost):
            self._renewed.clear()
            waits = [asyncio.ensure_future(one.wait()) for one in (self._renewed, self._gone)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waits:
                    one.cancel()
        if self.lost:
            raise self.refusal()

    async def gone(self) -> None:
        """Wait until it is known to be gone."""
        await self._gone.wait()

    async def aclose(self) -> None:
        """End it at once; a store that is away keeps it until it has run out."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self.lost:
            self.lose("it was closed")
            with contextlib.suppress(LedgerError):
                await self._end()

    def lose(self, why: str) -> None:
        """Note that it is gone, by whatever way that was learned."""
        self._why = self._why or why
        self._gone.set()

    def refusal(self) -> FencedError:
        """Give an error of its own to each caller, for each says which tasks it concerns."""
        return FencedError(f"the lease {self._number} of this process is gone: {self._why}; nothing more is sent by it")

    async def _renew(self) -> None:
        while not self.lost:
            await self._sleep(self._ttl / _BEATS)
            sent = self._clock()
            try:
                alive = await self._beat()
            except LedgerError as error:
                self._note_away(error)
                continue
            if not alive:
                self.lose("another process took it for dead and holds its jobs now")
                return
            self._until = sent + self._ttl * _SAFE
            self._renewed.set()
            if self._away:
                self._away = False
                _log.info("the store is back; starts are sent again")

    def _note_away(self, error: LedgerError) -> None:
        if not self._away and self._clock() >= self._until:
            self._away = True
            _log.warning("the store is away, and no start is sent until it is back: %s", error.message)


class Endable(Protocol):
    """What is waited for to be gone, such as a lease."""

    async def gone(self) -> None:
        """Wait until it is gone."""
        ...


async def until(lease: Endable, source: AsyncIterator[T]) -> AsyncIterator[T]:
    """Give what a source gives until a lease is gone."""
    gone = asyncio.ensure_future(lease.gone())
    coming: asyncio.Future[T] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(source))
            both: set[asyncio.Future[Any]] = {gone, coming}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return
            try:
                one = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield one
    finally:
        for waiting in (gone, coming):
            if waiting is not None:
                waiting.cancel()
        if coming is not None:
            await asyncio.wait({coming})
