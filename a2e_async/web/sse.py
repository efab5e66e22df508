"""A job's status as server-sent events, for a browser's `EventSource`.

    retry: 2000                                    how soon the browser comes back

    event: status                                  each change
    id: 65f0…01:processing                         what the browser has seen, for when it comes back
    data: {"status": "processing", "task_ids": ["65f0…01"], "coins": 30, "task_id": "65f0…01"}

    : still there                                  now and then, so that no proxy closes the connection

    event: done                                    the last event; or `failed`, with "error" and "message"
    id: 65f0…01:completed:end
    data: {"status": "completed", "task_ids": ["65f0…01"], "coins": 30, "urls": ["https://…/video.mp4"]}

A page closes its `EventSource` at `done` and `failed`. One that loses the connection comes back by itself with the
header Last-Event-ID and is told only what is new, also by another process, after a restart: what it has seen stands in
the id, and the job is attached by its task ids. That header comes from the browser, so no task is ever looked up by it.
One that has seen the outcome and comes back all the same is told by the status 204 not to do so again.
"""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, MutableMapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final, TypeVar
from urllib.parse import quote

from a2e_async.core.records import Record
from a2e_async.core.status import Status, least_advanced, may_follow
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError, ClientClosedError, JobDetachedError, JobFailedError, UsageError

T = TypeVar("T")

SSE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep the events back
}

# Jobs that `sse_of` has attached, each with how many streams tell of it.
ATTACHED: MutableMapping[Job[Any], int] = weakref.WeakKeyDictionary()
KEEP_ALIVE = b": still there\n\n"
_LONGEST_ID = 1000
END = ":end"


class SseBody(AsyncIterator[bytes]):
    """The bytes of server-sent events, and the status to answer with; made by `sse` and `sse_of`.

    Attributes:
        status: 200, or 204 when the browser has seen the outcome: there is nothing to tell, and it must not come back.
    """

    def __init__(self, source: AsyncGenerator[bytes, None] | None, job: Job[Any] | None = None) -> None:
        self.status = 204 if source is None else 200
        self._hold = _Hold(job)
        self._begun = False
        self._source = source and self._hold.during(source)

    async def __anext__(self) -> bytes:
        if self._source is None:
            raise StopAsyncIteration
        self._begun = True
        return await anext(self._source)

    async def aclose(self) -> None:
        """End the events, as when the browser has gone."""
        if self._source is not None:
            await self._source.aclose()
        self._hold.let_go()

    def __del__(self) -> None:
        if not self._begun:  # otherwise the event loop ends what was begun, also when nobody closes it
            self._hold.let_go()


