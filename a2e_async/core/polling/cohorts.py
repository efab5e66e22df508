"""Tasks of about the same age, so that few of them need to be weighed to find the likeliest of all.

Tasks that began within half a second of each other are a cohort, in the order in which they were last asked for: its
first is the likeliest to have ended. As cohorts age neighbours are joined, until one is a tenth as wide as it is old;
so there are about 60 of them for any number of tasks.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Generic, TypeVar

_SLICE = 0.5
_WIDTH_OF_AGE = 0.1
_TOGETHER = 0.05
_by_asked = attrgetter("asked")


class Waiting:
    """What the schedule needs to know of a task.

    Attributes:
        born: When it began.
        seen: When it was last seen running; at first when it began.
        asked: When it was last asked for; at first when it began.
        teaches: Whether it is known when it began, so that its end says something of others.
        place: Where it waits, None while a poll at it is under way.
    """

    __slots__ = ("asked", "born", "place", "seen", "teaches")

    def __init__(self, born: float, *, teaches: bool = True) -> None:
        self.born = self.seen = self.asked = born
        self.teaches = teaches
        self.place: dict[Waiting, None] | None = None

    def leave(self) -> None:
        """Wait no more."""
        if self.place is not None:
            del self.place[self]
            self.place = None


T = TypeVar("T", bound=Waiting)


class _Cohort(Generic[T]):
    """Tasks that began between two moments, in the order in which they were last asked for."""

    __slots__ = ("items", "since", "until")

    def __init__(self, since: float, until: float) -> None:
        self.since = since
        self.until = until
        self.items: OrderedDict[T, None] = OrderedDict()

    def may_join(self, younger: _Cohort[T], now: float) -> bool:
        """Whether this cohort and the one that began next are old enough to be one."""
        is_no_wider = self.until - self.since <= younger.until - younger.since
        return is_no_wider and younger.until - self.since <= _WIDTH_OF_AGE * (now - younger.until)

    def join(self, younger: _Cohort[T]) -> None:
        """Take in the cohort that began next."""
        items = sorted([*self.items, *younger.items], key=_by_asked)
        self.until, self.items = younger.until, OrderedDict.fromkeys(items)
        for item in items:
            item.place = self.items  # type: ignore[assignment]  # it only ever leaves this place


class Cohorts(Generic[T]):
    """Tasks that wait for a poll, by the time at which they began."""

    def __init__(self) -> None:
        self._cohorts: list[_Cohort[T]] = []  # oldest first
        self._since: list[float] = []

    def __len__(self) -> int:
        return sum(len(cohort.items) for cohort in self._cohorts)

    def put(self, item: T) -> None:
        """Let a task wait behind those of its age that were asked for before it."""
        items = (self._covering(item.born) or self._made_for(item)).items
        is_first = bool(items) and item.asked <= next(iter(items)).asked
        items[item] = None
        if is_first:
            items.move_to_end(item, last=False)
        item.place = items  # type: ignore[assignment]  # it only ever leaves this place

    def heads(self) -> Iterator[T]:
        """Give the task of each cohort that was asked for longest ago."""
        for cohort in self._cohorts:
            yield from islice(cohort.items, 1)

    def best(self, score: Callable[[T], float], most: int, before: float) -> tuple[float, list[T]]:
        """Give the tasks with the highest scores, and their sum; the score must fall within a cohort.

        Args:
            score: What a task is worth.
            most: How many tasks at most.
            before: Only tasks that were asked for by then.
        """
        heap: list[tuple[float, int, T, Iterator[T]]] = []
        for number, cohort in enumerate(self._cohorts):
            items = iter(cohort.items)
            head = next(items, None)
            if head is not None and head.asked <= before:
                heap.append((-score(head), number, head, items))
        heapq.heapify(heap)
        total, chosen = 0.0, list[T]()
        while heap and len(chosen) < most:
            worth, number, head, items = heap[0]
            taken, following = _alike(head, items, most - len(chosen))
            chosen += taken
            total -= worth * len(taken)
            if following is None or following.asked > before:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (-score(following), number, following, items))
        return total, chosen

    def _made_for(self, item: T) -> _Cohort[T]:
        """Give the cohort of a task that is in none of those that are there."""
        self._join_neighbours(item.asked)
        found = self._covering(item.born)
        if found is None:
            since = math.floor(item.born / _SLICE) * _SLICE
            found = _Cohort(since, since + _SLICE)
            index = bisect_right(self._since, since)
            self._cohorts.insert(index, found)
            self._since.insert(index, since)
        return found

    def _covering(self, born: float) -> _Cohort[T] | None:
        index = bisect_right(self._since, born) - 1
        return self._cohorts[index] if index >= 0 and born < self._cohorts[index].until else None

    def _join_neighbours(self, now: float) -> None:
        """Drop empty cohorts and join old ones; two of about the same width, so that a task is moved a few times."""
        kept: list[_Cohort[T]] = []
        for cohort in self._cohorts:
            if kept and cohort.items and kept[-1].may_join(cohort, now):
                kept[-1].join(cohort)
            elif cohort.items:
                kept.append(cohort)
        self._cohorts, self._since = kept, [cohort.since for cohort in kept]


def _alike(head: T, items: Iterator[T], most: int) -> tuple[list[T], T | None]:
    """Give tasks that were asked for together with a first one, and the one after them."""
    together, taken = head.asked + _TOGETHER, [head]
    for item in items:
        if item.asked > together or len(taken) >= most:
            return taken, item
        taken.append(item)
    return taken, None
