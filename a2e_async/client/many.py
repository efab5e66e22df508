"""Many starts with back-pressure: only so many run at once, and requests are taken as fast as these end."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from typing import Literal, TypeVar, overload

from a2e_async.core.family import Request
from a2e_async.core.records import Result
from a2e_async.engine import fanout
from a2e_async.engine.jobs.job import Job

R = TypeVar("R", bound=Result)
Requests = Iterable[Request[R]] | AsyncIterable[Request[R]]
Then = Callable[[Job[R]], Request[R]]


class Many:
    """What starts many requests."""

    def start(self, request: Request[R]) -> Job[R]:
        """Start a request; a client does it."""
        raise NotImplementedError

    def as_completed(
        self, requests: Requests[R], max_running: int = 200, *, then: Then[R] | None = None
    ) -> AsyncIterator[Job[R]]:
        """Start many requests and give each job when it has ended, whichever way.

        Args:
            requests: An iterable or async iterable; it is read only as fast as jobs end.
            max_running: Most jobs that have not ended at once; with `then` most pairs of them.
            then: Gives the request of a second step from the job of the first, which it takes as an input. Its job is
                the one that is given; when the first fails, it ends with InputFailedError.

        Example:
            then=lambda image: ImageToVideo(image, prompt="it climbs", negative_prompt="blurry")
        """
        return fanout.as_completed(fanout.in_steps(self.start, then), requests, max_running)

    @overload
    async def gather(
        self,
        requests: Requests[R],
        max_running: int = 200,
        *,
        then: Then[R] | None = None,
        return_exceptions: Literal[False] = False,
    ) -> list[R]: ...
    @overload
    async def gather(
        self,
        requests: Requests[R],
        max_running: int = 200,
        *,
        then: Then[R] | None = None,
        return_exceptions: Literal[True],
    ) -> list[R | BaseException]: ...
    async def gather(
        self,
        requests: Requests[R],
        max_running: int = 200,
        *,
        then: Then[R] | None = None,
        return_exceptions: bool = False,
    ) -> Sequence[R | BaseException]:
        """Start many requests and give their results in order; one failure cancels no other job.

        Args:
            requests: An iterable or async iterable.
            max_running: Most jobs that have not ended at once; with `then` most pairs of them.
            then: As in `as_completed`; the results are those of the second step.
            return_exceptions: Give errors in their places. Otherwise a failure stops the taking of requests, the
                running jobs are waited for, and the first failure in order is raised.
        """
        begin = fanout.in_steps(self.start, then)
        return await fanout.gather(begin, requests, max_running, return_exceptions=return_exceptions)
