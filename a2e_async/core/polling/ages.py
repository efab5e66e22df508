"""At which age the tasks of a family end, learned from polls: nothing else is known of a service's queue.

A poll at a task says that it lived from one age to another, or ended somewhere between. Both are added up in bins of
age, each 6 % wider than the one before. In a bin, `ended / lived` is the chance to end within the next second; where
little is known the bin before it counts as well, and with nothing known at all a task is as likely to end within the
next doubling of its age as at any other time. From the chances follows S(age), the share of tasks still running at an
age, and from it the one number that the schedule asks for: the chance that a task has ended since it was last seen
running, `1 - S(now) / S(then)`.

That a task has lived is kept as the one point up to which it has, so that a poll costs the same for every age.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Final

BINS: Final = 220
FIRST_EDGE: Final = 0.5
GROWTH: Final = 1.06
EDGES: Final = (0.0, *(FIRST_EDGE * GROWTH**index for index in range(BINS - 1)))
"""Where each bin begins, in seconds; the last one has no end."""

_WIDTHS = tuple(high - low for low, high in zip(EDGES, (*EDGES[1:], EDGES[-1] * GROWTH), strict=True))
_PRIOR = tuple(1 / max(1.0, edge) for edge in EDGES)
_WEIGHTS = tuple(min(20.0, max(1.0, edge)) for edge in EDGES)  # how many seconds lived the bin before counts for
_FORGET_ABOVE = 20_000.0
_ENOUGH_ENDS = 30
_LEAST_CHANCE = 1e-3
_WEIGH_SECONDS = 0.5


class Ages:
    """What is known of the ages at which tasks of one family end."""

    __slots__ = (
        "_chances",
        "_count",
        "_ended",
        "_lived",
        "_news",
        "_part",
        "_passed",
        "_running",
        "_summed",
        "_weighed_at",
    )

    def __init__(self) -> None:
        self._count = 0.0  # the sum of `_ended`
        self._ended = [0.0] * BINS
        self._lived = [0.0] * BINS
        self._passed = [0] * BINS  # tasks that are seen no more, by the bin in which they were seen last
        self._running = [0] * BINS  # likewise tasks that run
        self._part = [0.0] * BINS  # the seconds of those that run within that bin
        self._chances: list[float] = []
        self._summed: list[float] = []
        self._weighed_at = -math.inf
        self._news = True
        self.weigh(-math.inf)

    def lived(self, since: float, age: float) -> None:
        """Note that a task that was seen running at one age, or began at 0, was so at another."""
        then, now = bisect_right(EDGES, since) - 1, bisect_right(EDGES, age) - 1
        self._running[then] -= 1
        self._running[now] += 1
        self._part[then] -= since - EDGES[then]
        self._part[now] += age - EDGES[now]
        self._news = True

    def left(self, since: float) -> None:
        """Note that a task will be seen no more; that it has lived up to this age stays true."""
        index = bisect_right(EDGES, since) - 1
        self._running[index] -= 1
        self._passed[index] += 1
        self._part[index] -= since - EDGES[index]
        self._lived[index] += since - EDGES[index]

    def ended(self, since: float, age: float) -> None:
        """Note that a task ended somewhere between two ages; where is guessed by what is known already."""
        self.left(since)
        pieces = _pieces(since, age)
        weights = [seconds * (self._chances[index] + _LEAST_CHANCE) for index, seconds in pieces]
        left, whole = 1.0, sum(weights)
        self._count += 1.0
        for (index, seconds), weight in zip(pieces, weights, strict=True):
            share = weight / whole
            self._ended[index] += share
            self._lived[index] += seconds * (left - share / 2)
            left -= share
        self._news = True

    def add(self, ended: Sequence[float], lived: Sequence[float]) -> None:
        """Take over what was learned before.

        Args:
            ended: How many tasks ended in each of the first bins.
            lived: How many seconds tasks lived in each.
        """
        for noted, more in ((self._ended, ended), (self._lived, lived)):
            for index, number in enumerate(more[:BINS]):
                noted[index] += number
        self._count = sum(self._ended)
        self._news, self._weighed_at = True, -math.inf
        self.weigh(-math.inf)

    def weigh(self, now: float) -> None:
        """Let what was noted count, at most twice a second: it takes some time."""
        if not self._news or now < self._weighed_at + _WEIGH_SECONDS:
            return
        self._news, self._weighed_at = False, now
        if self._count > _FORGET_ABOVE:
            self._forget_half()
        lived = self.seconds
        known = max((index for index in range(BINS) if lived[index] > 0), default=-1)
        before, chances = 1.0, []
        for index in range(BINS):
            if index <= known:
                before = (self._ended[index] + _WEIGHTS[index] * before) / (lived[index] + _WEIGHTS[index])
            else:
                before = math.sqrt(before * _PRIOR[index]) if known >= 0 else _PRIOR[index]
            chances.append(before)
        self._chances = chances
        self._summed = list(accumulate((c * w for c, w in zip(chances, _WIDTHS, strict=True)), initial=0.0))

    def chance(self, since: float, age: float) -> float:
        """Give the chance that a task which was running at one age has ended by another."""
        return -math.expm1(self._hazard(since) - self._hazard(age))

    def left_for(self, age: float, count: int) -> float:
        """Give the seconds until the last of so many tasks that run at an age has ended, more likely than not."""
        index = bisect_right(self._summed, self._hazard(age) + 0.7 * math.log(count + 1))
        return EDGES[min(index, BINS - 1)] - age

    def share(self, age: float) -> float:
        """Give the share of tasks that have ended by an age."""
        return self.chance(0.0, age)

    @property
    def known(self) -> bool:
        """Whether so many tasks have ended that it is known when they do."""
        return self._count >= _ENOUGH_ENDS

    @property
    def hazard(self) -> float:
        """The chance that a task of whatever age ends within the next second."""
        return self._count / max(sum(self.seconds), 1.0)

    @property
    def ends(self) -> list[float]:
        """How many tasks have ended in each bin."""
        return list(self._ended)

    @property
    def seconds(self) -> list[float]:
        """How many seconds tasks have lived in each bin, those that run included."""
        points = map(operator.add, self._passed, self._running)
        return [max(0.0, past + part) for past, part in zip(_spread(self._lived, points), self._part, strict=True)]

    def _forget_half(self) -> None:
        """Let what is long ago count less; what is known of tasks that run stays."""
        self._ended = [count / 2 for count in self._ended]
        self._count = sum(self._ended)
        self._lived = [seconds / 2 for seconds in _spread(self._lived, self._passed)]
        self._passed = [0] * BINS

    def _hazard(self, age: float) -> float:
        index = bisect_right(EDGES, age) - 1
        return self._summed[index] + (age - EDGES[index]) * self._chances[index]


def _spread(seconds: Iterable[float], points: Iterable[int]) -> list[float]:
    """Add to the seconds of each bin those of all tasks that were last seen in a later one."""
    beyond, spread = 0, []
    for held, count, width in zip(*map(reversed, map(list, (seconds, points, _WIDTHS))), strict=True):
        spread.append(held + beyond * width)
        beyond += count
    return spread[::-1]


def _pieces(since: float, age: float) -> list[tuple[int, float]]:
    """Give the bins between two ages, and the seconds in each."""
    first, last = bisect_right(EDGES, since) - 1, bisect_right(EDGES, age) - 1
    if first >= last:
        return [(first, max(age - since, 1e-6))]
    cuts = (since, *EDGES[first + 1 : last + 1], age)
    return [(first + n, high - low if high > low else 1e-9) for n, (low, high) in enumerate(pairwise(cuts))]
