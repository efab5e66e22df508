"""The queue of starts: at most `max_starts` in flight; a queued job costs an object, not a coroutine.

A start that finds no place (`places.py`) stays in the queue, and no worker waits for it.

Laws of this file, in the order of a start: its price is reserved, then it is written down as intended, then sent; its
coins are counted as soon as its answer is there, before anything is awaited; its ids are written down before anybody is
told. Whoever ends a worker leaves its job ended or with its ids: nothing that may have been paid for goes unnamed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Collection
from functools import partial
from typing import Any

from a2e_async.core import replies, wire
from a2e_async.core.family import Request
from a2e_async.core.records import Record, coins_of
from a2e_async.core.status import Stage
from a2e_async.engine.jobs.background import BackgroundTasks
from a2e_async.engine.jobs.coins import Reservation
from a2e_async.engine.jobs.ends import Ends
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.options import NO_JOURNAL
from a2e_async.engine.jobs.waiting import never_sent
from a2e_async.engine.starts.account import AccountCheck
from a2e_async.engine.starts.attempt import Attempt
from a2e_async.engine.starts.budget import Budget
from a2e_async.engine.starts.places import Places
from a2e_async.engine.starts.ready import Ready
from a2e_async.engine.starts.sender import Sender
from a2e_async.engine.starts.siblings import Siblings
from a2e_async.errors import InsufficientCoinsError, JobCancelledError, StartUnknownError

_log = logging.getLogger("a2e_async")


class Starter:
    """Takes jobs from intent to accepted.

    Args:
        sender: Sends one start exactly once.
        ends: Where a job is accepted, and where it ends.
        budget: Where the price of a start is reserved.
        account: Asked before a refusal of one start ends others.
        max_starts: Most starts in flight.
        max_running: Most jobs between their start and their end, or None.
    """

    def __init__(
        self,
        sender: Sender,
        ends: Ends,
        budget: Budget,
        account: AccountCheck,
        max_starts: int,
        *,
        max_running: int | None = None,
    ) -> None:
        self.places = Places(max_running, self._hire)
        self.ready = Ready(max_starts)
        self._sender = sender
        self._siblings = Siblings(sender)
        self._ends = ends
        self._budget = budget
        self._account = account
        self._max_starts = max_starts
        self._queue: deque[AnyJob] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._attempts: dict[AnyJob, Attempt] = {}
        self._beside = BackgroundTasks("a2e start")
        self._lingering = 0
        self._closing = False

    def put(self, job: AnyJob, sent: Request[Any] | None = None) -> None:
        """Queue a job for the next worker; one that has waited for its inputs goes first, and is sent as this."""
        if sent is not None:
            self.ready.requests[job] = sent
        if job.options.journal.paid:  # it may run already: it has its place, and looks before anything is sent
            self.places.take(job)
            self._beside.run(self._start(job, None))
            return
        (self._queue.append if sent is None else self._queue.appendleft)(job)
        if len(self._queue) > self._lingering and len(self._workers) < self._max_starts and self.places.free:
            self._workers.add(asyncio.create_task(self._work(), name="a2e starter"))

    def _hire(self, free: int) -> None:
        """Begin what has waited for a place."""
        for _ in range(0 if self._closing else min(free, len(self._queue), self._max_starts - len(self._workers))):
            self._workers.add(asyncio.create_task(self._work(), name="a2e starter"))

    async def let_go(self, job: AnyJob) -> None:
        """Take a job back whose POST has not left; else wait until it is known what has become of it."""
        attempt = self._attempts.get(job)
        if job.done():
            return
        unsent = job.options.sent_before is None if attempt is None else attempt.is_unsent
        if unsent and (job.stage is Stage.QUEUED or attempt is not None):
            words = "the job was cancelled before its start was sent"  # whoever is busy with it asks before the POST
            if writing := self._ends.fail(job, JobCancelledError(words, refunded=True)):
                await asyncio.shield(writing)  # or another process starts what somebody was told is cancelled
        elif attempt is not None:
            attempt.taken_back = True
            await attempt.ending().wait()

    async def answered(self, jobs: Collection[Job[Any]], seconds: float) -> None:
        """Wait at most so many seconds until what is on the wire for these jobs was answered and written down."""
        attempts = [attempt for job, attempt in self._attempts.items() if job in jobs and attempt.on_wire]
        waits = [asyncio.ensure_future(attempt.ending().wait()) for attempt in attempts]
        if waits:
            _done, late = await asyncio.wait(waits, timeout=seconds)
            for one in late:
                one.cancel()

    async def aclose(self, seconds: float) -> None:
        """Send nothing more; wait at most so many seconds for the answers of starts on the wire."""
        self._closing = True
        queued, self._queue = self._queue, deque()
        for job in queued:
            self._ends.fail(job, never_sent())
        for attempt in self._attempts.values():
            attempt.closing = True
        answering = {attempt.worker for attempt in self._attempts.values() if attempt.on_wire and attempt.worker}
        for worker in self._workers - answering:
            worker.cancel()
        if answering:
            await asyncio.wait(answering, timeout=seconds)
        for worker in (ending := set(self._workers)):
            worker.cancel()
        if ending:
            await asyncio.wait(ending)
        await self._beside.aclose()

    async def _work(self) -> None:
        worker = asyncio.current_task()
        try:
            while not self._closing and (self._queue or await self._linger()) and self.places.free:
                await self._start(self._queue.popleft(), worker)  # in no variable, or a worker would keep its last job
        finally:
            self._workers.discard(worker)

    async def _linger(self) -> bool:
        """Give whoever awaited the last job a moment to start the next, which spares it a new worker."""
        self._lingering += 1
        try:
            await asyncio.sleep(0)
        finally:
            self._lingering -= 1
        return bool(self._queue)

    async def _start(self, job: AnyJob, worker: asyncio.Task[None] | None) -> None:
        request = self.ready.take(job) if self.ready.requests else job.request
        if request is None or not job.begin():
            return
        self.places.take(job)
        worker = worker or asyncio.current_task()
        attempt = self._attempts[job] = Attempt(job, request, worker, job.family.tasks_asked(request))
        held: Reservation | None = None
        try:
            budget, journal = self._budget, job.options.journal
            held = budget.unlimited(job) if budget.limit is None or journal.paid else await budget.reserve(job, request)
            if journal is not NO_JOURNAL and not job.done():  # it may have been let go of meanwhile
                journal.holds(held.price or None)
                await journal.intended(job.tag, request)
            if job.done():
                budget.release(held)
            else:
                await self._sender.send(attempt)
                await (self._accept if attempt.is_short() else self._take)(attempt, held)
        except asyncio.CancelledError:
            self._give_up(job, attempt)
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong belongs to whoever awaits this job
            if held is not None and (attempt.lost is not None or isinstance(error, StartUnknownError)):
                self._budget.keep(held)
                held = None
            await self._refuse(job, request, error, held)
        finally:
            if attempt.worker is worker:
                self._let_go_of(attempt)
            del job, request, attempt  # since Python 3.12 an error keeps this frame, and would keep the job

    def _let_go_of(self, attempt: Attempt) -> None:
        """Let go of an attempt whose job is accepted or has ended, and tell whoever waits for that."""
        self._attempts.pop(attempt.job, None)
        if attempt.over is not None:
            attempt.over.set()

    def _give_up(self, job: AnyJob, attempt: Attempt) -> None:
        """End a job whose worker was ended; one whose tasks are known is left to be detached with their ids.

        What decides is where the POST was: it has an answer, it may have been taken, or it was never sent.
        """
        if attempt.rows:
            job.task_ids = job.task_ids or tuple(map(replies.row_id, attempt.rows))
        elif attempt.on_wire or attempt.doubted:
            self._ends.fail(job, attempt.unknown())
        else:
            self._ends.fail(job, never_sent())

    async def _accept(self, attempt: Attempt, held: Reservation) -> None:
        """Take an answer that names too few tasks once the list was asked for the others.

        What it names is written down first. The worker is free for the next start meanwhile: one answer of the list
        serves all that lack tasks, and waiting for it in turn would ask for each of them anew.
        """
        job, journal = attempt.job, attempt.job.options.journal
        if job.done():
            await self._take(attempt, held)
            return
        if journal is not NO_JOURNAL:
            ids = tuple(map(replies.row_id, attempt.rows))
            try:
                await journal.accepted(job.tag, ids, None)
            except Exception:
                job.task_ids = ids  # its error names them
                self._settle(attempt, held)
                raise
        attempt.on_wire = False
        attempt.worker = self._beside.run(self._gather(attempt, held))

    async def _take(self, attempt: Attempt, held: Reservation) -> None:
        job = attempt.job
        records = self._settle(attempt, held)  # before anything is awaited: the answer is a fact
        again = job.twice_since is not None
        check = partial(self._sender.clean_up, letter=attempt.letter) if again else None
        late = partial(self._late, attempt, held) if attempt.is_short() else None
        await self._ends.accepted(job, records, check, late)

    def _settle(self, attempt: Attempt, held: Reservation) -> list[Record]:
        """Count what the answer says was charged: without an await, so that no cancellation can come between."""
        records = [wire.record(attempt.job.family, row, tag=attempt.job.tag) for row in attempt.rows]
        self._budget.settle(held, coins_of(records), records, missing=attempt.missing)
        if held.alone is not None:  # its price is told at its end
            attempt.job.on_end(lambda job: self._budget.ended(held, job.records, missing=attempt.missing))
        return records

    async def _late(self, attempt: Attempt, held: Reservation, job: AnyJob) -> tuple[list[Record], bool]:
        """Look once more for missing tasks; where the list shows the others and not these, they were never made."""
        records, is_sure = await self._siblings.late(attempt, job)
        self._budget.found(held, records, missing=attempt.missing)
        if is_sure:
            self._budget.release(held)
        return records, is_sure

    async def _gather(self, attempt: Attempt, held: Reservation) -> None:
        """Collect the tasks that the answer to a start did not name, for as long as a lost start is looked for."""
        job, taken = attempt.job, False
        try:
            async for rows in self._siblings.found(attempt):
                fresh = [row for row in rows if replies.row_id(row) not in job.task_ids]
                attempt.rows = rows
                if not taken:
                    taken = True
                    await self._take(attempt, held)
                    self._let_go_of(attempt)
                elif fresh:
                    records = [wire.record(job.family, row) for row in fresh]
                    self._budget.found(held, records, missing=attempt.missing)
                    await self._ends.grow(job, records)
                if job.done():
                    break
        except asyncio.CancelledError:
            if not taken:
                self._settle(attempt, held)  # the service has answered, and charged what it named
                self._give_up(job, attempt)
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong belongs to whoever awaits this job
            await self._refuse(job, attempt.request, error, None)
        finally:
            self._let_go_of(attempt)

    async def _refuse(self, job: AnyJob, request: Request[Any], error: Exception, held: Reservation | None) -> None:
        """End a job whose start failed. Where the account is empty the queued starts end with it, unsent.

        The coins come back at once: only a start that was surely not taken still has them reserved here.
        """
        if held is not None and not job.task_ids:
            self._budget.release(held)
        if job.done() and isinstance(error, StartUnknownError):
            words = "a job was let go of, and its start of tag %s may or may not have been taken"
            _log.warning(words, job.tag, extra={"tag": job.tag})
        queued = list(self._queue)
        if isinstance(error, InsufficientCoinsError):
            error.needed = job.options.price if held is None else held.price
        try:
            error = await self._account.confirm(error)
        finally:  # also when the client is closed meanwhile
            await self._ends.refuse(job, error)
        if queued and isinstance(error, InsufficientCoinsError) and await self._account.is_empty(job.family, request):
            for other in [one for one in queued if one.stage is Stage.QUEUED]:
                facts = {"status": error.status, "code": error.code, "trace_id": error.trace_id}
                self._ends.fail(other, InsufficientCoinsError(f"not sent: {error.message}", **facts))
