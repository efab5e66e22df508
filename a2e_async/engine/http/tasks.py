"""One task, or a list of tasks, as the service has them now; and how a start is taken back."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator, Mapping
from typing import Any

from a2e_async.core import replies, wire
from a2e_async.core.family import Family
from a2e_async.core.records import Record
from a2e_async.core.status import Status
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.ends import Ends
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import JobCancelledError, NotFoundError, ProtocolError, RejectedRequestError

_log = logging.getLogger("a2e_async")

AnyJob = Job[Any]


class Tasks:
    """Asks for tasks and deletes them.

    Args:
        service: Who is asked.
        ends: Where a job ends that was taken back.
    """

    def __init__(self, service: Service, ends: Ends) -> None:
        self._service = service
        self._ends = ends
        self._locks: weakref.WeakKeyDictionary[AnyJob, asyncio.Lock] = weakref.WeakKeyDictionary()

    async def record(self, family: Family, task_id: str) -> Record:
        """Ask for one task now."""
        row = wire.row_of(await self._service.ask_again(wire.detail(family, task_id)), task_id)
        if row is None:
            raise ProtocolError(f"{family.name}: the task was answered without a record").about(None, [task_id])
        return wire.record(family, row)

    async def records(self, family: Family) -> AsyncIterator[Record]:
        """Give every task of the list, newest first, page by page."""
        seen: set[str] = {""}  # a row without an id cannot be told apart from others, nor asked for
        page = 1
        while True:
            data = await self._service.ask_again(wire.listing(family, page, family.page_limit))
            fresh = {replies.row_id(row): row for row in replies.rows_of(data) if replies.row_id(row) not in seen}
            if not fresh:
                return
            seen |= fresh.keys()
            for row in wire.rows_of_list(family, list(fresh.values())):
                yield wire.record(family, row)
            page += 1

    async def delete(self, family: Family, task_id: str) -> None:
        """Delete one task, finished or not yet begun."""
        await self._service.ask(wire.delete(family, task_id))
        self._ends.roster.was_deleted(task_id)

    async def take_back(self, job: AnyJob) -> bool:
        """Delete the tasks of an accepted job while each is `initialized`, which refunds them; False: it goes on.

        The service deletes a task that has begun without giving its coins back, so each is asked for again right
        before its DELETE, and the first one that has begun, or whose DELETE is refused, ends the attempt. What was
        deleted by then is gone: it is taken off the job, which goes on with the others.
        """
        async with self._locks.setdefault(job, asyncio.Lock()):
            if job.done():
                return isinstance(job.error, JobCancelledError)
            if job.family.delete is None:
                return False
            records = [await self.record(job.family, task_id) for task_id in job.task_ids]
            if job.done() or any(record.status is not Status.INITIALIZED for record in records):
                return False
            return await self._delete_all(job)

    async def _delete_all(self, job: AnyJob) -> bool:
        ids = job.task_ids
        gone: dict[str, bool] = {}
        try:
            for task_id in ids:
                if gone and (await self.record(job.family, task_id)).status is not Status.INITIALIZED:
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
        self._ends.fail(job, JobCancelledError("the job was cancelled before its task began", refunded=refunded))
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
            await self.delete(family, task_id)
        except NotFoundError:
            return False
        except RejectedRequestError:
            return None
        return True
