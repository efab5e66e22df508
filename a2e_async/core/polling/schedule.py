"""When to poll which task, and which tasks share a poll.

What polls may cost is given; where they help most is learned. With a delay of `d` seconds wanted and a cap of `c` polls
a second (0.5 and 10 by default), and polls for up to 100 tasks of one family:

    few tasks     A task is due 1.75 d after it was last asked for. Its end falls anywhere between two polls, so it is
                  noticed 0.875 d later on average; the rest of d is for the poll's own way. 100 tasks that run for 20
                  to 60 s share 60 / 0.875 = 69 polls: 0.69 for each. A fifth more may be spent on polls that come
                  sooner (`waiters.py`): a first one after 0.3 d, so that what ends at once is noticed at once.
    many tasks    c polls a second reach 100 c tasks, by default 1,000. With more than that some have to wait, and it
                  should be those that have hardly ended. A task that was asked for at the age `a` and is `b` old now
                  has ended since with the chance 1 - S(b) / S(a), where S(age) is the share of its family that still
                  runs at an age (`ages.py`). A poll asks for the 100 likeliest of a family, and goes to the family
                  whose 100 chances add up to most: that sum is how many ends it will find. Of 20,000 tasks, half of
                  3 to 8 s and half of 60 to 120 s, at 200 starts a second, each end is noticed after 1.0 s; a sweep
                  round all that run, under the same cap, needs 2.5 s.
    rests         Where more than one poll's worth waits, a task whose chance is below 0.1 % rests, for 0.3 of its age
                  and at most three intervals. Where one poll reaches all, they rest only when it is known when tasks of
                  their family end, and not even one has ended with a chance of 0.5 %: for three intervals. That is what
                  a wrong estimate costs, and it is a better one then.

An estimate spaces later polls, never a first one: new tasks do not rest. And an estimate may be wrong, so every eighth
poll goes to those that have waited longest, new ones a minute before the others, and a family that has been passed over
is polled after 4 gaps for each family that waits (and two intervals): a few images never starve behind a thousand
videos. A hint, as a webhook gives it, goes before all this. It is polled as soon as the cap allows, together with
every other hint of its family that has come by then and with the likeliest others: at 10 polls a second it waits for
0.05 s on average, however many come.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import attrs

from a2e_async.core.polling.cohorts import Waiting
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.waiters import Waiters
from a2e_async.errors import UsageError

Group = tuple[str, bool]
"""The name of a family, and whether its tasks are asked for one by one."""

T = TypeVar("T", bound=Waiting)

_SHARE_OF_DELAY: Final = 1.75
_SPARE: Final = 1.02  # polls travel unevenly: those of a second and a bit may arrive within one
_TURN_OF_THE_OLDEST: Final = 8
_SHARE_OF_ALL: Final = 4


@attrs.frozen(kw_only=True)
class Cadence:
    """How soon the end of a task is to be noticed, and how many polls that may take.

    A task is polled every `1.75 * delay` seconds, so that its end is noticed after `delay` seconds on average, as
    long as that takes at most `polls_per_second` requests: one request answers for up to 100 tasks. With more tasks
    than that the cap stays, and polls go to those that are likeliest to have ended, by what was learned of their family
    (`core/polling/schedule.py` has the arithmetic).

    Attributes:
        delay: Mean time in seconds from a task's end to our noticing it (default 0.5).
        polls_per_second: Most polls in a second, for all families together (default 10).
        polls_in_flight: Most polls that wait for their answer at once (default 8).
    """

    delay: float = 0.5
    polls_per_second: float = 10.0
    polls_in_flight: int = 8

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(Cadence):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise UsageError(f"Cadence.{field.name}: must be a number above 0, not {value!r}")

    @property
    def interval(self) -> float:
        """Seconds between two polls of one task, as long as polls suffice."""
        return _SHARE_OF_DELAY * self.delay

    @property
    def gap(self) -> float:
        """Seconds between two polls."""
        return _SPARE / self.polls_per_second


class PollQueue(Generic[T]):
    """Tasks that wait for a poll, and the choice of those that have the next one.

    Args:
        cadence: How often to poll.
        learned: What is known of each family.
    """

    def __init__(self, cadence: Cadence, learned: Learned) -> None:
        self._interval = cadence.interval
        self._gap = cadence.gap
        self._learned = learned
        self._groups: dict[Group, Waiters[T]] = {}
        self._sets: deque[tuple[Group, list[T]]] = deque()
        self._turn = 0

    def add(self, group: Group, item: T) -> None:
        """Let a task wait for its next poll, which is due an interval after it was last asked for."""
        self._group(group).add(item)

    def add_again(self, group: Group, items: Sequence[T]) -> None:
        """Let tasks of a poll wait for their next one."""
        self._group(group).add_again(items)

    def hurry(self, group: Group, item: T) -> None:
        """Let a task be polled before the others of its group."""
        item.leave()
        self._group(group).hurry(item)

    def add_set(self, group: Group, items: list[T], *, first: bool = False) -> None:
        """Let these tasks be polled together, before all others; used to find the one that spoils a poll.

        Args:
            group: Their group.
            items: The tasks.
            first: Also before other such sets.
        """
        (self._sets.appendleft if first else self._sets.append)((group, items))

    def next_due(self) -> float | None:
        """Give when the next task is due, minus infinity when one waits for no time; None when there is none."""
        if self._sets:
            return -math.inf
        due = math.inf
        for waiters in self._groups.values():  # asked for each new job, and there are few
            due = min(due, waiters.ask_at)
        return None if due == math.inf else due

    def take(self, now: float, limit: Callable[[Group], int]) -> tuple[Group, list[T]] | None:
        """Take the tasks for the next poll; None when none is due.

        Args:
            now: The time.
            limit: How many tasks of a group one poll may have.
        """
        if self._sets:
            return self._take_set(limit)
        due = {group: waiters for group, waiters in self._groups.items() if waiters.is_due(now, limit(group))}
        if not due:
            return None
        self._turn += 1
        oldest = self._turn % _TURN_OF_THE_OLDEST == 0
        group = self._choose(due, now, limit, oldest=oldest)
        waiters = self._groups[group] = self._groups.pop(group)  # of equals the others come first now
        return group, waiters.take(now, limit(group), oldest=oldest)

    def _choose(
        self, due: dict[Group, Waiters[T]], now: float, limit: Callable[[Group], int], *, oldest: bool
    ) -> Group:
        if len(due) == 1:
            return next(iter(due))
        if oldest:
            return max(due, key=lambda group: due[group].longest(now))
        neglected = min(due, key=lambda group: due[group].taken_at)
        if due[neglected].taken_at <= now - max(2 * self._interval, _SHARE_OF_ALL * len(due) * self._gap):
            return neglected
        hurried = [group for group, waiters in due.items() if waiters.hurried]
        return hurried[0] if hurried else max(due, key=lambda group: due[group].worth(now, limit(group)))

    def _take_set(self, limit: Callable[[Group], int]) -> tuple[Group, list[T]]:
        group, items = self._sets.popleft()
        most = limit(group)
        if len(items) > most:
            self._sets.appendleft((group, items[most:]))
        return group, items[:most]

    def _group(self, group: Group) -> Waiters[T]:
        if group not in self._groups:
            self._groups[group] = Waiters(self._interval, self._learned.ages(group[0]))
        return self._groups[group]
