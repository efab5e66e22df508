"""Ctrl-C, SIGTERM and SIGHUP: the first asks the command to finish, the second ends it, and no id is lost.

One set of handlers serves every command, from before its event loop begins until after it has ended. So `timeout`,
systemd, `docker stop` (process 1 ignores a signal that it does not handle) and a closing terminal get the lines that
resume, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
# GNU timeout signals its child and then the whole group; `uv run` passes on what the terminal has sent already. The
# same signal again within this time is therefore no second one, and no hand is that quick.
_DUPLICATE_SECONDS = 0.04
_SLOW_SECONDS = 0.7
_MOST = 3  # a loop that hangs never gets to cancel anything


class Signals:
    """Handles the signals that ask a command to end, while it is open; all of them mean the same.

    The first calls `stop`, or cancels the command's task where there is nothing to stop. The second cancels it. When
    one comes after a cancellation, `exit_now` is called, which does not return.

    Args:
        exit_now: Prints what is left and ends the process; it is called between any two instructions.

    Attributes:
        count: How many signals came.
        stop: What the first signal calls, or None.
        slow: What is called when ending takes long, or None.
    """

    def __init__(self, exit_now: Callable[[], None]) -> None:
        self.count = 0
        self.stop: Callable[[], None] | None = None
        self.slow: Callable[[], None] | None = None
        self._exit_now = exit_now
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False  # and the cancellation has not been caught yet
        self._leaving = False
        self._last = (0, float("-inf"))
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            if number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN:
                continue  # as under nohup
            with contextlib.suppress(ValueError):  # not the main thread: its owner gets the signals
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        before, self._before = self._before, {}
        for number, handler in before.items():
            signal.signal(number, handler)

    def bind(self) -> None:
        """Remember the running task as the one to cancel."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()

    async def guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Do work that a signal may end; a cancellation from elsewhere is passed on."""
        try:
            await work
        except asyncio.CancelledError:
            if not self._cancelled or self._task is None or self._task.uncancel():
                raise
            self._cancelled = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        (last, moment), self._last = self._last, (number, time.monotonic())
        if number == last and self._last[1] - moment < _DUPLICATE_SECONDS:
            return
        self.count += 1
        if self._leaving or self.count >= _MOST or self._loop is None or self._task is None or self._task.done():
            self._exit_now()
            return
        self._loop.call_soon_threadsafe(self._act)

    def _act(self) -> None:
        if self.count == 1 and self.stop is not None:
            self.stop()
        elif self._task is not None:
            self._cancelled = self._leaving = True
            self._task.cancel()
            if self._loop is not None and self.slow is not None:
                self._loop.call_later(_SLOW_SECONDS, self.slow)
