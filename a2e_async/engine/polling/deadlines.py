"""When the poller has to wake: the time limits of all jobs that it watches, earliest first, and its alarm."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Iterator

from a2e_async.engine.jobs.kept import AnyJob

_SPARE = 1000


class Deadlines:
    """Time limits, which count from acceptance.

    The heap holds numbers alone, so that a job which has ended goes, and 100,000 entries are nothing to Python's
    garbage collector.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._jobs: dict[int, AnyJob] = {}
        self._from = -math.inf

    def wait_until(self, moment: float) -> None:
        """Let no job time out before this time."""
        self._from = moment

    def add(self, job: AnyJob) -> None:
        """Note when a job times out, if it ever does."""
        seconds = job.options.seconds(job.family)
        if seconds is not None and job.accepted_at is not None and job.number not in self._jobs:
            self._jobs[job.number] = job
            heapq.heappush(self._heap, (job.accepted_at + seconds, job.number))

    def drop(self, job: AnyJob) -> None:
        """Forget a job that has ended."""
        self._jobs.pop(job.number, None)
        if (
            len(self._heap) > 2 * len(self._jobs) + _SPARE
        ):  # one job without an end must not keep the entries of all others
            self._heap = [entry for entry in self._heap if entry[1] in self._jobs]
            heapq.heapify(self._heap)

    def next(self) -> float:
        """Give the earliest deadline, infinity when there is none."""
        return max(self._heap[0][0], self._from) if self._heap else math.inf

    def passed(self, now: float) -> Iterator[AnyJob]:
        """Give the jobs whose time is over and that have not ended."""
        while self._heap and now >= self._from:
            deadline, number = self._heap[0]
            job = self._jobs.get(number)
            if job is not None and deadline > now:
                return
            heapq.heappop(self._heap)
            if job is not None:
                del self._jobs[number]
                yield job


class Alarm:
    """Lets one coroutine sleep until a time, or until it is woken.

    Attributes:
        at: Until when it sleeps; before its first sleep, and while it is awake, the past.
    """

    def __init__(self) -> None:
        self.at = -math.inf
        self._sleeping: asyncio.Future[None] | None = None

    async def sleep(self, until: float) -> float:
        """Sleep; gives how much too late it woke."""
        loop = asyncio.get_running_loop()
        self._sleeping, self.at = loop.create_future(), until
        timer = loop.call_at(until, self.wake) if until < math.inf else None
        try:
            await self._sleeping
        finally:
            self._sleeping, self.at = None, -math.inf
            if timer is not None:
                timer.cancel()
        return loop.time() - until

    def wake(self) -> None:
        """Wake it if it sleeps."""
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)
