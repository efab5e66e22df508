"""Rows of a poll: how they are asked for, read, and told to who waits for them.

Law of this file: what a row says is told at once, also that a task has ended, for it is what the service says; that a
job has ended waits for its journal (`ends`). A process that dies in between polls once more and has the same row again.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from a2e_async.core import replies, wire
from a2e_async.core.family import Family
from a2e_async.core.polling.learned import Learned
from a2e_async.core.status import Status, may_follow, read_status
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.listeners import Events
from a2e_async.engine.polling.trust import Absences
from a2e_async.engine.polling.watches import Watch, Watches
from a2e_async.errors import ProtocolError

_log = logging.getLogger("a2e_async")

_MOST_SPELLINGS = 100


class RowReader:
    """Reads rows, and tells the jobs that wait for a task and those that hear of events.

    Args:
        watches: Who waits for which task.
        absences: Which tasks answers have lacked.
        learned: What is known of the ages at which tasks end; it is added to.
        events: Who hears of events.
    """

    def __init__(self, watches: Watches, absences: Absences, learned: Learned, events: Events) -> None:
        self._watches = watches
        self._absences = absences
        self._learned = learned
        self._events = events
        self._odd_spellings: set[str] = set()

    def read_all(
        self, family: Family, watches: Sequence[Watch], rows: Mapping[str, dict[str, Any]], asked_at: float
    ) -> tuple[list[Watch], list[AnyJob]]:
        """Read the answer to a poll; gives the tasks to ask for again, and the jobs whose tasks have all ended.

        Args:
            family: The family of the tasks.
            watches: The tasks that were asked for.
            rows: What the service says, by ids.
            asked_at: When it was asked, by the loop's time.
        """
        now = asyncio.get_running_loop().time()
        again, running, ended = list[Watch](), list[Watch](), dict[AnyJob, None]()
        for asked in watches:
            watch = self._watches.find(asked.key)  # a hint may have put another in its place: the answer is good
            if watch is None or watch.job is not asked.job:
                continue
            row = rows.get(watch.task_id)
            if row is not None and (watch.missing_since is not None or watch.late):
                self._absences.shown(watch, now)
            try:
                if row is None:
                    self._absences.note(watch, now)
                elif self.read(family, watch, row):
                    ended |= {job: None for job in self._watches.end(watch) if job.all_final()}
                    self._learned.ended(family.name, watch, now)
                else:
                    running.append(watch)
            except Exception:  # noqa: BLE001 - a fault in one row costs its own task one poll
                _log.exception("internal error in the row of task %s, polled again (please report)", watch.task_id)
            if watch is asked:
                again.append(watch)
        self._learned.running(family.name, running, asked_at)
        return again, list(ended)

    def read(self, family: Family, watch: Watch, row: dict[str, Any]) -> bool:
        """Read one row; gives whether its task has ended. A row that says nothing new is not read again.

        Args:
            family: The family of the task.
            watch: How it is watched.
            row: What the service says of it.
        """
        spelling = wire.status_text(family, row)
        if spelling == watch.spelling and not self._watches.is_heard(watch):
            return False
        known = watch.job.known(watch.task_id)
        record = wire.record(family, row, tag=watch.job.tag, like=known)
        if record.status is Status.COMPLETED and not record.urls and family.makes != "record" and watch.lacks_urls():
            return False  # it was paid for its file: a job that ends without one has lost it
        if record.status is Status.UNKNOWN:
            self._report_spelling(family, spelling)
        if known is not None and not may_follow(known.status, record.status):
            return known.status.final
        if record == known:
            watch.spelling = _one_text(spelling)
            return record.status.final
        for job in self._watches.jobs_of(watch):
            job.change(record)
        if self._events.heard:
            self._events.changed(watch.job, record)
        watch.spelling = _one_text(spelling)  # last: after an error above, the next poll tells it again
        return record.status.final

    def _report_spelling(self, family: Family, spelling: object) -> None:
        shown = str(spelling)[:40]
        if shown not in self._odd_spellings and len(self._odd_spellings) < _MOST_SPELLINGS:
            self._odd_spellings.add(shown)
            _log.warning("%s: status %r is unknown and counts as still running", family.name, shown)


def _one_text(spelling: object) -> object:
    """Give a status as one text for all tasks that have it; each reply brings a copy of its own."""
    return sys.intern(spelling) if type(spelling) is str else spelling


async def ask(service: Service, family: Family, task_ids: Sequence[str], *, alone: bool) -> dict[str, Any]:
    """Send one poll, and give the rows it was answered with by their ids.

    Args:
        service: Who is asked.
        family: The family of the tasks.
        task_ids: The tasks.
        alone: Whether the one task is asked for by its detail.
    """
    service.counts.polls += 1
    is_over = partial(_is_over, family)
    if alone:
        data = await service.ask(wire.detail(family, task_ids[0]))
        return replies.rows_by_id(data, is_over)
    found: dict[str, Any] = {}
    for page in range(1, (family.batch or family.detail).pages + 1):
        data = await service.ask(wire.batch(family, task_ids, page))
        if data is None or isinstance(data, str):
            raise ProtocolError("the answer to a poll has no records")
        rows = replies.rows_by_id(data, is_over)
        is_new = not rows.keys() <= found.keys()  # a service that ignores the page number sends the same rows for ever
        found |= rows
        if not is_new or found.keys() >= set(task_ids):
            break
    return found


def _is_over(family: Family, row: Mapping[str, Any]) -> bool:
    return read_status(wire.status_text(family, row)).final
