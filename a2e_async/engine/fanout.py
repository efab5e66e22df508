"""Many requests with a bounded number of running jobs, and no task of our own: the consumer's own steps drive it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

from a2e_async.core.family import Request
from a2e_async.core.records import Result
from a2e_async.core.rules import kind_of
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError, ClientClosedError, UsageError

R = TypeVar("R", bound=Result)

_MOST_FAILURES = 1000


class Source(Generic[R]):
    """Requests from an iterable or an async iterable, one at a time, without holding up finished jobs.

    Args:
        requests: Where they come from.
        on_step: Called when a step of an async source has ended.

    Attributes:
        ended: Whether all requests were taken.
        taken: How many items were taken, those among them that are errors.
    """

    def __init__(self, requests: Iterable[Request[R]] | AsyncIterable[Request[R]], on_step: Callable[[], None]) -> None:
        self.ended = False
        self.taken = 0
        self._on_step = on_step
        self._failures = 0
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

    def pull(self) -> list[Request[R] | Exception]:
        """Give the next item if it is there, an empty list when it is not there yet or there is none.

        An item that could not be made is the error of making it. A source may go on after that, as `map` does; one that
        gives nothing but errors for long has ended.
        """
        item: list[Request[R] | Exception]
        try:
            item = self._take()
        except (StopIteration, StopAsyncIteration):
            self.ended = True
            return []
        except Exception as error:  # noqa: BLE001 - the error of one item is an outcome like any other
            self._failures += 1
            self.ended = self._failures >= _MOST_FAILURES
            item = [error]
        else:
            self._failures = 0 if item else self._failures
        self.taken += len(item)
        return item

    def _take(self) -> list[Request[R] | Exception]:
        if self._sync is not None:
            return [next(self._sync)]
        if self._next is None:
            self._next = asyncio.ensure_future(_step(cast("AsyncIterator[Any]", self._async)))
            self._next.add_done_callback(lambda _step: self._on_step())  # one for each step, however often we wait
        if not self._next.done():
            return []
        done, self._next = self._next, None
        return [done.result()]

    async def aclose(self) -> None:
        """Take no more; a generator is closed."""
        self.ended = True
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait([self._next])
            self._next = None
        if isinstance(self._async, AsyncGenerator):
            await self._async.aclose()
        elif isinstance(self._sync, Generator):
            self._sync.close()


async def _step(source: AsyncIterator[Any]) -> Any:  # noqa: ANN401 - whatever the source gives
    return await anext(source)


Start = Callable[[Request[R]], Job[R]]
Requests = Iterable[Request[R]] | AsyncIterable[Request[R]]


class _BrokenStepError(Exception):
    """The second step of a pair could not be made or started; the job of the first goes on, and may have been paid."""

    def __init__(self, job: Job[Any], why: Exception) -> None:
        super().__init__(str(why))
        self.job = job
        self.why = why


def in_steps(start: Start[Any], then: Callable[[Job[Any]], Request[Any]] | None) -> Start[Any]:
    """Give what starts a pair: the request, and what `then` makes of its job; the pair is known by its second job.

    Args:
        start: What starts one request.
        then: Gives the second request, None where there is none.

    Raises:
        UsageError: It cannot be called.
    """
    if then is None:
        return start
    if not callable(then):
        raise UsageError(f"then: must be a function of a job that gives a request, not {kind_of(then)}")

    def begin(request: Request[Any]) -> Job[Any]:
        first = start(request)
        try:
            return start(then(first))
        except Exception as error:
            raise _BrokenStepError(first, error) from error

    return begin


async def as_completed(start: Start[R], requests: Requests[R], max_running: int) -> AsyncGenerator[Job[R], None]:
    """Start requests with at most `max_running` unfinished jobs, and give each job when it has ended.

    An item that cannot be made or started ends the taking of requests: the jobs that run are given first, as they may
    have been paid for, then its error is raised, with its number in the source.
    """
    failure: list[Exception] = []

    def fail(error: Exception) -> bool:
        failure.append(error)
        return False

    async for job in _run(start, requests, max_running, fail):
        yield job
    if failure:
        raise failure[0]


class _Running(Generic[R]):
    """The jobs that run, and those that have ended and were not given yet.

    Args:
        start: What starts a request.
    """

    def __init__(self, start: Start[R]) -> None:
        self.changed = asyncio.Event()
        self.count = 0
        self.ended: deque[Job[R]] = deque()
        self._start = start

    def begin(self, item: Request[R] | Exception) -> Exception | None:
        """Start an item; gives the error of one that cannot be started."""
        try:
            job = self._start(_request(item))
        except _BrokenStepError as broken:  # its first job runs, and counts as such, or paid starts had no bound
            self.count += 1
            broken.job.on_end(self._leave)
            return broken.why
        except Exception as error:  # noqa: BLE001 - the error of one item throws no outcome of others away
            return error
        self.count += 1
        job.on_end(self._note)
        return None

    def _note(self, job: Job[R]) -> None:
        self.ended.append(job)
        self.changed.set()

    def _leave(self, _job: Job[Any]) -> None:
        self.count -= 1
        self.changed.set()


async def _run(
    start: Start[R], requests: Requests[R], max_running: int, fail: Callable[[Exception], bool]
) -> AsyncGenerator[Job[R], None]:
    """Give each job when it has ended; `fail` gets the errors of items, and says whether to take more."""
    if isinstance(max_running, bool) or not isinstance(max_running, int) or max_running < 1:
        raise UsageError("max_running: must be a whole number of at least 1")
    running = _Running(start)
    source = Source(requests, running.changed.set)
    taking = True
    try:
        while True:
            while taking and running.count < max_running and not source.ended and (pulled := source.pull()):
                if error := running.begin(pulled[0]):
                    taking = fail(_numbered(error, source.taken)) and not isinstance(error, ClientClosedError)
            if running.ended:
                running.count -= 1
                yield running.ended.popleft()
            elif not running.count and (source.ended or not taking):
                return
            else:
                running.changed.clear()
                await running.changed.wait()
    finally:
        await source.aclose()


def _request(item: Request[R] | Exception) -> Request[R]:
    if isinstance(item, Exception):
        raise item
    return item


def _numbered(error: Exception, number: int) -> Exception:
    """Say in an error which item of the source it was, counted from 1."""
    where = f"item {number} of the requests"
    if not isinstance(error, A2EError):
        error.add_note(where)
    elif not error.message.startswith("item "):  # a source may raise one error twice
        error.message = f"{where}: {error.message}"
    return error


async def gather(
    start: Start[R], requests: Requests[R], max_running: int, *, return_exceptions: bool
) -> list[R | BaseException]:
    """Start requests with at most `max_running` unfinished jobs, and give their outcomes in order.

    An item that cannot be made or started is a failure in its place. Without `return_exceptions` a failure stops the
    taking of requests; the running jobs are waited for, and the first failure in order is raised.
    """
    items: list[Job[R] | Exception] = []

    def begin(request: Request[R]) -> Job[R]:
        job = start(request)
        items.append(job)
        return job

    def fail(error: Exception) -> bool:
        items.append(error)
        return return_exceptions

    ended = _run(begin, requests, max_running, fail)
    try:
        async for job in ended:
            if job.error is not None and not return_exceptions:
                break
    finally:
        await ended.aclose()
    outcomes = [item if isinstance(item, Exception) else await _outcome(item) for item in items]
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if failures and not return_exceptions:
        raise failures[0]
    return outcomes


async def _outcome(job: Job[R]) -> R | BaseException:
    try:
        return await job
    except Exception as error:  # noqa: BLE001 - an outcome like any other here
        return error
