"""Everything that one open client consists of, and how its jobs end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, TypeVar

from a2e_async.calls import credits as credit_calls
from a2e_async.core import replies, wire
from a2e_async.core.family import Family, Request
from a2e_async.core.hooks import Webhook
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.schedule import Cadence
from a2e_async.core.records import Record, Result, coins_of
from a2e_async.core.retry import Retry
from a2e_async.core.status import Status
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.delay import delay_of
from a2e_async.engine.jobs.ending import failure_of, tell_of_left, tell_of_unseen
from a2e_async.engine.jobs.events import Accepted, Settled, Started
from a2e_async.engine.jobs.job import Job, Stage
from a2e_async.engine.jobs.options import NO_JOURNAL, Options
from a2e_async.engine.jobs.roster import Roster
from a2e_async.engine.jobs.stats import Stats
from a2e_async.engine.polling.poller import Poller
from a2e_async.engine.starts.budget import Budget
from a2e_async.engine.starts.finder import letter_of
from a2e_async.engine.starts.sender import Sender
from a2e_async.engine.starts.starter import Starter
from a2e_async.errors import (
    A2EError,
    ClientClosedError,
    JobCancelledError,
    JobDetachedError,
    NotFoundError,
    ProtocolError,
    RejectedRequestError,
    StartUnknownError,
)

_log = logging.getLogger("a2e_async")

R = TypeVar("R", bound=Result)
AnyJob = Job[Any]


class Engine:
    """Starts, watches and ends the jobs of one client on one event loop.

    Args:
        service: Where requests are sent.
        cadence: How often to look.
        retry: What may be repeated.
        max_starts: Most starts in flight.
        budget: Most coins to be spent, or None.
        on_unknown_price: What happens under a budget to a start whose price nobody knows; see `Budget`.
        webhook: Sent along with starts.
        learned: What is known of the ages at which tasks end.
    """

    def __init__(
        self,
        service: Service,
        *,
        cadence: Cadence,
        retry: Retry,
        max_starts: int,
        budget: float | None,
        webhook: Webhook | None,
        on_unknown_price: Literal["alone", "refuse"] = "alone",
        learned: Learned | None = None,
    ) -> None:
        self.service = service
        self.events = service.events
        self.roster = Roster()
        self.roster.when_one_ends(self._ended)
        self.budget = Budget(budget, self._quote, on_unknown_price)
        self.sender = Sender(service, webhook)
        self.starter = Starter(self.sender, self.roster, self.budget, self._accepted, max_starts)
        looks = learned or Learned()
        self.poller = Poller(service, cadence, retry, looks, settle=self._settle, give_up=self._give_up)
        self._poller_task = asyncio.create_task(self.poller.run(), name="a2e poller")
        self._poller_task.add_done_callback(self._poller_ended)
        self._settling: set[asyncio.Task[None]] = set()
        self._cancelling: weakref.WeakKeyDictionary[AnyJob, asyncio.Lock] = weakref.WeakKeyDictionary()

    def start(self, family: Family, request: Request[R], options: Options, tag: str | None) -> Job[R]:
        """Queue a start and give its job."""
        job = Job(self, family, request, options, tag)
        self.roster.add(job)
        if self.events.heard:
            self.events.tell(Started(at=self.events.now(), job=job))
        self.starter.put(job)
        return job

    def attach(self, family: Family, task_ids: Sequence[str], options: Options, tag: str | None = None) -> AnyJob:
        """Watch tasks that somebody else started."""
        records = [Record(id=task_id, family=family.name) for task_id in dict.fromkeys(task_ids)]
        return self._watch(family, records, options, tag)

    def _watch(self, family: Family, records: Sequence[Record], options: Options, tag: str | None) -> AnyJob:
        job: AnyJob = Job(self, family, None, options, tag)
        self.roster.add(job)
        job.take(records, coins_of(records), asyncio.get_running_loop().time())
        if self.events.heard:
            self.events.tell(Started(at=self.events.now(), job=job))
            self.events.tell(Accepted(at=self.events.now(), job=job))
        if job.all_final():
            self._in_background(self._settle(job))
        else:
            self.poller.watch(job)
        return job

    async def find(self, family: Family, tag: str, options: Options) -> AnyJob | None:
        """Give the job for the tasks with this tag, of two sends the first; None when the list has none."""
        rows = await self.sender.finder(family).look_once(tag, 0.0)
        live = self.roster.tagged(tag)
        if live is not None or not rows:
            return live
        first = min(letter_of(family, row, tag) or "" for row in rows)
        of_first = [row for row in reversed(rows) if letter_of(family, row, tag) == first]
        return self._watch(family, [wire.record(family, row) for row in of_first], options, tag)

    async def look(self, family: Family, task_id: str) -> Record:
        """Ask for one task now."""
        row = wire.row_of(await self.service.ask_again(wire.detail(family, task_id)), task_id)
        if row is None:
            raise ProtocolError(f"{family.name}: the task was answered without a record").about(None, [task_id])
        return wire.record(family, row)

    async def records(self, family: Family) -> AsyncIterator[Record]:
        """Give every task of the list, newest first, page by page."""
        seen: set[str] = set()
        page = 1
        while True:
            data = await self.service.ask_again(wire.listing(family, page, family.page_limit))
            fresh = [row for row in replies.rows_of(data) if replies.row_id(row) not in seen | {""}]
            if not fresh:
                return
            for row in fresh:
                seen.add(replies.row_id(row))
                yield wire.record(family, row)
            page += 1

    async def delete(self, family: Family, task_id: str) -> None:
        """Delete one task, finished or not yet begun."""
        await self.service.ask(wire.delete(family, task_id))

    def stats(self) -> Stats:
        """Count what is there, and give it with what was counted on the way."""
        counts, since = self.service.counts, self.poller.health.outage_since
        stages = Counter(job.stage for job in self.roster.jobs)
        outage = None if since is None else asyncio.get_running_loop().time() - since
        return Stats(
            queued=stages[Stage.QUEUED],
            starting=stages[Stage.STARTING],
            running=stages[Stage.RUNNING],
            settled=counts.settled,
            failed=counts.failed,
            adopted=counts.adopted,
            requests=counts.requests,
            looks=counts.looks,
            retries=counts.retries,
            outage=outage,
            outage_seconds=counts.outage_seconds + (outage or 0),
            spent=self.budget.spent,
            reserved=self.budget.reserved,
        )

    # What jobs ask of their keeper.

    def seen(self, job: AnyJob) -> None:
        """Note that somebody has seen how a job ended."""
        self.roster.seen(job)

    def detach(self, job: AnyJob) -> None:
        """Stop watching a job; its start is not sent if it still waits."""
        words = "the job is not watched any more; its task goes on" if job.task_ids else "the job was let go of"
        self._give_up(job, JobDetachedError(words))

    async def cancel(self, job: AnyJob) -> bool:
        """Take a job back: unsent, or deleted at the service while every task is `initialized`."""
        await self.starter.let_go(job)
        async with self._cancelling.setdefault(job, asyncio.Lock()):
            return await self._cancel_accepted(job)

    async def _cancel_accepted(self, job: AnyJob) -> bool:
        if job.done():
            return isinstance(job.error, JobCancelledError)
        records = [await self.look(job.family, task_id) for task_id in job.task_ids]
        if job.done() or any(record.status is not Status.INITIALIZED for record in records):
            return False
        gone = [await self._delete_unbegun(job.family, task_id) for task_id in job.task_ids]
        if None in gone:
            return False
        refunded = True if all(gone) else None
        if refunded:
            self.budget.refund(coins_of(records) or job.coins or 0)
        self._give_up(job, JobCancelledError("the job was cancelled before its task began", refunded=refunded))
        return True

    async def _delete_unbegun(self, family: Family, task_id: str) -> bool | None:
        """Delete a task; True: refunded, False: gone, who knows how, None: the service refused."""
        if family.delete is None:
            return None
        try:
            await self.service.ask(wire.delete(family, task_id))
        except NotFoundError:
            return False
        except RejectedRequestError:
            return None
        return True

    # How jobs go on and end.

    async def _accepted(self, job: AnyJob) -> None:
        if self.events.heard:
            self.events.tell(Accepted(at=self.events.now(), job=job))
        if job.all_final():
            await self._settle(job)
            return
        if job.twice_since is not None:
            self._in_background(self._charge_doubles(job))
        self.poller.watch(job)

    def _ended(self, job: AnyJob) -> None:
        self.poller.let_go(job)
        self.service.counts.settled += 1
        self.service.counts.failed += job.error is not None
        if self.events.heard:
            now, accepted = self.events.now(), job.accepted_at
            watched = 0.0 if accepted is None else asyncio.get_running_loop().time() - accepted
            delay = delay_of(job.records, watched, now, self.service.server_time())
            self.events.tell(Settled(at=now, job=job, delay=delay))

    def _in_background(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.ensure_future(work)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _charge_doubles(self, job: AnyJob) -> None:
        await self.sender.clean_up(job)

    async def _settle(self, job: AnyJob) -> None:
        """End a job whose tasks are all final: written down first, told second."""
        if job.done():
            return
        try:
            if job.twice_since is not None:
                self.budget.charge(await self.sender.clean_up(job))
            records = job.records
            if job.options.journal is not NO_JOURNAL:
                await job.options.journal.settled(job.tag, records)
        except Exception as error:  # noqa: BLE001 - a journal that fails ends the job with its own error
            self._give_up(job, error)
            return
        failed = [record for record in records if record.status is Status.FAILED]
        if failed:
            if job.family.refunds:
                self.budget.refund(coins_of(failed) or 0)
            self._give_up(job, failure_of(job))
        else:
            self.roster.finish(job, Result(records))

    def _give_up(self, job: AnyJob, error: Exception) -> None:
        self.poller.forget(job)
        self.roster.finish(job, error=error)

    def _poller_ended(self, poller: asyncio.Task[None]) -> None:
        if not poller.cancelled() and (error := poller.exception()) is not None:
            _log.error("the poller ended with an error of its own; its jobs end with it", exc_info=error)
            for job in list(self.roster.jobs):
                self._give_up(job, A2EError(f"the poller ended: {error!r}"))

    async def _quote(self, family: Family, request: Request[Result]) -> float | None:
        with contextlib.suppress(A2EError):
            return credit_calls.read_quote(await self.service.ask_again(credit_calls.quote(family, request))).coins
        return None

    # How the client ends.

    async def aclose(self, seconds: float) -> None:
        """End everything; waits only for answers to starts on the wire, at most so many seconds."""
        loop = asyncio.get_running_loop()
        jobs, until = list(self.roster.jobs), loop.time() + seconds
        await self.starter.aclose(seconds)
        if self._settling:
            await asyncio.wait(set(self._settling), timeout=max(0, until - loop.time()))
        ending = {self._poller_task, *self._settling}
        for task in ending:
            task.cancel()
        await asyncio.wait(ending)
        await self.poller.aclose()
        await self.sender.aclose()
        self.budget.close()
        self.service.pacer.close()
        self._leave(jobs)
        self.events.close()

    def _leave(self, jobs: list[AnyJob]) -> None:
        """Let go of what still runs, and say once what is left behind."""
        running = list(self.roster.jobs)
        for job in running:
            self.detach(job)
        silent = [job for job in jobs if isinstance(job.error, StartUnknownError)]
        for job in silent:
            self.roster.seen(job)  # they are told of with those that are left behind
        tell_of_unseen(list(self.roster.unseen.values()))
        queued = sum(isinstance(job.error, ClientClosedError) for job in jobs)
        tell_of_left(running, silent, queued)
