"""When the poller believes a service that says a task or an endpoint is not there.

Law of this file: one observation is no proof. A page of a gateway, a deploy or a replica that lags says the same for a
moment, and the task has been paid for. So each belief needs several observations over some time, and is checked again
after a while.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import Final

from a2e_async.core.retry import Retry
from a2e_async.engine.polling.watches import Watch, Watches

_BELIEVED_AT_FIRST: Final = 5.0
_BELIEVED_LONGEST: Final = 300.0
_COUNTED_SECONDS: Final = 1.0
_MANY: Final = 2


class BatchRoutes:
    """Which families are asked task by task, because the service has no endpoint for many tasks at once.

    That is believed for five seconds at first and twice as long each time it is said again, up to five minutes: a page
    of a deploy costs a few single polls, a server that really has no such route one poll in five minutes.
    """

    def __init__(self) -> None:
        self._believed: dict[str, tuple[float, float]] = {}  # for how long, and until when

    def missing(self, family: str, now: float) -> bool:
        """Whether the route is believed not to be there now."""
        return bool(self._believed) and family in self._believed and now < self._believed[family][1]

    def refused(self, family: str, now: float) -> None:
        """Note that there is no such route; polls that were under way together say it once."""
        if not self.missing(family, now):
            seconds = self._believed[family][0] * 2 if family in self._believed else _BELIEVED_AT_FIRST
            seconds = min(seconds, _BELIEVED_LONGEST)
            self._believed[family] = seconds, now + seconds

    def answered(self, family: str) -> None:
        """Note that the route is there."""
        if self._believed:
            self._believed.pop(family, None)


class Absences:
    """Which tasks the service does not know, and since when.

    Args:
        watches: The tasks that are watched.
        retry: How long each kind of task may be missing.
    """

    def __init__(self, watches: Watches, retry: Retry) -> None:
        self._watches = watches
        self._retry = retry
        self._counted_at = -math.inf
        self._most_are_missing = False

    def is_outage(self, asked: Sequence[Watch], rows: Container[str], *, well: bool) -> bool:
        """Whether an answer lacks most of the tasks that were seen before: that says nothing about each of them.

        Args:
            asked: The tasks that were asked for.
            rows: The ids that were answered.
            well: Whether the service was well before; otherwise one task that is still missing tells the same.
        """
        seen = [watch for watch in asked if watch.spelling is not None]
        missing = [watch for watch in seen if watch.task_id not in rows]
        return len(missing) * 2 > len(seen) and (len(seen) >= _MANY or not well)

    def note(self, watch: Watch, now: float) -> None:
        """Note that an answer lacks a task: it is asked for alone when that lasts."""
        if watch.lacked(now) >= self._retry.missing_grace:
            watch.late = True

    def shown(self, watch: Watch, now: float) -> None:
        """Note that the service knows a task; the more often polls lacked it, the longer it is asked for alone."""
        watch.missing_since = None
        if watch.late:
            watch.late = False
            watch.lates += 1
            if watch.lates > 1:
                watch.isolate(now + min(_BELIEVED_AT_FIRST * 2.0 ** min(watch.lates, 30), _BELIEVED_LONGEST))

    def believed(self, watch: Watch, now: float) -> bool:
        """Note that the service says it does not know a task, and give whether that is believed.

        Of an id that nobody has seen yet it is believed soon: it may be a typing error. A task that was seen, or was
        paid for here, has `vanished_grace`; and never while most of the known tasks are missing with it.
        """
        seconds = watch.lacked(now)
        if not watch.is_known:
            return seconds >= self._retry.missing_grace
        return seconds >= self._retry.vanished_grace and not self.are_most_missing(now)

    def are_most_missing(self, now: float) -> bool:
        """Whether the service knows less than half of the tasks that surely were there."""
        if now - self._counted_at >= _COUNTED_SECONDS:  # it is a walk over all tasks
            known = [watch for watch in self._watches if watch.is_known]
            missing = sum(watch.missing_since is not None for watch in known)
            self._most_are_missing = len(known) >= _MANY and missing * 2 > len(known)
            self._counted_at = now
        return self._most_are_missing
