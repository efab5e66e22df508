"""The example application: a prompt becomes a video, also when the server is killed in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import sys

import aiohttp
import pytest
from aiohttp import web

from a2e_async import A2EClient, Cadence, simulator
from a2e_async.web.example import make_app

CHROMIUM = shutil.which("chromium")


def free_port():
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Example:
    """The example as a child process, which can be killed and started again."""

    def __init__(self, sim, folder):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.env = {**os.environ, "A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token, "PYTHONWARNINGS": "error"}
        words = "--port", self.url.rpartition(":")[2], "--folder", str(folder), "--public-url", self.url, "--lease", "1"
        self.command = sys.executable, "-m", "a2e_async.web.example", *words

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self.child = await asyncio.create_subprocess_exec(*self.command, env=self.env, stdout=pipe, stderr=pipe)
        self.said = asyncio.create_task(self.child.communicate())
        async with aiohttp.ClientSession() as session, asyncio.timeout(20):
            while True:
                assert not self.said.done(), f"it did not start: {self.said.result()[1].decode()}"
                try:
                    async with session.get(self.url):
                        return self
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)

    async def __aexit__(self, *_):
        await self.end(signal.SIGINT)

    async def end(self, how):
        """End it, if it has not ended, and give what it said."""
        if self.child.returncode is None and not self.said.done():
            self.child.send_signal(how)
        return await self.said


async def video_of(http, url, video_id):
    """Read the two streams as the page does, and give the video."""
    for step in ("image", "video"):
        kind = ""
        while kind != "done":
            async with http.get(f"{url}/videos/{video_id}/{step}") as reply:
                assert reply.content_type == "text/event-stream"
                async for line in reply.content:
                    kind = line.decode().strip().removeprefix("event: ") if line.startswith(b"event") else kind
                    assert kind != "failed"
            await asyncio.sleep(0 if kind == "done" else 0.05)
    async with http.get(f"{url}/videos/{video_id}.mp4") as reply:
        assert (reply.status, reply.content_type) == (200, "video/mp4")
        return await reply.read()


async def test_a_prompt_becomes_a_video(tmp_path):
    """The id comes at once, the streams tell how it goes, the video is there at the end; nonsense is refused."""
    from aiohttp.test_utils import TestServer  # noqa: PLC0415

    from a2e_async.web.example import make_app  # noqa: PLC0415 - not before the frameworks are there

    async with simulator.serve(media="tiny", speed=40) as sim, aiohttp.ClientSession() as http:
        store = f"sqlite:///{tmp_path}/jobs.sqlite"
        often = Cadence(delay=0.02, polls_per_second=50)
        a2e = A2EClient(sim.token, base_url=sim.url, cadence=often, store=store, lease=2)
        async with TestServer(make_app(a2e, tmp_path)) as server:
            url = str(server.make_url("")).rstrip("/")
            for body in ({}, {"prompt": " "}, {"prompt": 7}, [], {"prompt": "x" * 1001}):
                async with http.post(f"{url}/videos", json=body) as reply:
                    assert reply.status == 400
            async with http.post(f"{url}/videos", data={"prompt": "a form of another site"}) as reply:
                assert reply.status == 415
            async with http.post(f"{url}/videos", json={"prompt": "a kite"}) as reply:
                assert reply.status == 202
                video_id = (await reply.json())["id"]
            assert (await video_of(http, url, video_id))[4:8] == b"ftyp"
            async with http.get(f"{url}/videos") as reply:
                assert await reply.json() == [{"id": video_id, "prompt": "a kite", "state": "done"}]
            async with http.post(f"{url}/videos", json={"prompt": "a kite [fail]"}) as reply:
                other = (await reply.json())["id"]
            async with http.get(f"{url}/videos/{other}.mp4") as reply:
                assert reply.status == 404
            async with http.get(f"{url}/videos/{'0' * 12}/video") as reply:
                assert reply.status == 404
            again = {"Idempotency-Key": "order-17"}
            ids = set()
            for _ in range(3):
                async with http.post(f"{url}/videos", json={"prompt": "a boat"}, headers=again) as reply:
                    ids.add((await reply.json())["id"])
            assert len(ids) == 1
            async with http.post(f"{url}/videos", json={"prompt": "a ship"}, headers=again) as reply:
                assert reply.status == 409
            assert (await video_of(http, url, ids.pop()))[4:8] == b"ftyp"
    assert len(sim.book.starts) == 5


@pytest.mark.parametrize("moment", ["image", "video"])
async def test_killed_in_the_middle(tmp_path, moment):
    """The server is killed while it makes the image or the video; started again, it finishes, and pays once."""
    async with simulator.serve(media="tiny", task_seconds=600) as sim, aiohttp.ClientSession() as http:
        example = Example(sim, tmp_path)
        async with example:
            async with http.post(f"{example.url}/videos", json={"prompt": "a kite"}) as reply:
                video_id = (await reply.json())["id"]
            while {"image": "text_to_image", "video": "image_to_video"}[moment] not in {
                task.family for task in sim.world.tasks
            }:
                for task in sim.world.tasks:
                    sim.world.finish(task.id)
                await asyncio.sleep(0.02)
            await example.end(signal.SIGKILL)
        async with example:
            telling = asyncio.create_task(video_of(http, example.url, video_id))
            while not telling.done():
                await asyncio.sleep(0.05)
                for task in sim.world.tasks:
                    sim.world.finish(task.id)
            assert (await telling)[4:8] == b"ftyp"
            async with asyncio.timeout(10):  # a webhook that is under way when its receiver goes is lost, as in life
                while sim.webhooks.total() < 2:  # noqa: ASYNC110 - the simulator wakes nobody
                    await asyncio.sleep(0.02)
        assert (await example.end(signal.SIGINT))[1].decode().count("Traceback") == 0
    assert len(sim.book.starts) == 2
    assert sim.webhooks["delivered"] >= 1


async def test_without_a_token_it_says_what_to_do(tmp_path):
    """One who has no account is told of the simulator."""
    words = sys.executable, "-m", "a2e_async.web.example", "--folder", str(tmp_path)
    child = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    _, said = await child.communicate()
    assert child.returncode == 1
    assert b"python -m a2e_async simulator" in said


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed")
async def test_the_page(tmp_path):
    """In a browser: from the prompt to the playing video; a server that is killed in between is said to be away."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - may be missing, see above

    plays = "() => { const v = document.querySelector('video'); return v && v.readyState >= 2 && v.currentTime > 0.2 }"
    async with simulator.serve(task_seconds=600) as sim, async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        example = Example(sim, tmp_path)
        async with example:
            await page.goto(example.url)
            await page.fill("#prompt", "a red kite <img src=x onerror=alert(1)>")
            await page.click("form button")
            await page.wait_for_selector("[data-step=image] .now:text('initialized')")
            for task in sim.world.tasks:
                sim.world.finish(task.id)
            await page.wait_for_selector("[data-step=video] .now:text('initialized')")
            await page.wait_for_function("() => document.querySelector('.stage img').naturalWidth > 0")
            await example.end(signal.SIGKILL)
        await page.wait_for_selector("#away:has-text('The server is away')", state="visible", timeout=10_000)
        async with example:
            await page.wait_for_selector("#away", state="hidden", timeout=30_000)
            for task in sim.world.tasks:
                sim.world.finish(task.id)
            await page.wait_for_function(plays, timeout=30_000)
            assert await page.inner_text("h2") == "a red kite <img src=x onerror=alert(1)>"
            await page.reload()
            await page.wait_for_function(plays, timeout=30_000)
        await browser.close()
    assert complaints == []
    assert len(sim.book.starts) == 2


