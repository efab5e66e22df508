"""Ctrl-C and SIGTERM: the first asks to finish, the second to leave at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any, Self

_ASKED = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Counts Ctrl-C and SIGTERM while it is open; both mean the same.

    The first calls `stop`, or cancels the task that opened it while there is nothing to stop yet. The second cancels
    that task. After it the signals do again what they usually do, so that a third one ends the process.

    Attributes:
        count: How many came.
        stop: What the first one calls, or None.
    """

    def __init__(self) -> None:
        self.count = 0
        self.stop: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._cancelled = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _ASKED:
            self._before[number] = signal.getsignal(number)
            try:
                self._loop.add_signal_handler(number, self._told)
            except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
                self._listen(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    async def guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work that a signal may end; a cancellation that did not come from here goes on."""
        try:
            await work
        except asyncio.CancelledError:
            if not self._cancelled or self._task is None or self._task.uncancel():
                raise
            self._cancelled = False

    def _listen(self, number: signal.Signals) -> None:
        def heard(_number: int, _frame: FrameType | None) -> None:
            self._loop.call_soon_threadsafe(self._told)

        try:
            signal.signal(number, heard)
        except ValueError:  # not the main thread: whoever owns that one gets the signals
            del self._before[number]

    def _told(self) -> None:
        self.count += 1
        if self.count == 1 and self.stop is not None:
            self.stop()
            return
        if self.count > 1:
            self._restore()
        if self._task is not None:
            self._cancelled = True
            self._task.cancel()

    def _restore(self) -> None:
        before, self._before = self._before, {}
        for number, handler in before.items():
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                self._loop.remove_signal_handler(number)
            signal.signal(number, handler)
