"""THE room where a job is accepted and where it ends, and the only one that says so to anybody.

The order is always journal, money, live jobs, job, events: what is written down is never younger than what is told, and
whoever is woken finds the coins counted. Poller and starter call in here; nothing here calls them. Whoever has to
hear of jobs subscribes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from a2e_async.core.family import Family
from a2e_async.core.records import Record, Result, coins_of
from a2e_async.core.secrets import hide_secrets
from a2e_async.core.status import Status
from a2e_async.engine.jobs.background import Background
from a2e_async.engine.jobs.coins import Coins
from a2e_async.engine.jobs.events import Accepted, Events, Finished, Started
from a2e_async.engine.jobs.job import AnyJob
from a2e_async.engine.jobs.live import LiveJobs
from a2e_async.engine.jobs.options import NO_JOURNAL
from a2e_async.engine.jobs.stats import Counts, delay_of
from a2e_async.errors import JobDetachedError, JobFailedError

_log = logging.getLogger("a2e_async")

Check = Callable[[AnyJob], Awaitable[Mapping[str, float]]]
Late = Callable[[AnyJob], Awaitable[Sequence[Record]]]


class Watcher(Protocol):
    """Who watches the tasks of jobs."""

    def watch(self, job: AnyJob) -> None:
        """Begin to watch a job whose tasks run."""

    def let_go(self, job: AnyJob) -> None:
        """Watch a job no more that has ended."""

    def drop(self, job: AnyJob, task_ids: Sequence[str]) -> None:
        """Watch these tasks no more for this job."""


class Ends:
    """Accepts and ends the jobs of one client.

    Args:
        events: Who hears of it.
        counts: Where ends are counted.
        server_time: Gives the service's time, None when it is not known.

    Attributes:
        coins: What the client holds and has spent.
        live: The jobs that have not ended.
    """

    def __init__(self, events: Events, counts: Counts, server_time: Callable[[], float | None]) -> None:
        self.coins = Coins()
        self.live = LiveJobs()
        self._events = events
        self._counts = counts
        self._server_time = server_time
        self._watchers: list[Watcher] = []
        self._checks: dict[AnyJob, Check] = {}
        self._lates: dict[AnyJob, Late] = {}
        self._settling: set[AnyJob] = set()
        self._background = Background("a2e ends")

    def subscribe(self, watcher: Watcher) -> None:
        """Let a watcher hear which jobs run, and which have ended."""
        self._watchers.append(watcher)

    def add(self, job: AnyJob) -> None:
        """Take a new job in."""
        self.live.add(job)
        if self._events.heard:
            self._events.tell(Started(at=self._events.now(), job=job))

    # A job is accepted.

    async def accepted(
        self, job: AnyJob, records: Sequence[Record], check: Check | None = None, late: Late | None = None
    ) -> None:
        """Note that the service has taken a start; its coins were counted with the answer, before anything is awaited.

        Args:
            job: The job.
            records: Its tasks.
            check: Polls whether there are more tasks of the start, and gives what each costs; asked now and once more
                before the job ends.
            late: Gives tasks of the start that were not known before, when all that are known have ended: fewer than
                were asked for are known, and the others may show up yet.
        """
        job.task_ids = tuple([record.id for record in records])  # from here on every error names them
        coins = coins_of(records)
        if job.options.journal is not NO_JOURNAL:
            await job.options.journal.accepted(job.tag, job.task_ids, coins)
        if job.done():
            facts = {"tag": job.tag, "task_ids": job.task_ids}
            words = "a job was let go of while its start was on the wire: %s"
            _log.warning(words, ", ".join(job.task_ids), extra=facts)
            return
        if check is not None:
            self._checks[job] = check
        if late is not None:
            self._lates[job] = late
        self._takes(job, records, coins)
        if job.all_final():
            self._settle_soon(job)
            return
        if check is not None:
            self._background.run(self._charge_found(job, check))
        for watcher in self._watchers:
            watcher.watch(job)

    async def grow(self, job: AnyJob, records: Sequence[Record]) -> None:
        """Note more tasks of a start, which has been accepted with too few."""
        self.coins.charge_more({record.id: record.coins or 0 for record in records})
        ids = (*job.task_ids, *(record.id for record in records))
        coins = coins_of((*job.records, *records))
        if job.options.journal is not NO_JOURNAL:
            await job.options.journal.accepted(job.tag, ids, coins)
        if job.done():
            words = "more tasks of a job that has ended: %s"
            _log.warning(words, ", ".join(ids), extra={"tag": job.tag, "task_ids": ids})
            return
        job.grow(records, coins)
        for watcher in self._watchers:
            watcher.watch(job)

    def attached(self, job: AnyJob, records: Sequence[Record]) -> None:
        """Begin with tasks that are there already; nothing was charged for them by this."""
        self._takes(job, records, coins_of(records))
        if job.all_final():
            self._background.run(self.settle([job]))
            return
        for watcher in self._watchers:
            watcher.watch(job)

    def _takes(self, job: AnyJob, records: Sequence[Record], coins: float | None) -> None:
        job.take(records, coins, asyncio.get_running_loop().time())
        if self._events.heard:
            self._events.tell(Accepted(at=self._events.now(), job=job))

    # A job ends.

    async def settle(self, jobs: Iterable[AnyJob]) -> None:
        """End jobs whose tasks are all final."""
        slow = []
        for job in jobs:
            if job.done() or job in self._settling:
                continue
            if job in self._lates:
                self._settle_soon(job)  # which may wait for as long as a lost start is looked for
            elif job.options.journal is NO_JOURNAL and job not in self._checks:
                self._tell(job)  # waits for nothing, so that a task of its own would cost more than it does
            else:
                self._settling.add(job)
                slow.append(self._settle_slowly(job))
        if slow:
            await asyncio.gather(*slow)

    def _settle_soon(self, job: AnyJob) -> None:
        if job not in self._settling:
            self._settling.add(job)
            self._background.run(self._settle_slowly(job))

    async def _settle_slowly(self, job: AnyJob) -> None:
        try:
            late = self._lates.pop(job, None)
            if late is not None:
                more = await late(job)
                if more:  # whoever let go of the job meanwhile is told of them, and they were paid for
                    await self.grow(job, more)
                if job.done() or not job.all_final():  # it goes on with them
                    return
            check = self._checks.pop(job, None)
            if check is not None:
                await self._charge_found(job, check)
            if job.options.journal is not NO_JOURNAL:
                await job.options.journal.finished(job.tag, job.records)
        except Exception as error:  # noqa: BLE001 - a journal that fails ends the job with its own error
            self._count(job)
            self.fail(job, error)
        else:
            self._tell(job)
        finally:
            self._settling.discard(job)
            del job  # since Python 3.12 an error keeps this frame, and would keep the job

    def _tell(self, job: AnyJob) -> None:
        self._count(job)
        error: Exception | None
        try:
            failed = any(record.status is Status.FAILED for record in job.records)
            result, error = (None, _failure_of(job)) if failed else (Result(job.records), None)
        except Exception as odd:  # noqa: BLE001 - what cannot be put into words ends this job, and no other
            result, error = None, odd
        self._finish(job, result, error)

    def _count(self, job: AnyJob) -> None:
        """Count what the final records say about coins, whoever started the tasks and however many jobs watch them."""
        records = job.records
        self.coins.told(records)
        failed = [record for record in records if record.status is Status.FAILED]
        self.coins.refund(record.id for record in failed if _refunded(job.family, [record]))
        self.coins.forget(job.task_ids)

    def fail(self, job: AnyJob, error: Exception) -> None:
        """End a job with an error; a job ends once. What its tasks were charged stays known for a later refund."""
        self._finish(job, None, error)

    def detach(self, job: AnyJob) -> None:
        """End a job and let its tasks go on."""
        words = "the job is not watched any more; its task goes on" if job.task_ids else "the job was let go of"
        self.fail(job, JobDetachedError(words))

    async def drop(self, job: AnyJob, gone: Mapping[str, bool]) -> None:
        """Take tasks that were deleted off a job, which goes on with the others.

        Args:
            job: The job.
            gone: The deleted tasks, and whether their coins came back.
        """
        self.coins.refund(task_id for task_id, came_back in gone.items() if came_back)
        if job.done():
            return
        for watcher in self._watchers:
            watcher.drop(job, list(gone))
        job.drop(gone)
        if job.options.journal is not NO_JOURNAL:
            try:
                await job.options.journal.accepted(job.tag, job.task_ids, coins_of(job.records))
            except Exception:  # noqa: BLE001 - the deletion stands; a later process finds the deleted ids missing
                _log.exception("the tasks that are left of a start could not be written down: %s", job.task_ids)
        if job.all_final():
            self._background.run(self.settle([job]))

    def _finish(self, job: AnyJob, result: Result | None, error: Exception | None) -> None:
        if job.done():
            return
        self._checks.pop(job, None)
        self._lates.pop(job, None)
        self.live.finish(job, result, error)
        self._counts.finished += 1
        self._counts.failed += error is not None
        for watcher in self._watchers:
            watcher.let_go(job)
        if self._events.heard:
            now, accepted = self._events.now(), job.accepted_at
            watched = 0.0 if accepted is None else asyncio.get_running_loop().time() - accepted
            delay = delay_of(job.records, watched, now, self._server_time())
            self._events.tell(Finished(at=now, job=job, delay=delay))

    # What goes on beside the jobs.

    async def _charge_found(self, job: AnyJob, check: Check) -> None:
        self.coins.charge_more(await check(job))

    async def aclose(self, until: float) -> None:
        """Wait for what goes on beside the jobs until a time of the event loop, then end it."""
        await self._background.aclose(until - asyncio.get_running_loop().time())


def _failure_of(job: AnyJob) -> JobFailedError:
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


def _refunded(family: Family, failed: Sequence[Record]) -> bool | None:
    """Say whether the coins came back, as the records tell; else as the family does (service.md 4: hasRefundCoin)."""
    told = {record.raw.get(family.refund_field) for record in failed} if family.refund_field else set()
    if told and told <= {True, False}:
        return told == {True}
    return family.refunds
