"""Whoever listens to what happens in a client; the events themselves are in `events.py`.

Laws of this file: without a listener an event costs one `if` and is never made; a listener that does not keep up
loses the oldest events, and is told how many.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Self

from a2e_async.errors import UsageError

if TYPE_CHECKING:
    from a2e_async.core.records import Record
    from a2e_async.engine.jobs.events import Event
    from a2e_async.engine.jobs.kept import AnyJob


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
        from a2e_async.engine.jobs import delays, events  # noqa: F401, PLC0415 - not in the middle of what they tell

        self._origin = self._origin or time.time() - asyncio.get_running_loop().time()
        stream = EventStream(limit)
        self._streams.append(weakref.ref(stream, self._gone))
        self.heard = True
        return stream

    def now(self) -> float:
        """Give the time of an event that happens now."""
        return self._origin + asyncio.get_running_loop().time()

    # What is told: each says it of now, and loads its class. Ask `heard` before.

    def started(self, job: AnyJob) -> None:
        """Tell that a job came to be."""
        from a2e_async.engine.jobs.events import Started  # noqa: PLC0415

        self.tell(Started(at=self.now(), job=job))

    def recovered(self, job: AnyJob) -> None:
        """Tell that the tasks of a lost start were found."""
        from a2e_async.engine.jobs.events import Recovered  # noqa: PLC0415

        self.tell(Recovered(at=self.now(), job=job))

    def accepted(self, job: AnyJob) -> None:
        """Tell that the service has taken a start."""
        from a2e_async.engine.jobs.events import Accepted  # noqa: PLC0415

        self.tell(Accepted(at=self.now(), job=job))

    def changed(self, job: AnyJob, record: Record) -> None:
        """Tell that the record of a task changed."""
        from a2e_async.engine.jobs.events import Changed  # noqa: PLC0415

        self.tell(Changed(at=self.now(), job=job, record=record))

    def finished(self, job: AnyJob, there: float | None) -> None:
        """Tell that a job has ended; `there` is the service's time, None when it is not known."""
        from a2e_async.engine.jobs.delays import delay_of  # noqa: PLC0415
        from a2e_async.engine.jobs.events import Finished  # noqa: PLC0415

        now, accepted = self.now(), job.accepted_at
        watched = 0.0 if accepted is None else asyncio.get_running_loop().time() - accepted
        self.tell(Finished(at=now, job=job, delay=delay_of(job.records, watched, now, there)))

    def health_changed(self, *, well: bool, outage: float) -> None:
        """Tell that polls began to fail, or are good again."""
        from a2e_async.engine.jobs.events import HealthChanged  # noqa: PLC0415

        self.tell(HealthChanged(at=self.now(), well=well, outage=outage))

    def retried(self, failures: int, error: Exception, wait: float) -> None:
        """Tell that a request failed and will be sent again."""
        from a2e_async.engine.jobs.events import Retried  # noqa: PLC0415

        self.tell(Retried(at=self.now(), failures=failures, error=error, wait=wait))

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