class _Hold:
    """One stream's part in a job that was attached for browsers alone; the last one that goes lets go of the job.

    Nobody else waits for it, and a stranger who invents ids must not have the service asked about them for ever.
    """

    def __init__(self, job: Job[Any] | None) -> None:
        self._job = job if job is not None and job in ATTACHED else None
        if self._job is not None:
            ATTACHED[self._job] += 1

    async def during(self, source: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Give what comes, and let go when it ends or whoever reads it has gone."""
        try:
            async with aclosing(source):
                async for event in source:
                    yield event
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Take part no longer; the second time does nothing."""
        job, self._job = self._job, None
        if job is None or job not in ATTACHED:
            return
        ATTACHED[job] -= 1
        if not ATTACHED[job] and not job._is_awaited():  # noqa: SLF001 - no affair of users
            with suppress(UsageError):  # its loop has ended, and the job with it
                job.detach()


def sse(job: Job[Any], *, last_event_id: str | None = None, keep_alive: float = 15.0, retry: float = 2.0) -> SseBody:
    """Give a job's status as the bytes of server-sent events, each change of each record, the outcome last.

    It ends after the outcome, and without one when our client is closed: then the task goes on and the browser comes
    back.

    Args:
        job: The job.
        last_event_id: The header Last-Event-ID of a browser that comes back: it is told only what is new.
        keep_alive: Seconds of silence after which a comment is sent.
        retry: Seconds after which the browser comes back when the connection breaks.
    """
    if is_over(job.task_ids, last_event_id):
        return SseBody(None)
    return SseBody(told(job, last_event_id, keep_alive, retry))


async def told(
    job: Job[Any], last_event_id: str | None, keep_alive: float, retry: float
) -> AsyncGenerator[bytes, None]:
    """Give the events of a job; see `sse`."""
    view = _View(job, _read_id(job.task_ids, last_event_id))
    yield f"retry: {round(retry * 1000)}\n\n".encode()
    if not job.task_ids:
        yield event("status", "", view.facts())
    async with aclosing(with_pauses(job.updates(), keep_alive)) as updates:
        async for record in updates:
            if record is None:
                yield KEEP_ALIVE
            elif view.is_news(record):
                yield event("status", view.id, {**view.facts(), "task_id": record.id})
    outcome = await _outcome(job)
    if outcome is not None:
        yield event(outcome.pop("event"), view.id and view.id + END, {**view.facts(), **outcome})


class _View:
    """What a browser knows of a job, and what of the job's news is new to it."""

    def __init__(self, job: Job[Any], seen: Mapping[str, Status]) -> None:
        self._job = job
        self._known = dict(seen)
        self._seen = set(seen)

    def is_news(self, record: Record) -> bool:
        """Note a record; whether the browser has yet to be told of it."""
        known = self._known.get(record.id)
        if record == Record(id=record.id, family=record.family):  # attached just now, and not polled yet
            return False
        if record.id in self._seen and known is not None:
            if record.status is known or not may_follow(known, record.status):
                return False
            self._seen.remove(record.id)
        self._known[record.id] = record.status
        return True

    @property
    def id(self) -> str:
        """What the browser has seen once it has the event that is sent now."""
        ids = self._job.task_ids
        return f"{quote(ids[0], safe='')}:{','.join(status.value for status in self._statuses)}" if ids else ""

    @property
    def _statuses(self) -> list[Status]:
        return [self._known.get(task_id, Status.UNKNOWN) for task_id in self._job.task_ids]

    def facts(self) -> dict[str, Any]:
        """Give what each event says."""
        job = self._job
        coins = [record.coins for record in job.records if record.coins is not None]  # of an attached job these alone
        return {
            "status": least_advanced(self._statuses).value if job.task_ids else job.stage.value,
            "task_ids": list(job.task_ids),
            "coins": job.coins if job.coins is not None or not coins else sum(coins),
        }


async def _outcome(job: Job[Any]) -> dict[str, Any] | None:
    """Give what the last event says, None when the job was only let go of."""
    try:
        result = await job.wait()
    except (JobDetachedError, ClientClosedError):
        return None
    except JobFailedError as error:
        urls = list(error.result.urls) if error.result else []
        return {"event": "failed", "error": "JobFailedError", "message": error.message, "urls": urls}
    except A2EError as error:
        return {"event": "failed", "error": type(error).__name__, "message": str(error), "urls": []}
    return {"event": "done", "urls": list(result.urls)}


async def with_pauses(source: AsyncIterator[T], seconds: float) -> AsyncGenerator[T | None, None]:
    """Give what comes, and None whenever nothing has come for so long."""
    coming: asyncio.Task[list[T]] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_next(source), name="a2e next event")
            await asyncio.wait({coming}, timeout=seconds)
            if not coming.done():
                yield None
                continue
            come, coming = coming.result(), None
            if not come:
                return
            yield come[0]
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
        if isinstance(source, AsyncGenerator):
            await source.aclose()


async def _next(source: AsyncIterator[T]) -> list[T]:
    """Give the next one, or nothing at the end: a task cannot end with StopAsyncIteration."""
    async for one in source:
        return [one]
    return []


def event(kind: str, event_id: str, data: Mapping[str, Any]) -> bytes:
    """Write one event."""
    lines = [f"event: {kind}", *([f"id: {event_id}"] if event_id else []), f"data: {json.dumps(data)}"]
    return ("\n".join(lines) + "\n\n").encode()


def is_over(task_ids: Sequence[str], last_event_id: str | None) -> bool:
    """Whether a browser has seen the outcome of these tasks."""
    return bool(last_event_id and last_event_id.endswith(END) and _read_id(task_ids, last_event_id))


def _read_id(task_ids: Sequence[str], text: str | None) -> dict[str, Status]:
    """Give what a browser has seen of these tasks; nothing when the id is of others or makes no sense."""
    first, _, words = (text or "")[:_LONGEST_ID].removesuffix(END).partition(":")
    try:
        statuses = [Status(word) for word in words.split(",")]
    except ValueError:
        return {}
    if len(statuses) != len(task_ids) or first != quote(task_ids[0], safe=""):
        return {}
    return dict(zip(task_ids, statuses, strict=True))
