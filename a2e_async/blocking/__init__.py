"""A synchronous front for code that has no event loop: `with a2e_async.blocking() as a2e:`.

The client runs in a loop of its own, in a thread (anyio's blocking portal). Each method has the signature of the async
client's, which it calls; a short form gives the result instead of a job.
"""

from __future__ import annotations

import atexit
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from functools import partial, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, Self, TypeVar, overload

from a2e_async.blocking.front import Front, Shown, called, each, made, waited
from a2e_async.blocking.portal import Portal, in_a_thread, refuse_loop
from a2e_async.client import A2EClient
from a2e_async.client.many import Requests, Then
from a2e_async.core.family import Request
from a2e_async.core.inputs import Pending
from a2e_async.core.records import Result
from a2e_async.core.secrets import masked
from a2e_async.engine.jobs.job import Job
from a2e_async.short_forms import ShortForms

if TYPE_CHECKING:  # loaded when somebody asks
    from a2e_async.engine.jobs.stats import Stats

P = ParamSpec("P")
R = TypeVar("R", bound=Result)


def _job(portal: Portal, work: Callable[[], Job[R]]) -> BlockingJob[R]:
    return BlockingJob(portal.call(work), portal)


def _known_job(portal: Portal, work: Callable[[], Job[Any] | None]) -> BlockingJob[Any] | None:
    job = portal.call(work)
    return None if job is None else BlockingJob(job, portal)


def _found_job(portal: Portal, work: Callable[[], Awaitable[Job[Any] | None]]) -> BlockingJob[Any] | None:
    job = portal.wait(work)
    return None if job is None else BlockingJob(job, portal)


def _all_jobs(portal: Portal, work: Callable[[], list[Job[Any]]]) -> list[BlockingJob[Any]]:
    return [BlockingJob(job, portal) for job in portal.call(work)]


def _each_job(portal: Portal, work: Callable[[], AsyncIterator[Job[R]]]) -> Iterator[BlockingJob[R]]:
    return (BlockingJob(job, portal) for job in portal.each(work()))


def _view(portal: Portal, work: Callable[[], A2EClient]) -> BlockingClient:
    return BlockingClient(work(), portal)


