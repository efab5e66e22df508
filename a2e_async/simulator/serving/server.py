"""The simulator on a socket: carries requests to the app and replies back, whole or broken."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web

from a2e_async.simulator.answers.app import App
from a2e_async.simulator.media.studio import Studio
from a2e_async.simulator.serving.webhooks import Postman
from a2e_async.simulator.world.book import Book
from a2e_async.simulator.world.clock import Clock, ScaledClock
from a2e_async.simulator.world.faults import Faults
from a2e_async.simulator.world.messages import SimReply, SimRequest, xml_reply
from a2e_async.simulator.world.switches import Switches, TaskSeconds
from a2e_async.simulator.world.world import World

_BACKLOG = 1024
_LARGEST_UPLOAD = 64 << 20
_RESET = struct.pack("ii", 1, 0)


@attrs.frozen(eq=False)
class Simulator:
    """A running simulator.

    Attributes:
        url: Where it listens; a client's `base_url`.
        app: The service as a function; `app.calls` takes more endpoints.
        webhooks: How many webhooks were "delivered", "refused", "failed" to arrive, or kept back because their receiver
            is "elsewhere", not on this machine.
    """

    url: str
    app: App
    webhooks: Counter[str] = attrs.field(factory=Counter)

    @property
    def token(self) -> str:
        """The token it accepts."""
        return self.world.switches.token

    @property
    def world(self) -> World:
        """The service itself: its tasks and coins."""
        return self.app.world

    @property
    def book(self) -> Book:
        """Every start, charge and refund."""
        return self.world.book

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self.app.faults

    @property
    def counters(self) -> Counter[str]:
        """Requests by route."""
        return self.app.counters

    @property
    def clock(self) -> Clock:
        """The time it lives in."""
        return self.world.clock

    def peak(self, route: str = "*", seconds: float = 1.0) -> int:
        """Give the most requests of these routes within any stretch of so many real seconds."""
        return self.app.log.peak(route, seconds)

    def change(self, **switches: Any) -> None:  # noqa: ANN401  # the types are those of Switches
        """Alter some switches from now on."""
        self.world.change(**switches)


@asynccontextmanager
async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    speed: float = 1.0,
    clock: Clock | None = None,
    coins: int = 10_000,
    token: str = "sk_simulator",  # noqa: S107  # an example, and the same for everybody
    task_seconds: TaskSeconds | None = None,
    media: Any = "auto",  # noqa: ANN401  # checked by Switches
    seed: int = 0,
    listen: bool = True,
    **switches: Any,  # noqa: ANN401  # checked by Switches
) -> AsyncIterator[Simulator]:
    """Run a simulator for the length of the block.

    Args:
        host: Where to listen.
        port: The port; 0 takes a free one.
        speed: Simulated seconds per second.
        clock: A clock in place of one with that speed.
        coins: What the account has at the beginning.
        token: The token it accepts.
        task_seconds: How long tasks run, in simulated seconds.
        media: "auto", "pretty", "plain" or "tiny".
        seed: Where chance begins.
        listen: Whether it listens at all; without a socket it is asked through `DirectTransport` alone.
        **switches: Any other of `Switches`.
    """
    loop = asyncio.get_running_loop()
    settings = Switches(coins=coins, token=token, task_seconds=task_seconds, media=media, seed=seed, **switches)
    world = World(ScaledClock(speed, source=loop.time) if clock is None else clock, settings)
    app = App(world, timer=loop.time)
    if not listen:
        app.origin = "http://127.0.0.1:1"
        yield Simulator(app.origin, app)
        return
    front, postman = _HttpFront(app), Postman(app)
    server = web.Server(front.handle, request_factory=_request, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    with _listen(host, port) as listening:
        await runner.setup()
        try:
            await web.SockSite(runner, listening, backlog=_BACKLOG).start()
            app.origin = _url(listening.getsockname())
            async with _in_background(postman.run()):
                yield Simulator(app.origin, app, postman.outcomes)
        finally:
            await _stop_listening(listening)
            front.close()
            await runner.cleanup()


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something beside the block; it ends with the block."""
    task = asyncio.create_task(work, name="simulated webhooks")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


async def _stop_listening(listening: socket.socket) -> None:
    """Take no more connections, and let those that are being taken arrive.

    asyncio leaves a connection unclosed (a ResourceWarning) that comes in the very moment its server is closed.
    """
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().remove_reader(listening)
    for _ in range(3):
        await asyncio.sleep(0)


def _request(  # aiohttp's signature
    message: Any,  # noqa: ANN401
    payload: Any,  # noqa: ANN401
    protocol: Any,  # noqa: ANN401
    writer: Any,  # noqa: ANN401
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """Make a request that may be as large as an upload is."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_LARGEST_UPLOAD)


def _url(address: Any) -> str:  # noqa: ANN401  # as the socket module gives it
    host, port = address[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


async def _unreadable(raw: web.BaseRequest) -> web.StreamResponse:
    """Refuse a body that is not packed, or not chunked, as its head says."""
    reply = web.Response(status=400, text="The body cannot be read", headers={"Connection": "close"})
    await reply.prepare(raw)
    await reply.write_eof()
    raw.protocol.force_close()  # aiohttp would read the rest of it, and trip once more
    return reply


class _HttpFront:
    """Turns aiohttp's requests into the app's and the app's replies into aiohttp's."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._studio = Studio(app.world.switches.media)
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let go of requests that were never to be answered."""
        self._closing.set()
        self._studio.close()

    async def handle(self, raw: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        try:
            body = await raw.read() if raw.body_exists else b""
        except web.RequestPayloadError:
            return await _unreadable(raw)
        headers = {name.lower(): value for name, value in raw.headers.items()}
        request = SimRequest(raw.method, raw.path, raw.query, headers, body)
        reply = self._app.handle(request)
        if reply.media is not None:
            try:
                blob = await self._studio.render(reply.media)
            except Exception as broken:  # noqa: BLE001  # whatever a renderer trips over is a 500, as in any server
                reply = xml_reply("InternalError", str(broken), 500)
            else:
                reply = self._app.finish(request, reply, blob)
        if reply.delay > 0:
            await self._app.world.clock.sleep(reply.delay)
        return await self._send(raw, reply)

    async def _send(self, raw: web.BaseRequest, reply: SimReply) -> web.StreamResponse:
        if reply.fate == "reset":
            _reset(raw)
            return web.Response()
        if reply.fate == "stall":
            await self._closing.wait()
            return web.Response(status=503)
        if reply.pieces and reply.fate == "answer":
            return await self._bit_by_bit(raw, reply)
        if reply.fate == "answer":
            return _whole(raw, reply)
        return await self._half(raw, reply)

    async def _bit_by_bit(self, raw: web.BaseRequest, reply: SimReply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        await response.prepare(raw)
        for pause, piece in reply.pieces:
            await self._app.world.clock.sleep(pause)
            await response.write(piece)
        return response

    async def _half(self, raw: web.BaseRequest, reply: SimReply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        await response.prepare(raw)
        await response.write(reply.body)
        if reply.fate == "hang":
            await self._closing.wait()
        if raw.transport is not None:
            raw.transport.close()
        return response


def _whole(raw: web.BaseRequest, reply: SimReply) -> web.Response:
    if raw.method == "HEAD":
        return web.Response(status=reply.status, headers=reply.headers)
    headers = {name: value for name, value in reply.headers.items() if name != "Content-Length"}
    return web.Response(status=reply.status, headers=headers, body=reply.body)


def _reset(raw: web.BaseRequest) -> None:
    """Drop the connection so that the other side sees a reset, not an end."""
    transport = raw.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
