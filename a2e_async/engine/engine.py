"""What an open client is composed of. Nothing is decided here: each part decides in its own room."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from a2e_async.core import wire
from a2e_async.core.absence import letter_of
from a2e_async.core.family import Family, Request
from a2e_async.core.hooks import Webhook
from a2e_async.core.plans import holds_inputs, inputs_in, stand_in
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.schedule import Cadence
from a2e_async.core.records import Record, Result
from a2e_async.core.retry import Retry
from a2e_async.core.secrets import hide_secrets
from a2e_async.core.status import Stage
from a2e_async.engine.http.questions import quote_of
from a2e_async.engine.http.service import Service
from a2e_async.engine.http.tasks import TaskCalls
from a2e_async.engine.jobs.ends import Ends
from a2e_async.engine.jobs.kept import AnyJob, KeptJob
from a2e_async.engine.jobs.live import tell_of_left, tell_of_unseen
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.jobs.watcher import FindSiblings
from a2e_async.engine.polling.poller import Poller
from a2e_async.engine.starts.account import AccountCheck
from a2e_async.engine.starts.budget import Budget
from a2e_async.engine.starts.cancelling import Canceller
from a2e_async.engine.starts.sender import Sender
from a2e_async.engine.starts.siblings import Siblings
from a2e_async.engine.starts.starter import Starter
from a2e_async.errors import A2EError, ClientClosedError, JobCancelledError, StartUnknownError

if TYPE_CHECKING:  # loaded with the first request that holds more than URLs, and when somebody asks
    from a2e_async.engine.jobs.inputs import Inputs
    from a2e_async.engine.jobs.stats import Stats

_log = logging.getLogger("a2e_async")

R = TypeVar("R", bound=Result)


class Engine:
    """Starts, watches and ends the jobs of one client on one event loop, by handing each to the part that does it.

    Args:
        service: Where requests are sent.
        cadence: How often to poll.
        retry: What may be repeated.
        max_starts: Most starts in flight.
        budget: Most coins to be spent, or None.
        on_unknown_price: What happens under a budget to a start whose price nobody knows; see `Budget`.
        webhook: Sent along with starts.
        learned: What is known of the ages at which tasks end.
        max_running: Most jobs between their start and their end, or None.
        check_urls: Refuses a request with URLs that the service cannot reach.
        files: Gives who examines and uploads files; called for the first one.
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
        max_running: int | None = None,
        check_urls: Callable[[Request[Any]], None] = lambda _request: None,
        files: Callable[[], Any] = lambda: None,
    ) -> None:
        self.service = service
        self.events = service.events
        self.ends = Ends(service.events, service.counts, service.server_time)
        self.live, self.coins = self.ends.live, self.ends.coins
        self.tasks = TaskCalls(service, self.live)
        self.budget = Budget(budget, self._quote, on_unknown_price, self.coins)
        self.sender = Sender(service, webhook, self.live)
        self.starter = Starter(
            self.sender, self.ends, self.budget, AccountCheck(service), max_starts, max_running=max_running
        )
        self._inputs: Inputs | None = None
        self._of_inputs = (check_urls, files)
        self._taken: weakref.WeakKeyDictionary[AnyJob, Any] = weakref.WeakKeyDictionary()
        self._canceller = Canceller(self.tasks, self.ends)
        self.poller = Poller(service, cadence, retry, learned or Learned(), self.ends)
        self._broken: str | None = None
        self._poller_task = asyncio.create_task(self.poller.run(), name="a2e poller")
        self._poller_task.add_done_callback(self._poller_ended)

    def start(self, family: Family, request: Request[R], options: Options, tag: str | None) -> KeptJob[R]:
        """Queue a start and give its job."""
        job, files = self._made(family, request, options, tag)
        self._send(job, files)
        return job

    def take_in(
        self, family: Family, request: Request[R] | None, options: Options, tag: str | None, *, to_send: bool = True
    ) -> KeptJob[R]:
        """Give the job of a start that `send` has yet to queue, because something has to be written down before.

        Args:
            family: Its family.
            request: Its request, None where only its tasks are known.
            options: How it is sent and watched.
            tag: The mark in the names of its tasks.
            to_send: Whether it may be sent from here, so that what it takes is needed.
        """
        job, files = self._made(family, request, options, tag, to_send=to_send)
        if files is not None:
            self._taken[job] = files
            job.on_end(lambda ended: self._taken.pop(ended, None))  # also where it never is sent from here
        return job

    def send(self, job: AnyJob) -> None:
        """Queue the start of a job; one whose request holds files or jobs waits for them first."""
        self._send(job, self._taken.pop(job, None) if self._taken else None)

    def _made(
        self, family: Family, request: Request[R] | None, options: Options, tag: str | None, *, to_send: bool = True
    ) -> tuple[KeptJob[R], Any]:
        """Make a job, and give it with the files of its request, which are held for it; None where it needs nothing."""
        self._check_whole()
        files = self.inputs.take(request) if to_send and request is not None and holds_inputs(request) else None
        job = KeptJob(self, family, request, options, tag)
        self.ends.add(job)
        return job, files

    def _send(self, job: AnyJob, files: Any) -> None:  # noqa: ANN401 - what `Inputs.take` gives, or None
        if files is None:
            self.starter.put(job)
        else:
            self.inputs.wait(job, files)

    @property
    def inputs(self) -> Inputs:
        """What makes requests ready that hold more than URLs."""
        if self._inputs is None:
            from a2e_async.engine.jobs.inputs import Inputs  # noqa: PLC0415 - loaded with the first of them

            self._inputs = Inputs(self.ends, self.starter, self._hold_price, *self._of_inputs)
        return self._inputs

    def attach(self, family: Family, task_ids: Sequence[str], options: Options, tag: str | None = None) -> AnyJob:
        """Watch tasks that somebody else started."""
        return self._attach(
            family, [Record(id=one, family=family.name) for one in dict.fromkeys(task_ids)], options, tag
        )

    def _attach(self, family: Family, records: Sequence[Record], options: Options, tag: str | None) -> AnyJob:
        self._check_whole()
        job: AnyJob = KeptJob(self, family, None, options, tag)
        self.ends.add(job)
        self.ends.attached(job, records, self._siblings_of(job, len(records), options.tasks))
        return job

    def resume(self, job: AnyJob, task_ids: Sequence[str], coins: float | None) -> None:
        """Go on with a start that another process has made."""
        asked = 1 if job.request is None else job.family.tasks_asked(job.request)
        self.ends.resumed(job, task_ids, coins, self._siblings_of(job, len(task_ids), asked))

    def _siblings_of(self, job: AnyJob, known: int, asked: int) -> FindSiblings | None:
        """Give what looks for tasks that a process which has died had not found, None where there is nothing to."""
        if known >= asked or job.tag is None or not job.family.is_findable:
            return None
        return partial(Siblings(self.sender).of_another, asked=asked)

    async def find(self, family: Family, tag: str, options: Options) -> AnyJob | None:
        """Give the job for the tasks with this tag, of two sends the first; None when the list has none."""
        rows = await self.sender.finder(family).search_once(tag, None)
        known = self.live.tagged(tag)
        if known is not None or not rows:
            return known
        first = min(letter_of(family, row, tag) or "" for row in rows)
        of_first = [row for row in reversed(rows) if letter_of(family, row, tag) == first]
        return self._attach(family, [wire.record(family, row) for row in of_first], options, tag)

    def stats(self) -> Stats:
        """Count what is there, and give it with what was counted on the way."""
        from a2e_async.engine.jobs.stats import Stats  # noqa: PLC0415 - loaded when somebody asks

        since, stages = self.poller.health.outage_since, Counter(job.stage for job in self.live.jobs)
        return Stats.of(
            self.service.counts,
            queued=stages[Stage.QUEUED],
            starting=stages[Stage.STARTING],
            running=stages[Stage.RUNNING],
            outage=None if since is None else asyncio.get_running_loop().time() - since,
            spent=self.coins.spent,
            reserved=self.coins.reserved,
        )

    # What jobs ask of their keeper.

    def seen(self, job: AnyJob) -> None:
        """Note that somebody has seen how a job ended."""
        self.live.seen(job)

    def detach(self, job: AnyJob) -> None:
        """Stop watching a job; its start is not sent if it still waits."""
        self.ends.detach(job)

    async def cancel(self, job: AnyJob) -> bool:
        """Take a job back: unsent, or deleted at the service while every task is `initialized`."""
        if not await job.options.journal.may_cancel():
            return isinstance(job.error, JobCancelledError)
        await self.starter.let_go(job)
        return await self._canceller.take_back(job)

    def _check_whole(self) -> None:
        if self._broken is not None:
            raise A2EError(f"not started: this client no longer watches tasks, open another one ({self._broken})")

    def _poller_ended(self, poller: asyncio.Task[None]) -> None:
        """End every job with the poller, and send no start that nobody would watch: it would be paid for unseen."""
        if not poller.cancelled() and (error := poller.exception()) is not None:
            self._broken = f"the poller ended: {hide_secrets(repr(error))}"
            _log.error("internal error: the poller ended, and all jobs end with it (please report)", exc_info=error)
            for job in list(self.live.jobs):
                self.ends.fail(job, A2EError(self._broken))

    async def _hold_price(self, job: AnyJob) -> None:
        """Hold the price of a start before its files are uploaded, or nothing would be left for what they are for."""
        journal = job.options.journal
        if journal.paid:
            return
        decides = job.family.price_fields
        known = not any(field in decides for field in inputs_in(job.request))
        price = await self.budget.hold_ahead(job, stand_in(job.request) if known else None)
        job.on_end(self.budget.give_back)  # whatever ends it before its start is sent
        if self.budget.purse is not None and job.request is not None and not job.done():
            journal.holds(price)
            await journal.intended(job.tag, job.request)  # which holds it for all processes

    async def _quote(self, family: Family, request: Request[Result]) -> float | None:
        with contextlib.suppress(A2EError):
            return (await quote_of(self.service.ask_again, family, request)).coins
        return None

    async def aclose(self, seconds: float) -> None:
        """Close everything; waits only for answers to starts on the wire, at most so many seconds.

        The order keeps what was paid for: starts first, so that no new id comes; then what jobs are still to be
        charged; the poller and the finders only after that.
        """
        jobs, until = list(self.live.jobs), asyncio.get_running_loop().time() + seconds
        if self._inputs is not None:
            await self._inputs.aclose()
        await self.starter.aclose(seconds)
        await self.ends.aclose(until)
        self._poller_task.cancel()
        await asyncio.wait([self._poller_task])
        await self.poller.polls.aclose()
        await self.sender.aclose()
        self.budget.close()
        self.service.pacer.close()
        self._leave(jobs)
        await self.ends.aclose(until)
        self.events.close()

    def _leave(self, jobs: list[AnyJob]) -> None:
        """Detach what still runs, and log once what is left behind: its ids are all that leads back to paid tasks."""
        running = list(self.live.jobs)
        for job in running:
            self.detach(job)
        silent = [job for job in jobs if isinstance(job.error, StartUnknownError)]
        for job in silent:
            self.live.seen(job)  # they are told of with those that are left behind
        tell_of_unseen(list(self.live.unseen.values()))
        kept = [job for job in jobs if job.key is not None and (job in running or job in silent or _never_sent(job))]
        if kept:
            _log.info("the client was closed with %d jobs that another process of its store goes on with", len(kept))
        left, lost = ([job for job in some if job.key is None] for some in (running, silent))
        tell_of_left(left, lost, sum(_never_sent(job) and job.key is None for job in jobs))


def _never_sent(job: AnyJob) -> bool:
    return isinstance(job.error, ClientClosedError)
