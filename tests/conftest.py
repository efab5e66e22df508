"""What every test gets: mocked HTTP that fits the newest aiohttp, a clean environment, and a watch for leaks."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
import signal
import threading

import aioresponses.core
import hypothesis
import pytest
import pytest_asyncio
from aiohttp import ClientResponse, StreamReader
from aiohttp.client_proto import ResponseHandler

pytest_plugins = ["pytester"]
hypothesis.settings.register_profile("a2e", deadline=None)  # no test judges how long anything takes
hypothesis.settings.load_profile("a2e")

if threading.current_thread() is threading.main_thread():
    # A background job ignores Ctrl-C, one below nohup ignores a hang-up, and every child inherits that. What happens
    # then has tests of its own; all others need signals as a terminal gives them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, signal.SIG_DFL)

_TURNS_TO_END = 3  # a cancelled task needs a turn of the loop to end, its awaiter another


class _NothingWritten:
    """The stream writer of a request that was never sent."""

    output_size = 0


class _NothingToParse:
    """The parser of a reply that never came over a wire."""

    def pause_reading(self) -> None:
        """Stay as it is: there is nothing to pause."""


class _MockedResponse(ClientResponse):
    """A reply that can be made without a stream writer, as aioresponses makes it."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **{"stream_writer": _NothingWritten(), **kwargs})


def _mocked_reader(loop: asyncio.AbstractEventLoop | None = None) -> StreamReader:
    """Make a body that may be longer than its buffer, although no parser feeds it."""
    protocol = ResponseHandler(loop=loop)
    protocol._parser = _NothingToParse()
    return StreamReader(protocol, limit=2**16, loop=loop)


if "stream_writer" in inspect.signature(ClientResponse.__init__).parameters:  # aiohttp 3.14 and later
    aioresponses.core.ClientResponse = _MockedResponse
    aioresponses.core.stream_reader_factory = _mocked_reader


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Run twice as many workers as there are processors: tests of commands and sockets wait more than they work."""
    return min(2 * len(os.sched_getaffinity(0)), 16) if hasattr(os, "sched_getaffinity") else None


def pytest_sessionstart():
    """Let no plugin or test make a hidden event loop by asking for the current one, as Python 3.14 does not either."""
    asyncio.set_event_loop(None)


def pytest_collection_finish():
    """Begin with quick collections."""
    _keep_out_of_collections()


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """Keep what earlier modules have imported out of them."""
    _keep_out_of_collections()


def _keep_out_of_collections():
    """Keep what is there by now out of the collections that look for lost exceptions: they become quick."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """Keep the developer's token, base URL and proxies away from the test."""
    for name in tuple(os.environ):
        if name.startswith("A2E_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def quiet_loggers():
    """Give the package's loggers back as they were: a command sets them up for its whole process, which is ours."""
    loggers = [logging.getLogger(name) for name in ("a2e_async", "a2e_async.http")]
    before = [(logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    yield
    for logger, (level, handlers, propagate) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers, logger.propagate = handlers, propagate


class _Complaints(logging.Handler):
    """What the event loops had to say; their default exception handler writes it to the logger `asyncio`."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the complaint, with the exception it is about."""
        self.texts.append(f"{record.getMessage()} {record.exc_info[1]!r}" if record.exc_info else record.getMessage())


@pytest.fixture(autouse=True)
def no_lost_exceptions():
    """Fail a test whose event loop, in whatever thread, called its exception handler."""
    complaints = _Complaints()
    logging.getLogger("asyncio").addHandler(complaints)
    yield
    gc.collect()  # a task tells of its unread exception when it is collected
    logging.getLogger("asyncio").removeHandler(complaints)
    if complaints.texts:
        pytest.fail("the event loop complained: " + "\n".join(complaints.texts), pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_tasks(request):
    """Fail an async test that leaves a task running; a sync test gets no loop for it."""
    if pytest_asyncio.is_async_test(request.node):
        request.getfixturevalue("_no_leaked_tasks_in_this_loop")


@pytest.fixture
async def _no_leaked_tasks_in_this_loop():
    """Compare the tasks of the running loop before the test and after all its fixtures are gone."""
    before = asyncio.all_tasks()
    yield
    for _ in range(_TURNS_TO_END):
        await asyncio.sleep(0)
    leaked = asyncio.all_tasks() - before - {asyncio.current_task()}
    if leaked:
        pytest.fail("tasks are still running: " + "\n".join(map(repr, leaked)), pytrace=False)
