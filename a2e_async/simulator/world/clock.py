"""Clocks of the simulated service: everything the simulator does in time follows one of these."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol

_MANUAL_START = 1_750_000_000.0


class Clock(Protocol):
    """What the simulator asks of a clock."""

    def now(self) -> float:
        """Give the simulated time, in seconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that many simulated seconds."""
        ...


class ScaledClock:
    """A clock that runs by itself, `speed` times as fast as its source.

    Args:
        speed: Simulated seconds per second of the source.
        start: The simulated time at which it begins; by default the real time.
        source: A clock that only goes forward. Give `asyncio.get_running_loop().time` to follow a virtual loop.
    """

    __slots__ = ("_began", "_source", "speed", "start")

    def __init__(
        self, speed: float = 1.0, *, start: float | None = None, source: Callable[[], float] = time.monotonic
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self.start = time.time() if start is None else start
        self._source = source
        self._began = source()

    def now(self) -> float:
        """Give the simulated time, in seconds since 1970."""
        return self.start + (self._source() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait for that many simulated seconds."""
        await asyncio.sleep(seconds / self.speed)


class ManualClock:
    """A clock that stands still until it is told to `advance`.

    Args:
        start: The simulated time at which it stands first.
    """

    __slots__ = ("_now", "_serial", "_sleepers")

    def __init__(self, start: float = _MANUAL_START) -> None:
        self._now = start
        self._serial = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Give the simulated time, in seconds since 1970."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced by that many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._serial), wake))
        await wake

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass and wake whoever waited for them.

        Raises:
            ValueError: Time does not run backwards.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)
