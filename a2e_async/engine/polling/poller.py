"""The poller: ONE coroutine that watches every task of a client.

    1  sleep until the earliest due poll, a new job or a hint
    2  take due tasks of one family, up to 100, and ask for all of them in one request
    3  match rows by id; a task that is missing is asked for alone before anything is believed of it
    4  final: written down first, told second; otherwise due again by the cadence

Laws of this file: a failed poll changes the service's health, never a job: the task is paid for and goes on. A poll
that is refused for many tasks is halved until the task that spoils it is alone, and is asked for by its detail. One
observation is no proof (`trust`). A fault of ours in one row costs that row one poll, and no other row anything.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Any, Final

from a2e_async.core.family import Family
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.schedule import Cadence, Group, PollQueue
from a2e_async.core.retry import Retry, Verdict, verdict
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.background import BackgroundTasks
from a2e_async.engine.jobs.ends import Ends
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.polling.deadlines import Alarm, Deadlines
from a2e_async.engine.polling.health import Health, outages_told
from a2e_async.engine.polling.rows import RowReader, ask
from a2e_async.engine.polling.trust import Absences, BatchRoutes
from a2e_async.engine.polling.watches import EarlyHints, Watch, Watches
from a2e_async.errors import (
    A2EError,
    AuthenticationError,
    JobTimeoutError,
    NotFoundError,
    ProtocolError,
    ServiceError,
    TransportError,
    again,
)

_log = logging.getLogger("a2e_async")

_SUSPECT_SECONDS: Final = 300.0  # a task that spoils batches is tried in one again after this time
_STOOD_STILL: Final = 30.0  # a sleep that lasts so much too long was the machine's
_MOST_FAULTS: Final = 10


class Poller:
    """Watches accepted jobs until each has ended.

    Args:
        service: Where polls are sent.
        cadence: How often to poll.
        retry: Grace times and bounds.
        learned: What is known of the ages at which tasks end; it is added to.
        ends: Where jobs end.

    Attributes:
        health: What polls say of the service.
        polls: Those under way.
    """

    def __init__(self, service: Service, cadence: Cadence, retry: Retry, learned: Learned, ends: Ends) -> None:
        self.health = Health(retry, outages_told(service))
        self._service = service
        self._cadence = cadence
        self._retry = retry
        self._learned = learned
        self._ends = ends
        self._watches = Watches()
        self._deadlines = Deadlines()
        self._early = EarlyHints()
        self._queue: PollQueue[Watch] = PollQueue(cadence, learned)
        self._families: dict[str, Family] = {}
        self._batches = BatchRoutes()
        self._absences = Absences(self._watches, retry)
        self._reader = RowReader(self._watches, self._absences, learned, service.events)
        self._alarm = Alarm()
        self.polls = BackgroundTasks("a2e poll", self._alarm.wake)
        self._last_poll = -math.inf
        ends.subscribe(self)

    def watch(self, job: AnyJob) -> None:
        """Watch every task of a job that has not ended; again when it has more tasks than before."""
        now = asyncio.get_running_loop().time()
        self._families[job.family.name] = job.family
        for task_id in job.task_ids:
            record = job.known(task_id)
            watch = None if record is not None and record.status.final else self._watches.add(job, task_id, now)
            if watch is not None and self._early.take(task_id, now):
                self._hurry(watch)
            elif watch is not None:
                self._queue.add(self._group(watch, now), watch)
        self._deadlines.add(job)
        self._wake_for(now)

    def let_go(self, job: AnyJob) -> None:
        """Stop watching a job that has ended."""
        self._deadlines.drop(job)
        if job.error is not None:  # a job with a result has seen the end of each of its tasks
            self.drop(job, job.task_ids)

    def drop(self, job: AnyJob, task_ids: Sequence[str]) -> None:
        """Stop watching these tasks for this job; where others share one, they are polled for it at once."""
        for watch, heir in self._watches.forget(job, task_ids):
            if heir is None:
                self._learned.left(job.family.name, watch)
            else:
                self._again_later([heir], now=True)
                self._alarm.wake()

    def job_of(self, task_id: str) -> AnyJob | None:
        """Give the job that watches this task."""
        watch = self._watches.find(task_id)
        return watch.job if watch else None

    def hint(self, task_id: str) -> None:
        """Poll a task at once; one that is not watched yet as soon as it is, if that is within a minute."""
        now = asyncio.get_running_loop().time()
        watch = self._watches.find(task_id)
        if watch is None:
            self._early.keep(task_id, now)
        elif not watch.hurried:  # the same hint twice is one poll
            self._hurry(watch if watch.place is not None else self._watches.renew(watch))
            self._wake_for(now)

    async def run(self) -> None:
        """Watch until cancelled. A fault of our own costs one turn; one that stays ends every job (`Engine`)."""
        loop = asyncio.get_running_loop()
        faults = 0
        while True:
            try:
                await self._turn(loop)
                faults = 0
            except Exception:
                faults += 1
                if faults >= _MOST_FAULTS:
                    raise
                _log.exception("internal error in the poller, which goes on (please report)")
                await asyncio.sleep(self._retry.wait(faults, 1.0))

    async def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._expire(loop.time())
        wake_at = self._next_wake(loop.time())
        if wake_at > loop.time():
            if await self._alarm.sleep(wake_at) > _STOOD_STILL:  # the machine slept: tasks that ended get a poll first
                self._deadlines.wait_until(loop.time() + _STOOD_STILL)
        else:
            self._poll_due(loop.time())

    def _hurry(self, watch: Watch) -> None:
        watch.hurried = True
        self._queue.hurry(self._group(watch, asyncio.get_running_loop().time()), watch)

    def _group(self, watch: Watch, now: float) -> Group:
        name = watch.job.family.name
        return name, watch.is_alone(now) or self._batches.missing(name, now)

    def _most(self, group: Group) -> int:
        """Most tasks in the next poll; after a failure one small poll tries the service first."""
        return 1 if group[1] or not self.health.well else self._families[group[0]].batch_limit

    def _next_wake(self, now: float) -> float:
        """Give when there is something to do."""
        deadline = self._deadlines.next()
        allowed = self._cadence.polls_in_flight if self.health.well else 1
        due = self._queue.next_due()
        if due is None or len(self.polls) >= allowed:
            return deadline
        return min(deadline, max(due, self._last_poll + self._cadence.gap, self.health.poll_from(), now))

    def _wake_for(self, now: float) -> None:
        """Wake only when there is something to do before the alarm: thousands of new jobs change nothing."""
        at = self._alarm.at
        if at <= now:
            return
        due = self._queue.next_due()
        is_sooner = (due is not None and due < at) or self._deadlines.next() < at
        if is_sooner and self._next_wake(now) < at:
            self._alarm.wake()

    def _expire(self, now: float) -> None:
        for job in self._deadlines.passed(now):
            seconds = job.options.seconds(job.family)
            self._ends.fail(job, JobTimeoutError(f"timed out after {seconds:g} s; the task is still running on A2E"))

    def _poll_due(self, now: float) -> None:
        group, taken = self._queue.take(now, self._most) or (None, [])
        watches = self._watches.live_among(taken)
        for watch in watches:
            watch.polled(now)
        if group and watches:
            self._last_poll = now
            self.polls.run(self._poll(group, watches))

    async def _poll(self, group: Group, watches: list[Watch]) -> None:
        try:
            await self._ask_and_read(self._families[group[0]], watches, alone=group[1])
        except Exception:  # a fault of ours must not end the watch of a hundred tasks
            self._again_later([watch for watch in watches if watch.place is None])
            raise

    async def _ask_and_read(self, family: Family, watches: list[Watch], *, alone: bool) -> None:
        asked_at = asyncio.get_running_loop().time()
        try:
            rows = await ask(self._service, family, [watch.task_id for watch in watches], alone=alone)
        except Exception as error:  # noqa: BLE001 - a token callable may raise anything; that is no job's result
            known = error if isinstance(error, A2EError) else TransportError(f"the poll was not sent: {error!r}")
            self._trouble(family, watches, known, alone=alone)
        else:
            if not alone:
                self._batches.answered(family.name)
            if self._absences.is_outage(watches, rows, well=self.health.well):
                self._failed(asyncio.get_running_loop().time(), "most tasks of a poll were missing together")
            else:
                self.health.succeeded()
            await self._read(family, watches, rows, asked_at)

    async def _read(self, family: Family, watches: Sequence[Watch], rows: dict[str, Any], asked_at: float) -> None:
        again, ended = self._reader.read_all(family, watches, rows, asked_at)
        self._again_later(again)
        await self._ends.finish(ended)

    def _failed(self, now: float, why: object, retry_after: float | None = None, *, refused: bool = False) -> None:
        self.health.failed(now, retry_after, refused=refused)
        _log.info("a poll failed, jobs go on: %s", why, extra={"failures": self.health.failures})

    def _trouble(self, family: Family, watches: list[Watch], error: A2EError, *, alone: bool) -> None:
        """Decide what a failed poll says: of an endpoint, of a task, of the token, or only of the service's health."""
        now = asyncio.get_running_loop().time()
        if isinstance(error, ServiceError) and error.no_route and not alone:
            self._batches.refused(family.name, now)
            self._again_later(watches, now=True)
        elif isinstance(error, NotFoundError) and alone:
            self._not_found(watches[0], error, now)
        elif isinstance(error, AuthenticationError):
            self._failed(now, error, refused=True)
            self._suspect(watches, halve=True, alone=alone)
            for job in self._watches.jobs() if self.health.token_refused(now, error) else ():
                self._ends.fail(job, again(error))
        elif isinstance(error, ServiceError) and not error.page and verdict(error) is Verdict.REFUSED:
            self.health.succeeded()
            self._suspect(watches, halve=True, alone=alone)
        else:
            self._failed(now, error, getattr(error, "retry_after", None))
            self._suspect(watches, halve=isinstance(error, ServiceError | ProtocolError), alone=alone)

    def _suspect(self, watches: list[Watch], *, halve: bool, alone: bool) -> None:
        """Poll again; halve a poll that one of its tasks may have spoilt."""
        now = asyncio.get_running_loop().time()
        if alone and not self.health.well:  # it is the service, not this task
            watches[0].isolate(-math.inf)
        if not halve or alone:
            self._again_later(watches, now=not alone)
        elif len(watches) == 1:
            watches[0].isolate(now + _SUSPECT_SECONDS)  # its detail tells whether it is the task or the service
            self._queue.add_set(self._group(watches[0], now), watches, first=True)
        else:
            middle = len(watches) // 2
            for half in (watches[:middle], watches[middle:]):
                self._queue.add_set(self._group(half[0], now), half)

    def _not_found(self, watch: Watch, error: NotFoundError, now: float) -> None:
        """End the job of a task that the service surely does not know; it may have been paid for, so doubt waits."""
        believed = not error.no_route and not watch.is_guessed and self._absences.believed(watch, now)
        if watch.is_known and self._absences.are_most_missing(now):
            self._failed(now, error)
        elif not error.no_route:
            self.health.succeeded()
        if believed and self._watches.is_live(watch):
            for job in self._watches.jobs_of(watch):
                self._ends.fail(job, again(error))
        else:
            self._again_later([watch])

    def _again_later(self, watches: Sequence[Watch], *, now: bool = False) -> None:
        """Let tasks wait for their next poll, an interval after the last one or now."""
        time = asyncio.get_running_loop().time()
        groups: dict[Group, list[Watch]] = {}
        for watch in self._watches.live_among(watches):
            watch.asked = time - self._cadence.interval if now else watch.asked
            groups.setdefault(self._group(watch, time), []).append(watch)
        for group, some in groups.items():
            self._queue.add_again(group, some)
