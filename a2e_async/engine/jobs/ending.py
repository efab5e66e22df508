"""What is said when jobs end: why one failed, and what a client leaves behind when it is closed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from a2e_async.core.family import Family
from a2e_async.core.records import Record, Result
from a2e_async.core.secrets import hide_secrets
from a2e_async.core.status import Stage, Status
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.roster import Roster
from a2e_async.errors import JobFailedError

_log = logging.getLogger("a2e_async")

AnyJob = Job[Any]

_NAMED_IN_TEXT = 20


def _refunded(family: Family, failed: Sequence[Record]) -> bool | None:
    """Say whether the coins came back, as the records tell; else as the family does (service.md 4: hasRefundCoin)."""
    told = {record.raw.get(family.refund_field) for record in failed} if family.refund_field else set()
    if told and told <= {True, False}:
        return told == {True}
    return family.refunds


def failure_of(job: AnyJob) -> JobFailedError:
    """Build the error of a job whose tasks are all final, and one of which failed at least."""
    records = job.records
    failed = [record for record in records if record.status is Status.FAILED]
    done = tuple(record for record in records if record.status is Status.COMPLETED)
    said = hide_secrets(failed[0].failed_message) or "the service gives no reason"
    return JobFailedError(
        f"{len(failed)} of {len(records)} tasks failed: {said}" if len(records) > 1 else f"failed: {said}",
        code=failed[0].failed_code,
        refunded=_refunded(job.family, failed),
        result=Result(done) if done else None,
        records=records,
    )


def tell_of_unseen(failures: list[str]) -> None:
    """Log failures that nobody has seen."""
    if failures:
        words = "%d failed jobs were never awaited: %s"
        _log.warning(words, len(failures), "; ".join(failures[:_NAMED_IN_TEXT]), extra={"failures": failures})


def tell_of_left(running: Sequence[AnyJob], silent: Sequence[AnyJob], queued: int) -> None:
    """Log once what a client leaves behind.

    Args:
        running: Jobs whose tasks go on.
        silent: Jobs whose start has no answer.
        queued: How many were never sent.
    """
    _tell("the client was closed with", running, [str(job.tag) for job in silent], queued)


def tell_of_abandoned(roster: Roster) -> None:
    """Log once what a client leaves behind that was never closed: its loop or its program has ended, or it was dropped.

    Args:
        roster: Its live jobs.
    """
    jobs = list(roster.jobs)
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
        "%s %d jobs running (%s), %d starts without an answer (%s), %d never sent; the tasks go on: watch them with "
        "a2e.attach(family, task_id), find a start with a2e.find(family, tag), and wait with `await a2e.drain()` "
        "before closing",
        begin, len(running), told, len(lost), _some(list(lost)), queued,
        extra={
            "task_ids": [task_id for ids in by_family.values() for task_id in ids],
            "tags": list(lost),
            "queued": queued,
            "families": by_family,
        },
    )  # fmt: skip


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED_IN_TEXT} more" if len(names) > _NAMED_IN_TEXT else ""
    return (", ".join(names[:_NAMED_IN_TEXT]) or "none") + more
