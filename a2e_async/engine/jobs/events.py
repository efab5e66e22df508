"""What happens in a client, as values for whoever listens: `async for event in a2e.events()`.

Laws of this file: without a listener an event costs one `if` and is never made; a listener that does not keep up
loses the oldest events, and is told how many.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
import weakref
from collections import deque
from pathlib import Path
from typing import Self

import attrs

from a2e_async.core.records import Record
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.errors import UsageError


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened in a client.

    Attributes:
        at: When, in seconds since 1970 by a clock that never goes back.
    """

    at: float


@attrs.frozen(kw_only=True)
class Started(Event):
    """A job came to be; its start is queued, or it was attached to tasks that are there.

    Attributes:
        job: The job.
        context: The context variables of whoever started it.
    """

    job: AnyJob
    context: contextvars.Context = attrs.field(factory=contextvars.copy_context, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Recovered(Event):
    """The answer of a start was lost, and its tasks were found by their tag; `Accepted` follows.

    Attributes:
        job: Its job.
    """

    job: AnyJob


@attrs.frozen(kw_only=True)
class Accepted(Event):
    """The service has taken a start: the job's ids are known, and its coins if the service named them.

    Attributes:
        job: Its job.
    """

    job: AnyJob


@attrs.frozen(kw_only=True)
class Changed(Event):
    """The record of a task changed.

    Attributes:
        job: Its job.
        record: What the service says now.
    """

    job: AnyJob
    record: Record


@attrs.frozen(kw_only=True)
class Finished(Event):
    """A job has ended, well or with `job.error`.

    Attributes:
        job: The job.
        delay: Seconds from the end of its last task to this moment, None where the service's records do not say when
            that was; see `engine/jobs/stats.py`.
    """

    job: AnyJob
    delay: float | None = None


@attrs.frozen(kw_only=True)
class Downloaded(Event):
    """Files were fetched, or could not be.

    Attributes:
        began: When the download began; as `at`.
        task_ids: The tasks whose files they are, as far as they are known.
        paths: Where the files are; empty after a failure.
        error: Why they are not there, or None.
    """

    began: float
    task_ids: tuple[str, ...]
    paths: tuple[Path, ...] = ()
    error: BaseException | None = None


@attrs.frozen(kw_only=True)
class Uploaded(Event):
    """A file was uploaded, or could not be; one that was uploaded before is not told of again.

    Attributes:
        began: When the upload began; as `at`.
        name: The file's name, or what else it is, such as "1,024 bytes".
        kind: Its content type.
        size: Its bytes.
        digest: Its SHA-256 in hexadecimal.
        url: Its public URL; "" after a failure.
        coins: What it cost, None where that is not known.
        error: Why it is not there, or None.
    """

    began: float
    name: str
    kind: str
    size: int
    digest: str
    url: str = ""
    coins: float | None = None
    error: BaseException | None = None


@attrs.frozen(kw_only=True)
class HealthChanged(Event):
    """Polls began to fail, or are good again; jobs go on meanwhile.

    Attributes:
        well: Whether they are good again.
        outage: How many seconds they failed; 0 when it begins.
    """

    well: bool
    outage: float


@attrs.frozen(kw_only=True)
class Retried(Event):
    """A request failed and will be sent again.

    Attributes:
        failures: How often it has failed by now.
        error: How it failed.
        wait: Seconds until it is sent again.
    """

    failures: int
    error: Exception
    wait: float


class EventStream:
    """The events of a client since the stream was made; an async iterator for one reader, which ends with the client.

    Attributes:
        dropped: How many of the oldest events were lost because the reader did not keep up.
    """

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._limit = limit
        self._unread: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._unread:
            if self._closed:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise UsageError("a stream of events has one reader; call events() once for each")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._unread.popleft()

    def close(self) -> None:
        """Take no more events; those that wait can still be read."""
        self._closed = True
        self._wake()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def put(self, event: Event) -> None:
        """Take one event; for the client only."""
        if len(self._unread) >= self._limit:
            self._unread.popleft()
            self.dropped += 1
        self._unread.append(event)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Events:
    """Hands events to the streams that are there.

    Attributes:
        heard: Whether there is a stream; ask before an event is made.
    """

    def __init__(self) -> None:
        self.heard = False
        self._streams: list[weakref.ref[EventStream]] = []
        self._origin = 0.0

    def stream(self, limit: int) -> EventStream:
        """Make a stream, which takes events until it is closed or nobody holds it."""
        self._origin = self._origin or time.time() - asyncio.get_running_loop().time()
        stream = EventStream(limit)
        self._streams.append(weakref.ref(stream, self._gone))
        self.heard = True
        return stream

    def now(self) -> float:
        """Give the time of an event that happens now."""
        return self._origin + asyncio.get_running_loop().time()

    def tell(self, event: Event) -> None:
        """Hand an event to every stream."""
        for known in list(self._streams):
            stream = known()
            if stream is None or stream.closed:
                self._gone(known)
            else:
                stream.put(event)

    def close(self) -> None:
        """End every stream."""
        for stream in [stream for known in self._streams if (stream := known()) is not None]:
            stream.close()
        self._streams.clear()
        self.heard = False

    def _gone(self, known: weakref.ref[EventStream]) -> None:
        self._streams = [other for other in self._streams if other is not known]
        self.heard = bool(self._streams)
