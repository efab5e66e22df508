"""How fast requests may leave: at a rate, and with the pauses that the service asks for."""

from __future__ import annotations

import asyncio
import math
from collections import deque

from a2e_async.errors import ClientClosedError

_STARTS_IN_A_ROW = 4
_LATE = 0.005  # timers ring late; what is missed by up to so many seconds is made up for, or 1,000 a second were 500


class Pacer:
    """Gives turns, at most `rate` a second and one at a time; a cancelled turn is given back.

    Starts go first, because a user waits for them. After four in a row a poll has its turn: with a long queue of
    starts no job would otherwise be seen to end before its time limit.

    Args:
        rate: Requests a second, or None for no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._gap = 1 / rate if rate else 0.0
        self._next = 0.0
        self._paused_until = 0.0
        self._starts: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._in_a_row = 0
        self._closed = False

    @property
    def rate(self) -> float | None:
        """Requests a second, None for no limit; it may be changed at any time. With 0 nothing leaves."""
        return self._rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        if rate == self._rate:
            return
        gap, self._rate, self._gap = self._gap, rate, 1 / rate if rate else 0.0
        self._next += self._gap - gap
        if self._starts or self._others:
            self._arm(asyncio.get_running_loop())

    def pause(self, seconds: float) -> None:
        """Let no request leave for so many seconds."""
        self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)

    def take(self) -> bool:
        """Take a turn if there is one at once; gives whether there was."""
        if self._starts or self._others or self._closed:
            return False
        if not self._gap and not self._paused_until and self._rate != 0:
            return True
        now = asyncio.get_running_loop().time()
        if now < self._free_at():
            return False
        self._next = now + self._gap
        return True

    async def turn(self, *, start: bool) -> None:
        """Wait for a turn.

        Raises:
            ClientClosedError: There is none any more: nobody's call may outlive its client, or it would wait for ever.
        """
        if self.take():
            return
        self._refuse_when_closed()
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        (self._starts if start else self._others).append(turn)
        self._arm(loop)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next -= self._gap
            self._arm(loop)
            raise
        self._refuse_when_closed()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise ClientClosedError("the client was closed before this request was sent")

    def _free_at(self) -> float:
        return math.inf if self._rate == 0 else max(self._next, self._paused_until)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = math.inf if self._closed else self._free_at()
        self._timer = loop.call_at(at, self._go, loop) if math.isfinite(at) else None

    def _go(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        while self._starts or self._others:
            now = loop.time()
            if now < self._free_at():
                self._arm(loop)
                return
            first = bool(self._starts) and not (self._others and self._in_a_row >= _STARTS_IN_A_ROW)
            turn = (self._starts if first else self._others).popleft()
            if not turn.done():
                self._in_a_row = self._in_a_row + 1 if first else 0
                self._next = max(now - _LATE, self._free_at()) + self._gap
                turn.set_result(None)

    def close(self) -> None:
        """Give no turn any more; whoever waits for one hears it."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for turn in (*self._starts, *self._others):
            if not turn.done():
                turn.set_result(None)
        self._starts.clear()
        self._others.clear()
