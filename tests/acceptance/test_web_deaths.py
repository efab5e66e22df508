"""A web service of two uvicorn processes with one store: one is killed, both are, and nothing is lost or paid twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from a2e_async import simulator

pytestmark = pytest.mark.slow

SUPPORT = Path(__file__).parents[1] / "support"
LEASE, TASK = 2.0, 3.0


def free_port():
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Server:
    """One uvicorn process."""

    def __init__(self, sim, store):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            **os.environ,
            "A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token, "A2E_STORE": store, "A2E_LEASE": str(LEASE),
            "PYTHONPATH": str(SUPPORT),
        }  # fmt: skip

    async def __aenter__(self):
        words = "-m", "uvicorn", "durable_app:app", "--port", str(self.port), "--log-level", "warning"
        pipe = asyncio.subprocess.PIPE
        self.child = await asyncio.create_subprocess_exec(
            sys.executable, *words, env=self.env, stdout=pipe, stderr=pipe
        )
        self.said = asyncio.create_task(self.child.communicate())
        async with asyncio.timeout(30), aiohttp.ClientSession() as http:
            while True:
                assert not self.said.done(), self.said.result()[1].decode()
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with http.get(f"{self.url}/jobs/nothing"):
                        return self
                await asyncio.sleep(0.05)

    async def __aexit__(self, *_):
        await self.end(signal.SIGTERM)

    async def end(self, how):
        """End it, if it has not ended, and give what it said."""
        if self.child.returncode is None and not self.said.done():
            self.child.send_signal(how)
        return (await self.said)[1].decode()


async def post(http, server, key, path="images"):
    """Ask for a job; gives the status, or None when the server died meanwhile."""
    try:
        async with http.post(
            f"{server.url}/{path}", params={"prompt": f"kite {key}"}, headers={"Idempotency-Key": key}
        ) as reply:
            return reply.status
    except aiohttp.ClientError:
        return None


async def ended(http, server, keys):
    """Wait until all these jobs have ended, and give how."""
    found = {}
    while len(found) < len(keys):
        for key in keys:
            if key not in found:
                async with http.get(f"{server.url}/jobs/{key}") as reply:
                    told = await reply.json() if reply.status == 200 else {"state": "planned"}
                if told["state"] not in ("planned", "intended", "accepted"):
                    found[key] = told
        await asyncio.sleep(0.1)
    return found


def doubles(sim):
    """Give the prompts that were billed more than once."""
    return [
        prompt
        for prompt, count in Counter((start.family, start.name.split(" ~")[0]) for start in sim.book.starts).items()
        if count > 1
    ]


@pytest.mark.timeout(110)
async def test_one_of_two_is_killed(tmp_path):
    """40 accepted and some on the wire when it dies: all end within lease + 5 s + task time, none is billed twice."""
    async with simulator.serve(task_seconds=TASK, media="tiny") as sim, aiohttp.ClientSession() as http:
        store = f"sqlite:///{tmp_path}/jobs.sqlite"
        async with Server(sim, store) as doomed, Server(sim, store) as heir:
            first = [f"a{n}" for n in range(40)]
            assert set(await asyncio.gather(*(post(http, doomed, key) for key in first))) == {202}
            sim.faults.add("text_to_image.start", "delay", seconds=20, hits=8, when="after")
            second = [f"b{n}" for n in range(8)]
            lost = [asyncio.create_task(post(http, doomed, key)) for key in second]
            while len(sim.book.starts) < 46:  # noqa: ASYNC110 - the simulator wakes nobody
                await asyncio.sleep(0.05)
            await doomed.end(signal.SIGKILL)
            died = time.monotonic()
            await asyncio.gather(*lost)
            found = await ended(http, heir, [*first, *second])
            assert time.monotonic() - died <= LEASE + 5 + TASK
            assert Counter(one["state"] for one in found.values()) == {"done": 48}
            both = await asyncio.gather(*(post(http, heir, key) for key in [*first, *second]))
            assert set(both) == {202}
        assert len(sim.book.starts) == 48
        assert doubles(sim) == []


@pytest.mark.timeout(110)
async def test_a_hundred_keys_posted_to_both_at_once(tmp_path):
    """Each key arrives at both processes in the same moment: a hundred bills, and both answer with the same task."""
    async with simulator.serve(task_seconds=0.5, media="tiny") as sim, aiohttp.ClientSession() as http:
        store = f"sqlite:///{tmp_path}/jobs.sqlite"
        async with Server(sim, store) as one, Server(sim, store) as two:
            keys = [f"order-{n}" for n in range(100)]
            said = await asyncio.gather(*(post(http, server, key) for key in keys for server in (one, two)))
            assert set(said) == {202}
            await ended(http, two, keys)
        assert len(sim.book.starts) == 100
        assert doubles(sim) == []


@pytest.mark.timeout(110)
async def test_the_whole_service_is_restarted_in_the_middle_of_pipelines(tmp_path):
    """Killed while images run and videos wait for them: after the restart the files come, each paid for once."""
    async with simulator.serve(task_seconds=1.5, media="tiny") as sim, aiohttp.ClientSession() as http:
        store, keys = f"sqlite:///{tmp_path}/jobs.sqlite", [f"story-{n}" for n in range(10)]
        async with Server(sim, store) as one, Server(sim, store) as two:
            said = await asyncio.gather(*(post(http, (one, two)[n % 2], key, "videos") for n, key in enumerate(keys)))
            assert set(said) == {202}
            await asyncio.gather(one.end(signal.SIGKILL), two.end(signal.SIGKILL))
        async with Server(sim, store) as again:
            found = await ended(http, again, keys)
            for told in found.values():
                assert told["state"] == "done", told
                async with http.get(told["urls"][0]) as reply:
                    assert (await reply.read())[4:8] == b"ftyp"
        assert len(sim.book.starts) == 20
        assert doubles(sim) == []
