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
import heapq
import logging
import math
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from a2e_async.core import replies, wire
from a2e_async.core.family import Family
from a2e_async.core.retry import Retry, Verdict, verdict
from a2e_async.core.schedule import Cadence, LookQueue
from a2e_async.core.status import Status, may_follow
from a2e_async.engine.events import Changed, HealthChanged
from a2e_async.engine.health import Health
from a2e_async.engine.hints import EarlyHints
from a2e_async.engine.job import Job
from a2e_async.engine.service import Service
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

AnyJob = Job[Any]
Group = tuple[str, bool]


class Watch:
    """One task that is being watched, under its id or, where another family has the same id, under both names."""

    __slots__ = ("alone", "hurried", "job", "key", "missing_since", "spelling", "task_id")

    def __init__(self, job: AnyJob, task_id: str, key: str) -> None:
        self.job = job
        self.task_id = task_id
        self.key = key
        self.spelling: object = None
        self.alone = job.family.batch is None
        self.missing_since: float | None = None
        self.hurried = False

    def again(self) -> Watch:
        """Give a watch of the same task that knows the same."""
        copy = Watch(self.job, self.task_id, self.key)
        copy.spelling, copy.alone, copy.missing_since = self.spelling, self.alone, self.missing_since
        return copy


class Poller:
    """Watches accepted jobs until each has ended.

    Args:
        service: Where looks are sent.
        cadence: How often to look.
        retry: Grace times and bounds.
        settle: Called, and awaited, with a job all of whose tasks are final.
        give_up: Called with a job and the error that ends it without its tasks' end.
    """

    def __init__(
        self,
        service: Service,
        cadence: Cadence,
        retry: Retry,
        *,
        settle: Callable[[AnyJob], Awaitable[None]],
        give_up: Callable[[AnyJob, Exception], None],
    ) -> None:
        self.health = Health(retry, self._health_changed)
        self._events = service.events
        self._service = service
        self._cadence = cadence
        self._retry = retry
        self._settle = settle
        self._give_up = give_up
        self._watches: dict[str, Watch] = {}
        self._early = EarlyHints()
        self._queue: LookQueue[Group, Watch] = LookQueue()
        self._families: dict[str, Family] = {}
        self._without_batch: set[str] = set()
        self._sharing: dict[str, list[AnyJob]] = {}
        self._deadlines: list[tuple[float, int, weakref.ref[AnyJob]]] = []
        self._looks: set[asyncio.Task[None]] = set()
        self._next_look = -math.inf
        self._alarm: asyncio.Future[None] | None = None
        self._odd_spellings: set[str] = set()

    def watch(self, job: AnyJob) -> None:
        """Watch every task of a job that has not ended."""
        loop = asyncio.get_running_loop()
        self._families[job.family.name] = job.family
        due = self._cadence.next_due(loop.time())
        for task_id in job.task_ids:
            record = job.known(task_id)
            if record is not None and record.status.final:
                continue
            key = self._key(job.family, task_id)
            if key in self._watches:
                self._share(self._watches[key], job)
                continue
            watch = self._watches[key] = Watch(job, task_id, key)
            if self._early.take(task_id, loop.time()):
                self._hurry(watch)
            else:
                self._queue.add(self._group(watch), watch, due)
        seconds = job.options.seconds(job.family)
        if seconds is not None and job.accepted_at is not None:
            # Only a weak reference: a job that has ended goes, however long its deadline stays in the heap.
            heapq.heappush(self._deadlines, (job.accepted_at + seconds, job.number, weakref.ref(job)))
        self._wake()

    def forget(self, job: AnyJob) -> None:
        """Watch a job no more."""
        names = [(task_id, key) for task_id in job.task_ids for key in (task_id, _second_key(job.family, task_id))]
        for task_id, key in names:
            others = [other for other in self._sharing.pop(key, ()) if other is not job]
            watch = self._watches.get(key)
            if watch and watch.job is job:
                del self._watches[key]
                if others:  # the next of the jobs that share the task watches it from now on
                    heir = self._watches[key] = Watch(others.pop(0), task_id, key)
                    self._again_later([heir], now=True)
                    self._wake()
            if others:
                self._sharing[key] = others

    def _share(self, watch: Watch, job: AnyJob) -> None:
        """Let a job share the watch of another one, as when a task is attached to that was started here."""
        self._sharing.setdefault(watch.key, []).append(job)
        record = watch.job.known(watch.task_id)
        if record is not None:
            job.change(record)

    def job_of(self, task_id: str) -> AnyJob | None:
        """Give the job that watches this task."""
        watch = self._watches.get(task_id)
        return watch.job if watch else None

    def hint(self, task_id: str) -> None:
        """Look at a task at once, at one that is not watched yet as soon as it is, if that is within a minute."""
        known = self._watches.get(task_id)
        if known is None:
            self._early.keep(task_id, asyncio.get_running_loop().time())
        elif not known.hurried:  # the same hint twice is one look
            watch = self._watches[known.key] = known.again()  # the one in the queue is stale from here on
            self._hurry(watch)
            self._wake()

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

    def _is_live(self, watch: Watch) -> bool:
        return self._watches.get(watch.key) is watch

    def _key(self, family: Family, task_id: str) -> str:
        """Give the name of a watch; it is the id unless a task of another family is watched under it."""
        watch = self._watches.get(task_id)
        return task_id if watch is None or watch.job.family is family else _second_key(family, task_id)

    def _most(self, group: Group) -> int:
        """Most tasks in the next look: one small look tries a service that was not well."""
        name, alone = group
        return 1 if alone or not self.health.well else self._families[name].batch_limit

    def _next_wake(self, now: float) -> float:
        """Give when there is something to do."""
        deadline = self._deadlines[0][0] if self._deadlines else math.inf
        allowed = self._cadence.looks_in_flight if self.health.well else 1
        due = self._queue.next_due()
        if due is None or len(self._looks) >= allowed:
            return deadline
        return min(deadline, max(due, self._next_look + self._cadence.gap, self.health.look_from(), now))

    async def _sleep(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self._alarm = loop.create_future()
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

    def _expire(self, now: float) -> None:
        while self._deadlines:
            deadline, _number, known = self._deadlines[0]
            job = known()
            if job is not None and not job.done() and deadline > now:
                return
            heapq.heappop(self._deadlines)
            if job is not None and not job.done():
                seconds = job.options.seconds(job.family)
                self._give_up(job, JobTimeoutError(f"no end after {seconds:g} s; the task goes on at the service"))

    def _look_at_due(self, now: float) -> None:
        group, taken = self._queue.take(now, self._most) or (None, [])
        watches = [watch for watch in taken if self._is_live(watch)]
        for watch in watches:
            watch.hurried = False
        if group and watches:
            self._launch(group, watches)
            self._next_look = max(self._next_look + self._cadence.gap, now)

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
        try:
            rows = await self._ask(family, watches, alone=alone)
        except A2EError as error:
            self._trouble(family, watches, error, alone=alone)
        except Exception as error:  # noqa: BLE001 - a token callable may raise anything; that is no job's result
            self._trouble(family, watches, TransportError(f"the look was not sent: {error!r}"), alone=alone)
        else:
            self.health.succeeded()
            await self._read(family, watches, rows)

    def _health_changed(self, since: float | None) -> None:
        outage = 0.0 if since is None else asyncio.get_running_loop().time() - since
        self._service.counts.outage_seconds += outage
        if self._events.heard:
            self._events.tell(HealthChanged(at=self._events.now(), well=since is not None, outage=outage))

    async def _ask(self, family: Family, watches: Sequence[Watch], *, alone: bool) -> dict[str, Any]:
        self._service.counts.looks += 1
        if alone:
            data = await self._service.ask(wire.detail(family, watches[0].task_id))
        else:
            data = await self._service.ask(wire.batch(family, [watch.task_id for watch in watches]))
            if data is None or isinstance(data, str):
                raise ProtocolError("a look was answered without records")
        return {replies.row_id(row): row for row in replies.rows_of(data)}

    async def _read(self, family: Family, watches: Sequence[Watch], rows: dict[str, Any]) -> None:
        running: list[Watch] = []
        ended: dict[AnyJob, None] = {}
        for asked in watches:
            watch = self._watches.get(asked.key)  # a hint may have put another in its place: the answer is good
            if watch is None or watch.job is not asked.job:
                continue
            row = rows.get(watch.task_id)
            if row is None:
                self._missing(watch)
            elif self._note(family, watch, row):
                del self._watches[watch.key]
                sharing = self._sharing.pop(watch.key, [])
                ended |= {job: None for job in (watch.job, *sharing) if job.all_final()}
                continue
            if watch is asked:
                running.append(watch)
        self._again_later(running)
        if len(ended) == 1:
            await self._settle(next(iter(ended)))
        elif ended:
            await asyncio.gather(*map(self._settle, ended))

    def _note(self, family: Family, watch: Watch, row: dict[str, Any]) -> bool:
        """Note one row; gives whether its task has ended. A row that says nothing new is not read again."""
        watch.missing_since = None
        spelling = wire.status_text(family, row)
        if spelling == watch.spelling and not watch.job.watched:
            return False
        record = wire.record(family, row)
        if record.status is Status.UNKNOWN:
            self._report_spelling(family, spelling)
        known = watch.job.known(watch.task_id)
        if known is not None and (not may_follow(known.status, record.status) or record == known):
            return known.status.final
        if spelling != watch.spelling or known != record:
            watch.spelling = spelling
            for job in (watch.job, *self._sharing.get(watch.key, ())):
                job.change(record)
            if self._events.heard:
                self._events.tell(Changed(at=self._events.now(), job=watch.job, record=record))
        return record.status.final

    def _report_spelling(self, family: Family, spelling: object) -> None:
        shown = str(spelling)[:40]
        if shown not in self._odd_spellings and len(self._odd_spellings) < 100:  # noqa: PLR2004 - a bound for the log
            self._odd_spellings.add(shown)
            _log.warning("%s: status %r is not known and counts as still running", family.name, shown)

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
        if not certain or not self._is_live(watch):
            self._again_later([watch])
            return
        for job in (watch.job, *self._sharing.get(watch.key, ())):
            self._give_up(job, NotFoundError(error.message, status=error.status, code=error.code))

    def _token_refused(self, now: float, error: AuthenticationError) -> None:
        self.health.failed(now, refused=True)
        final = self.health.token_refused(now, error)
        if final is not None:
            for job in {watch.job: None for watch in self._watches.values()}:
                self._give_up(job, AuthenticationError(final.message, status=final.status, code=final.code))

    def _again_later(self, watches: Sequence[Watch], *, now: bool = False) -> None:
        time = asyncio.get_running_loop().time()
        due = time if now else self._cadence.next_due(time)
        for watch in watches:
            if self._is_live(watch):
                self._queue.add(self._group(watch), watch, due)


def _second_key(family: Family, task_id: str) -> str:
    return f"{family.name} {task_id}"
