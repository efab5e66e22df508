"""What the row of a look says that was not known yet, and whom it is told to."""

from __future__ import annotations

import logging
from typing import Any

from a2e_async.core import wire
from a2e_async.core.family import Family
from a2e_async.core.status import Status, may_follow
from a2e_async.engine.jobs.events import Changed, Events
from a2e_async.engine.polling.watches import Watch, Watches

_log = logging.getLogger("a2e_async")

_MOST_SPELLINGS = 100


class News:
    """Reads rows, and tells the jobs that wait for a task and those that hear of events.

    Args:
        watches: Who waits for which task.
        events: Who hears of events.
    """

    def __init__(self, watches: Watches, events: Events) -> None:
        self._watches = watches
        self._events = events
        self._odd_spellings: set[str] = set()

    def read(self, family: Family, watch: Watch, row: dict[str, Any]) -> bool:
        """Read one row; gives whether its task has ended. A row that says nothing new is not read again.

        Args:
            family: The family of the task.
            watch: How it is watched.
            row: What the service says of it.
        """
        watch.missing_since = None
        spelling = wire.status_text(family, row)
        if spelling == watch.spelling and not watch.job.watched:
            return False
        record = wire.record(family, row)
        if record.status is Status.UNKNOWN:
            self._report_spelling(family, spelling)
        known = watch.job.known(watch.task_id)
        if known is not None and (not may_follow(known.status, record.status) or record == known):
            return known.status.final
        if spelling != watch.spelling or known != record:
            watch.spelling = spelling
            for job in self._watches.jobs_of(watch):
                job.change(record)
            if self._events.heard:
                self._events.tell(Changed(at=self._events.now(), job=watch.job, record=record))
        return record.status.final

    def _report_spelling(self, family: Family, spelling: object) -> None:
        shown = str(spelling)[:40]
        if shown not in self._odd_spellings and len(self._odd_spellings) < _MOST_SPELLINGS:
            self._odd_spellings.add(shown)
            _log.warning("%s: status %r is not known and counts as still running", family.name, shown)