FOREIGN = {
    "a name that was let point here": {"Host": "evil.example"},
    "a page of another site": {"Origin": "https://evil.example"},
    "a page without an origin": {"Origin": "null"},
    "a name that begins like ours": {"Host": "localhost.evil.example"},
    "another port of another host": {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
}


@pytest.mark.parametrize("what", FOREIGN)
async def test_no_page_of_somebody_else_spends_coins(what, tmp_path):
    """A server on this machine answers to its own names and to its own pages only."""
    async with local(tmp_path) as (sim, url, http):
        for ask in (http.get(f"{url}/videos", headers=FOREIGN[what]), post(http, url, headers=FOREIGN[what])):
            async with ask as reply:
                assert reply.status == 403
        sim.book.expect(starts=0)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "videos.example"])
async def test_its_own_names_are_served(name, tmp_path):
    """This machine's names, and those that were allowed, with any port."""
    async with local(tmp_path) as (_sim, url, http):
        headers = {"Host": f"{name}:1234", "Origin": f"http://{name}:1234"}
        async with http.get(f"{url}/videos", headers=headers) as reply:
            assert reply.status == 200


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"prompt": "\\ud800"}', b'{"prompt": "\\u0000"}', b'{"prompt": 5}', b"\xff", b""]
)
async def test_what_is_no_prompt_is_refused(body, tmp_path):
    """Deep JSON, half a character and the like are a 400, and nothing is paid."""
    async with local(tmp_path) as (sim, url, http):
        async with http.post(f"{url}/videos", data=body, headers={"Content-Type": "application/json"}) as reply:
            assert reply.status == 400
        sim.book.expect(starts=0)


@contextlib.asynccontextmanager
async def local(folder):
    """Run the example in this process; gives its simulator, its address and a browser."""
    async with simulator.serve(speed=50, media="tiny") as sim, aiohttp.ClientSession() as http:
        a2e = A2EClient(sim.token, base_url=sim.url, store=f"sqlite:///{folder}/jobs.sqlite")
        app = make_app(a2e, folder, ["videos.example"])
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        await runner.setup()
        try:
            port = free_port()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield sim, f"http://127.0.0.1:{port}", http
        finally:
            await runner.cleanup()


def post(http, url, **how):
    """Ask for a video."""
    return http.post(f"{url}/videos", json={"prompt": "a kite"}, **how)
