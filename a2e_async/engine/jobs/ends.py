"""THE one place where a job is accepted and where it ends.

Laws of this file: a job whose tasks have ended, or whose start was refused, ends in this order: journal, money, live
jobs, job, events. A process can die between any two of them: what is on disk is never behind what anybody was told, so
a resumed batch never starts a paid task again, and whoever is woken finds the coins counted. Two things do not wait for
the journal: what the answer to a start or a DELETE says of coins is counted before anything is awaited, for it is a
fact that no cancellation may lose; and what ends a job at once (`fail`: its deadline, a closing) is written down after
that, for a process that dies between leaves a job that is asked about again. A job ends once, and whoever comes second
changes nothing. Poller and starter call in here and nothing here calls them: who has to hear of jobs subscribes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from a2e_async.core.records import Record, Result, coins_of
from a2e_async.engine.jobs.background import BackgroundTasks
from a2e_async.engine.jobs.coins import Coins
from a2e_async.engine.jobs.counts import Counts
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.lacking import Lacking
from a2e_async.engine.jobs.listeners import Events
from a2e_async.engine.jobs.live import LiveJobs, failure_of
from a2e_async.engine.jobs.options import NO_JOURNAL
from a2e_async.engine.jobs.watcher import FindDoubles, FindSiblings, Watcher
from a2e_async.errors import JobDetachedError

_log = logging.getLogger("a2e_async")


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
        self._doubles: dict[AnyJob, FindDoubles] = {}
        self._lacking = Lacking()
        self._ending: set[AnyJob] = set()
        self._background = BackgroundTasks("a2e ends")

    def subscribe(self, watcher: Watcher) -> None:
        """Let a watcher hear which jobs run, and which have ended."""
        self._watchers.append(watcher)

    def add(self, job: AnyJob) -> None:
        """Take a new job in."""
        self.live.add(job)
        if self._events.heard:
            self._events.started(job)

    # A job is accepted.

    async def accepted(
        self,
        job: AnyJob,
        records: Sequence[Record],
        doubles: FindDoubles | None = None,
        siblings: FindSiblings | None = None,
    ) -> None:
        """Note that the service has taken a start; its coins were counted with the answer, before anything is awaited.

        Args:
            job: The job.
            records: Its tasks.
            doubles: Given when the start was sent twice. Asked now and once more before the job ends, because lists
                lag, and what both sends made was charged.
            siblings: Given when fewer tasks are known than were asked for; see `Lacking`.
        """
        job.task_ids = tuple([record.id for record in records])  # from here on every error names them
        coins = coins_of(records)
        if job.options.journal is not NO_JOURNAL:
            await job.options.journal.accepted(job.tag, job.task_ids, coins or None)  # 0 may be said before the charge
        if job.done():
            facts = {"tag": job.tag, "task_ids": job.task_ids}
            words = "a job ended while its start was on the wire; these tasks were started and go on: %s"
            _log.warning(words, ", ".join(job.task_ids), extra=facts)
            return
        if doubles is not None:
            self._doubles[job] = doubles
        self._lacking.add(job, siblings)
        self._takes(job, records, coins)
        if job.all_final():  # where it has to wait, the worker of the start is free for the next one meanwhile
            (self._finish_now if self._waits_for_nothing(job) else self._finish_soon)(job)
            return
        if doubles is not None:
            self._background.run(self._charge_doubles(job, doubles))
        for watcher in self._watchers:
            watcher.watch(job)

    async def collect(self, job: AnyJob) -> bool:
        """Take in the tasks of a start that its answer did not name; gives whether surely all of them are known."""
        more, is_all = await self._lacking.find(job)
        if more:  # also when the job was detached meanwhile: `grow` says which they are
            await self.grow(job, more)
        return is_all

    async def grow(self, job: AnyJob, records: Sequence[Record]) -> None:
        """Note more tasks of a start, which has been accepted with too few."""
        if self._lacking.pays(job):
            self.coins.charge_more({record.id: record.coins or 0 for record in records})
        ids = (*job.task_ids, *(record.id for record in records))
        coins = coins_of((*job.records, *records))
        if job.options.journal is not NO_JOURNAL:
            await job.options.journal.accepted(job.tag, ids, coins or None)
        if job.done():
            words = "a job had ended when more of its tasks were found; they go on: %s"
            _log.warning(words, ", ".join(ids), extra={"tag": job.tag, "task_ids": ids})
            return
        job.grow(records, coins)
        for watcher in self._watchers:
            watcher.watch(job)

    def attached(self, job: AnyJob, records: Sequence[Record], siblings: FindSiblings | None = None) -> None:
        """Begin with tasks that are there already; nothing was charged for them by this."""
        self._lacking.add(job, siblings, paid_here=False)
        self._takes(job, records, coins_of(records))
        if job.all_final():
            self._background.run(self.finish([job]))
            return
        for watcher in self._watchers:
            watcher.watch(job)

    def resumed(
        self, job: AnyJob, task_ids: Sequence[str], coins: float | None, siblings: FindSiblings | None = None,
        *, watched: bool = True,
    ) -> None:  # fmt: skip
        """Go on with a start that another process has made; nothing was charged for it here.

        Args:
            job: The job, which was not begun here.
            task_ids: Its tasks.
            coins: What they cost, as that process wrote down.
            siblings: As for `accepted`.
            watched: Whether they are watched here; if not, `follow` tells how the job ends.
        """
        job.begin()
        self._lacking.add(job, siblings, paid_here=False)
        if not job.task_ids:
            self._takes(job, [Record(id=one, family=job.family.name) for one in task_ids], coins)
        elif job.task_ids != tuple(task_ids):
            gone = job.agree(task_ids, coins)  # since then another process found more of them, or deleted some
            for watcher in self._watchers if gone else ():
                watcher.drop(job, gone)
        for watcher in self._watchers if watched else ():
            watcher.watch(job)

    def follow(self, job: AnyJob, result: Result | None, error: Exception | None) -> None:
        """End a job as another process, or an earlier one, has written down that it ended."""
        self._end(job, result, error)

    def _takes(self, job: AnyJob, records: Sequence[Record], coins: float | None) -> None:
        job.take(records, coins)
        if self._events.heard:
            self._events.accepted(job)

    # A job ends.

    async def finish(self, jobs: Iterable[AnyJob]) -> None:
        """End jobs whose tasks are all final; a crash before the journal has it costs one more poll, never a start."""
        slow = []
        for job in jobs:
            if job.done() or job in self._ending:
                continue
            if self._waits_for_nothing(job):
                self._finish_now(job)
            elif job in self._lacking or job.options.journal.may_wait:
                self._finish_soon(job)  # which may take as long as a lost start is looked for, or a store is away
            else:
                self._ending.add(job)
                slow.append(self._finish_slowly(job))
        if slow:
            await asyncio.gather(*slow)

    def _waits_for_nothing(self, job: AnyJob) -> bool:
        """Whether a job can end in one step: a task of its own would cost more than the end does."""
        return job.options.journal is NO_JOURNAL and job not in self._doubles and job not in self._lacking

    def _finish_soon(self, job: AnyJob) -> None:
        self._ending.add(job)
        self._background.run(self._finish_slowly(job))

    async def _finish_slowly(self, job: AnyJob) -> None:
        try:
            if job in self._lacking:
                await self.collect(job)
                self._lacking.discard(job)
                if job.done() or not job.all_final():  # it goes on with them
                    return
            doubles = self._doubles.pop(job, None)
            if doubles is not None:
                await self._charge_doubles(job, doubles)
            if job.options.journal is not NO_JOURNAL:
                await job.options.journal.finished(job.tag, job.records)
        except Exception as error:  # noqa: BLE001 - a journal that fails ends the job with its own error
            self.coins.ended(job.family, job.records, job.task_ids)
            self.fail(job, error)
        else:
            self._finish_now(job)
        finally:
            self._ending.discard(job)
            del job  # since Python 3.12 an error keeps this frame, and would keep the job

    def _finish_now(self, job: AnyJob) -> None:
        records = job.records
        failed = self.coins.ended(job.family, records, job.task_ids)  # before who is woken starts again
        try:
            error: Exception | None = failure_of(job.family, records) if failed else None
            result = None if failed else Result(records)
        except Exception as odd:  # noqa: BLE001 - a result that cannot be built ends this job with that error
            result, error = None, odd
        self._end(job, result, error)

    async def refuse(self, job: AnyJob, error: Exception) -> None:
        """End a job with an error that is written down before anybody is told; the job ends whatever comes of that."""
        try:
            if job.options.journal is not NO_JOURNAL and not job.done():
                await asyncio.shield(self._background.run(self._write(job, error)))
        finally:
            self._end(job, None, error)

    def fail(self, job: AnyJob, error: Exception) -> asyncio.Task[None] | None:
        """End a job with an error at once; gives what writes it down, None where nothing does.

        What its tasks were charged stays known. A process that dies before that leaves a job to be asked about again.
        """
        over = job.done()
        self._end(job, None, error)
        return None if over or job.options.journal is NO_JOURNAL else self._background.run(self._write(job, error))

    async def _write(self, job: AnyJob, error: Exception) -> None:
        try:
            await job.options.journal.failed(job.tag, error)
        except Exception:  # noqa: BLE001 - the error that ends the job is what its awaiters have to hear
            _log.warning("could not write down how a job ended; tag %s", job.tag, exc_info=True)

    def detach(self, job: AnyJob) -> None:
        """End a job and let its tasks go on."""
        fate = "is no longer watched; its task goes on" if job.task_ids else "was detached before its start was taken"
        self.fail(job, JobDetachedError(f"the job {fate}"))

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
                await job.options.journal.accepted(job.tag, job.task_ids, coins_of(job.records) or None)
            except Exception:  # noqa: BLE001 - the deletion stands; a later process finds the deleted ids missing
                _log.exception("could not write down which tasks of a start are left: %s", job.task_ids)
        if job.all_final():
            self._background.run(self.finish([job]))

    def _end(self, job: AnyJob, result: Result | None, error: Exception | None) -> None:
        if job.done():
            return
        self._doubles.pop(job, None)
        self._lacking.discard(job)
        self.live.finish(job, result, error)
        self._counts.finished += 1
        self._counts.failed += error is not None
        for watcher in self._watchers:
            watcher.let_go(job)
        if self._events.heard:
            self._events.finished(job, self._server_time())

    # What goes on beside the jobs.

    async def _charge_doubles(self, job: AnyJob, doubles: FindDoubles) -> None:
        self.coins.charge_more(await doubles(job))

    async def aclose(self, until: float) -> None:
        """Wait for what goes on beside the jobs until a time of the event loop, then end it."""
        await self._background.aclose(until - asyncio.get_running_loop().time())
