"""A synchronous front for code that has no event loop: `with a2e_async.blocking() as a2e:`.

The client runs in a loop of its own, in a thread (anyio's blocking portal). Each method has the signature of the async
client's, which it calls; a short form gives the result instead of a job.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Self, TypeVar, cast, overload

from a2e_async.client import A2EClient, Requests, ShortForms
from a2e_async.core.family import Family, Request
from a2e_async.core.hooks import Webhook
from a2e_async.core.records import Record, Result
from a2e_async.core.status import Status
from a2e_async.engine.job import Job
from a2e_async.engine.stats import Stats
from a2e_async.errors import ClientClosedError, UsageError

P = ParamSpec("P")
R = TypeVar("R", bound=Result)
T = TypeVar("T")

_HAS_A_LOOP = (
    "a2e_async.blocking() is for code without an event loop, and one is running here, which it would bring to a "
    "standstill; use `async with A2EClient() as a2e:` and `await` (a notebook takes both at the top of a cell)"
)


def portal_in_a_thread() -> AbstractContextManager[Any]:
    """Run an event loop in a thread of its own for the length of the block."""
    from anyio.from_thread import start_blocking_portal  # noqa: PLC0415 - not needed to import the package

    return start_blocking_portal("asyncio", name="a2e blocking")


class _Portal:
    """The way into the event loop of one client, while it is open."""

    def __init__(self) -> None:
        self._open: Any = None

    def open(self, portal: Any) -> None:  # noqa: ANN401 - None closes
        self._open = portal

    @property
    def is_open(self) -> bool:
        """Whether the loop runs."""
        return self._open is not None

    def wait(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine over there, and wait for its end; what ends the wait early cancels it."""
        done: T = self._result(work)
        return done

    def call(self, work: Callable[[], T]) -> T:
        """Call a function over there."""
        done: T = self._result(partial(_called, work))
        return done

    def _result(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the coroutine gives, or the function
        refuse_loop()
        if self._open is None:
            raise ClientClosedError("the client is not open; use `with a2e_async.blocking() as a2e:`")
        future: concurrent.futures.Future[Any] = self._open.start_task_soon(work)
        try:
            return future.result()
        finally:
            future.cancel()  # after Ctrl-C; a future that is done stays as it is

    def each(self, stream: AsyncIterator[T]) -> Iterator[T]:
        """Give what an async iterator gives."""
        end = object()
        try:
            while True:
                item = self.wait(partial(_next, stream, end))
                if item is end:
                    return
                yield cast("T", item)
        finally:
            if isinstance(stream, AsyncGenerator) and self._open is not None:
                self.wait(stream.aclose)


async def _called(work: Callable[[], T]) -> T:
    return work()  # a job that comes of it is not awaited


async def _next(stream: AsyncIterator[T], end: object) -> T | object:
    return await anext(stream, end)


def refuse_loop() -> None:
    """Refuse to block a running event loop.

    Raises:
        UsageError: One is running in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UsageError(_HAS_A_LOOP)


class BlockingJob(Generic[R]):
    """A job whose methods wait. See `Job`; what is read from it is what is known at that moment."""

    def __init__(self, job: Job[R], portal: _Portal) -> None:
        self._job = job
        self._portal = portal

    @property
    def family(self) -> Family:
        """The family of the request."""
        return self._job.family

    @property
    def request(self) -> Request[R] | None:
        """The request, or None for a job that was attached by its ids."""
        return self._job.request

    @property
    def tag(self) -> str | None:
        """The mark in the names of the job's tasks."""
        return self._job.tag

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids of its tasks, empty before the service has taken the start."""
        return self._job.task_ids

    @property
    def status(self) -> Status | None:
        """The status of the task that has come least far; None before the service has taken the start."""
        return self._job.status

    @property
    def coins(self) -> float | None:
        """Coins the service charged at the start; None before it has said so."""
        return self._job.coins

    @property
    def records(self) -> tuple[Record, ...]:
        """What the service last said about each task."""
        return self._job.records

    @property
    def error(self) -> BaseException | None:
        """The error with which the job ended, or None."""
        return self._job.error

    def done(self) -> bool:
        """Whether the job has ended, in whatever way."""
        return self._job.done()

    def result(self, timeout: float | None = None) -> R:
        """Wait for the result; see `Job.wait`. TimeoutError leaves the job alone."""
        return self._portal.wait(partial(self._job.wait, timeout))

    def accepted(self) -> None:
        """Wait until the service has taken the start."""
        self._portal.wait(self._job.accepted)

    def updates(self) -> Iterator[Record]:
        """Give each change of each task's record; see `Job.updates`."""
        return self._portal.each(self._job.updates())

    def cancel(self) -> bool:
        """Take the start back where the service allows it; see `Job.cancel`."""
        return self._portal.wait(self._job.cancel)

    def detach(self) -> None:
        """Stop watching; the task goes on."""
        self._portal.call(self._job.detach)

    def __repr__(self) -> str:
        return f"<Blocking{repr(self._job)[1:]}"

    def _repr_html_(self) -> str:
        return self._job._repr_html_()


# Each of these makes a method of the front from one of the async client, with the same signature.


def _waits(method: Callable[Concatenate[A2EClient, P], Awaitable[T]]) -> Callable[Concatenate[BlockingClient, P], T]:
    @wraps(method)
    def call(self: BlockingClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._portal.wait(partial(method, self._a2e, *args, **kwargs))

    return call


def _calls(method: Callable[Concatenate[A2EClient, P], T]) -> Callable[Concatenate[BlockingClient, P], T]:
    @wraps(method)
    def call(self: BlockingClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._portal.call(partial(method, self._a2e, *args, **kwargs))

    return call


def _gives_job(
    method: Callable[Concatenate[A2EClient, P], Job[R]],
) -> Callable[Concatenate[BlockingClient, P], BlockingJob[R]]:
    @wraps(method)
    def call(self: BlockingClient, /, *args: P.args, **kwargs: P.kwargs) -> BlockingJob[R]:
        return BlockingJob(self._portal.call(partial(method, self._a2e, *args, **kwargs)), self._portal)

    return call


def _gives_jobs(
    method: Callable[Concatenate[A2EClient, P], AsyncIterator[Job[R]]],
) -> Callable[Concatenate[BlockingClient, P], Iterator[BlockingJob[R]]]:
    @wraps(method)
    def call(self: BlockingClient, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[BlockingJob[R]]:
        stream = method(self._a2e, *args, **kwargs)
        return (BlockingJob(job, self._portal) for job in self._portal.each(stream))

    return call


def _gives_each(
    method: Callable[Concatenate[A2EClient, P], AsyncIterator[T]],
) -> Callable[Concatenate[BlockingClient, P], Iterator[T]]:
    @wraps(method)
    def call(self: BlockingClient, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._portal.each(method(self._a2e, *args, **kwargs))

    return call


def _gives_view(
    method: Callable[Concatenate[A2EClient, P], A2EClient],
) -> Callable[Concatenate[BlockingClient, P], BlockingClient]:
    @wraps(method)
    def call(self: BlockingClient, /, *args: P.args, **kwargs: P.kwargs) -> BlockingClient:
        return BlockingClient(method(self._a2e, *args, **kwargs), self._portal)

    return call


class BlockingClient(ShortForms):
    """A client whose methods wait; made by `a2e_async.blocking()`. Several threads may use it at once."""

    start = _gives_job(A2EClient.start)
    attach = _gives_job(A2EClient.attach)
    with_options = _gives_view(A2EClient.with_options)
    as_completed = _gives_jobs(A2EClient.as_completed)
    records = _gives_each(A2EClient.records)
    look = _waits(A2EClient.look)
    delete = _waits(A2EClient.delete)
    drain = _waits(A2EClient.drain)
    download = _waits(A2EClient.download)
    upload = _waits(A2EClient.upload)
    balance = _waits(A2EClient.balance)
    quote = _waits(A2EClient.quote)
    hint = _calls(A2EClient.hint)

    def __init__(self, a2e: A2EClient, portal: _Portal | None = None) -> None:
        self._a2e = a2e
        self._portal = portal or _Portal()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        refuse_loop()
        with ExitStack() as stack:
            portal = stack.enter_context(portal_in_a_thread())
            stack.enter_context(portal.wrap_async_context_manager(self._a2e))
            stack.callback(self._portal.open, None)
            self._portal.open(portal)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def run(self, request: Request[R]) -> R:
        """Start a request and wait for its result."""
        return self.start(request).result()

    def find(self, family: str | Family | type[Request[Any]], tag: str) -> BlockingJob[Any] | None:
        """Give a job for the tasks whose names carry this tag, or None when the list has none."""
        job = self._portal.wait(partial(self._a2e.find, family, tag))
        return None if job is None else BlockingJob(job, self._portal)

    def job_of(self, task_id: str) -> BlockingJob[Any] | None:
        """Give the job that watches this task, None when no job of this client does."""
        job = self._portal.call(partial(self._a2e.job_of, task_id))
        return None if job is None else BlockingJob(job, self._portal)

    @overload
    def gather(
        self, requests: Requests[R], max_running: int = 200, *, return_exceptions: Literal[False] = False
    ) -> list[R]: ...
    @overload
    def gather(
        self, requests: Requests[R], max_running: int = 200, *, return_exceptions: Literal[True]
    ) -> list[R | BaseException]: ...
    def gather(
        self, requests: Requests[R], max_running: int = 200, *, return_exceptions: bool = False
    ) -> Sequence[R | BaseException]:
        """Start many requests and give their results in order; see `A2EClient.gather`."""

        async def gathered() -> Sequence[R | BaseException]:
            if return_exceptions:
                return await self._a2e.gather(requests, max_running, return_exceptions=True)
            return await self._a2e.gather(requests, max_running)

        return self._portal.wait(gathered)

    @property
    def spent(self) -> float:
        """Coins charged in this client's life, as far as the service has said so."""
        return self._portal.call(lambda: self._a2e.spent)

    @property
    def reserved(self) -> float:
        """Coins held for starts whose price is not settled; 0 without a budget."""
        return self._portal.call(lambda: self._a2e.reserved)

    def stats(self) -> Stats:
        """Give the client's numbers at this moment, or at its end when it has closed."""
        return self._portal.call(self._a2e.stats) if self._portal.is_open else self._a2e.stats()

    @property
    def base_url(self) -> str:
        """Scheme, host and port of the service."""
        return self._a2e.base_url

    @property
    def outage(self) -> float | None:
        """Seconds for which looks at running tasks have failed, None while all is well."""
        return self._portal.call(lambda: self._a2e.outage)

    @property
    def webhook(self) -> Webhook | None:
        """Where the service tells us that a task has ended, as this client was made."""
        return self._a2e.webhook

    def __repr__(self) -> str:
        return f"<Blocking{repr(self._a2e)[4:]}"


def _front(client: Callable[P, A2EClient]) -> Callable[P, BlockingClient]:
    @wraps(client, updated=())
    def blocking(*args: P.args, **kwargs: P.kwargs) -> BlockingClient:
        """Make a client for code without an event loop; it takes what `A2EClient` takes.

        Raises:
            UsageError: An event loop is running here.

        Example:
            with a2e_async.blocking() as a2e:
                picture = a2e.text_to_image("a red kite")
                film = a2e.start(ImageToVideo(picture.url, prompt="it climbs", negative_prompt="blurry"))
                paths = a2e.download(film.result(timeout=600), "out/")
        """
        refuse_loop()
        return BlockingClient(client(*args, **kwargs))

    return blocking


blocking = _front(A2EClient)
