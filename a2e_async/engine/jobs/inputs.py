"""What a start needs before it can be sent: its files, and the jobs that it takes.

Laws of this file: a job that waits holds no task, no place among `max_starts`, no price and nothing at the service;
every fault of a file is told before anything is sent or paid, so files are examined at once, and uploaded only when the
jobs that the same start takes are done; what is sent, written down and priced is the request with its URLs. A deadline
counts from acceptance, as for every job, so that waiting costs none of it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import attrs

from a2e_async.core.family import Request
from a2e_async.core.fields import Field
from a2e_async.core.inputs import (
    FaultError,
    Made,
    Pending,
    Unavailable,
    Upload,
    UploadMemory,
    short_name,
)
from a2e_async.core.plans import fields_of, inputs_in
from a2e_async.core.status import Stage
from a2e_async.engine.jobs.ends import Ends
from a2e_async.engine.jobs.input_rules import (
    InputFile,
    check_file,
    check_job,
    check_made,
    fault_of,
    job_of,
    places,
    refusal,
)
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.pool import Pool
from a2e_async.engine.jobs.resolving import jobs_in, jobs_of, resolved, without_jobs
from a2e_async.engine.jobs.waiting import never_sent
from a2e_async.errors import (
    A2EError,
    AuthenticationError,
    BudgetExceededError,
    ClientClosedError,
    InputFailedError,
    InsufficientCoinsError,
    UsageError,
    again,
)

_EXAMINED_AT_ONCE = 4
_PREPARED_AT_ONCE = 8
_OF_THE_ACCOUNT = (AuthenticationError, BudgetExceededError, ClientClosedError, InsufficientCoinsError)


class FileSource(Protocol):
    """Who examines and uploads files."""

    def hold(self, value: object) -> Any:  # noqa: ANN401 - a `HeldFile`
        """Take a path, bytes or an open file, such that it can be read later."""

    async def examine(self, content: Any) -> Any:  # noqa: ANN401 - a `HeldFile`, a `KnownFile`
        """Find out what a file is."""

    async def url_of(
        self,
        file: Any,  # noqa: ANN401 - a `KnownFile`
        memory: UploadMemory,
        *,
        suffixes: Sequence[str] = (),
        since: float = math.inf,
    ) -> Upload:
        """Give the URL of a file that was wanted at this time of the loop."""
        ...


class Rooms(Protocol):
    """How many starts wait that were put first."""

    async def room(self) -> None:
        """Wait until they are few."""


class Starts(Protocol):
    """Who sends starts."""

    def put(self, job: AnyJob, sent: Request[Any] | None = None) -> None:
        """Send the start of a job as this request."""

    @property
    def ready(self) -> Rooms:
        """Those that were put first and still wait."""
        ...


@attrs.define(eq=False, weakref_slot=False)
class _Waiting:
    """A job whose start waits: for so many jobs, and for its files. It hears itself when one of them has ended.

    Whoever ends a job has others to tell, and a long chain would end in one deep call: so it goes on in a moment.
    """

    hear: Callable[[_Waiting, AnyJob], None]
    job: AnyJob
    left: int
    files: tuple[InputFile, ...]

    def __call__(self, upstream: AnyJob) -> None:
        """Hear that a job has ended."""
        asyncio.get_running_loop().call_soon(self.hear, self, upstream)


class Inputs:
    """Makes requests ready to be sent.

    Args:
        ends: Where a job ends whose inputs cannot be had.
        starts: Who sends what is ready.
        hold_price: Holds the price of a start before its files are uploaded; refuses one that is too dear.
        check_urls: Refuses a request with URLs that the service cannot reach.
        files: Gives who examines and uploads; called for the first file.
    """

    def __init__(
        self,
        ends: Ends,
        starts: Starts,
        hold_price: Callable[[AnyJob], Awaitable[None]],
        check_urls: Callable[[Request[Any]], None],
        files: Callable[[], FileSource],
    ) -> None:
        self._ends = ends
        self._starts = starts
        self._hold_price = hold_price
        self._check_urls = check_urls
        self._files = files
        self._examining: Pool[_Waiting] = Pool("a2e examine", self._examine, _EXAMINED_AT_ONCE)
        self._preparing: Pool[_Waiting] = Pool("a2e prepare", self._prepare, _PREPARED_AT_ONCE)
        self._closing = False
        self._hear = self._ended  # one for all that wait

    def take(self, request: Request[Any]) -> tuple[InputFile, ...]:
        """Look through a request that is to be started, and hold its files.

        Raises:
            UsageError: It holds a job of another event loop, or something that its field cannot take.
        """
        given = inputs_in(request)
        files: list[InputFile] = []
        for field in fields_of(type(request)):
            if field.name in given:
                for there, place, value in places(field, given[field.name]):
                    self._take(there, place, value, files)
        return tuple(files)

    def _take(self, field: Field, place: str, value: object, files: list[InputFile]) -> None:
        if isinstance(value, Unavailable):
            raise refusal(field, place, "must be given again", f"a copy of {value.words}, which did not come along")
        if isinstance(value, Made):
            check_made(field, place, value)
        elif isinstance(value, Pending):
            check_job(field, place, job_of(value))
        else:
            try:
                now = asyncio.get_running_loop().time()
                files.append(InputFile(field, place, self._files().hold(value), now))
            except FaultError as fault:
                raise refusal(field, place, fault.rule, fault.instead) from fault
            except UsageError as error:
                raise refusal(field, place, "must be a path that can be used", f"{value!s:.60}: {error}") from error

    def wait(self, job: AnyJob, files: tuple[InputFile, ...]) -> None:
        """Let a job wait for what its request takes; then its start is sent."""
        request = job.request
        jobs = dict.fromkeys(jobs_in(request))
        waiting = _Waiting(self._hear, job, len(jobs) + bool(files), files)
        for upstream in jobs:
            upstream.on_end(waiting)
        if files:
            self._examining.put(waiting)
        elif not jobs:
            self._go_on(waiting)

    def _ended(self, waiting: _Waiting, upstream: AnyJob) -> None:
        job = waiting.job
        if job.done():
            return
        error = upstream.error
        if error is None:
            waiting.left -= 1
            self._go_on(waiting)
            return
        self._ends.live.seen(upstream)  # this job tells of it
        field = next(name for name, value in inputs_in(job.request).items() if upstream in jobs_of(value))
        self._fail(job, field, f"the job that it takes has ended without a result: {error}", error)

    def _fail(self, job: AnyJob, field: str, words: str, error: BaseException) -> None:
        """End a job whose input cannot be had. Its cause is a copy, for no two jobs may share a traceback."""
        cause = again(error) if isinstance(error, A2EError) else error
        failure = InputFailedError(f"{field}: {words}; nothing was sent", field=field, cause=cause)
        failure.__cause__ = cause
        self._ends.fail(job, failure)

    # FileSource.

    async def _examine(self, waiting: _Waiting) -> None:
        """Examine the files of a start, and refuse what its fields cannot take."""
        job = waiting.job
        try:
            for file in () if job.done() else waiting.files:
                try:
                    file.known = await self._files().examine(file.held)
                except FaultError as fault:
                    raise fault_of(file, fault) from fault
                check_file(file)
        except Exception as error:  # noqa: BLE001 - whatever went wrong belongs to whoever awaits this job
            self._ends.fail(job, error)
        else:
            waiting.left -= 1
            self._go_on(waiting)

    def _go_on(self, waiting: _Waiting) -> None:
        if waiting.left or waiting.job.done() or self._closing:
            return
        if waiting.files:
            self._preparing.put(waiting)
        else:
            self._hand_over(waiting)

    async def _prepare(self, waiting: _Waiting) -> None:
        """Upload the files of a start, when few are ready before it: each upload costs, and its URL ends."""
        job = waiting.job
        await self._starts.ready.room()
        try:
            if not job.done():
                await self._hold_price(job)
            for file in waiting.files:
                if job.done():
                    return
                await self._upload(file, job)
        except Exception as error:  # noqa: BLE001 - whatever went wrong belongs to whoever awaits this job
            self._ends.fail(job, error)
        else:
            self._hand_over(waiting)

    async def _upload(self, file: InputFile, job: AnyJob) -> None:
        memory, suffixes = job.options.uploads, file.field.rule.suffixes
        try:
            found = await self._files().url_of(file.known, memory, suffixes=suffixes, since=file.since)
            file.url = found.url
        except FaultError as fault:
            raise fault_of(file, fault) from fault
        except _OF_THE_ACCOUNT as error:
            raise again(error) from None  # others who wait for the same upload have it, too
        except A2EError as error:
            words = f"{file.place}: {short_name(file.held.name)} could not be uploaded: {error}; nothing was sent"
            cause = again(error)
            raise InputFailedError(words, field=file.field.name, cause=cause) from cause

    # What is ready.

    def _hand_over(self, waiting: _Waiting) -> None:
        job = waiting.job
        if job.done():
            return
        try:
            sent = resolved(job.request, iter(waiting.files))
            self._check_urls(sent)
        except Exception as error:  # noqa: BLE001 - a URL that its field does not take
            self._ends.fail(job, error)
            return
        if jobs_in(job.request):
            job.request = without_jobs(job.request)
        self._starts.put(job, sent)

    async def aclose(self) -> None:
        """Let nothing become ready any more, and end the jobs that wait; whatever is queued was never sent."""
        self._closing = True
        await self._examining.aclose()
        await self._preparing.aclose()
        for job in [job for job in self._ends.live.jobs if job.stage is Stage.QUEUED]:
            self._ends.fail(job, never_sent())
