"""The pytest plugin, in child sessions of pytest."""

from __future__ import annotations

import pytest

PLAIN = ("-p", "no:cacheprovider", "-W", "error", "--strict-markers")
ASYNCIO = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")
ANYIO = ("-p", "anyio.pytest_plugin")


@pytest.fixture
def consumer(pytester, monkeypatch):
    """Give a project that has the plugin, and a function that runs tests in it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest('pytest_plugins = ["a2e_async.testing"]')

    def run(tests, *words):
        pytester.makepyfile(test_it=f"import asyncio, time\nimport pytest\n\n{tests}")
        return pytester.runpytest_inprocess(*PLAIN, *words)

    return run


def test_fixtures(consumer):
    """Async and plain tests get a client and a simulator, markers script them, and virtual time takes no time."""
    consumer(
        """
from a2e_async import A2EClient, BudgetExceededError

async def test_client_and_simulator(a2e_client, a2e_simulator, tmp_path):
    image = await a2e_client.text_to_image("a red kite")
    (path,) = await a2e_client.download(image, tmp_path)
    assert path.read_bytes().startswith(b"\\x89PNG")
    async with A2EClient() as mine:
        assert (await mine.balance()).coins == 9_990
    a2e_simulator.book.expect(starts=1, spent=10)

async def test_each_has_its_own(a2e_simulator):
    a2e_simulator.book.expect(starts=0)

@pytest.mark.a2e(coins=100)
def test_plain_one_blocks(a2e_client, a2e_simulator):
    assert a2e_client.text_to_image("a red kite").url.startswith(a2e_simulator.url)
    assert a2e_client.balance().coins == 90

@pytest.mark.a2e(virtual=True, task_seconds=600)
async def test_ten_minutes(a2e_client, a2e_simulator, tmp_path):
    loop, begun, real = asyncio.get_running_loop(), asyncio.get_running_loop().time(), time.perf_counter()
    job = a2e_client.text_to_image("a red kite")
    with pytest.raises(TimeoutError):
        await job.wait(timeout=300)
    image = await job
    assert 600 <= loop.time() - begun <= 620
    assert time.perf_counter() - real < 1
    await asyncio.sleep(3600)
    await asyncio.to_thread(time.sleep, 0.01)
    (path,) = await a2e_client.download(image, tmp_path)
    assert path.exists()

@pytest.mark.a2e(virtual=True, task_seconds=60)
async def test_own_client_in_virtual_time(a2e_simulator):
    async with A2EClient() as a2e:
        await a2e.text_to_image("a red kite")

async def test_real_time_is_back():
    begun = time.perf_counter()
    await asyncio.sleep(0.02)
    assert 0.015 < time.perf_counter() - begun < 1

@pytest.mark.a2e(coins=1000, faults=[("text_to_image.start", "reset", {"when": "after"})])
class TestGroup:
    @pytest.mark.a2e(coins=50, task_seconds=5, faults=[("*.batch", "status")], client={"budget": 10}, virtual=True)
    async def test_closest_marker_counts(self, a2e_client, a2e_simulator):
        await a2e_client.text_to_image("a red kite")
        a2e_simulator.book.expect(starts=1, spent=10)
        assert (await a2e_client.balance()).coins == 40
        assert len(a2e_simulator.faults.taken) == 2
        with pytest.raises(BudgetExceededError):
            await a2e_client.text_to_image("another")
""",
        *ASYNCIO,
        "--asyncio-mode=auto",
    ).assert_outcomes(passed=7)


def test_runners(consumer):
    """In strict mode the marker asyncio is enough, in whatever loop; anyio's own tests work beside it."""
    consumer(
        """
@pytest.mark.asyncio
async def test_strict(a2e_client):
    await a2e_client.text_to_image("a red kite")

@pytest.mark.asyncio(loop_scope="module")
async def test_in_a_wider_loop(a2e_client):
    await a2e_client.text_to_image("a red kite")

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_anyio(a2e_client, a2e_simulator):
    await a2e_client.text_to_image("a red kite")
    a2e_simulator.book.expect(starts=1)
""",
        *ASYNCIO,
        *ANYIO,
    ).assert_outcomes(passed=3)


