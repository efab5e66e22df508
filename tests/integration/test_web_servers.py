"""One application on five frameworks under their real servers: lifespan, webhooks and server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time
import zlib
from urllib.parse import urlsplit

import aiohttp
import attrs
import pytest
from web_apps import KINDS, SECRET, serving

from a2e_async import Cadence, simulator

SELDOM = Cadence(delay=600)
OFTEN = Cadence(delay=0.02, polls_per_second=50)
HEADER = "X-A2e-Webhook-Token"


@pytest.fixture(params=KINDS)
def kind(request):
    """Give each framework and server."""
    return request.param


@pytest.fixture
async def http():
    """Give a session for browsers and callers."""
    async with aiohttp.ClientSession() as session:
        yield session


@contextlib.asynccontextmanager
async def served(kind, cadence=OFTEN, **switches):
    """Serve the application of one kind in front of a simulator of its own, which sends no webhooks by itself.

    One that arrives just as its receiver closes is left open by asyncio, and would fail the test.
    """
    async with (
        simulator.serve(**{"media": "tiny", "webhooks": "never", **switches}) as sim,
        serving(kind, sim, cadence=cadence) as site,
    ):
        yield site, sim


@attrs.frozen
class Event:
    """One server-sent event."""

    kind: str
    id: str
    data: dict


async def events(reply):
    """Read server-sent events as a browser does."""
    fields = {}
    async for line in reply.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield Event(fields.pop("event"), fields.pop("id", ""), json.loads(fields.pop("data")))


async def watch(http, url, last=None, until=lambda event: event.kind != "status"):
    """Watch a job as a page does, until an event; gives all events."""
    seen = []
    headers = {"Last-Event-ID": last} if last else {}
    async with asyncio.timeout(20), http.get(url, headers=headers) as reply:
        assert (reply.status, reply.content_type) == (200, "text/event-stream")
        assert reply.headers["Cache-Control"] == "no-store"
        async for event in events(reply):
            seen.append(event)
            if until(event):
                break
    return seen


async def post_bluntly(url, body):
    """Post as a sender does that sends all it has before it reads the answer; gives the status."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n{HEADER}: {SECRET}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def payload(task_id):
    """Give what the service may send."""
    return {"event": "task.completed", "data": {"_id": task_id, "current_status": "failed"}}


async def test_one_client_as_long_as_the_application(kind, http):
    """The client is closed before the application starts, open while it runs and closed after it."""
    async with served(kind) as (site, _sim), http.get(f"{site.url}/state") as reply:
        assert (await reply.text()).strip('"') == "open"
    assert site.state == "closed"


