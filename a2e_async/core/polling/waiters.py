"""The tasks of one family that wait for a poll: when one of them is due, and which a poll asks for.

Where one poll reaches all of them, polls may come sooner than an interval after the last, as long as no more than 1.165
are sent in the time of an interval, beside a first one. The first of a new task comes after 0.17 of one: what ends at
once is noticed at once, and costs the one poll that it costs anyway. What rests have saved is spent where ends are, and
evenly until the last task is likely to have ended: so many polls notice soonest when they
lie equally far apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, Generic, TypeVar

from a2e_async.core.polling.ages import Ages
from a2e_async.core.polling.cohorts import Cohorts, Waiting

T = TypeVar("T", bound=Waiting)

_LEAST_CHANCE: Final = 0.001
_LEAST_FOUND: Final = 0.005
_REST_OF_AGE: Final = 0.3
_RESTS: Final = 3
_MORE: Final = 1.165
_SAVED_FIRST, _SAVED_MOST = 1.0, 24.0
_FIRST: Final = 0.17
_SOONEST: Final = 0.45
_SHARE_OF_USUAL: Final = 0.25
_HEAD_START: Final = 60.0
_NOTHING_KNOWN: Final = Ages()


class Waiters(Generic[T]):
    """The waiting tasks of one group.

    Attributes:
        ask_at: When one of them is due, at the earliest; infinity when none waits.
        hurried: Those that are polled first.
        taken_at: When some of them were last taken.
    """

    __slots__ = (
        "_ages", "_count", "_counted_at", "_few", "_interval", "_late", "_saved", "_waiting", "ask_at", "hurried",
        "taken_at",
    )  # fmt: skip

    def __init__(self, interval: float, ages: Ages) -> None:
        self.ask_at = math.inf
        self.hurried: dict[T, None] = {}
        self.taken_at = -math.inf
        self._waiting: Cohorts[T] = Cohorts()
        self._interval = interval
        self._ages = ages
        self._saved = _SAVED_FIRST
        self._few = True
        self._count = 1
        self._late: bool | None = None
        self._counted_at = -math.inf

    def add(self, item: T) -> None:
        """Let a task wait for its next poll."""
        self._waiting.put(item)
        if self.ask_at == math.inf and item.asked <= item.born:
            self._begin(item.asked)
        self.ask_at = min(self.ask_at, self._usual(item))

    def add_again(self, items: Sequence[T]) -> None:
        """Let tasks wait that were asked for together."""
        for item in items:
            self._waiting.put(item)
        alike = items if self._few else {item.asked: item for item in items}.values()  # of few it is told by their age
        self.ask_at = min(self.ask_at, *map(self._usual, alike))

    def hurry(self, item: T) -> None:
        """Let a task be polled before the others."""
        self.hurried[item] = None
        item.place = self.hurried  # type: ignore[assignment]  # it only ever leaves this place
        self.ask_at = -math.inf

    def is_due(self, now: float, most: int) -> bool:
        """Whether a task is due now; when none is, it is known until when."""
        if self.ask_at <= now:
            self._ages.weigh(now)
            self._expect(now, most)
        return self.ask_at <= now

    def longest(self, now: float) -> float:
        """Give for how long the task that was asked for longest ago has waited."""
        return max(map(_waited(now), self._waiting.heads()), default=0.0)

    def worth(self, now: float, most: int) -> float:
        """Give how many of those that a poll would ask for have ended."""
        return self._waiting.best(self._chance(now), most, self._before(now, most))[0]

    def take(self, now: float, most: int, *, oldest: bool) -> list[T]:
        """Take the hurried, then the likeliest of those that were not asked for just now."""
        self._spend(now)
        self.taken_at = now
        before = self._before(now, most)
        taken = list(islice(self.hurried, most))
        for item in taken:
            item.leave()
        score = _waited(now) if oldest else self._chance(now)
        _sum, others = self._waiting.best(score, most - len(taken), before)
        for item in others:
            item.leave()
        self._expect(now, most)
        return taken + others

    def _begin(self, now: float) -> None:
        """Count anew when a task comes and nobody waits: its first poll may be soon, if the last one is long ago."""
        if _MORE * (now - self._counted_at) >= self._interval:
            self._saved = max(self._saved, _SAVED_FIRST)
        self._counted_at = max(self._counted_at, now)

    def _spend(self, now: float) -> None:
        """Count a poll against what may be spent on polls that come sooner: 1.15 an interval, saved up in rests."""
        earned = _MORE * min(now - self._counted_at, _RESTS * self._interval) / self._interval
        self._saved = min(max(self._saved + earned - 1, 0.0), _SAVED_MOST)
        self._counted_at = now

    def _before(self, now: float, most: int) -> float:
        """Give by when a task must have been asked for to be taken; any may when they are due and one poll has room."""
        is_for_all = len(self._waiting) <= most and not self.hurried
        return now if is_for_all else now - self._interval / 2

    def _chance(self, now: float) -> Callable[[T], float]:
        """Give what tells how likely a task has ended since it was last asked for."""
        known, unknown = self._ages.chance, _NOTHING_KNOWN.chance

        def chance(item: T) -> float:
            return (known if item.teaches else unknown)(max(0.0, item.asked - item.born), now - item.born)

        return chance

    def _usual(self, item: T) -> float:
        """Give when a task is due while there is nothing to say for a rest."""
        if not self._few:
            return item.asked + self._interval
        if item.asked > item.born:
            return item.asked + self._pace(item) * self._interval
        soon = self._saved >= 1 and not self._ends_late()
        return item.asked + (_FIRST if soon else 1.0) * self._interval

    def _pace(self, item: T) -> float:
        """Give which part of an interval lets what is saved last until the last task has ended, as far as is known."""
        left = max(self._ages.left_for(item.asked - item.born, self._count), self._interval)
        return min(1.0, max(_SOONEST, 1 / (_MORE + (self._saved - _SAVED_FIRST) * self._interval / left)))

    def _ends_late(self) -> bool:
        """Whether it is known that hardly one ends so early as a first poll may be; worked out once for many."""
        if self._late is None:
            self._late = self._ages.known and self._ages.share(_FIRST * self._interval) < _LEAST_FOUND
        return self._late

    def _expect(self, now: float, most: int) -> None:
        """Work out when one of them is due."""
        self._late = None
        if self.hurried:
            self.ask_at = -math.inf
            return
        self._count = len(self._waiting)
        self._few = self._count <= most
        due = min(map(self._usual, self._waiting.heads()), default=math.inf)
        if due <= now:
            due = min(map(self._due(now, most), self._waiting.heads()))
        self.ask_at = due

    def _due(self, now: float, most: int) -> Callable[[T], float]:
        """Give what tells when a task is due, but that it may be asked for with others before."""
        chance = self._chance(now)
        few = self._few
        hardly_any = few and self._ages.known and self._is_quiet(now, most)

        def due(item: T) -> float:
            usual = self._usual(item)
            is_new = item.asked <= item.born
            if usual > now or is_new or not (hardly_any if few else chance(item) < _LEAST_CHANCE):
                return usual
            of_age = 0.0 if few else _REST_OF_AGE * (item.asked - item.born)
            rest = min(max((3 if few else 2) * self._interval, of_age), _RESTS * self._interval)
            return min(item.asked + rest, now + self._interval / 2)

        return due

    def _is_quiet(self, now: float, most: int) -> bool:
        """Whether hardly one has ended, by what is known of their ages: far fewer than at any age in the mean."""
        usual = self._ages.hazard * sum(now - item.asked for item in self._waiting.heads())
        found, _best = self._waiting.best(self._chance(now), most, now)
        return found < max(_LEAST_FOUND, _SHARE_OF_USUAL * usual)


def _waited(now: float) -> Callable[[Waiting], float]:
    """Give what tells for how long a task has waited; a new one has a head start."""

    def waited(item: Waiting) -> float:
        return now - item.asked + (_HEAD_START if item.asked <= item.born else 0.0)

    return waited
