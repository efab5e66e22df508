"""Virtual time: an event loop whose clock jumps to the next timer as soon as nobody has anything to do.

For tests without sockets and threads: while one of these is busy the clock would jump all the same, and every time
limit would fire. Put the simulated service behind `DirectTransport` instead.
"""

from __future__ import annotations

import asyncio
import json
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from a2e_async.core.http import HttpReply, HttpRequest
from a2e_async.errors import TransportError
from a2e_async.simulator.answers.app import App
from a2e_async.simulator.world.clock import ScaledClock
from a2e_async.simulator.world.messages import SimReply, SimRequest
from a2e_async.simulator.world.switches import Switches
from a2e_async.simulator.world.world import World

T = TypeVar("T")

_BEGINNING = 1_750_000_000.0


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for no timer: it moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Give what is ready; when nothing is, let the time pass at once."""
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, which begins at 0."""

    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Give the virtual time in seconds."""
        return self._virtual.now


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time, as `asyncio.run` does in real time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def virtual_app(**switches: Any) -> App:  # noqa: ANN401  # checked by Switches
    """Make a simulated service that lives in the time of the running loop; `switches` are those of `Switches`."""
    return App(World(ScaledClock(start=_BEGINNING, source=asyncio.get_running_loop().time), Switches(**switches)))


class DirectTransport:
    """Carries a client's requests straight into a simulated service, without sockets.

    Args:
        app: The simulated service; give its world a `ScaledClock` that follows the loop's time.
        latency: Seconds from a request to its reply.
    """

    def __init__(self, app: App, latency: float = 0.0) -> None:
        self.app = app
        self._latency = latency

    async def send(self, request: HttpRequest, headers: Mapping[str, str]) -> HttpReply:
        """Answer one request as the service does, faults included."""
        body = b"" if request.body is None else json.dumps(request.body).encode()
        given = {name.lower(): value for name, value in headers.items()}
        reply = self.app.handle(SimRequest(request.method, request.path, request.query, given, body))
        await asyncio.sleep(self._latency)
        await self.app.world.clock.sleep(reply.delay + sum(pause for pause, _ in reply.pieces))
        if reply.fate == "stall":
            await asyncio.sleep(request.seconds)
            raise TransportError(f"{request.method} {request.path}: no answer in time", sent=True)
        if reply.fate != "answer":
            raise TransportError(f"{request.method} {request.path}: connection reset", sent=True)
        return _as_http(reply)


def _as_http(reply: SimReply) -> HttpReply:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return HttpReply(
        status=reply.status, body=reply.body, retry_after=headers.get("retry-after"), date=headers.get("date")
    )
