"""The shim and the watches of conftest.py do what they promise."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aioresponses import CallbackResult, aioresponses

CONFTEST = Path(__file__).parents[1] / "conftest.py"
URL = "http://a2e.example/api/v1/thing"


@pytest.fixture
def mocked():
    """Mock every request of the test."""
    with aioresponses() as mock:
        yield mock


@pytest.fixture
async def session():
    """Give a session with a header of its own."""
    async with aiohttp.ClientSession(headers={"X-Session": "yes"}) as session:
        yield session


async def test_get_reads_the_payload(mocked, session):
    """A mocked GET gives status, headers and JSON, and the request is recorded with the session's headers."""
    mocked.get(URL, payload={"code": 0}, headers={"X-Trace": "t1"})
    async with session.get(URL) as reply:
        assert isinstance(reply, aiohttp.ClientResponse)
        assert (reply.status, reply.headers["X-Trace"], await reply.json()) == (200, "t1", {"code": 0})
    (call,) = mocked.requests["GET", reply.url]
    assert call.kwargs["headers"]["X-Session"] == "yes"


async def test_post_records_what_was_sent(mocked, session):
    """A mocked POST keeps the JSON that was sent."""
    mocked.post(URL, status=201, payload={})
    async with session.post(URL, json={"name": "kite"}) as reply:
        assert reply.status == 201
    mocked.assert_called_once()
    (call,) = mocked.requests["POST", reply.url]
    assert call.kwargs["json"] == {"name": "kite"}


async def test_exception_is_raised(mocked, session):
    """A mocked failure reaches the caller as itself."""
    mocked.get(URL, exception=aiohttp.ServerDisconnectedError())
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await session.get(URL)


async def test_timeout_is_raised(mocked, session):
    """A mocked time limit reaches the caller as itself."""
    mocked.get(URL, timeout=True)
    with pytest.raises(TimeoutError):
        await session.get(URL)


async def test_unexpected_request_is_refused(mocked, session):
    """A request that nobody mocked never leaves the machine."""
    mocked.get(URL)
    with pytest.raises(aiohttp.ClientConnectionError, match="other"):
        await session.get("http://a2e.example/other")


@pytest.mark.parametrize("awaited", [False, True])
async def test_callback_answers(mocked, session, awaited):
    """A callback, plain or async, decides the reply."""

    def answer(url, **kwargs):
        return CallbackResult(status=418, payload={"path": url.path, "sent": kwargs["json"]})

    async def answer_later(url, **kwargs):
        await asyncio.sleep(0)
        return answer(url, **kwargs)

    mocked.post(URL, callback=answer_later if awaited else answer)
    async with session.post(URL, json=[1]) as reply:
        assert (reply.status, await reply.json()) == (418, {"path": "/api/v1/thing", "sent": [1]})


@pytest.mark.parametrize(("repeat", "answered"), [(False, 1), (2, 2), (True, 5)])
async def test_repeat_counts(mocked, session, repeat, answered):
    """A mock answers once, so many times, or for ever."""
    mocked.get(re.compile(r"^http://a2e\.example/"), repeat=repeat)
    for _ in range(answered):
        async with session.get(URL) as reply:
            assert reply.status == 200
    if repeat is not True:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(URL)


@pytest.mark.parametrize("size", [0, 1, 2**16, 2**17 + 1, 5_000_000])
async def test_body_of_any_size_is_read_in_chunks(mocked, session, size):
    """A body longer than the reader's buffer comes whole, in one piece or in many."""
    mocked.get(URL, body=b"x" * size, repeat=True)
    async with session.get(URL) as reply:
        assert len(await reply.read()) == size
    async with session.get(URL) as reply:
        assert sum([len(chunk) async for chunk in reply.content.iter_chunked(1000)]) == size


async def test_raise_for_status_works(mocked, session):
    """A mocked error status can be raised, as with a real reply."""
    mocked.get(URL, status=404)
    with pytest.raises(aiohttp.ClientResponseError, match="404"):
        await session.get(URL, raise_for_status=True)


async def test_redirects_are_followed_or_not(mocked, session):
    """A mocked redirect is followed on demand only."""
    mocked.get(URL, status=302, headers={"Location": "/moved"}, repeat=True)
    mocked.get("http://a2e.example/moved", body="here")
    async with session.get(URL, allow_redirects=False) as reply:
        assert reply.status == 302
    async with session.get(URL) as reply:
        assert await reply.text() == "here"
        assert [step.status for step in reply.history] == [302]


async def test_passthrough_reaches_a_real_server(session):
    """A request that is let through is answered by the server, with the real response class."""

    async def hello(_request):
        return web.Response(text="real")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    with aioresponses(passthrough=["http://127.0.0.1"]):
        async with session.get(url) as reply:
            assert (type(reply), await reply.text()) == (aiohttp.ClientResponse, "real")
    await runner.cleanup()


CHILD = """
import asyncio
import gc
import os
import threading

import pytest

async def fail():
    raise ValueError("nobody reads me")

async def test_good():
    task = asyncio.create_task(asyncio.sleep(0))
    await task

async def test_good_cancels():
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()

@pytest.fixture
async def background():
    task = asyncio.create_task(asyncio.sleep(60))
    yield
    task.cancel()

async def test_good_fixture(background):
    await asyncio.sleep(0)

def test_good_sync():
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    asyncio.run(asyncio.sleep(0))

async def test_good_own_handler():
    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: heard.append(context["exception"]))
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    del task
    gc.collect()
    assert [str(error) for error in heard] == ["nobody reads me"]

def test_good_environment():
    assert not [name for name in os.environ if name.startswith("A2E_") or name.lower().endswith("_proxy")]

async def test_bad_leaks_a_task():
    task = asyncio.create_task(asyncio.sleep(60), name="forgotten one")
    await asyncio.sleep(0)

async def test_bad_loses_an_exception():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)

async def test_bad_loses_an_exception_in_a_cycle():
    cycle = [asyncio.create_task(fail())]
    cycle.append(cycle)
    await asyncio.sleep(0)

async def test_bad_callback_fails():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)

def test_bad_sync_loses_an_exception():
    async def main():
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
    asyncio.run(main())

def test_bad_thread_loses_an_exception():
    thread = threading.Thread(target=test_bad_sync_loses_an_exception)
    thread.start()
    thread.join()
"""


def test_watches_catch_leaks_and_nothing_else(pytester, monkeypatch):
    """Every bad test of a child run ends as an error at its own teardown, every good one passes."""
    monkeypatch.setenv("A2E_API_KEY", "sk_developer")
    monkeypatch.setenv("https_proxy", "http://proxy.example:1")
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(CHILD)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    good, bad = CHILD.count("def test_good"), CHILD.count("def test_bad")
    result.assert_outcomes(passed=good + bad, errors=bad)
    erroneous = {line.split("::")[1].split()[0] for line in result.outlines if line.startswith("ERROR test_")}
    assert len(erroneous) == bad
    assert all(name.startswith("test_bad") for name in erroneous)
    result.stdout.fnmatch_lines(["*tasks are still running: *forgotten one*"])
    result.stdout.fnmatch_lines(["*event loop complained: *", "*ValueError('nobody reads me')*"])


def test_environment_is_clean():
    """No token, base URL or proxy of the developer reaches a test."""
    assert not [name for name in os.environ if name.startswith("A2E_") or name.lower().endswith("_proxy")]
