"""Tasks that run beside the jobs of a client: each is held until it has ended, and every failure is logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

_log = logging.getLogger("a2e_async")


class BackgroundTasks:
    """Holds tasks, reads how they ended and logs what went wrong.

    Args:
        name: What the tasks are called.
        on_end: Called when one has ended.
    """

    def __init__(self, name: str, on_end: Callable[[], None] = lambda: None) -> None:
        self._name = name
        self._on_end = on_end
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine as a task, and give that."""
        task = asyncio.create_task(work, name=self._name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("internal error in %s (please report)", self._name, exc_info=error)
        self._on_end()

    async def aclose(self, seconds: float = 0) -> None:
        """Wait this many seconds for the tasks, then cancel them."""
        if self._tasks and seconds > 0:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
