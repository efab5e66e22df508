"""A job as the engine keeps it: what changes it, and what nobody else needs to know of it.

Laws of this file: whoever changes a job has written it down first (see `core/hooks.py`); its stage changes only by an
event of `STAGES`. Users hold the same object as a `Job`, which shows nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any, TypeVar

from a2e_async.core.family import Family, Request
from a2e_async.core.records import Record, Result
from a2e_async.core.status import STAGES, JobEvent
from a2e_async.engine.jobs.job import Job, Keeper
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.jobs.waiting import call_all, wake, without_frames

R = TypeVar("R", bound=Result)


class KeptJob(Job[R]):
    """A job with what the engine does to it.

    Attributes:
        options: How it is started and watched.
        number: Its place among the jobs of its client.
        accepted_at: The loop's time at which its tasks were known, None before.
        twice_since: The service's time of its first POST, where a second one was sent or may have been, else None; 0
            where nobody knows that time. It says how far down the list doubles are looked for.
    """

    __slots__ = ("accepted_at", "number", "options", "twice_since")

    def __init__(
        self, keeper: Keeper, family: Family, request: Request[R] | None, options: Options, tag: str | None = None
    ) -> None:
        super().__init__(keeper, family, request, tag)
        self.options = options
        self.number = 0
        self.accepted_at: float | None = None
        self.twice_since: float | None = None

    def _moves(self, event: JobEvent) -> bool:
        before, after = STAGES[event]
        moves = self._stage in before
        self._stage = after if moves else self._stage
        return moves

    def begin(self) -> bool:
        """Note that the start is about to be sent; False: it was before, or the job has ended, so it must not be."""
        return self._moves(JobEvent.STARTING)

    def take(self, records: Sequence[Record], coins: float | None) -> bool:
        """Note the tasks that the start made, or that the job is attached to; False: it has ended."""
        if not self._moves(JobEvent.ATTACHED if self.request is None else JobEvent.ACCEPTED):
            return False
        self.task_ids, self.accepted_at = (), self._loop.time()
        self.grow(records, coins)
        self._trace_id = next((record.trace_id for record in records if record.trace_id), None)
        wake(self._accepters)
        self._accepters = None
        return True

    def change(self, record: Record) -> None:
        """Note what the service now says about one task, and tell those who listen."""
        known = self._records
        if not known or (len(known) == 1 and known[0].id == record.id):  # as most have one task
            self._records = (record,)
        else:
            at = next((place for place, one in enumerate(known) if one.id == record.id), len(known))
            self._records = (*known[:at], record, *known[at + 1 :])
        for listener in self._listeners or ():
            listener.tell(record)

    def grow(self, records: Sequence[Record], coins: float | None) -> None:
        """Note more tasks of the start, and what all of them cost."""
        self.task_ids += tuple([record.id for record in records])
        self._coins = coins
        for record in records:
            self.change(record)

    def drop(self, task_ids: Container[str]) -> None:
        """Let go of tasks that were deleted."""
        self.task_ids = tuple([task_id for task_id in self.task_ids if task_id not in task_ids])

    def agree(self, task_ids: Sequence[str], coins: float | None) -> list[str]:
        """Take the tasks as they are written down elsewhere; gives those that are none of its any more."""
        gone = [task_id for task_id in self.task_ids if task_id not in task_ids]
        self.drop(gone)
        more = [Record(id=one, family=self.family.name) for one in task_ids if one not in self.task_ids]
        self.grow(more, self._coins if coins is None else coins)
        return gone

    def known(self, task_id: str) -> Record | None:
        """Give what the service last said about one task."""
        for record in self._records:
            if record.id == task_id:
                return record
        return None

    def all_final(self) -> bool:
        """Whether every task of the job has ended."""
        known = self._records
        if len(known) == 1 and self.task_ids == (known[0].id,):
            return known[0].status.final
        return {record.id for record in known if record.status.final}.issuperset(self.task_ids)

    @property
    def watched(self) -> bool:
        """Whether somebody listens to each change."""
        return bool(self._listeners)

    def end(self, result: R | None = None, error: BaseException | None = None) -> bool:
        """End the job with its result or its error, and wake everybody who waits; False: it has ended already."""
        if not self._moves(JobEvent.FAILED if result is None else JobEvent.COMPLETED):
            return False
        self._result, self._error = result, error
        if error is not None:
            self._trace = without_frames(error)
        wake(self._accepters)
        wake(self._waiters)
        self._accepters = self._waiters = None
        for listener in self._listeners or ():
            listener.wake()
        callbacks, self._callbacks, self._listeners = self._callbacks, None, None
        call_all(callbacks, self)
        return True

    def __dir__(self) -> list[str]:
        return dir(Job)  # what a notebook offers to complete

    def on_end(self, callback: Callable[[Any], None]) -> None:
        """Call back when the job ends, at once if it has; with the job as the engine keeps it."""
        super().on_end(callback)


KeptJob.__name__ = Job.__name__  # which cards and tools show
AnyJob = KeptJob[Any]
