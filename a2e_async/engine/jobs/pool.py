"""A queue that a few tasks work through; they come when there is something to do, and go when there is nothing more."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from a2e_async.engine.jobs.background import BackgroundTasks

T = TypeVar("T")


class Pool(Generic[T]):
    """Works through a queue.

    Args:
        name: What its tasks are called.
        work: What is done with each item; its errors are its own affair.
        most: Most tasks.
    """

    def __init__(self, name: str, work: Callable[[T], Awaitable[None]], most: int) -> None:
        self._queue: deque[T] = deque()
        self._work = work
        self._most = most
        self._tasks = BackgroundTasks(name)

    def put(self, item: T) -> None:
        """Queue an item."""
        self._queue.append(item)
        if len(self._tasks) < self._most:
            self._tasks.run(self._run())

    async def _run(self) -> None:
        while self._queue:
            await self._work(self._queue.popleft())

    async def aclose(self) -> None:
        """Do nothing more."""
        self._queue.clear()
        await self._tasks.aclose()
