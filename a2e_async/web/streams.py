"""Server-sent events of any job, by its key or by the ids of its tasks, whichever process has it.

By a key the first event says where the job stands, as the store has it: queued, starting, or what its tasks say. Who
has the job does not matter. While another process has it, its tasks are polled here only as long as somebody listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from a2e_async.client import A2EClient
from a2e_async.client.asking import Kind
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError, UsageError
from a2e_async.web.sse import ATTACHED, END, KEEP_ALIVE, SseBody, event, is_over, told


def sse_of(
    a2e: A2EClient,
    family: Kind | None = None,
    *task_ids: str,
    key: str | None = None,
    last_event_id: str | None = None,
    keep_alive: float = 15.0,
    retry: float = 2.0,
) -> SseBody:
    """Give the events of a job by its key, or of the tasks of a start by their ids, in whatever process it was started.

    It is for you to say who may see which: take keys and ids from your own records, not from the browser.

    Args:
        a2e: The client; a job of its own that watches these tasks is used, otherwise they are attached.
        family: With ids: the family's name, or its request class.
        *task_ids: The ids of all tasks of the start.
        key: The key of a job, in place of family and ids; the client needs a store.
        last_event_id: As in `sse`.
        keep_alive: As in `sse`.
        retry: As in `sse`.

    Raises:
        UsageError: There is no such family, or neither a key nor an id was given.
    """
    if key is not None and (family is not None or task_ids):
        raise UsageError("sse_of: takes a key, or a family and ids, not both")
    if key is not None:
        if last_event_id is not None and last_event_id.endswith(END):
            return SseBody(None)
        return SseBody(_told_of_key(a2e, key, last_event_id, keep_alive, retry))
    if family is None:
        raise UsageError("sse_of: needs a key, or a family and the ids of its tasks")
    if is_over(task_ids, last_event_id):
        return SseBody(None)
    job = a2e.job_of(task_ids[0]) if task_ids else None
    if job is None or job.task_ids != task_ids:
        job = a2e.attach(family, *task_ids)
        ATTACHED[job] = 0
    return SseBody(told(job, last_event_id, keep_alive, retry), job)


async def _told_of_key(
    a2e: A2EClient, key: str, last_event_id: str | None, keep_alive: float, retry: float
) -> AsyncGenerator[bytes, None]:
    job = await a2e.job_with(key)
    if job is None:
        yield event("failed", "", {"error": "NotFoundError", "message": "there is no job of this key", "urls": []})
        return
    if not job.task_ids and not job.done():
        yield event("status", "", {"status": job.stage.value, "task_ids": [], "coins": None})
        async with aclosing(_until_accepted(job, keep_alive)) as pauses:
            async for pause in pauses:
                yield pause
    if job.done() or a2e.job_of(job.task_ids[0]) is job:
        body = SseBody(told(job, last_event_id, keep_alive, retry))
    else:  # nobody polls for it here, and the browser wants to see how it goes
        body = sse_of(a2e, job.family, *job.task_ids, last_event_id=last_event_id, keep_alive=keep_alive, retry=retry)
    async with aclosing(body) as events:
        async for one in events:
            yield one


async def _until_accepted(job: Job[Any], seconds: float) -> AsyncGenerator[bytes, None]:
    """Give comments until the service has taken a job, or it has ended."""
    taken = asyncio.create_task(_accepted(job), name="a2e accepted")
    try:
        while not taken.done():
            await asyncio.wait({taken}, timeout=seconds)
            if not taken.done():
                yield KEEP_ALIVE
    finally:
        taken.cancel()
        await asyncio.wait({taken})


async def _accepted(job: Job[Any]) -> None:
    with suppress(A2EError):  # that it never is taken is told at its end
        await job.accepted()