def test_failures_read_well(consumer):
    """A failed test shows the book and what the service has seen; wrong markers are told in one line."""
    done = consumer(
        """
@pytest.mark.a2e(virtual=True, task_seconds=5, faults=[("*.batch", "status")])
async def test_book(a2e_client, a2e_simulator):
    await a2e_client.text_to_image("a red kite")
    a2e_simulator.book.expect(starts=2, spent=10)

@pytest.mark.a2e(virtual=True)
def test_plain(a2e_client): ...

@pytest.mark.a2e(task_second=1)
async def test_nonsense(a2e_client): ...

@pytest.mark.a2e(100)
async def test_position(a2e_client): ...

@pytest.mark.a2e(faults=["reset"])
async def test_shape(a2e_client): ...

@pytest.mark.a2e(faults=[("*.start", "bang")])
async def test_kind(a2e_client): ...

@pytest.mark.a2e(faults=[("text_to_image.strat", "reset")])
async def test_route(a2e_client): ...
""",
        *ASYNCIO,
        "--asyncio-mode=auto",
    )
    done.assert_outcomes(failed=1, errors=6)
    done.stdout.fnmatch_lines([
        "*@pytest.mark.a2e: virtual=True is for async tests*",
        "*@pytest.mark.a2e: there is no switch 'task_second'; did you mean task_seconds*",
        "*@pytest.mark.a2e: it takes named arguments only*",
        "*@pytest.mark.a2e: a fault is (route, kind)*not 'reset'*",
        "*@pytest.mark.a2e: there is no fault 'bang'*",
        "*@pytest.mark.a2e: there is no route 'text_to_image.strat'; did you mean text_to_image.start*",
        "E*AssertionError: the book is not as expected:",
        "E*starts: 1, expected 2",
        "E*<Book 1 starts, 10 coins charged, 0 refunded>",
        "E*text_to_image 'a red kite ~*': 10 coins",
        "*- a2e_simulator -*",
        "<Book 1 starts, 10 coins charged, 0 refunded>",
        "requests: *text_to_image.start 1*",
        "faults that struck: text_to_image.batch status 1",
    ])  # fmt: skip
    done.stdout.no_fnmatch_line("*book.py*")


def test_missing_pytest_asyncio(consumer):
    """Without pytest-asyncio the fixtures say what to install."""
    done = consumer("async def test_it(a2e_client): ...")
    done.stdout.fnmatch_lines(["*an async test needs pytest-asyncio (pip install 'pytest-asyncio>=1'*"])


def test_a_case_of_unittest(consumer):
    """Cases of unittest, also async ones, have a simulator in a thread; a client in their loop is refused in words."""
    done = consumer(
        """
import unittest
from a2e_async import A2EClient

class Case(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _service(self, a2e_simulator):
        self.sim = a2e_simulator

    async def test_video(self):
        async with A2EClient() as a2e:
            await a2e.text_to_image("a kite")
        self.sim.book.expect(starts=1)

class Plain(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _service(self, a2e_client):
        self.a2e = a2e_client

    def test_video(self):
        assert self.a2e.text_to_image("a kite").url

class Refused(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _service(self, a2e_client): ...

    async def test_client(self): ...
""",
        *ASYNCIO,
        "--asyncio-mode=auto",
    )
    done.assert_outcomes(passed=2, errors=1)
    done.stdout.fnmatch_lines(["*a2e_client: an IsolatedAsyncioTestCase runs its tests in a loop that no fixture*"])


def test_virtual_time_needs_no_socket(consumer):
    """Where sockets are forbidden, as by pytest-socket, a test in virtual time still has its client and simulator."""
    consumer(
        """
import socket

class Guarded(socket.socket):
    def __new__(cls, family=-1, *more, **named):
        if family == socket.AF_UNIX or "fileno" in named:
            return super().__new__(cls, family, *more, **named)
        raise RuntimeError("A test tried to use socket.socket.")

@pytest.fixture(autouse=True)
def no_sockets(monkeypatch):
    monkeypatch.setattr(socket, "socket", Guarded)

@pytest.mark.a2e(virtual=True, task_seconds=600)
async def test_it(a2e_client, a2e_simulator):
    assert (await a2e_client.text_to_image("a red kite")).coins == 10
    a2e_simulator.book.expect(starts=1)
""",
        *ASYNCIO,
        "--asyncio-mode=auto",
    ).assert_outcomes(passed=1)
