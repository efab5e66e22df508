"""Server-sent events by key: whichever process has the job, and whatever has become of it."""

from __future__ import annotations

import asyncio
import json

import pytest
from durable import KITE, durable

from a2e_async import JobFailedError, TextToImage, UsageError
from a2e_async.web import sse_of


def read(chunk):
    """Give one event as (kind, data), anything else as its text."""
    fields = dict(line.split(": ", 1) for line in chunk.decode()[:-2].split("\n"))
    return (fields["event"], json.loads(fields["data"])) if "data" in fields else chunk.decode()


async def events_of(body):
    """Read a stream to its end, without hints and comments."""
    return [one for one in [read(chunk) async for chunk in body] if not isinstance(one, str)]


@durable()
async def test_any_process_tells_of_any_job(world):
    """The one that has the job, and the other one: from where it stands to its URLs."""
    here, there = await world.process(), await world.process()
    job = here.start(KITE, key="order-1")
    await job.accepted()
    both = await asyncio.gather(*(events_of(sse_of(a2e, key="order-1")) for a2e in (here, there)))
    urls = list((await job).urls)
    for told in both:
        assert told[0][1]["status"] in ("initialized", "sent", "pending", "processing", "completed")
        assert told[-1] == ("done", {**told[-1][1], "urls": urls, "task_ids": list(job.task_ids)})
    assert world.starts == 1


@durable()
async def test_a_job_that_has_ended_is_told_by_a_process_that_never_saw_it(world):
    """The first event is the outcome, without any request; a failed one says why."""
    here = await world.process()
    await here.start(KITE, key="good")
    with pytest.raises(JobFailedError):
        await here.start(TextToImage("a kite [fail]"), key="bad")
    there = await world.process()
    assert [kind for kind, _ in await events_of(sse_of(there, key="good"))][-1] == "done"
    [*_, (kind, data)] = await events_of(sse_of(there, key="bad"))
    assert (kind, data["error"]) == ("failed", "JobFailedError")
    assert there.wire.sent == []


@durable()
async def test_a_job_that_waits_is_told_before_it_has_tasks(world):
    """Its first event says that it is queued, and the others follow when its turn comes."""
    a2e = await world.process(max_running=1)
    first, second = a2e.start(KITE, key="one"), a2e.start(TextToImage("a boat"), key="two")
    await first.accepted()
    told = await events_of(sse_of(a2e, key="two"))
    assert told[0] == ("status", {"status": "queued", "task_ids": [], "coins": None})
    assert told[-1][0] == "done"
    await second


@durable()
async def test_a_key_that_nobody_has_is_said_so(world):
    """There is no job to wait for."""
    a2e = await world.process()
    [(kind, data)] = await events_of(sse_of(a2e, key="order-1"))
    assert (kind, data["error"]) == ("failed", "NotFoundError")


@durable()
async def test_a_browser_that_knows_the_end_is_sent_away(world):
    """Who has seen the outcome gets 204; a key beside ids, or neither, is refused."""
    a2e = await world.process()
    assert sse_of(a2e, key="order-1", last_event_id="65f0:completed:end").status == 204
    with pytest.raises(UsageError, match="a key, or a family and ids"):
        sse_of(a2e, "text_to_image", "65f0", key="order-1")
    with pytest.raises(UsageError, match="needs a key"):
        sse_of(a2e)