async def test_webhooks(kind, http):
    """Wrong ones are refused, whatever they carry; a right one settles its job, a repeated or early one is harmless."""
    async with served(kind, SELDOM, task_seconds=600) as (site, sim):
        hook = f"{site.url}/a2e/webhook"
        jobs = [site.a2e.text_to_image(f"kite {number}") for number in range(3)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        ids = [job.task_ids[0] for job in jobs]

        async def post(body, token=SECRET, status=204):
            headers = {} if token is None else {HEADER: token}
            how = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {"json": body}
            async with http.post(hook, headers=headers, **how) as reply:
                assert reply.status == status

        for token in ("wrong", "", SECRET[:-1], SECRET + "x", "\xe9", None):
            await post(payload(ids[0]), token, 401)
        await post(b"x" * 10_000_000, status=413)
        await post(b"x" * 10_000_000, "wrong", 401)
        assert await post_bluntly(hook, b"x" * 10_000_000) == 413
        for junk in (b"", b"{", b"[" * 30_000, b"\xff\xfe", b'"x"', b"{}", b'{"data": {"_id": 7}}', b"null"):
            await post(junk, status=400)
        async with http.get(hook, headers={HEADER: SECRET}) as reply:
            assert reply.status == 405
        assert sim.counters["text_to_image.batch"] == 0

        await post(payload("f" * 24))  # of a task that nobody watches
        await post(payload(ids[2]))  # of a task that still runs, and says it failed
        await asyncio.sleep(0.1)
        assert not jobs[2].done()
        for task_id in ids:
            sim.world.finish(task_id)
        for task_id in (ids[2], ids[0], ids[0], ids[2], ids[0]):  # out of order, repeated
            await post(payload(task_id))
        results = [await job.wait(5) for job in (jobs[0], jobs[2])]
        assert [result.task_ids for result in results] == [(ids[0],), (ids[2],)]
        assert not jobs[1].done()
        await post(payload(ids[0]))
        await post({"task_id": ids[1]})
        await jobs[1].wait(5)


@pytest.mark.parametrize("token", [SECRET, "wrong"])
async def test_nothing_is_unpacked(kind, token):
    """A body that holds a thousand times its size costs neither time nor memory, with or without the right token."""
    bomb = zlib.compress(bytes(1 << 20), wbits=31) * 300
    async with served(kind) as (site, _sim):
        address = urlsplit(f"{site.url}/a2e/webhook")
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = (
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n{HEADER}: {token}\r\nContent-Encoding: gzip\r\n"
        )
        used = time.process_time()
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            writer.write(f"{head}Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode() + bomb)
            status = int((await reader.readline()).split()[1])
            assert status == (415 if token == SECRET else 401)
        await asyncio.sleep(0.5)
        assert time.process_time() - used < 0.4
        assert (await site.a2e.balance()).coins


@pytest.mark.parametrize("webhooks", ["once", "early"])
async def test_the_simulator_tells(kind, webhooks):
    """The simulator's own webhooks reach the receiver; those that come before the start's answer are used as well."""
    polls = OFTEN if webhooks == "early" else SELDOM
    async with served(kind, polls, speed=20, task_seconds=1, latency=3, webhooks=webhooks) as (site, sim):
        jobs = [site.a2e.text_to_image(f"kite {number}") for number in range(5)]
        await asyncio.gather(*(job.wait(10) for job in jobs))
        async with asyncio.timeout(5):
            while sim.webhooks.total() < 5:  # noqa: ASYNC110 - the simulator wakes nobody
                await asyncio.sleep(0.01)
        assert sim.webhooks == {"delivered": 5}


async def test_events(kind, http):
    """A browser is told each status and the outcome; one that comes back only what is new, nothing after the end."""
    async with served(kind, speed=20, task_seconds=15) as (site, _sim):
        site.job = site.a2e.text_to_image("a kite")
        url = f"{site.url}/events"
        first = await watch(http, url, until=lambda event: event.data["status"] == "pending")
        assert first[0].data["status"] in ("queued", "starting", "initialized")
        assert first[-1].id == f"{site.job.task_ids[0]}:pending"

        rest = await watch(http, url, last=first[-1].id)
        assert [event.data["status"] for event in rest] == ["processing", "completed", "completed"]
        done = rest[-1]
        assert (done.kind, done.data["urls"]) == ("done", list((await site.job).urls))
        assert done.data["coins"] == 10

        again = await watch(http, url)  # a page that is opened later
        assert [event.kind for event in again] == ["status", "done"]
        async with http.get(url, headers={"Last-Event-ID": done.id}) as reply:
            assert (reply.status, await reply.read()) == (204, b"")


async def test_events_of_a_failure(kind, http):
    """A page is told why a job failed, in the service's words."""
    async with served(kind, speed=50) as (site, _sim):
        site.job = site.a2e.text_to_image("a kite [fail]")
        *_, last = await watch(http, f"{site.url}/events")
        assert (last.kind, last.data["status"], last.data["error"]) == ("failed", "failed", "JobFailedError")
        assert last.data["message"].endswith("The generation failed, please try again")


async def test_a_restart_in_the_middle(kind, http):
    """A page comes back to a server that was started anew and is told the rest, by the task's id alone."""
    async with simulator.serve(media="tiny", task_seconds=600, webhooks="never") as sim:
        async with serving(kind, sim) as site:
            job = site.a2e.text_to_image("a kite")
            await job.accepted()
            [task_id] = job.task_ids
            page = asyncio.create_task(watch(http, f"{site.url}/tasks/{task_id}"))
            await asyncio.sleep(0.2)
            assert not page.done()
            # some servers cut the stream off, some let it end; hypercorn waits for the page in Python 3.12 and later
            leaves = asyncio.get_running_loop().call_later(2, page.cancel)
        leaves.cancel()
        with contextlib.suppress(aiohttp.ClientError, asyncio.CancelledError):
            assert {event.kind for event in await page} == {"status"}
        async with serving(kind, sim, cadence=OFTEN) as anew:
            sim.world.finish(task_id)
            rest = await watch(http, f"{anew.url}/tasks/{task_id}", last=f"{task_id}:sent")
            assert [(event.kind, event.data["status"]) for event in rest] == [
                ("status", "completed"),
                ("done", "completed"),
            ]


@pytest.mark.slow
async def test_a_hundred_webhooks_a_second(kind, http):
    """200 webhooks in two seconds: none is lost, and each settles its job."""
    polls = Cadence(delay=600, polls_per_second=20)
    async with served(kind, polls, task_seconds=0.5, coins=10**6) as (site, _sim):
        jobs = [site.a2e.text_to_image(f"kite {number}") for number in range(200)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        await asyncio.sleep(0.6)
        hook = f"{site.url}/a2e/webhook"

        async def tell(number):
            await asyncio.sleep(number / 100)
            [task_id] = jobs[number].task_ids
            async with http.post(hook, json=payload(task_id), headers={HEADER: SECRET}) as reply:
                assert reply.status == 204
            told = time.perf_counter()
            await jobs[number].wait(5)
            return time.perf_counter() - told

        late = await asyncio.gather(*(tell(number) for number in range(200)))
        assert sorted(late)[197] < 0.5
