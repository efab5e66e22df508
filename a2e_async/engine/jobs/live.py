"""The live jobs of one client, how jobs fail, and what is said of both when it closes."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from a2e_async.core.family import Family
from a2e_async.core.records import Record, Result
from a2e_async.core.secrets import hide_secrets
from a2e_async.core.status import Stage, Status
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.waiting import wait_among, wake
from a2e_async.errors import (
    A2EError,
    ClientClosedError,
    JobCancelledError,
    JobDetachedError,
    JobFailedError,
    UsageError,
)

Witness = tuple[str, float, float]
"""A task that is known to be there: its id, the service's time of its creation, and the loop's since it is known."""

_log = logging.getLogger("a2e_async")

_UNSEEN_KEPT = 1000
_DELETED_KEPT = 10_000
_NAMED_IN_TEXT = 20
_NO_FAILURE = (JobDetachedError, JobCancelledError, ClientClosedError)


class LiveJobs:
    """Holds every job that has not ended, and lets go of it when it ends.

    Attributes:
        jobs: The jobs that have not ended, oldest first.
        unseen: How jobs failed whose error nobody has seen yet.
        deleted: The tasks that this client has deleted, oldest first.
    """

    def __init__(self) -> None:
        self.jobs: dict[AnyJob, None] = {}
        self.unseen: dict[int, str] = {}
        self.deleted: OrderedDict[str, None] = OrderedDict()
        self._tags: dict[str, AnyJob] = {}
        self._numbers = itertools.count(1)
        self._drained: list[asyncio.Future[None]] = []

    def add(self, job: AnyJob) -> None:
        """Take a job in.

        Raises:
            UsageError: Another live job has the same tag.
        """
        if job.tag is not None:
            if job.tag in self._tags:
                raise UsageError(f"tag: {job.tag} names another job of this client that has not ended")
            self._tags[job.tag] = job
        job.number = next(self._numbers)
        self.jobs[job] = None

    def retag(self, job: AnyJob, tag: str | None) -> None:
        """Give a job that was not sent here another tag: the one under which its intent is written down.

        Raises:
            UsageError: Another live job has that tag.
        """
        if tag == job.tag:
            return
        if tag is not None and tag in self._tags:
            raise UsageError(f"tag: {tag} names another job of this client that has not ended")
        self._tags.pop(job.tag or "", None)
        job.tag = tag
        if tag is not None:
            self._tags[tag] = job

    def tagged(self, tag: str) -> AnyJob | None:
        """Give the live job with this tag, or None."""
        return self._tags.get(tag)

    def was_deleted(self, task_id: str) -> None:
        """Note that this client has deleted a task: a list that lacks it hides nothing."""
        self.deleted[task_id] = None
        if len(self.deleted) > _DELETED_KEPT:
            self.deleted.popitem(last=False)

    def witnesses(self, family: Family) -> Iterator[Witness]:
        """Give the tasks of a family that were seen to be there, by polls of jobs that have not ended."""
        for job in self.jobs:
            if job.family is family and job.accepted_at is not None:
                for record in job.records:
                    if record.created_at is not None:
                        yield record.id, record.created_at.timestamp(), job.accepted_at

    def finish(self, job: AnyJob, result: Result | None = None, error: Exception | None = None) -> None:
        """End a job with its result or its error."""
        if isinstance(error, A2EError):
            error.about(job.request and job.request.without_jobs(), job.task_ids, job.tag, job.family.name)
        self.jobs.pop(job, None)
        if job.tag is not None:
            self._tags.pop(job.tag, None)
        if error is not None and not isinstance(error, _NO_FAILURE) and len(self.unseen) < _UNSEEN_KEPT:
            self.unseen[job.number] = f"{type(error).__name__}: {error}"
        job.end(result, error)
        if not self.jobs:
            drained, self._drained = self._drained, []
            wake(drained)

    async def drained(self) -> None:
        """Wait until no live job is left."""
        while self.jobs:
            await wait_among(asyncio.get_running_loop(), self._drained)

    def seen(self, job: AnyJob) -> None:
        """Note that somebody has seen how this job ended."""
        self.unseen.pop(job.number, None)


def failure_of(family: Family, records: Sequence[Record]) -> JobFailedError:
    """Build the error of a job whose tasks are all final, and one of which failed at least."""
    failed = [record for record in records if record.status is Status.FAILED]
    done = tuple(record for record in records if record.status is Status.COMPLETED)
    said = hide_secrets(failed[0].failed_message) or "the service gives no reason"
    return JobFailedError(
        f"{len(failed)} of {len(records)} tasks failed: {said}" if len(records) > 1 else f"failed: {said}",
        code=failed[0].failed_code,
        refunded=was_refunded(family, failed),
        result=Result(done) if done else None,
        records=tuple(records),
    )


def was_refunded(family: Family, failed: Sequence[Record]) -> bool | None:
    """Say whether the coins came back, as the records tell; else as the family does (service.md 4: hasRefundCoin)."""
    told = {record.raw.get(family.refund_field) for record in failed} if family.refund_field else set()
    if told and told <= {True, False}:
        return told == {True}
    return family.refunds


def tell_of_unseen(failures: list[str]) -> None:
    """Log failures that nobody has seen."""
    if failures:
        words = "%s never awaited: %s"
        were = f"{_many(len(failures), 'failed job')} {'was' if len(failures) == 1 else 'were'}"
        _log.warning(words, were, "; ".join(failures[:_NAMED_IN_TEXT]), extra={"failures": failures})


def tell_of_left(running: Sequence[AnyJob], silent: Sequence[AnyJob], queued: int) -> None:
    """Log once what a client leaves behind.

    Args:
        running: Jobs whose tasks go on.
        silent: Jobs whose start has no answer.
        queued: How many were never sent.
    """
    _tell("the client was closed with", running, [str(job.tag) for job in silent], queued)


def tell_of_abandoned(live: LiveJobs) -> None:
    """Log once what a client leaves behind that nobody closed: its loop or program has ended, or it was dropped."""
    jobs = list(live.jobs)
    running = [job for job in jobs if job.task_ids]
    lost = [str(job.tag) for job in jobs if job.stage is Stage.STARTING]
    _tell("a client was never closed, with", running, lost, len(jobs) - len(running) - len(lost))


def _tell(begin: str, running: Sequence[AnyJob], lost: Sequence[str], queued: int) -> None:
    if not running and not lost and not queued:
        return
    by_family: dict[str, list[str]] = {}
    for job in running:
        by_family.setdefault(job.family.name, []).extend(job.task_ids)
    told = "; ".join(f"{family} {_some(ids)}" for family, ids in by_family.items()) or "none"
    _log.warning(
        "%s %s running (%s), %s without an answer (%s), %d never sent; the tasks go on: watch them with "
        "a2e.attach(family, task_id), find a start with a2e.find(family, tag), and wait with `await a2e.drain()` "
        "before closing",
        begin, _many(len(running), "job"), told, _many(len(lost), "start"), _some(list(lost)), queued,
        extra={
            "task_ids": [task_id for ids in by_family.values() for task_id in ids],
            "tags": list(lost),
            "queued": queued,
            "families": by_family,
        },
    )  # fmt: skip


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED_IN_TEXT} more" if len(names) > _NAMED_IN_TEXT else ""
    return (", ".join(names[:_NAMED_IN_TEXT]) or "none") + more
