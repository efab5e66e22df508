"""A job's status as server-sent events: what is told, in which order, and what is new to a browser that comes back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json

import pytest
from virtual_time import IMAGE, caught, client, now, until, virtual

from a2e_async import Cadence, Status, TextToImage, UsageError
from a2e_async.web import SSE_HEADERS, SseResponse, sse, sse_of

OFTEN = {"cadence": Cadence(delay=0.1)}
SEVERAL = TextToImage("two kites", max_images=2)


def read(chunk):
    """Give one event as (kind, id, data), a comment or a hint as its text."""
    text = chunk.decode()
    assert text.endswith("\n\n")
    fields = dict(line.split(": ", 1) for line in text[:-2].split("\n"))
    return (fields["event"], fields.get("id"), json.loads(fields["data"])) if "data" in fields else text.strip()


async def all_of(events):
    """Read a stream to its end; comments are left out."""
    return [one for one in [read(chunk) async for chunk in events] if one != ": still there"]


@virtual(options=OFTEN, task_seconds=20)
async def test_each_status_and_the_outcome_are_told(a2e, sim):
    """From the queue to the result's links, each event with an id that says what has been seen."""
    job = a2e.start(IMAGE)
    hint, queued, *told = await all_of(sse(job))
    assert hint == "retry: 2000"
    assert queued == ("status", None, {"status": "queued", "task_ids": [], "coins": None})
    words = ["initialized", "sent", "pending", "processing", "completed"]
    [task_id] = job.task_ids
    assert [(kind, data["status"], event_id) for kind, event_id, data in told[:-1]] == [
        ("status", word, f"{task_id}:{word}") for word in words
    ]
    urls = list((await job).urls)
    facts = {"status": "completed", "task_ids": [task_id], "coins": 10, "urls": urls}
    assert told[-1] == ("done", f"{task_id}:completed:end", facts)


@virtual(options=OFTEN, task_seconds=lambda _family, body: 10 if "two" in body["prompt"] else 5)
async def test_a_job_of_several_tasks_tells_of_each(a2e, sim):
    """An event names its task; the status is that of the one that has come least far."""
    job = a2e.start(SEVERAL)
    *_, last = told = await all_of(sse(job))
    assert {data["task_id"] for kind, _, data in told[2:-1]} == set(job.task_ids)
    assert last[1] == f"{job.task_ids[0]}:completed,completed:end"
    assert len(last[2]["urls"]) == 2


@virtual(options=OFTEN, task_seconds=5)
async def test_a_failure_is_told(a2e, sim):
    """The last event has the error's name and words, and nobody else needs to have awaited the job."""
    job = a2e.start(TextToImage("a kite [fail:nsfw]"))
    *_, (kind, _, data) = await all_of(sse(job))
    assert (kind, data["status"], data["error"], data["urls"]) == ("failed", "failed", "JobFailedError", [])
    assert "sensitive" in data["message"]


@virtual(options=OFTEN, task_seconds=5, coins=5)
async def test_a_start_that_is_refused_is_told(a2e, sim):
    """A job that never had a task ends its stream with the reason."""
    *_, (kind, event_id, data) = await all_of(sse(a2e.start(IMAGE)))
    assert (kind, event_id, data["error"], data["task_ids"]) == ("failed", None, "InsufficientCoinsError", [])


@virtual(options=OFTEN, task_seconds=100)
async def test_a_time_limit_is_told(a2e, sim):
    """A job that gives up says that the task goes on."""
    *_, (kind, _, data) = await all_of(sse(a2e.start(IMAGE, timeout=3)))
    assert (kind, data["error"]) == ("failed", "JobTimeoutError")
    assert "still running on A2E" in data["message"]


@virtual(opened=False, task_seconds=100)
async def test_a_closed_client_leaves_the_end_open(sim):
    """When our server goes down no outcome is told: the browser will come back."""
    async with client(sim) as a2e:
        job = a2e.start(IMAGE)
        telling = asyncio.create_task(all_of(sse(job)))
        await job.accepted()
        await asyncio.sleep(1)
    assert [kind for kind, *_ in (await telling)[1:]] == ["status"] * 2


