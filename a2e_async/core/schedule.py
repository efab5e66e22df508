"""When to look at which task, and which looks share a request.

Due times are quantised to ticks, or tasks that were started a little apart would each get a request of their own.
Tasks that are due wait in one line per group; a look takes up to `limit` of them at once, so that a full line
means full requests, and a cap on looks stretches the interval instead of dropping anybody.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import attrs

from a2e_async.errors import UsageError

T = TypeVar("T")
G = TypeVar("G", bound=Hashable)


@attrs.frozen(kw_only=True)
class Cadence:
    """How often the poller looks.

    A task is looked at every `2 * delay` seconds, so that its end is noticed after `delay` seconds in the mean,
    as long as that takes at most `looks_per_second` requests: one request answers for up to 100 tasks. With more
    tasks than that the interval grows, the cap stays.

    Attributes:
        delay: Mean time in seconds from a task's end to our noticing it (default 0.5).
        looks_per_second: Most looks in a second, for all families together (default 10).
        looks_in_flight: Most looks that wait for their answer at once (default 8).
    """

    delay: float = 0.5
    looks_per_second: float = 10.0
    looks_in_flight: int = 8

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(Cadence):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise UsageError(f"Cadence.{field.name}: must be a number above 0, not {value!r}")

    @property
    def interval(self) -> float:
        """Seconds between two looks at one task."""
        return 2 * self.delay

    @property
    def gap(self) -> float:
        """Seconds between two looks."""
        return 1 / self.looks_per_second

    def next_due(self, now: float) -> float:
        """Give the tick at which a task that was looked at now is due again."""
        return math.floor((now + self.interval) / self.interval) * self.interval


class LookQueue(Generic[G, T]):
    """Tasks by the tick at which they are due, and those due now in one line per group."""

    def __init__(self) -> None:
        self._ticks: list[float] = []
        self._due: dict[float, dict[G, list[T]]] = {}
        self._lines: dict[G, deque[T]] = {}
        self._sets: deque[tuple[G, list[T]]] = deque()

    def add(self, group: G, item: T, due: float) -> None:
        """Let a task be due at this tick."""
        if due not in self._due:
            self._due[due] = {}
            heapq.heappush(self._ticks, due)
        self._due[due].setdefault(group, []).append(item)

    def add_set(self, group: G, items: list[T], *, first: bool = False) -> None:
        """Let these tasks be looked at together, before all others; used to find the one that spoils a look.

        Args:
            group: Their group.
            items: The tasks.
            first: Also before other such sets.
        """
        (self._sets.appendleft if first else self._sets.append)((group, items))

    def hurry(self, group: G, item: T) -> None:
        """Let a task be looked at before the others of its group."""
        self._lines.setdefault(group, deque()).appendleft(item)

    def next_due(self) -> float | None:
        """Give the tick of the next task: minus infinity when one is due already, None when there is none."""
        if self._lines or self._sets:
            return -math.inf
        return self._ticks[0] if self._ticks else None

    def take(self, now: float, limit: Callable[[G], int]) -> tuple[G, list[T]] | None:
        """Take due tasks of the group that has waited longest, as many as its limit; None when nothing is due."""
        while self._ticks and self._ticks[0] <= now:
            for group, items in self._due.pop(heapq.heappop(self._ticks)).items():
                self._lines.setdefault(group, deque()).extend(items)
        if self._sets:
            return self._take_set(limit)
        if not self._lines:
            return None
        group, line = next(iter(self._lines.items()))
        taken = [line.popleft() for _ in range(min(limit(group), len(line)))]
        del self._lines[group]
        if line:
            self._lines[group] = line
        return group, taken

    def _take_set(self, limit: Callable[[G], int]) -> tuple[G, list[T]]:
        group, items = self._sets.popleft()
        most = limit(group)
        if len(items) > most:
            self._sets.appendleft((group, items[most:]))
        return group, items[:most]
