"""How an accepted start is taken back: its tasks are deleted while none of them has begun, which refunds them.

Laws of this file: only a task that is `initialized` is paid back when it is deleted; one that runs is refused with 400,
one that has ended goes without coins (service.md 0.6, of two families; of the others nobody knows). So nothing is
deleted on what an older poll said; what is gone is taken off its job at once, for nobody can watch it any more; coins
come back only for a DELETE that the service has answered with yes, for a 404 does not say how the task went.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Mapping

from a2e_async.core.family import Family
from a2e_async.core.status import Status
from a2e_async.engine.http.tasks import TaskCalls
from a2e_async.engine.jobs.ends import Ends
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.errors import JobCancelledError, NotFoundError, RejectedRequestError

_log = logging.getLogger("a2e_async")


class Canceller:
    """Takes accepted jobs back.

    Args:
        tasks: Who asks for tasks and deletes them.
        ends: Where a job ends that was taken back.
    """

    def __init__(self, tasks: TaskCalls, ends: Ends) -> None:
        self._tasks = tasks
        self._ends = ends
        self._locks: weakref.WeakKeyDictionary[AnyJob, asyncio.Lock] = weakref.WeakKeyDictionary()

    async def take_back(self, job: AnyJob) -> bool:
        """Delete the tasks of an accepted job while each is `initialized`, which refunds them; False: it goes on.

        Since its last poll a task may have begun, and even ended, so that a DELETE would not pay it back: each is asked
        for again right before its DELETE, and the first one that has begun, or whose DELETE is refused, ends the
        attempt. What was deleted by then is gone: it is taken off the job, which goes on with the others.
        """
        async with self._locks.setdefault(job, asyncio.Lock()):
            if job.done():
                return isinstance(job.error, JobCancelledError)
            if job.family.delete is None or not job.task_ids:  # without ids it is another process's to take back
                return False
            if not await self._ends.collect(job):  # those that nobody knows yet would go on, and stay charged
                return False
            if job.done():
                return isinstance(job.error, JobCancelledError)
            records = [await self._tasks.record(job.family, task_id) for task_id in job.task_ids]
            if job.done() or any(record.status is not Status.INITIALIZED for record in records):
                return False
            return await self._delete_all(job)

    async def _delete_all(self, job: AnyJob) -> bool:
        ids = job.task_ids
        gone: dict[str, bool] = {}
        try:
            for task_id in ids:
                if gone and (await self._tasks.record(job.family, task_id)).status is not Status.INITIALIZED:
                    break
                if job.done():  # by its deadline, or let go of by somebody else
                    break
                came_back = await self._delete_unbegun(job.family, task_id)
                if came_back is None:
                    break
                gone[task_id] = came_back
        finally:  # also when a DELETE was lost, or nobody waits for us any more: what is gone is gone
            if len(gone) < len(ids) and gone:
                await self._tell_of_gone(job, gone)
        if len(gone) < len(ids):
            return False
        refunded = True if all(gone.values()) else None
        self._ends.coins.refund(task_id for task_id, came_back in gone.items() if came_back)
        words = "the job was cancelled before its task began"
        await self._ends.refuse(job, JobCancelledError(words, refunded=refunded))
        return True

    async def _tell_of_gone(self, job: AnyJob, gone: Mapping[str, bool]) -> None:
        kept = [task_id for task_id in job.task_ids if task_id not in gone]
        words = "cancelled only in part: the tasks %s were deleted before they began, %s could not be and go on"
        facts = {"tag": job.tag, "task_ids": tuple(kept), "deleted": tuple(gone)}
        _log.warning(words, ", ".join(gone), ", ".join(kept), extra=facts)
        await self._ends.drop(job, gone)

    async def _delete_unbegun(self, family: Family, task_id: str) -> bool | None:
        """Delete a task; True: refunded, False: gone, who knows how, None: the service refused."""
        try:
            await self._tasks.delete(family, task_id)
        except NotFoundError:
            return False
        except RejectedRequestError:
            return None
        return True
