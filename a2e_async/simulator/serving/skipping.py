"""Virtual time for an event loop that already runs: where everybody only waits, the waiting is skipped.

`virtual.VirtualLoop` is a loop of its own for code without sockets and threads. This is for loops that somebody else
made, such as a test runner, and keeps to real time while a thread works; a socket that is in use gets a moment to
answer before time jumps.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_Ready = list[tuple[selectors.SelectorKey, int]]

_MOMENT = 0.001
_LONGEST = 30 * 86_400.0  # a loop with nothing to do but a timer in a year is stuck, not waiting


class Skipping:
    """The clock of one loop, which runs ahead of the real one by all that was skipped."""

    def __init__(self, loop: asyncio.AbstractEventLoop, selector: Any) -> None:  # noqa: ANN401 - its class is private
        self._time: Callable[[], float] = loop.time
        self._select: Callable[[float | None], _Ready] = selector.select
        self._in_executor: Callable[..., asyncio.Future[Any]] = loop.run_in_executor
        self._selector = selector
        self._silent = self._count()
        self._ahead = 0.0
        self._working = 0

    def believe_silent(self) -> None:
        """Wait no moment for the sockets that the loop has by now, such as one that listens."""
        self._silent = self._count()

    def time(self) -> float:
        """Give the loop's time."""
        return self._time() + self._ahead

    def select(self, timeout: float | None = None) -> _Ready:
        """Give what is ready; when nothing is and nothing real can come, let the time pass at once."""
        if timeout is None or timeout <= 0 or self._working:
            return self._select(timeout)
        ready = self._select(min(timeout, _MOMENT) if self._count() > self._silent else 0)
        if not ready:
            self._ahead += min(timeout, _LONGEST)
        return ready

    def run_in_executor(self, executor: Any, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # noqa: ANN401
        """Let a thread work; meanwhile time is real."""
        future = self._in_executor(executor, work, *args)
        self._working += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _future: asyncio.Future[Any]) -> None:
        self._working -= 1

    def _count(self) -> int:
        known = self._selector.get_map() if hasattr(self._selector, "get_map") else None
        return len(known) if known else 0


@contextmanager
def skip_waits(loop: asyncio.AbstractEventLoop) -> Iterator[Skipping]:
    """Let a loop skip its waits for the length of the block.

    Args:
        loop: A loop of asyncio's own; sockets that it has by now are believed to be silent.

    Raises:
        TypeError: It is another loop, such as uvloop's, which nobody can look into.
    """
    selector = getattr(loop, "_selector", None)
    if selector is None:
        raise TypeError(f"virtual time needs asyncio's own event loop, not {type(loop).__module__}'s")
    skipping = Skipping(loop, selector)
    ours: tuple[tuple[Any, str], ...] = ((loop, "time"), (loop, "run_in_executor"), (selector, "select"))
    for owner, name in ours:
        setattr(owner, name, getattr(skipping, name))
    try:
        yield skipping
    finally:
        for owner, name in ours:
            delattr(owner, name)
