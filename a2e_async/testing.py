"""The pytest plugin: your tests against a simulated service, with real media, faults, a billing book and virtual time.

```python
pytest_plugins = ["a2e_async.testing"]  # in your root conftest.py


@pytest.mark.a2e(coins=100, faults=[("text_to_image.start", "reset", {"when": "after"})])
async def test_lost_answer(a2e_client, a2e_simulator):
    await a2e_client.text_to_image("a red kite")
    a2e_simulator.book.expect(starts=1, spent=10)
```

An async test gets a simulator in its own event loop and an `A2EClient`; it needs pytest-asyncio (auto or strict mode)
or the marker `anyio`. A test that is not async gets a simulator in a thread and the client of `a2e_async.blocking()`.
While a simulator runs, A2E_BASE_URL and A2E_API_KEY name it, so that your own code finds it and not the real service.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib
import inspect
import socket
import unittest
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any, NoReturn, Self

import attrs
import pytest

from a2e_async.blocking import BlockingClient, blocking
from a2e_async.blocking.portal import in_a_thread
from a2e_async.client import A2EClient
from a2e_async.core.polling.schedule import Cadence
from a2e_async.engine.settings import BASE_URL_VARIABLE, TOKEN_VARIABLES
from a2e_async.simulator.serving.server import Simulator, serve
from a2e_async.simulator.serving.skipping import skip_waits
from a2e_async.simulator.virtual import DirectTransport
from a2e_async.simulator.world.switches import Switches

MARKER = (
    "a2e(faults=[(route, kind, details)], client={...}, virtual=False, speed=100, **switches): "
    "how the simulated service of this test behaves, and the client in front of it"
)

_SIMULATOR = pytest.StashKey[Simulator]()
_SPEED = 100.0
_SLOW = Cadence(delay=5)  # in virtual time nobody waits, and each poll costs real time
_IN_UNITTEST = (
    "a2e_client: an IsolatedAsyncioTestCase runs its tests in a loop that no fixture can reach; take the fixture "
    "a2e_simulator and write `async with A2EClient() as a2e:` in the test, which finds it"
)
_HOW_TO_AWAIT = (
    "an async test needs pytest-asyncio (pip install 'pytest-asyncio>=1'; in strict mode also @pytest.mark.asyncio), "
    "or @pytest.mark.anyio; a test that is not async gets a client that blocks"
)


@attrs.frozen(kw_only=True)
class _Script:
    """What the markers of one test say, the closest last.

    Attributes:
        faults: Route, kind and details of what goes wrong.
        client: Arguments of the client.
        virtual: Whether waiting takes no time.
        service: Arguments of the simulator.
    """

    faults: tuple[tuple[str, Any, Mapping[str, Any]], ...] = ()
    client: Mapping[str, Any] = attrs.field(factory=dict)
    virtual: bool = False
    service: Mapping[str, Any] = attrs.field(factory=dict)

    @classmethod
    def of(cls, node: pytest.Item) -> Self:
        """Read the markers of a test."""
        script = cls()
        for marker in reversed(list(node.iter_markers("a2e"))):
            if marker.args:
                _refuse("it takes named arguments only, such as coins=100")
            script = script.with_marker(**marker.kwargs)
        return script

    def with_marker(
        self,
        faults: Any = (),  # noqa: ANN401 - checked here
        client: Mapping[str, Any] | None = None,
        virtual: bool | None = None,  # noqa: FBT001 - the arguments of a marker have names
        **service: Any,  # noqa: ANN401 - checked by the simulator
    ) -> Self:
        """Give the script with what one more marker says."""
        return attrs.evolve(
            self,
            faults=(*self.faults, *map(_fault, faults)),
            client={**self.client, **(client or {})},
            virtual=self.virtual if virtual is None else virtual,
            service={**self.service, **service},
        )


def _fault(given: Any) -> tuple[str, Any, Mapping[str, Any]]:  # noqa: ANN401 - checked here
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        _refuse(f"a fault is (route, kind) or (route, kind, details), not {given!r}")
    route, kind, *details = given
    return route, kind, dict(*details)


def _refuse(words: str) -> NoReturn:
    pytest.fail(f"@pytest.mark.a2e: {words}", pytrace=False)


# How a simulator and a client come to be, whoever runs the loop.


@asynccontextmanager
async def _simulated(script: _Script) -> AsyncIterator[Simulator]:
    async with AsyncExitStack() as stack:
        given = {"media": "tiny", "speed": 1.0 if script.virtual else _SPEED, **script.service}
        given["listen"] = not script.virtual or _may_listen()
        _check_switches(script.service)
        try:
            skipping = stack.enter_context(skip_waits(asyncio.get_running_loop())) if script.virtual else None
            sim = await stack.enter_async_context(serve(**given))
            for route, kind, details in script.faults:
                sim.faults.add(route, kind, **details)
        except (TypeError, ValueError) as error:
            _refuse(str(error))
        if skipping is not None:
            skipping.believe_silent()
        yield sim


def _may_listen() -> bool:
    """Whether sockets may be made; pytest-socket forbids them, and in virtual time none is needed."""
    try:
        socket.socket().close()
    except RuntimeError:
        return False
    return True


def _check_switches(given: Mapping[str, Any]) -> None:
    known = {*inspect.signature(serve).parameters, *(one.name for one in attrs.fields(Switches))}
    known -= {"switches", "listen"}
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            more = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(sorted(known))}"
            _refuse(f"there is no switch {name!r}; {more} (besides faults, client and virtual)")


def _options(script: _Script, sim: Simulator) -> dict[str, Any]:
    quick = {"http": DirectTransport(sim.app), "cadence": _SLOW} if script.virtual else {}
    return {"token": sim.token, "base_url": sim.url, **quick, **script.client}


def _runner_of(request: pytest.FixtureRequest) -> str:
    """Say who runs the test: "asyncio" and the scope of its loop, "anyio", or "nobody" when it is not async."""
    if issubclass(getattr(request.node, "cls", None) or object, unittest.TestCase):
        return "nobody"  # also of an IsolatedAsyncioTestCase: the loop in which it runs is nobody's but unittest's
    test = getattr(request.node, "function", None)
    test = getattr(getattr(test, "hypothesis", None), "inner_test", test)
    if not inspect.iscoroutinefunction(test):
        return "nobody"
    if "anyio_backend" in request.fixturenames:
        return "anyio"
    try:
        usual = request.config.getini("asyncio_default_test_loop_scope")
    except ValueError:
        pytest.fail(_HOW_TO_AWAIT, pytrace=False)
    marker = request.node.get_closest_marker("asyncio")
    chosen = {} if marker is None else marker.kwargs
    return f"asyncio_{chosen.get('loop_scope') or chosen.get('scope') or usual}"


# The fixtures.


@pytest.fixture
def a2e_simulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Give a simulated service for this test alone, to which A2E_BASE_URL and A2E_API_KEY lead."""
    sim: Simulator = request.getfixturevalue(f"_a2e_simulator_with_{_runner_of(request)}")
    monkeypatch.setenv(BASE_URL_VARIABLE, sim.url)
    monkeypatch.setenv(TOKEN_VARIABLES[0], sim.token)
    request.node.stash[_SIMULATOR] = sim
    return sim


