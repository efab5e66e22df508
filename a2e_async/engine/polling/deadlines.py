"""When the poller has to wake: the time limits of all jobs that it watches, earliest first, and its alarm."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Iterator

from a2e_async.engine.jobs.kept import AnyJob

_SPARE = 1000
_MOST_LINES = 20


class Deadlines:
    """Time limits, which count from acceptance.

    Nearly all jobs of a client have one of a few limits, and are accepted one after the other: they stand in a line for
    each limit, which costs a job no more than its place. The others are in a heap, which holds numbers alone, so that a
    job which has ended goes.
    """

    def __init__(self) -> None:
        self._lines: dict[float, _Line] = {}
        self._heap: list[tuple[float, int]] = []
        self._jobs: dict[int, AnyJob] = {}  # those in the heap
        self._from = -math.inf

    def wait_until(self, moment: float) -> None:
        """Let no job time out before this time."""
        self._from = moment

    def add(self, job: AnyJob) -> None:
        """Note when a job times out, if it ever does."""
        seconds, accepted_at = job.options.seconds(job.family), job.accepted_at
        if seconds is None or accepted_at is None or job.number in self._jobs:
            return
        if seconds not in self._lines and len(self._lines) < _MOST_LINES:
            self._lines[seconds] = _Line()
        line = self._lines.get(seconds)
        if line is not None and job.number in line.jobs:
            return
        if line is not None and line.latest <= accepted_at:
            line.append(job, accepted_at, seconds)
        else:
            self._jobs[job.number] = job
            heapq.heappush(self._heap, (accepted_at + seconds, job.number))

    def drop(self, job: AnyJob) -> None:
        """Forget a job that has ended."""
        seconds = job.options.seconds(job.family)
        line = None if seconds is None else self._lines.get(seconds)
        if line is not None and seconds is not None and line.jobs.pop(job.number, None) is not None:
            if not line.jobs:
                del self._lines[seconds]
            return
        self._jobs.pop(job.number, None)
        if (
            len(self._heap) > 2 * len(self._jobs) + _SPARE
        ):  # one job without an end must not keep the entries of all others
            self._heap = [entry for entry in self._heap if entry[1] in self._jobs]
            heapq.heapify(self._heap)

    def next(self) -> float:
        """Give the earliest deadline, infinity when there is none; one of a job that has ended may still stand."""
        earliest = self._heap[0][0] if self._heap else math.inf
        for line in self._lines.values():
            earliest = min(earliest, line.due)
        return max(earliest, self._from)

    def passed(self, now: float) -> Iterator[AnyJob]:
        """Give the jobs whose time is over and that have not ended."""
        if now < self._from:
            return
        for seconds, line in list(self._lines.items()):
            yield from line.passed(now, seconds)
            if not line.jobs and self._lines.get(seconds) is line:
                del self._lines[seconds]
        while self._heap:
            deadline, number = self._heap[0]
            job = self._jobs.get(number)
            if job is not None and deadline > now:
                return
            heapq.heappop(self._heap)
            if job is not None:
                del self._jobs[number]
                yield job


class _Line:
    """Jobs of one time limit, as they were accepted.

    Attributes:
        jobs: By their numbers.
        latest: When the last of them was accepted.
        due: When the first of them times out; it may have ended since.
    """

    __slots__ = ("due", "jobs", "latest")

    def __init__(self) -> None:
        self.jobs: dict[int, AnyJob] = {}
        self.latest = -math.inf
        self.due = math.inf

    def append(self, job: AnyJob, accepted_at: float, seconds: float) -> None:
        """Take in the job that was accepted last."""
        if not self.jobs:
            self.due = accepted_at + seconds
        self.jobs[job.number], self.latest = job, accepted_at

    def passed(self, now: float, seconds: float) -> Iterator[AnyJob]:
        """Take out the jobs whose time is over, and learn when the next is due."""
        while self.due <= now:
            number, first = next(iter(self.jobs.items()), (0, None))
            self.due = math.inf if first is None or first.accepted_at is None else first.accepted_at + seconds
            if first is not None and self.due <= now:
                del self.jobs[number]
                yield first


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
