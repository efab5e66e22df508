"""The poller: ONE coroutine that watches every task of a client.

    1  sleep until the earliest due look, a new job or a hint
    2  take due tasks of one family, up to 100, and ask for all of them in one request
    3  match rows by id; a task that is missing is asked for alone before anything is believed of it
    4  final: written down first, told second; otherwise due again by the cadence

Laws of this file: a failed look changes the service's health, never a job. A look that is refused for many tasks is
halved until the one that spoils it stands alone, and that one is asked for by its detail.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from a2e_async.core import replies, wire
from a2e_async.core.family import Family
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.schedule import Cadence, Group, LookQueue
from a2e_async.core.retry import Retry, Verdict, verdict
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.events import HealthChanged
from a2e_async.engine.jobs.options import NO_JOURNAL
from a2e_async.engine.polling.deadlines import Deadlines
from a2e_async.engine.polling.health import Health
from a2e_async.engine.polling.hints import EarlyHints
from a2e_async.engine.polling.rows import News
from a2e_async.engine.polling.watches import AnyJob, Watch, Watches
from a2e_async.errors import (
    A2EError,
    AuthenticationError,
    JobTimeoutError,
    NotFoundError,
    ProtocolError,
    ServiceError,
    TransportError,
)

_log = logging.getLogger("a2e_async")


class Poller:
    """Watches accepted jobs until each has ended.

    Args:
        service: Where looks are sent.
        cadence: How often to look.
        retry: Grace times and bounds.
        learned: What is known of the ages at which tasks end; it is added to.
        settle: Called, and awaited, with a job all of whose tasks are final.
        give_up: Called with a job and the error that ends it without its tasks' end.
    """

    def __init__(
        self,
        service: Service,
        cadence: Cadence,
        retry: Retry,
        learned: Learned,
        *,
        settle: Callable[[AnyJob], Awaitable[None]],
        give_up: Callable[[AnyJob, Exception], None],
    ) -> None:
        self.health = Health(retry, self._health_changed)
        self._events = service.events
        self._service = service
        self._cadence = cadence
        self._retry = retry
        self._learned = learned
        self._settle = settle
        self._give_up = give_up
        self._watches = Watches()
        self._deadlines = Deadlines()
        self._early = EarlyHints()
        self._news = News(self._watches, service.events)
        self._queue: LookQueue[Watch] = LookQueue(cadence, learned)
        self._families: dict[str, Family] = {}
        self._without_batch: set[str] = set()
        self._looks: set[asyncio.Task[None]] = set()
        self._last_look = -math.inf
        self._alarm: asyncio.Future[None] | None = None
        self._alarm_at = -math.inf

    def watch(self, job: AnyJob) -> None:
        """Watch every task of a job that has not ended."""
        now = asyncio.get_running_loop().time()
        self._families[job.family.name] = job.family
        for task_id in job.task_ids:
            record = job.known(task_id)
            if record is not None and record.status.final:
                continue
            watch = self._watches.add(job, task_id, now)
            if watch is not None and self._early.take(task_id, now):
                self._hurry(watch)
            elif watch is not None:
                self._queue.add(self._group(watch), watch)
        self._deadlines.add(job)
        self._wake_for(now)

    def let_go(self, job: AnyJob) -> None:
        """Forget the time limit of a job that has ended."""
        self._deadlines.drop(job)

    def forget(self, job: AnyJob) -> None:
        """Watch a job no more."""
        for watch, heir in self._watches.forget(job):
            if heir is None:
                self._learned.left(job.family.name, watch)
            else:
                self._again_later([heir], now=True)
                self._wake()

    def job_of(self, task_id: str) -> AnyJob | None:
        """Give the job that watches this task."""
        watch = self._watches.find(task_id)
        return watch.job if watch else None

    def hint(self, task_id: str) -> None:
        """Look at a task at once, at one that is not watched yet as soon as it is, if that is within a minute."""
        now = asyncio.get_running_loop().time()
        watch = self._watches.find(task_id)
        if watch is None:
            self._early.keep(task_id, now)
        elif not watch.hurried:  # the same hint twice is one look
            self._hurry(watch if watch.place is not None else self._watches.renew(watch))
            self._wake_for(now)

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._expire(loop.time())
            wake_at = self._next_wake(loop.time())
            if wake_at > loop.time():
                await self._sleep(loop, wake_at)
                continue
            self._look_at_due(loop.time())

    async def aclose(self) -> None:
        """End the looks under way."""
        looks = set(self._looks)
        for look in looks:
            look.cancel()
        if looks:
            await asyncio.wait(looks)

    def _hurry(self, watch: Watch) -> None:
        watch.hurried = True
        self._queue.hurry(self._group(watch), watch)

    def _group(self, watch: Watch) -> Group:
        name = watch.job.family.name
        return name, watch.alone or name in self._without_batch

    def _most(self, group: Group) -> int:
        """Most tasks in the next look: one small look tries a service that was not well."""
        name, alone = group
        return 1 if alone or not self.health.well else self._families[name].batch_limit

    def _next_wake(self, now: float) -> float:
        """Give when there is something to do."""
        deadline = self._deadlines.next()
        allowed = self._cadence.looks_in_flight if self.health.well else 1
        due = self._queue.next_due()
        if due is None or len(self._looks) >= allowed:
            return deadline
        return min(deadline, max(due, self._last_look + self._cadence.gap, self.health.look_from(), now))

    async def _sleep(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self._alarm, self._alarm_at = loop.create_future(), until
        timer = loop.call_at(until, self._wake) if until < math.inf else None
        try:
            await self._alarm
        finally:
            self._alarm = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)

    def _wake_for(self, now: float) -> None:
        """Wake only when there is something to do before the alarm: thousands of new jobs change nothing."""
        if self._alarm is not None and self._next_wake(now) < self._alarm_at:
            self._wake()

    def _expire(self, now: float) -> None:
        for job in self._deadlines.passed(now):
            seconds = job.options.seconds(job.family)
            self._give_up(job, JobTimeoutError(f"no end after {seconds:g} s; the task goes on at the service"))

    def _look_at_due(self, now: float) -> None:
        group, taken = self._queue.take(now, self._most) or (None, [])
        watches = [watch for watch in taken if self._watches.is_live(watch)]
        for watch in watches:
            watch.hurried, watch.asked = False, now
        if group and watches:
            self._last_look = now
            self._launch(group, watches)

    def _launch(self, group: Group, watches: list[Watch]) -> None:
        look = asyncio.create_task(self._look(group, watches), name="a2e look")
        self._looks.add(look)
        look.add_done_callback(self._looked)

    def _looked(self, look: asyncio.Task[None]) -> None:
        self._looks.discard(look)
        if not look.cancelled() and look.exception() is not None:
            _log.error("a look ended with an error of its own", exc_info=look.exception())
        self._wake()

    async def _look(self, group: Group, watches: list[Watch]) -> None:
        family, alone = self._families[group[0]], group[1]
        asked_at = asyncio.get_running_loop().time()
        try:
            rows = await self._ask(family, watches, alone=alone)
        except A2EError as error:
            self._trouble(family, watches, error, alone=alone)
        except Exception as error:  # noqa: BLE001 - a token callable may raise anything; that is no job's result
            self._trouble(family, watches, TransportError(f"the look was not sent: {error!r}"), alone=alone)
        else:
            self.health.succeeded()
            try:
                await self._read(family, watches, rows, asked_at)
            except Exception:  # noqa: BLE001 - a mistake of ours must not end the watch of a hundred tasks
                _log.exception("a look could not be read; its tasks are looked at again, by halves")
                self._suspect([watch for watch in watches if watch.place is None], halve=True, alone=alone)

    def _health_changed(self, since: float | None) -> None:
        outage = 0.0 if since is None else asyncio.get_running_loop().time() - since
        self._service.counts.outage_seconds += outage
        if self._events.heard:
            self._events.tell(HealthChanged(at=self._events.now(), well=since is not None, outage=outage))

    async def _ask(self, family: Family, watches: Sequence[Watch], *, alone: bool) -> dict[str, Any]:
        self._service.counts.looks += 1
        if alone:
            data = await self._service.ask(wire.detail(family, watches[0].task_id))
            return {replies.row_id(row): row for row in replies.rows_of(data)}
        ids, found = [watch.task_id for watch in watches], dict[str, Any]()
        for page in range(1, (family.batch or family.detail).pages + 1):
            data = await self._service.ask(wire.batch(family, ids, page))
            if data is None or isinstance(data, str):
                raise ProtocolError("a look was answered without records")
            rows = {replies.row_id(row): row for row in replies.rows_of(data)}
            is_news = not rows.keys() <= found.keys()  # a service may not turn pages
            found |= rows
            if not is_news or found.keys() >= set(ids):
                break
        return found

    async def _read(self, family: Family, watches: Sequence[Watch], rows: dict[str, Any], asked_at: float) -> None:
        now = asyncio.get_running_loop().time()
        running: list[Watch] = []
        ended: dict[AnyJob, None] = {}
        try:
            for asked in watches:
                watch = self._watches.find(asked.key)  # a hint may have put another in its place: the answer is good
                if watch is None or watch.job is not asked.job:
                    continue
                row = rows.get(watch.task_id)
                if row is None:
                    self._missing(watch)
                elif self._news.read(family, watch, row):
                    self._learned.ended(family.name, watch, now)
                    ended |= {job: None for job in self._watches.end(watch) if job.all_final()}
                    continue
                else:
                    self._learned.running(family.name, watch, asked_at)
                if watch is asked:
                    running.append(watch)
            self._again_later(running)
        finally:
            await self._settle_all(ended)

    async def _settle_all(self, jobs: Iterable[AnyJob]) -> None:
        slow = []
        for job in jobs:
            if job.options.journal is NO_JOURNAL and job.twice_since is None:
                await self._settle(job)  # waits for nothing, so that a task of its own would cost more than it does
            else:
                slow.append(job)
        if slow:
            await asyncio.gather(*map(self._settle, slow))

    def _missing(self, watch: Watch) -> None:
        """A look does not know this task: right after the start it may not yet, later it is asked for alone."""
        now = asyncio.get_running_loop().time()
        if watch.missing_since is None:
            watch.missing_since = now
        if now - watch.missing_since >= self._retry.missing_grace:
            watch.alone = True

    def _trouble(self, family: Family, watches: list[Watch], error: A2EError, *, alone: bool) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(error, ServiceError) and error.no_route and not alone:
            self._without_batch.add(family.name)
            self._again_later(watches, now=True)
        elif isinstance(error, NotFoundError) and alone:
            self.health.succeeded()
            self._not_found(watches[0], error)
        elif isinstance(error, AuthenticationError):
            self._token_refused(now, error)
            self._suspect(watches, halve=True, alone=alone)
        else:
            healthy = isinstance(error, ServiceError) and verdict(error) is Verdict.REFUSED
            if healthy:
                self.health.succeeded()
            else:
                self.health.failed(now, getattr(error, "retry_after", None))
                _log.info("a look failed, jobs go on: %s", error, extra={"failures": self.health.failures})
            self._suspect(watches, halve=healthy or isinstance(error, ServiceError | ProtocolError), alone=alone)

    def _suspect(self, watches: list[Watch], *, halve: bool, alone: bool) -> None:
        """Look again; halve a look that one of its tasks may have spoilt."""
        if alone and not self.health.well:  # it is the service, not this task
            watches[0].alone = watches[0].job.family.batch is None
        if not halve or alone:
            self._again_later(watches, now=not alone)
        elif len(watches) == 1:
            watches[0].alone = True  # its own detail tells at once whether it is this task or the service
            self._queue.add_set(self._group(watches[0]), watches, first=True)
        else:
            middle = len(watches) // 2
            for half in (watches[:middle], watches[middle:]):
                self._queue.add_set(self._group(half[0]), half)

    def _not_found(self, watch: Watch, error: NotFoundError) -> None:
        now = asyncio.get_running_loop().time()
        if watch.missing_since is None:
            watch.missing_since = now
        certain = not error.no_route and now - watch.missing_since >= self._retry.missing_grace
        if not certain or not self._watches.is_live(watch):
            self._again_later([watch])
            return
        for job in self._watches.jobs_of(watch):
            self._give_up(job, NotFoundError(error.message, status=error.status, code=error.code))

    def _token_refused(self, now: float, error: AuthenticationError) -> None:
        self.health.failed(now, refused=True)
        final = self.health.token_refused(now, error)
        if final is not None:
            for job in self._watches.jobs():
                self._give_up(job, AuthenticationError(final.message, status=final.status, code=final.code))

    def _again_later(self, watches: Sequence[Watch], *, now: bool = False) -> None:
        """Let tasks wait for their next look, an interval after the last one or now."""
        time = asyncio.get_running_loop().time()
        for watch in watches:
            if self._watches.is_live(watch):
                if now:
                    watch.asked = time - self._cadence.interval
                self._queue.add(self._group(watch), watch)