@virtual(options=OFTEN, task_seconds=20)
async def test_a_browser_that_comes_back_is_told_what_is_new(a2e, sim):
    """The id of the last event is enough, also for a job that was attached anew."""
    job = a2e.start(IMAGE)
    await until(lambda: job.status is Status.PROCESSING)
    [task_id] = job.task_ids
    for last in ("pending", "processing"):
        stream = sse(job, last_event_id=f"{task_id}:{last}")
        assert read(await anext(stream)) == "retry: 2000"
        kind, event_id, _ = read(await anext(stream))
        assert (kind, event_id) == ("status", f"{task_id}:{'processing' if last == 'pending' else 'completed'}")
        await stream.aclose()
    assert await all_of(sse(job, last_event_id=f"{task_id}:completed:end")) == []
    assert [kind for kind, *_ in (await all_of(sse(job, last_event_id=f"{task_id}:completed")))[1:]] == ["done"]


@virtual(opened=False, task_seconds=20)
async def test_another_process_tells_the_rest(sim):
    """After a restart the ids of the tasks are enough; what an attached job does not know yet takes nothing back."""
    async with client(sim) as first:
        job = first.start(SEVERAL)
        await job.accepted()
    ids = job.task_ids
    await asyncio.sleep(5)
    async with client(sim, **OFTEN) as second:
        seen = f"{ids[0]}:pending,sent"
        told = await all_of(sse_of(second, "text_to_image", *ids, last_event_id=seen))
        ranks = [Status(data["status"]).rank for kind, _, data in told[1:]]
        assert ranks == sorted(ranks)
        assert ranks[0] >= Status.SENT.rank
        assert told[-1][0] == "done"
        assert told[-1][2]["coins"] == 20
        before = sum(sim.counters.values())
        assert await all_of(sse_of(second, "text_to_image", *ids, last_event_id=told[-1][1])) == []
        assert sum(sim.counters.values()) == before


@virtual(options=OFTEN, task_seconds=20)
async def test_a_job_of_the_same_client_is_shared(a2e, sim):
    """A stream by ids takes the job that watches them, and so does the next stream: nobody is robbed of his polls."""
    job = a2e.start(IMAGE)
    await job.accepted()
    streams = [all_of(sse_of(a2e, "text_to_image", *job.task_ids)) for _ in range(3)]
    told = await asyncio.gather(*streams, job.wait())
    assert [events[-1][0] for events in told[:-1]] == ["done"] * 3
    assert a2e.stats().finished == 1


@pytest.mark.parametrize(
    "last", ["", ":", "nonsense", "65f0:completed:end", "x" * 9999, "\x00", "{id}:finished", "{id}:"]
)
@virtual(options=OFTEN, task_seconds=1)
async def test_an_id_that_makes_no_sense_is_none(a2e, sim, last):
    """The header comes from a browser: whatever stands there, the whole story is told."""
    job = a2e.start(IMAGE)
    await job.accepted()
    events = await all_of(sse(job, last_event_id=last.replace("{id}", job.task_ids[0])))
    assert [events[1][2]["status"], events[-1][0]] == ["initialized", "done"]


@virtual(options=OFTEN, task_seconds=95)
async def test_silence_is_broken(a2e, sim):
    """While nothing changes a comment keeps the connection alive."""
    job = a2e.start(IMAGE)
    silent = [chunk async for chunk in sse(job, keep_alive=10)].count(b": still there\n\n")
    assert 4 <= silent <= 9


@virtual(task_seconds=50)
async def test_a_stream_that_is_left_leaves_nothing_behind(a2e, sim):
    """A browser that goes away ends its stream, not the job; the job listens to nobody then."""
    job = a2e.start(IMAGE)
    stream = sse(job)
    for _ in range(3):
        await anext(stream)
    assert job.watched
    await stream.aclose()
    assert not job.watched
    reading = asyncio.create_task(all_of(sse(job)))
    await asyncio.sleep(1)
    reading.cancel()
    assert isinstance(await caught(asyncio.wait_for(asyncio.shield(job.wait()), 1)), TimeoutError)
    assert not job.watched
    assert (await job).url


