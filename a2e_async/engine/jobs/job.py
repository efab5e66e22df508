"""A job: our awaitable handle on what one request started.

Laws of this file: a job holds no coroutine and no task, only the futures of those who wait for it right now;
cancelling a waiter never touches the job; it shows what its users need, and nothing here changes how far it has come:
that is the engine's part (`kept.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from types import TracebackType
from typing import Any, Generic, NoReturn, Protocol, TypeVar, cast

from a2e_async.core.family import Family, Request
from a2e_async.core.inputs import Pending
from a2e_async.core.records import Record, Result
from a2e_async.core.rendering import Rendered
from a2e_async.core.status import Stage, Status, least_advanced
from a2e_async.engine.jobs.options import Keyed
from a2e_async.engine.jobs.waiting import Listener, check_loop, wait_among, within

R = TypeVar("R", bound=Result)


class Keeper(Protocol):
    """What a job asks of the engine that keeps it; the engine knows it as the `KeptJob` that it is."""

    def detach(self, job: Any) -> None:  # noqa: ANN401 - see above
        """Stop watching a job."""

    async def cancel(self, job: Any) -> bool:  # noqa: ANN401 - see above
        """Take a job back where the service still allows it."""
        ...

    def seen(self, job: Any) -> None:  # noqa: ANN401 - see above
        """Note that somebody has seen how the job ended."""


class Job(Rendered, Keyed, Pending, Generic[R]):
    """What one request started, which any number of coroutines may await: `result = await job`.

    It belongs to its client's event loop. Cancelling who awaits it leaves it alone; `detach()` and `cancel()` do not.

    Attributes:
        family: The family of the request.
        request: The request, or None for a job that was attached by its ids.
        tag: The mark in the names of the job's tasks, or None when the client does not tag.
        task_ids: The ids of its tasks, of which one start can make several; none before the service has taken it.
    """

    __slots__ = (
        "__weakref__", "_accepters", "_callbacks", "_coins", "_error", "_keeper", "_listeners", "_loop", "_records",
        "_result", "_stage", "_trace", "_trace_id", "_waiters", "family", "request", "tag", "task_ids",
    )  # fmt: skip

    def __init__(self, keeper: Keeper, family: Family, request: Request[R] | None, tag: str | None = None) -> None:
        self.family = family
        self.request = request
        self.tag = tag
        self.task_ids: tuple[str, ...] = ()
        self._stage = Stage.QUEUED
        self._keeper = keeper
        self._loop = asyncio.get_running_loop()
        self._records: tuple[Record, ...] = ()  # a few, for which a dict would be most of a job's memory
        self._coins: float | None = None
        self._result: R | None = None
        self._error: BaseException | None = None
        self._trace: TracebackType | None = None
        self._trace_id: str | None = None
        self._waiters: list[asyncio.Future[None]] | None = None
        self._accepters: list[asyncio.Future[None]] | None = None
        self._listeners: list[Listener] | None = None
        self._callbacks: list[Callable[[Job[R]], None]] | None = None

    @property
    def stage(self) -> Stage:
        """How far the job has come here; the service knows its tasks alone."""
        return self._stage

    @property
    def status(self) -> Status | None:
        """The status of the task that has come least far; None before the service has taken the start."""
        if not self.task_ids:
            return None
        known = {record.id: record.status for record in self._records}
        return least_advanced([known.get(task_id, Status.UNKNOWN) for task_id in self.task_ids])

    @property
    def coins(self) -> float | None:
        """Coins the service charged at the start; None before it has said so."""
        return self._coins

    @property
    def trace_id(self) -> str | None:
        """The service's trace id of its reply to the start, which its support asks for; None before, or without one."""
        return self._trace_id

    @property
    def records(self) -> tuple[Record, ...]:
        """What the service last said about each task, in the order of `task_ids`."""
        if len(self._records) == 1 and self.task_ids == (self._records[0].id,):
            return self._records
        known = {record.id: record for record in self._records}
        return tuple([known[task_id] for task_id in self.task_ids if task_id in known])

    @property
    def error(self) -> BaseException | None:
        """The error with which the job ended, or None."""
        return self._error

    def done(self) -> bool:
        """Whether the job has ended, in whatever way."""
        return self._stage is Stage.DONE

    def _is_awaited(self) -> bool:
        """Whether somebody waits for the job, or reads its updates, at this moment."""
        return bool(self._waiters or self._accepters or self._listeners)

    def __await__(self) -> Generator[Any, None, R]:
        return self.wait().__await__()

    async def wait(self, timeout: float | None = None) -> R:  # noqa: ASYNC109 - the contract; a plain await has none
        """Wait for the result; the same as awaiting the job, as a coroutine.

        Args:
            timeout: Seconds to wait, None for ever. Afterwards TimeoutError is raised and the job goes on.

        Raises:
            JobFailedError: A task failed.
            JobTimeoutError, JobDetachedError, JobCancelledError: The job ended without its task's end.
            A2EError: The start was refused, or may be lost; see `a2e_async.errors`.
        """
        check_loop(self._loop)
        if self._stage is not Stage.DONE:
            self._waiters = waiters = self._waiters or []
            waiting = wait_among(self._loop, waiters)
            await (waiting if timeout is None else within(timeout, waiting, self._unended))
        try:
            return self._outcome()
        finally:
            del self  # an error's traceback holds this frame

    def _unended(self) -> str:
        tasks = f" (task {', '.join(self.task_ids[:3])})" if self.task_ids else ""
        return f"the job goes on{tasks} and can be awaited again"

    async def accepted(self) -> None:
        """Wait until the service has taken the start: `task_ids` is set then, and `coins` if it said so.

        Raises:
            A2EError: The start was refused, not sent, or may be lost.
        """
        check_loop(self._loop)
        if not self.task_ids and not self.done():
            self._accepters = accepters = self._accepters or []
            await wait_among(self._loop, accepters)
        if not self.task_ids:
            self._outcome()

    async def updates(self) -> AsyncIterator[Record]:
        """Give each change of each task's record, beginning with what is known; the last ones are final.

        It ends normally when the job has ended, failed or not.
        """
        check_loop(self._loop)
        listener = Listener(self.records)
        if not self.done():
            self._listeners = [*(self._listeners or ()), listener]
        try:
            while True:
                while listener.unread:
                    yield listener.unread.popleft()
                if self.done():
                    return
                await listener.wait(self._loop)
        finally:
            if self._listeners and listener in self._listeners:
                self._listeners.remove(listener)

    def detach(self) -> None:
        """Stop watching; the task goes on, and whoever awaits the job gets JobDetachedError with the ids."""
        check_loop(self._loop)
        self._keeper.detach(self)

    async def cancel(self) -> bool:
        """Take the start back where the service allows it.

        Returns:
            True when the start was never sent, or its tasks were deleted while `initialized`, which refunds them;
            whoever awaits the job gets JobCancelledError. False when it is too late; the job goes on.
        """
        check_loop(self._loop)
        return await self._keeper.cancel(self)

    def __repr__(self) -> str:
        words = [self.family.name, self.stage.value, *([self.status.value] if self.status else [])]
        words += [f"task {task_id}" for task_id in self.task_ids[:3]]
        words += [f"tag {self.tag}"] if self.tag else []
        words += [type(self._error).__name__] if self._error else []
        return f"<Job {' '.join(words)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Job cannot be pickled; keep job.task_ids and attach(family, *task_ids) to them")

    def on_end(self, callback: Callable[[Job[R]], None]) -> None:
        """Call back when the job ends, at once if it has."""
        if self.done():
            callback(self)
        else:
            self._callbacks = [*(self._callbacks or ()), callback]

    def _outcome(self) -> R:
        error, trace = self._error, self._trace
        if error is not None:
            self._keeper.seen(self)
            try:
                raise error.with_traceback(trace)
            finally:
                del self, error, trace  # the traceback holds this frame
        return cast("R", self._result)
