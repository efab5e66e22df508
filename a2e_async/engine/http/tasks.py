"""Tasks and lists of tasks, as the service has them now."""

from __future__ import annotations

from collections.abc import AsyncIterator

from a2e_async.core import replies, wire
from a2e_async.core.family import Family
from a2e_async.core.records import Record
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.live import LiveJobs
from a2e_async.errors import ProtocolError


class TaskCalls:
    """Asks for tasks and deletes them.

    Args:
        service: Who is asked.
        live: The jobs of this client; a deleted task is noted there.
    """

    def __init__(self, service: Service, live: LiveJobs) -> None:
        self._service = service
        self._live = live

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
        self._live.was_deleted(task_id)
