"""What a second send has left: of two sends the one that the job watches is kept, the other deleted if that refunds.

Laws of this file: the service refunds a task that is deleted while `initialized`, and no other (service.md 0.6); so a
double is deleted only on a poll just before that says so, each DELETE that failed is followed by another poll, and
whatever became of a double is said in a warning, with what stays charged. Tasks of one letter belong to one send: what
the list shows of the job's own send beyond its tasks are siblings that its answer did not name, and no doubles.
"""

from __future__ import annotations

import logging

from a2e_async.core import replies, wire
from a2e_async.core.absence import Row, letter_of
from a2e_async.core.family import Family
from a2e_async.core.records import Record
from a2e_async.core.retry import Verdict, verdict
from a2e_async.core.status import Status
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.starts.finder import Finder
from a2e_async.errors import A2EError, NotFoundError

_log = logging.getLogger("a2e_async")


async def clean_up(service: Service, finder: Finder, job: AnyJob, letter: str) -> dict[str, float]:
    """Look for tasks of the other send, delete those that have not begun, and report all.

    A task that has begun or ended is left alone: deleting it would not refund it. One that is known to be that of an
    earlier start under the same tag is no double.

    Returns:
        The doubles, and the coins of each that stay charged.
    """
    tag = job.tag or ""  # only a start with a tag is ever sent twice
    facts = {"tag": job.tag, "task_ids": job.task_ids}
    try:
        rows = await finder.search_once(tag, job.twice_since or None)
    except A2EError as error:
        words = "tag %s was sent twice, and the list cannot be checked for doubles: %s"
        _log.warning(words, job.tag, error, extra=facts)
        return {}
    ids = {replies.row_id(row): row for row in rows if letter_of(job.family, row, tag) != letter}
    doubles = {one: row for one, row in ids.items() if one not in job.task_ids and not finder.knows(one)}
    return {one: await _clear(service, finder, job, double) for one, double in doubles.items()}


async def _clear(service: Service, finder: Finder, job: AnyJob, row: Row) -> float:
    """Delete a task of the other send if it has not begun, and report it; gives the coins that stay charged."""
    double = wire.record(job.family, row)
    try:
        fate, charged = await _fate_of(service, finder, job.family, double)
    except A2EError as error:
        fate, charged = f"could not be deleted: {error}", double.coins or 0
    facts = {"tag": job.tag, "task_ids": job.task_ids, "double": double.id}
    kept = ", ".join(job.task_ids)
    _log.warning("tag %s was taken twice: %s is kept, %s %s", job.tag, kept, double.id, fate, extra=facts)
    return charged


async def _fate_of(service: Service, finder: Finder, family: Family, double: Record) -> tuple[str, float]:
    """Delete a double while a poll just before says that it has not begun, and say what became of it.

    The service deletes a task that has ended, too, and refunds nothing then: so no DELETE is repeated unseen.
    """
    failures = 0
    while True:
        try:
            row = wire.row_of(await service.ask_again(wire.detail(family, double.id)), double.id)
        except NotFoundError:
            if not failures:
                raise
            return "is gone, after a deletion without an answer", double.coins or 0
        now = double if row is None else wire.record(family, row)
        if row is None or family.delete is None or now.status is not Status.INITIALIZED:
            return f"is {now.status.value} and was left alone", now.coins or double.coins or 0
        try:
            await service.ask(wire.delete(family, double.id))
        except NotFoundError:  # it was there a moment ago: somebody else took it away, and nobody knows what came back
            fate, charged = "is gone", double.coins or 0
        except A2EError as error:
            failures += 1
            if verdict(error) is Verdict.REFUSED or failures >= service.retry.attempts:
                raise
            await service.rest(failures, error)
            continue
        else:
            fate, charged = "was deleted before it began", 0
        finder.was_deleted(double.id)
        return fate, charged
