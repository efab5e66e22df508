"""When jobs give up: the time limits of all jobs that are watched, the earliest first."""

from __future__ import annotations

import heapq
import math
import weakref
from collections.abc import Iterator
from typing import Any

from a2e_async.engine.job import Job


class Deadlines:
    """Time limits, which count from acceptance.

    A job is only weakly held: one that has ended goes, however long its deadline stays in the heap.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, weakref.ref[Job[Any]]]] = []

    def add(self, job: Job[Any]) -> None:
        """Note when a job gives up, if it ever does."""
        seconds = job.options.seconds(job.family)
        if seconds is not None and job.accepted_at is not None:
            heapq.heappush(self._heap, (job.accepted_at + seconds, job.number, weakref.ref(job)))

    def next(self) -> float:
        """Give the earliest deadline, infinity when there is none."""
        return self._heap[0][0] if self._heap else math.inf

    def passed(self, now: float) -> Iterator[Job[Any]]:
        """Give the jobs whose time is over and that have not ended."""
        while self._heap:
            deadline, _number, known = self._heap[0]
            job = known()
            if job is not None and not job.done() and deadline > now:
                return
            heapq.heappop(self._heap)
            if job is not None and not job.done():
                yield job