class _Calls(Front[object]):
    """Calls that wait: `a2e.calls`, one of its groups, or a room. A type checker takes what they give as it is used."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a group, a call, or a value
        from a2e_async.calls.base import Group  # noqa: PLC0415 - loaded with the first call

        found: Any = getattr(self._behind, name)
        portal = self._portal
        if isinstance(found, Group):
            return _Calls(found, portal)
        if not isroutine(found):
            return found

        @wraps(found)
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - those of the call
            work = partial(found, *args, **kwargs)
            if iscoroutinefunction(found):
                return portal.wait(work)
            return portal.each(work()) if isasyncgenfunction(found) else _entered(portal, work())

        return call

    def __dir__(self) -> list[str]:
        return dir(self._behind)


@contextmanager
def _entered(portal: Portal, room: AbstractAsyncContextManager[object]) -> Iterator[_Calls]:
    with portal.within(room) as inside:
        yield _Calls(inside, portal)


class BlockingJob(Front[Job[R]], Pending, Generic[R]):
    """A job whose methods wait. See `Job`; what is read from it is what is known at that moment.

    Attributes:
        family: The family of the request.
        tag: The mark in the names of the job's tasks, or None when the client does not tag.
        task_ids: The ids of its tasks; none before the service has taken the start.
    """

    family = Shown(Job, lambda job: job.family)
    tag = Shown(Job, lambda job: job.tag)
    key = Shown(Job, lambda job: job.key)
    task_ids = Shown(Job, lambda job: job.task_ids)
    status = Shown(Job, lambda job: job.status)
    coins = Shown(Job, lambda job: job.coins)
    records = Shown(Job, lambda job: job.records)
    error = Shown(Job, lambda job: job.error)
    accepted = made(Job.accepted, waited)
    updates = made(Job.updates, each)
    cancel = made(Job.cancel, waited)
    detach = made(Job.detach, called)

    @property
    def request(self) -> Request[R] | None:
        """The request, or None for a job that was attached by its ids."""
        return self._behind.request

    def done(self) -> bool:
        """Whether the job has ended, in whatever way."""
        return self._behind.done()

    def result(self, timeout: float | None = None) -> R:
        """Wait for the result; see `Job.wait`. TimeoutError leaves the job alone."""
        return self._portal.wait(partial(self._behind.wait, timeout))

    def _awaited(self) -> Job[R]:
        return self._behind

    def _repr_html_(self) -> str:
        return self._behind._repr_html_()


class BlockingClient(Front[A2EClient], ShortForms):
    """A client whose methods wait; made by `a2e_async.blocking()`. Several threads may use it at once."""

    start = made(A2EClient.start, _job)
    attach = made(A2EClient.attach, _job)
    find = made(A2EClient.find, _found_job)
    find_job = made(A2EClient.find_job, waited)
    stored_jobs = made(A2EClient.stored_jobs, each)
    jobs = made(A2EClient.jobs, _all_jobs)
    job_with = made(A2EClient.job_with, _found_job)
    job_of = made(A2EClient.job_of, _known_job)
    with_options = made(A2EClient.with_options, _view)
    records = made(A2EClient.records, each)
    record = made(A2EClient.record, waited)
    delete = made(A2EClient.delete, waited)
    drain = made(A2EClient.drain, waited)
    download = made(A2EClient.download, waited)
    upload = made(A2EClient.upload, waited)
    balance = made(A2EClient.balance, waited)
    service_time = made(A2EClient.service_time, waited)
    quote = made(A2EClient.quote, waited)
    hint = made(A2EClient.hint, called)
    base_url = Shown(A2EClient, lambda a2e: a2e.base_url)
    upload_price = Shown(A2EClient, lambda a2e: a2e.upload_price)
    webhook = Shown(A2EClient, lambda a2e: a2e.webhook)
    learned = Shown(A2EClient, lambda a2e: a2e.learned)

    def __init__(self, a2e: A2EClient, portal: Portal | None = None) -> None:
        super().__init__(a2e, portal or Portal())
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        refuse_loop()
        with ExitStack() as stack:
            portal = stack.enter_context(in_a_thread())
            stack.enter_context(portal.wrap_async_context_manager(self._behind))
            stack.callback(self._portal.open, None)
            self._portal.open(portal)
            self._stack = stack.pop_all()
        atexit.register(self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        atexit.unregister(self._end)
        if self._portal.was_forked:  # it is the parent's to close
            self._stack.pop_all()
        self._stack.__exit__(kind, error, trace)

    def _end(self) -> None:
        """Close what a program has left open at its end: its answers come in, and what still runs is told."""
        self.__exit__(None, None, None)

    def as_completed(
        self, requests: Requests[R], max_running: int = 200, *, then: Then[R] | None = None
    ) -> Iterator[BlockingJob[R]]:
        """Start many requests and give each job when it has ended, whichever way; see `A2EClient.as_completed`.

        What `then` gets is the async `Job`, for it is called in the loop of the client.
        """
        stream = self._behind.as_completed(requests, max_running, then=then)
        return (BlockingJob(job, self._portal) for job in self._portal.each(stream))

    @overload
    def gather(
        self,
        requests: Requests[R],
        max_running: int = 200,
        *,
        then: Then[R] | None = None,
        return_exceptions: Literal[False] = False,
    ) -> list[R]: ...
    @overload
    def gather(
        self,
        requests: Requests[R],
        max_running: int = 200,
        *,
        then: Then[R] | None = None,
        return_exceptions: Literal[True],
    ) -> list[R | BaseException]: ...
    def gather(
        self,
        requests: Requests[R],
        max_running: int = 200,
        *,
        then: Then[R] | None = None,
        return_exceptions: bool = False,
    ) -> Sequence[R | BaseException]:
        """Start many requests and give their results in order; see `A2EClient.gather`."""
        how: dict[str, Any] = {"then": then, "return_exceptions": return_exceptions}
        return self._portal.wait(partial(self._behind.gather, requests, max_running, **how))

    def run(self, request: Request[R]) -> R:
        """Start a request and wait for its result."""
        return self.start(request).result()

    @property
    def spent(self) -> float:
        """Coins charged in this client's life, as far as the service has said so."""
        return self._portal.call(lambda: self._behind.spent)

    @property
    def reserved(self) -> float:
        """Coins held for starts whose price is not finished; 0 without a budget."""
        return self._portal.call(lambda: self._behind.reserved)

    def stats(self) -> Stats:
        """Give the client's numbers at this moment, or at its end when it has closed."""
        live = self._portal.is_open or self._portal.was_forked
        return self._portal.call(self._behind.stats) if live else self._behind.stats()

    @property
    def calls(self) -> _Calls:
        """Every one-shot call of the service, in groups: `a2e.calls.speech.say("Hello", tts_id=...)`."""
        return _Calls(self._behind.calls, self._portal)

    @property
    def outage(self) -> float | None:
        """Seconds for which polls running tasks have failed, None while all is well."""
        return self._portal.call(lambda: self._behind.outage)


def _front(client: Callable[P, A2EClient]) -> Callable[P, BlockingClient]:
    @wraps(client, updated=())
    def blocking(*args: P.args, **kwargs: P.kwargs) -> BlockingClient:
        """Make a client for code without an event loop; it takes what `A2EClient` takes.

        Raises:
            UsageError: An event loop is running here.

        Example:
            with a2e_async.blocking() as a2e: paths = a2e.download(a2e.text_to_image("a red kite"), "out/")
        """
        kwargs.update({"token": masked(kwargs["token"])} if "token" in kwargs else {})
        args = tuple(map(masked, args))  # type: ignore[assignment]  # test reports show them, the token among them
        refuse_loop()
        return BlockingClient(client(*args, **kwargs))

    return blocking


blocking = _front(A2EClient)
