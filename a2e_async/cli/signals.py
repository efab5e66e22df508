"""Ctrl-C, SIGTERM and SIGHUP: the first asks to finish, the next one leaves, and none of them loses an id.

One set of handlers serves every command, from before its event loop begins until after it has ended, so that also
`timeout`, systemd, `docker stop` (process 1 ignores what nobody handles) and a terminal that closes get the lines
that resume.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any, Self

_ASKED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
# GNU timeout signals its child and then the whole group, `uv run` passes on what the terminal has sent already: the
# same signal twice in a moment is no second one, and no hand is that quick.
_SAME = 0.04
_SLOW = 0.7
_AT_MOST = 3  # a loop that hangs never gets to cancel anything


class Signals:
    """Hears what asks a command to end, while it is open; all of them mean the same.

    The first calls `stop`, or cancels the command's task while there is nothing to stop. The next one cancels it.
    Whoever has been cancelled and is asked again leaves by `leave`, which does not return.

    Args:
        leave: Says what is left and ends the process; it is called between any two instructions.

    Attributes:
        count: How many came.
        stop: What the first one calls, or None.
        slow: What is called when the end takes its time, or None.
    """

    def __init__(self, leave: Callable[[], None]) -> None:
        self.count = 0
        self.stop: Callable[[], None] | None = None
        self.slow: Callable[[], None] | None = None
        self._leave = leave
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False  # and nobody has caught it yet
        self._leaving = False
        self._last = (0, float("-inf"))
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _ASKED:
            if number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup wants it so
            with contextlib.suppress(ValueError):  # not the main thread: whoever owns that one gets the signals
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        before, self._before = self._before, {}
        for number, handler in before.items():
            signal.signal(number, handler)

    def bind(self) -> None:
        """Take the running task for the one that is cancelled."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()

    async def guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work that a signal may end; a cancellation that did not come from here goes on."""
        try:
            await work
        except asyncio.CancelledError:
            if not self._cancelled or self._task is None or self._task.uncancel():
                raise
            self._cancelled = False

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        (last, moment), self._last = self._last, (number, time.monotonic())
        if number == last and self._last[1] - moment < _SAME:
            return
        self.count += 1
        if self._leaving or self.count >= _AT_MOST or self._loop is None or self._task is None or self._task.done():
            self._leave()
            return
        self._loop.call_soon_threadsafe(self._act)

    def _act(self) -> None:
        if self.count == 1 and self.stop is not None:
            self.stop()
        elif self._task is not None:
            self._cancelled = self._leaving = True
            self._task.cancel()
            if self._loop is not None and self.slow is not None:
                self._loop.call_later(_SLOW, self.slow)