@pytest.fixture
def a2e_client(request: pytest.FixtureRequest) -> A2EClient | BlockingClient:
    """Give an open client of `a2e_simulator`; one that blocks when the test is not async."""
    if issubclass(getattr(request.node, "cls", None) or object, unittest.IsolatedAsyncioTestCase):
        pytest.fail(_IN_UNITTEST, pytrace=False)
    client: A2EClient | BlockingClient = request.getfixturevalue(f"_a2e_client_with_{_runner_of(request)}")
    return client


@pytest.fixture
def _a2e_simulator_with_nobody(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    script = _Script.of(request.node)
    if script.virtual:
        _refuse("virtual=True is for async tests; a client that blocks waits in real time")
    with in_a_thread() as portal, portal.wrap_async_context_manager(_simulated(script)) as sim:
        yield sim


@pytest.fixture
def _a2e_client_with_nobody(request: pytest.FixtureRequest, a2e_simulator: Simulator) -> Iterator[BlockingClient]:
    with blocking(**_options(_Script.of(request.node), a2e_simulator)) as a2e:
        yield a2e


def _fixtures(fixture: Any, runner: str) -> dict[str, object]:  # noqa: ANN401 - pytest's, or pytest-asyncio's
    @fixture(name=f"_a2e_simulator_with_{runner}")  # type: ignore[untyped-decorator]
    async def simulator(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
        async with _simulated(_Script.of(request.node)) as sim:
            yield sim

    @fixture(name=f"_a2e_client_with_{runner}")  # type: ignore[untyped-decorator]
    async def client(request: pytest.FixtureRequest, a2e_simulator: Simulator) -> AsyncIterator[A2EClient]:
        async with A2EClient(**_options(_Script.of(request.node), a2e_simulator)) as a2e:
            yield a2e

    return {f"_a2e_simulator_with_{runner}": simulator, f"_a2e_client_with_{runner}": client}


globals().update(_fixtures(pytest.fixture, "anyio"))
if find_spec("pytest_asyncio") is not None:
    for _scope in ("function", "class", "module", "package", "session"):  # a fixture must share the loop of its test
        _made = partial(importlib.import_module("pytest_asyncio").fixture, loop_scope=_scope)
        globals().update(_fixtures(_made, f"asyncio_{_scope}"))


# What pytest asks of a plugin.


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failed test what its simulated service has seen."""
    report = yield
    sim = item.stash.get(_SIMULATOR, None)
    if report.when == "call" and report.failed and sim is not None:
        report.sections.append(("a2e_simulator", _told(sim)))
    return report


def _told(sim: Simulator) -> str:
    asked = ", ".join(f"{route} {count}" for route, count in sorted(sim.counters.items()))
    struck = ", ".join(f"{route} {kind} {count}" for (route, kind), count in sorted(sim.faults.taken.items()))
    return f"{sim.book}\nrequests: {asked or 'none'}\nfaults that struck: {struck or 'none'}"
