"""The simulator's webhooks: one attempt as a task ends, with the token, to receivers on this machine alone."""

from __future__ import annotations

import asyncio
import contextlib

import attrs
import pytest
from aiohttp import web

from a2e_async import A2EClient, Cadence, ImageToVideo, TextToImage, Webhook, simulator
from a2e_async.web import TOKEN_HEADER

SECRET = "s3cret"


@attrs.define
class Post:
    """A webhook that arrived."""

    token: str
    event: str
    record: dict


class Receiver:
    """Takes what comes and answers with a status."""

    def __init__(self, status, *, hold):
        self.posts: list[Post] = []
        self.url = ""
        self._status = status
        self._hold = hold

    async def handle(self, request):
        """Take one webhook."""
        told = await request.json()
        self.posts.append(Post(request.headers.get(TOKEN_HEADER.decode()), told["event"], told["data"]))
        if self._hold:
            await asyncio.sleep(3600)
        return web.Response(status=self._status)


@contextlib.asynccontextmanager
async def receiving(status=204, *, hold=False):
    """Listen for webhooks."""
    receiver = Receiver(status, hold=hold)
    runner = web.ServerRunner(web.Server(receiver.handle, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/any/path"
        yield receiver
    finally:
        await runner.cleanup()


def client(sim, url):
    """Make a client that asks for webhooks."""
    return A2EClient(sim.token, base_url=sim.url, webhook=Webhook(url, SECRET), cadence=Cadence(delay=0.05))


async def until(condition):
    """Wait for something that tells nobody."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)


async def test_it_tells_how_a_task_ended():
    """Completed and failed tasks are told with their record and the token, which the record does not show."""
    async with (
        receiving() as receiver,
        simulator.serve(media="tiny", speed=100) as sim,
        client(sim, receiver.url) as a2e,
    ):
        good = await a2e.text_to_image("a kite")
        video = a2e.start(ImageToVideo(good.url, prompt="x [fail:nsfw]", negative_prompt="y"))
        await until(lambda: len(receiver.posts) == 2)
        one, other = receiver.posts
        assert (one.token, one.event, one.record["image_urls"]) == (SECRET, "task.completed", list(good.urls))
        assert (other.event, other.record["_id"]) == ("task.failed", video.task_ids[0])
        assert (other.record["current_status"], other.record["failed_code"]) == ("failed", "nsfw")
        assert SECRET not in str(one.record)
        assert sim.webhooks == {"delivered": 2}
        video.detach()


@pytest.mark.parametrize(("webhooks", "count"), [("once", 1), ("twice", 2), ("never", 0)])
async def test_how_often(webhooks, count):
    """Each webhook is sent once, twice or never."""
    switches = {"media": "tiny", "task_seconds": 0.1, "webhooks": webhooks}
    async with receiving() as receiver, simulator.serve(**switches) as sim, client(sim, receiver.url) as a2e:
        await a2e.text_to_image("a kite")
        await until(lambda: len(receiver.posts) >= count)
        await asyncio.sleep(0.1)
        assert len(receiver.posts) == count


async def test_delayed_and_out_of_order():
    """A range of delays shuffles the order; nothing is sent before its task has ended."""
    switches = {"media": "tiny", "speed": 20, "task_seconds": 2, "webhook_delay": (1, 10)}
    async with receiving() as receiver, simulator.serve(**switches) as sim, client(sim, receiver.url) as a2e:
        results = await a2e.gather([TextToImage(f"kite {number}") for number in range(12)])
        await until(lambda: len(receiver.posts) == 12)
        told = [post.record["_id"] for post in receiver.posts]
        assert sorted(told) == sorted(result.task_ids[0] for result in results)
        assert told != sorted(told)
        assert {post.record["current_status"] for post in receiver.posts} == {"completed"}


async def test_early():
    """An early webhook comes before the start is answered, and claims what is not so."""
    switches = {"media": "tiny", "task_seconds": 600, "latency": 0.3, "webhooks": "early"}
    async with receiving() as receiver, simulator.serve(**switches) as sim, client(sim, receiver.url) as a2e:
        job = a2e.text_to_image("a kite")
        await until(lambda: receiver.posts)
        assert not job.task_ids
        assert (receiver.posts[0].event, receiver.posts[0].record["current_status"]) == (
            "task.completed",
            "initialized",
        )
        job.detach()


async def test_a_task_that_is_ended_by_hand_is_told_at_once():
    """`world.finish` moves the end, and the webhook with it; it is sent once all the same."""
    async with (
        receiving() as receiver,
        simulator.serve(media="tiny", task_seconds=0.5) as sim,
        client(sim, receiver.url) as a2e,
    ):
        job = a2e.text_to_image("a kite")
        await job.accepted()
        sim.world.finish(job.task_ids[0], failed=True)
        await until(lambda: receiver.posts)
        assert receiver.posts[0].event == "task.failed"
        await asyncio.sleep(0.6)
        assert len(receiver.posts) == 1
        job.detach()


@pytest.mark.parametrize("status", [500, 302])
async def test_there_is_one_attempt(status):
    """A webhook that is refused, redirected or does not arrive is not sent again."""
    async with (
        receiving(status) as receiver,
        simulator.serve(media="tiny", task_seconds=0) as sim,
        client(sim, receiver.url) as a2e,
    ):
        await a2e.text_to_image("a kite")
        await a2e.start(TextToImage("a kite", webhook_url="http://127.0.0.1:1/", webhook_token="t"))
        await until(lambda: sim.webhooks.total() == 2)
        await asyncio.sleep(0.1)
        assert len(receiver.posts) == 1
        assert sim.webhooks == {"refused": 1, "failed": 1}


async def test_nobody_else_is_told():
    """A receiver that is not on this machine is never called up, and one that is gets no word of deleted tasks."""
    switches = {"media": "tiny", "task_seconds": 0.3}
    async with receiving() as receiver, simulator.serve(**switches) as sim, client(sim, receiver.url) as a2e:
        await a2e.start(TextToImage("a kite", webhook_url="https://hooks.example.com/a2e", webhook_token="t"))
        assert await until(lambda: sim.webhooks) is None
        assert sim.webhooks == {"elsewhere": 1}
        sim.change(task_seconds=5)
        job = a2e.text_to_image("a kite")
        await job.accepted()
        assert await job.cancel()
        sim.world.finish(job.task_ids[0])
        await asyncio.sleep(0.1)
        assert receiver.posts == []


async def test_it_ends_while_webhooks_are_under_way():
    """A receiver that never answers does not keep the simulator."""
    async with receiving(hold=True) as receiver:
        async with asyncio.timeout(5):
            async with simulator.serve(media="tiny", task_seconds=0.05) as sim, client(sim, receiver.url) as a2e:
                await a2e.gather([TextToImage("a kite")] * 100)
                await until(lambda: receiver.posts)
        assert len(receiver.posts) <= 64
