"""Many requests, a bounded number of running jobs, and no task of our own: the consumer's own steps drive it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Any, Generic, TypeVar

from a2e_async.core.family import Request
from a2e_async.core.records import Result
from a2e_async.core.rules import kind_of
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import UsageError

R = TypeVar("R", bound=Result)


class Source(Generic[R]):
    """Requests from an iterable or an async iterable, one at a time, without holding up finished jobs."""

    def __init__(self, requests: Iterable[Request[R]] | AsyncIterable[Request[R]]) -> None:
        self._ended = False
        self._next: asyncio.Task[Request[R]] | None = None
        self._sync: Iterator[Request[R]] | None = None
        self._async: AsyncIterator[Request[R]] | None = None
        try:
            if isinstance(requests, AsyncIterable):
                self._async = aiter(requests)
            else:
                self._sync = iter(requests)
        except TypeError as error:
            words = f"must be an iterable or async iterable of requests, not {kind_of(requests)}"
            raise UsageError(f"requests: {words}") from error

    @property
    def ended(self) -> bool:
        """Whether all requests were taken."""
        return self._ended

    def pull(self) -> list[Request[R]]:
        """Give the next request if it is there, an empty list when it is not there yet or there is none."""
        try:
            if self._sync is not None:
                return [next(self._sync)]
            if self._next is None:
                self._next = asyncio.ensure_future(_step(self._async))
            if not self._next.done():
                return []
            done, self._next = self._next, None
            return [done.result()]
        except (StopIteration, StopAsyncIteration):
            self._ended = True
            return []

    @property
    def waiting(self) -> asyncio.Task[Request[R]] | None:
        """The step of an async source that is under way."""
        return self._next

    async def aclose(self) -> None:
        """Take no more; a generator is closed."""
        self._ended = True
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait([self._next])
            self._next = None
        if isinstance(self._async, AsyncGenerator):
            await self._async.aclose()
        elif isinstance(self._sync, Generator):
            self._sync.close()


async def _step(source: AsyncIterator[Any] | None) -> Any:  # noqa: ANN401 - whatever the source gives
    if source is None:
        raise StopAsyncIteration
    return await anext(source)


async def as_completed(
    start: Callable[[Request[R]], Job[R]],
    requests: Iterable[Request[R]] | AsyncIterable[Request[R]],
    max_running: int,
) -> AsyncGenerator[Job[R], None]:
    """Start requests with at most `max_running` unfinished jobs, and give each job when it has ended."""
    if isinstance(max_running, bool) or not isinstance(max_running, int) or max_running < 1:
        raise UsageError("max_running: must be a whole number of at least 1")
    source = Source(requests)
    running = 0
    ended: deque[Job[R]] = deque()
    news = asyncio.Event()

    def note(job: Job[R]) -> None:
        ended.append(job)
        news.set()

    try:
        while True:
            while running < max_running and not source.ended and (pulled := source.pull()):
                running += 1
                start(pulled[0]).on_end(note)
            if ended:
                running -= 1
                yield ended.popleft()
            elif source.ended and not running:
                return
            else:
                await _until(news, source.waiting if running < max_running else None)
    finally:
        await source.aclose()


async def _until(news: asyncio.Event, step: asyncio.Task[Any] | None) -> None:
    """Wait for an ended job or the next request, whichever comes first."""
    news.clear()
    if step is not None:
        step.add_done_callback(lambda _step: news.set())
    await news.wait()


async def gather(
    start: Callable[[Request[R]], Job[R]],
    requests: Iterable[Request[R]] | AsyncIterable[Request[R]],
    max_running: int,
    *,
    return_exceptions: bool,
) -> list[R | BaseException]:
    """Start requests with at most `max_running` unfinished jobs, and give their outcomes in order.

    Without `return_exceptions` a failure stops the taking of requests; the running jobs are waited for, and the first
    failure in order is raised.
    """
    jobs: list[Job[R]] = []

    def begin(request: Request[R]) -> Job[R]:
        jobs.append(start(request))
        return jobs[-1]

    ended = as_completed(begin, requests, max_running)
    try:
        async for job in ended:
            if job.error is not None and not return_exceptions:
                break
    finally:
        await ended.aclose()
    outcomes = [await _outcome(job) for job in jobs]
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if failures and not return_exceptions:
        raise failures[0]
    return outcomes


async def _outcome(job: Job[R]) -> R | BaseException:
    try:
        return await job
    except Exception as error:  # noqa: BLE001 - an outcome like any other here
        return error
