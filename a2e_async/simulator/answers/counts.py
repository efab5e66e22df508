"""How often, and how densely, each route was asked."""

from __future__ import annotations

from array import array
from collections import Counter
from fnmatch import fnmatchcase

_MOST = 1_000_000


class RequestLog:
    """Counts requests by route and remembers when they came."""

    __slots__ = ("_times", "counters")

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._times: dict[str, array[float]] = {}

    def add(self, route: str, at: float) -> None:
        """Write down one request."""
        self.counters[route] += 1
        times = self._times.setdefault(route, array("d"))
        times.append(at)
        if len(times) > _MOST:
            del times[: _MOST // 2]

    def times(self, pattern: str = "*") -> list[float]:
        """Give the times of the requests of these routes, oldest first."""
        return sorted(at for route, times in self._times.items() if fnmatchcase(route, pattern) for at in times)

    def peak(self, pattern: str = "*", seconds: float = 1.0) -> int:
        """Give the most requests that came within any stretch of so many seconds."""
        times = self.times(pattern)
        first, most = 0, 0
        for last, at in enumerate(times):
            while times[first] <= at - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most
