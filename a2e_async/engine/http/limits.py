"""Time limits of many requests with one timer; a timer for each would add a twentieth to the cost of a request."""

from __future__ import annotations

import asyncio
import math
from typing import Any

Task = asyncio.Task[Any]


class Limits:
    """Cancels tasks that take too long, each of them under one limit at a time.

    A task that is cancelled asks `has_passed` whether its limit did it, and raises TimeoutError if so.
    """

    def __init__(self) -> None:
        self._due: dict[Task, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def begin(self, task: Task, seconds: float) -> None:
        """Put a task under a limit; `end` must follow."""
        loop = task.get_loop()
        due = self._due[task] = loop.time() + seconds
        if due < self._rings_at:
            self._arm(loop, due)

    def has_passed(self, task: Task, cancelling: int) -> bool:
        """Whether a cancelled task was cancelled by its limit alone.

        Args:
            task: The task.
            cancelling: Its `cancelling()` before it was put under the limit.
        """
        return self._due.get(task) == math.inf and task.uncancel() <= cancelling

    def end(self, task: Task) -> None:
        """Lift the limit of a task; the timer stays for the others."""
        self._due.pop(task, None)

    def close(self) -> None:
        """Cancel the timer."""
        self._arm(None, math.inf)

    def _arm(self, loop: asyncio.AbstractEventLoop | None, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if loop is None or when == math.inf else loop.call_at(when, self._ring, loop)
        self._rings_at = when

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        now = self._rings_at
        for task in [task for task, due in self._due.items() if due <= now]:
            self._due[task] = math.inf
            task.cancel()
        self._timer = None
        self._arm(loop, min(self._due.values(), default=math.inf))
