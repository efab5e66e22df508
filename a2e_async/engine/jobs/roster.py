"""The live jobs of one client: who they are, how they end, and which failures nobody has looked at."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError, ClientClosedError, JobCancelledError, JobDetachedError, UsageError

AnyJob = Job[Any]

_UNSEEN_KEPT = 1000
_NO_FAILURE = (JobDetachedError, JobCancelledError, ClientClosedError)


class Roster:
    """Holds every job that has not ended, and lets go of it when it ends.

    Attributes:
        jobs: The jobs that have not ended, oldest first.
        unseen: How jobs failed whose error nobody has seen yet.
    """

    def __init__(self) -> None:
        self.jobs: dict[AnyJob, None] = {}
        self.unseen: dict[int, str] = {}
        self._tags: dict[str, AnyJob] = {}
        self._numbers = itertools.count(1)
        self._drained: list[asyncio.Future[None]] = []
        self._on_end: list[Callable[[AnyJob], None]] = []

    def when_one_ends(self, callback: Callable[[AnyJob], None]) -> None:
        """Be told of every job that ends."""
        self._on_end.append(callback)

    def add(self, job: AnyJob) -> None:
        """Take a job in.

        Raises:
            UsageError: Another live job has the same tag.
        """
        if job.tag is not None:
            if job.tag in self._tags:
                raise UsageError(f"tag: {job.tag} names another job of this client that has not ended")
            self._tags[job.tag] = job
        job.number = next(self._numbers)
        self.jobs[job] = None

    def tagged(self, tag: str) -> AnyJob | None:
        """Give the live job with this tag, or None."""
        return self._tags.get(tag)

    def finish(self, job: AnyJob, result: Result | None = None, error: Exception | None = None) -> None:
        """End a job with its result or its error; a job ends once."""
        if job.done():
            return
        if isinstance(error, A2EError):
            error.about(job.request, job.task_ids, job.tag)
        self.jobs.pop(job, None)
        if job.tag is not None:
            self._tags.pop(job.tag, None)
        if error is not None and not isinstance(error, _NO_FAILURE) and len(self.unseen) < _UNSEEN_KEPT:
            self.unseen[job.number] = f"{type(error).__name__}: {error}"
        job.end(result, error)
        for callback in self._on_end:
            callback(job)
        if not self.jobs:
            for waiter in self._drained:
                if not waiter.done():
                    waiter.set_result(None)
            self._drained.clear()

    async def drained(self) -> None:
        """Wait until no live job is left."""
        while self.jobs:
            waiter = asyncio.get_running_loop().create_future()
            self._drained.append(waiter)
            await waiter

    def seen(self, job: AnyJob) -> None:
        """Note that somebody has seen how this job ended."""
        self.unseen.pop(job.number, None)
