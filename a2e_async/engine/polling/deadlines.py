"""When jobs give up: the time limits of all jobs that are watched, the earliest first."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import Any

from a2e_async.engine.jobs.job import Job


class Deadlines:
    """Time limits, which count from acceptance.

    The heap holds numbers alone, so that a job which has ended goes, and 100,000 entries are nothing to Python's
    garbage collector.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._jobs: dict[int, Job[Any]] = {}

    def add(self, job: Job[Any]) -> None:
        """Note when a job gives up, if it ever does."""
        seconds = job.options.seconds(job.family)
        if seconds is not None and job.accepted_at is not None:
            self._jobs[job.number] = job
            heapq.heappush(self._heap, (job.accepted_at + seconds, job.number))

    def drop(self, job: Job[Any]) -> None:
        """Forget a job that has ended."""
        self._jobs.pop(job.number, None)

    def next(self) -> float:
        """Give the earliest deadline, infinity when there is none."""
        return self._heap[0][0] if self._heap else math.inf

    def passed(self, now: float) -> Iterator[Job[Any]]:
        """Give the jobs whose time is over and that have not ended."""
        while self._heap:
            deadline, number = self._heap[0]
            job = self._jobs.get(number)
            if job is not None and deadline > now:
                return
            heapq.heappop(self._heap)
            if job is not None:
                del self._jobs[number]
                yield job