@virtual(task_seconds=5)
async def test_wrong_ids_are_told_at_once(a2e, sim):
    """Nonsense is refused where the stream is made."""
    with pytest.raises(UsageError):
        sse_of(a2e, "text_to_image")
    with pytest.raises(UsageError):
        sse_of(a2e, "no_such_family", "65f000000000000000000001")


@virtual(options=OFTEN, task_seconds=30)
async def test_the_asgi_response(a2e, sim):
    """It sends headers and events, ends when the browser leaves, and answers 204 when there is nothing to tell."""
    job = a2e.start(IMAGE)
    sent = []

    async def send(message):
        sent.append(message)

    async def leave_after(seconds):
        await asyncio.sleep(seconds)
        return {"type": "http.disconnect"}

    await SseResponse(sse(job))({}, lambda: leave_after(5), send)
    assert now() == pytest.approx(5, abs=0.1)
    assert sent[0]["status"] == 200
    assert dict(sent[0]["headers"])[b"content-type"] == SSE_HEADERS["Content-Type"].encode()
    assert not job.watched

    sent.clear()
    await SseResponse(sse(job))({}, lambda: leave_after(500), send)
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    last = read(sent[-2]["body"])[1]

    sent.clear()
    await SseResponse(sse(job, last_event_id=last))({}, lambda: leave_after(500), send)
    assert sent[0]["status"] == 204


@pytest.mark.parametrize("leaving", ["close", "cancel", "drop", "never read"])
@virtual(options=OFTEN, task_seconds=1000)
async def test_what_nobody_listens_to_is_let_go_of(a2e, sim, leaving):
    """A job that was attached for browsers ends with the last of their streams, however they leave."""
    job = a2e.start(IMAGE)
    await job.accepted()
    job.detach()
    streams = [sse_of(a2e, "text_to_image", *job.task_ids) for _ in range(2)]
    if leaving != "never read":
        [await anext(stream) for stream in streams]
    await _leave(streams[0], leaving)
    if leaving != "drop":
        assert a2e.stats().running == 1
    await _leave(streams.pop(), leaving)
    streams.clear()
    gc.collect()
    await asyncio.sleep(0.1)
    assert a2e.stats().running == 0


async def _leave(stream, how):
    if how == "close":
        await stream.aclose()
    elif how == "cancel":
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                [one async for one in stream]


@virtual(options=OFTEN, task_seconds=20)
async def test_a_job_that_somebody_awaits_is_not_let_go_of(a2e, sim):
    """A job of the application's own outlives its streams, and so does an attached one that is awaited."""
    own = a2e.start(IMAGE)
    await own.accepted()
    await sse_of(a2e, "text_to_image", *own.task_ids).aclose()
    assert not own.done()
    own.detach()
    stream = sse_of(a2e, "text_to_image", *own.task_ids)
    waiting = asyncio.create_task(a2e.job_of(own.task_ids[0]).wait())
    await asyncio.sleep(0.1)
    await stream.aclose()
    assert (await waiting).url


@virtual(options=OFTEN, task_seconds=20)
async def test_in_another_worker_the_first_event_is_what_the_service_says(a2e, sim):
    """A task that was attached just now is told of when it was polled, not as unknown."""
    own = a2e.start(IMAGE)
    await own.accepted()
    own.detach()
    told = await all_of(sse_of(a2e, "text_to_image", *own.task_ids))
    assert told[1][2]["status"] in ("initialized", "sent", "pending", "processing")
    assert told[1][2]["coins"] == 10


@pytest.mark.parametrize("task_id", ["../x", "a b", "", "x" * 65, "a\ndata: x", "\u00e9", "%2e"])
@virtual(options=OFTEN)
async def test_what_cannot_be_an_id_is_refused(a2e, sim, task_id):
    """Text from a browser becomes no part of a path and no line of the stream; nothing is asked."""
    for ask in (sse_of, a2e.attach):
        with pytest.raises(UsageError, match=r"^task_ids: must be an id"):
            ask(*[a2e][: ask is sse_of], "text_to_image", task_id)
    for look in (a2e.record, a2e.delete):
        with pytest.raises(UsageError, match=r"^task_ids: must be an id"):
            await look("text_to_image", task_id)
    assert not sim.counters
