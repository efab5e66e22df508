"""From intent to accepted tasks, exactly once.

A start costs money and the service has no idempotency key. What happened to a POST decides what may follow:

    surely not received, or refused before work   send again after a wait, a bounded number of times
    refused                                       raise, never repeat
    anything else                                 unknown: find it by its tag and adopt it; send once more only when
                                                  its absence is proven; else StartUnknownError

The law of this file: between a POST whose outcome is unknown and the next POST stands a proof of absence.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Any

import attrs

from a2e_async.core import replies, tags, wire
from a2e_async.core.family import Family, Request
from a2e_async.core.hooks import Webhook
from a2e_async.core.records import Record
from a2e_async.core.retry import Verdict, verdict
from a2e_async.core.status import Status
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.events import Adopted
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.options import NO_JOURNAL
from a2e_async.engine.starts.finder import Finder, Finding, Row, letter_of
from a2e_async.errors import A2EError, ClientClosedError, NotFoundError, ProtocolError, StartUnknownError

_log = logging.getLogger("a2e_async")

_NOTHING = Finding()


@attrs.define(eq=False)
class Attempt:
    """What is being done to start one job.

    Attributes:
        job: The job.
        request: Its request.
        worker: The task that does it.
        on_wire: Whether a POST waits for its answer, or an answer for being written down.
        lost: The failure of the last POST that may have been taken, or None.
        rows: The tasks that are known to come from it.
        closing: Whether the client is being closed, so that nothing more may be sent.
        sent_at: The service's time of the first POST, in seconds since 1970, None while its clock is not known.
        began: The event loop's time of the first POST.
        over: Made by whoever waits for it; set when the worker has let go of the job.
    """

    job: Job[Any]
    request: Request[Any]
    worker: asyncio.Task[None] | None
    on_wire: bool = False
    lost: A2EError | None = None
    rows: list[Row] = attrs.field(factory=list)
    closing: bool = False
    sent_at: float | None = None
    began: float | None = None
    over: asyncio.Event | None = None


class Sender:
    """Sends the start of one job at a time, and finds it again when its answer is lost.

    Args:
        service: Where starts are sent.
        webhook: Sent along with every start that takes one.
    """

    def __init__(self, service: Service, webhook: Webhook | None) -> None:
        self._service = service
        self._webhook = webhook
        self._finders: dict[str, Finder] = {}

    def finder(self, family: Family) -> Finder:
        """Give the one finder of a family."""
        known = self._finders.get(family.name)
        if known is None:
            known = self._finders[family.name] = Finder(family, self._service, self._service.retry)
        return known

    async def aclose(self) -> None:
        """Stop finding."""
        for finder in self._finders.values():
            await finder.aclose()

    async def send(self, attempt: Attempt) -> list[Row]:
        """Send a start until its tasks are known; see the table at the top of this file.

        Raises:
            ServiceError: The start was refused.
            TransportError: The service could not be reached.
            StartUnknownError: The start may have been taken, and looking did not settle it.
        """
        job = attempt.job
        letters: tuple[str, ...] = (tags.FIRST, tags.SECOND)
        finding = _NOTHING
        if job.options.look_first and job.tag is not None:
            finding = await self._look_first(attempt, job.tag) if job.family.is_findable else Finding(provable=False)
            if finding.rows:
                return await self._adopt(attempt, finding)
            sent = job.options.sent_before is not None
            if not finding.absent or (sent and job.options.on_unknown == "raise"):
                raise self._unknown(attempt, finding)
            if job.options.sent_before is not None:
                if tags.SECOND in job.options.sent_before.letters:  # the second send is the last
                    raise self._unknown(attempt, finding)
                letters, job.twice_since = (tags.SECOND,), job.options.sent_before.first or 0.0
        for letter in letters:
            rows = await self._post(attempt, letter)
            if rows:
                return await self._with_siblings(attempt, rows) if self._is_short(attempt, rows) else rows
            finding = await self._find(attempt, letter)
            if finding.rows:
                return await self._adopt(attempt, finding)
            wanted = job.options.on_unknown == "resend" and not job.done()
            if not finding.absent or not wanted or letter == tags.SECOND:
                break
            job.twice_since, attempt.lost = attempt.sent_at or 0.0, None
        raise self._unknown(attempt, finding)

    async def clean_up(self, job: Job[Any]) -> dict[str, float]:
        """After a second send: look for tasks of the other send, and delete those that have not begun.

        Of two sends the one that the job watches is kept. A task that has begun or ended is reported and left alone:
        deleting it would not refund it.

        Returns:
            The doubles, and the coins of each that stay charged.
        """
        if job.tag is None or job.twice_since is None:
            return {}
        facts = {"tag": job.tag, "task_ids": job.task_ids}
        try:
            rows = await self.finder(job.family).look_once(job.tag, job.twice_since)
        except A2EError as error:
            words = "tag %s was sent twice, and the list cannot be checked for doubles: %s"
            _log.warning(words, job.tag, error, extra=facts)
            return {}
        doubles = [row for row in rows if replies.row_id(row) not in job.task_ids]
        return {replies.row_id(double): await self._clear_double(job, double) for double in doubles}

    async def _look_first(self, attempt: Attempt, tag: str) -> Finding:
        job = attempt.job
        finder = self.finder(job.family)
        await finder.learn_clock()
        now = self._service.server_time() or 0.0
        posted = job.options.sent_before
        before = None if posted is None else posted.first
        floor = now - self._service.retry.proof_age if before is None else before
        aged = None if posted is None else now - before if now and before is not None else math.inf
        return await finder.find(tag, _name(attempt, tags.FIRST), floor, aged=aged, at_once=True)

    async def _post(self, attempt: Attempt, letter: str) -> list[Row] | None:
        """Send one start; gives its rows, or None when nobody knows whether it was taken."""
        job, service = attempt.job, self._service
        name = _name(attempt, letter)
        request = wire.start(job.family, attempt.request, name=name, webhook=self._webhook)
        failures = 0
        while not attempt.closing:
            await self._turn(attempt, letter)
            attempt.on_wire = True
            try:
                attempt.rows = self._rows_of(job, await service.ask(request), name)
            except A2EError as error:
                attempt.on_wire = False
                kind = verdict(error)
                if kind is Verdict.UNKNOWN:
                    attempt.lost = error
                    return None
                failures += 1
                if kind is Verdict.REFUSED or failures >= service.retry.attempts:
                    raise
                if not attempt.closing:
                    await service.rest(failures, error)
                if job.done():  # it was let go of meanwhile
                    raise
            else:
                return attempt.rows
        raise ClientClosedError("the client was closed before this start was taken")

    async def _turn(self, attempt: Attempt, letter: str) -> None:
        """Wait until a POST may leave, and write down that it does: nothing is awaited between this and the POST."""
        job, service = attempt.job, self._service
        if not service.pacer.take():
            await service.pacer.turn(start=True)
        if job.options.journal is not NO_JOURNAL:
            if job.family.is_findable:  # who looks for the start later needs the service's time, and has no other clock
                await self.finder(job.family).learn_clock()
            await job.options.journal.sending(job.tag, letter, service.server_time())
        if attempt.closing or job.done():  # it was let go of meanwhile
            raise ClientClosedError("the job ended before this start was sent")
        if attempt.began is None:
            attempt.began, attempt.sent_at = asyncio.get_running_loop().time(), service.server_time()

    def _rows_of(self, job: Job[Any], data: object, name: str) -> list[Row]:
        """Give the tasks that a start was answered with; where only some have our tag, those."""
        rows: list[Row] = [row for row in replies.rows_of(data) if replies.row_id(row)]
        if not rows:
            raise ProtocolError("the start was answered without a task id")
        if len(rows) > 1 and job.tag:
            rows = [row for row in rows if letter_of(job.family, row, job.tag or "")] or rows
        finder = self.finder(job.family)
        for row in rows:
            finder.check_name(row, name)
        return rows

    async def _find(self, attempt: Attempt, letter: str) -> Finding:
        job = attempt.job
        if job.tag is None or not job.family.is_findable:
            return Finding(provable=False)
        finder = self.finder(job.family)
        if attempt.sent_at is None:
            await finder.learn_clock()
            now, since = self._service.server_time(), asyncio.get_running_loop().time() - (attempt.began or 0)
            attempt.sent_at = None if now is None else now - since
        floor = attempt.sent_at or 0.0
        aged = asyncio.get_running_loop().time() - (attempt.began or 0.0)
        return await finder.find(job.tag, _name(attempt, letter), floor, aged=aged)

    async def _adopt(self, attempt: Attempt, finding: Finding) -> list[Row]:
        """Take over the tasks of the first send that were found."""
        job = attempt.job
        by_letter: dict[str, list[Row]] = {}
        for row in reversed(finding.rows):  # the list has the newest first
            by_letter.setdefault(letter_of(job.family, row, job.tag or "") or "", []).append(row)
        _log.info("adopted the lost start of tag %s", job.tag, extra={"tag": job.tag, "family": job.family.name})
        self._service.counts.adopted += 1
        if self._service.events.heard:
            self._service.events.tell(Adopted(at=self._service.events.now(), job=job))
        if len(by_letter) > 1:
            job.twice_since = attempt.sent_at or 0.0
        attempt.on_wire, attempt.rows = True, by_letter[min(by_letter)]
        short = self._is_short(attempt, attempt.rows)
        return await self._with_siblings(attempt, attempt.rows) if short else attempt.rows

    @staticmethod
    def _is_short(attempt: Attempt, rows: Sequence[Row]) -> bool:
        """Whether fewer tasks came back than were asked for, and the others can be looked for."""
        job = attempt.job
        findable = job.tag is not None and job.family.is_findable
        return findable and len(rows) < job.family.tasks_asked(attempt.request)

    async def _with_siblings(self, attempt: Attempt, rows: Sequence[Row]) -> list[Row]:
        """Look once more for the tasks that are missing; they are never waited for."""
        job = attempt.job
        if job.tag is None:
            return list(rows)
        letter = letter_of(job.family, rows[0], job.tag)
        known = {replies.row_id(row): row for row in rows}
        try:
            found = await self.finder(job.family).look_once(job.tag, attempt.sent_at or 0.0)
        except A2EError as error:
            _log.warning("the siblings of tag %s could not be looked for: %s", job.tag, error)
            return list(rows)
        for row in reversed(found):
            if letter is None or letter_of(job.family, row, job.tag) == letter:
                known.setdefault(replies.row_id(row), row)
        return list(known.values())

    async def _clear_double(self, job: Job[Any], row: Row) -> float:
        """Delete a task of the other send if it has not begun, and report it; gives the coins that stay charged."""
        double = wire.record(job.family, row)
        try:
            fate, charged = await self._fate_of(job.family, double)
        except A2EError as error:
            fate, charged = f"could not be deleted: {error}", double.coins or 0
        facts = {"tag": job.tag, "task_ids": job.task_ids, "double": double.id}
        kept = ", ".join(job.task_ids)
        _log.warning("tag %s was taken twice: %s is kept, %s %s", job.tag, kept, double.id, fate, extra=facts)
        return charged

    async def _fate_of(self, family: Family, double: Record) -> tuple[str, float]:
        row = wire.row_of(await self._service.ask_again(wire.detail(family, double.id)), double.id)
        now = double if row is None else wire.record(family, row)
        if row is None or family.delete is None or now.status is not Status.INITIALIZED:
            return f"is {now.status.value} and was left alone", now.coins or double.coins or 0
        try:
            await self._service.ask_again(wire.delete(family, double.id))
        except NotFoundError:
            return "is gone", 0
        return "was deleted before it began", 0

    def _unknown(self, attempt: Attempt, finding: Finding) -> StartUnknownError:
        error = unknown_start(attempt, look_again=finding.provable and attempt.job.tag is not None)
        error.__cause__ = attempt.lost
        return error


def _name(attempt: Attempt, letter: str) -> str:
    job = attempt.job
    name = wire.untagged_name(job.family, attempt.request)
    return tags.put(name, job.tag, letter, job.family.name_limit) if job.tag else name


def unknown_start(attempt: Attempt, *, look_again: bool = True) -> StartUnknownError:
    """Build the error for a start that may have been taken."""
    why = f": {attempt.lost.message}" if attempt.lost else ""
    words = f"the start may or may not have been taken, and was not sent again{why}"
    return StartUnknownError(words, look_again=look_again)
