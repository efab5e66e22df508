"""Starts that have waited for their inputs and go before the others: what is sent for each, and how many."""

from __future__ import annotations

import asyncio
from typing import Any

from a2e_async.core.family import Request
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.waiting import wait_among, wake


class Ready:
    """What is ready to be sent and waits for a worker.

    Args:
        most: How many of them are enough: uploads cost, and their URLs end, so that none are made far ahead.

    Attributes:
        requests: What is sent for each job: its request, with URLs.
    """

    def __init__(self, most: int) -> None:
        self.requests: dict[AnyJob, Request[Any]] = {}
        self._most = most
        self._rooms: list[asyncio.Future[None]] = []

    async def room(self) -> None:
        """Wait until there are few."""
        while len(self.requests) >= self._most:
            await wait_among(asyncio.get_running_loop(), self._rooms)

    def take(self, job: AnyJob) -> Request[Any] | None:
        """Give what is sent for a job that a worker takes, which makes room for another."""
        found = self.requests.pop(job, None)
        if found is not None:
            rooms, self._rooms = self._rooms, []
            wake(rooms)
        return found or job.request
