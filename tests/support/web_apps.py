"""The same small application written for each web framework, and the real servers that run it.

    async with serving("fastapi", options) as site: ...

Every application has the same routes: POST /a2e/webhook, GET /state (is the client open), GET /events (the job
`site.job`, from Last-Event-ID) and GET /tasks/{id} (a task by its id).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import attrs
import hypercorn.asyncio
import hypercorn.config
import uvicorn
from aiohttp import web
from fastapi import FastAPI
from fastapi import Request as FastRequest
from fastapi.responses import StreamingResponse
from litestar import Litestar, asgi, get
from litestar import Request as LitestarRequest
from litestar.response import Stream
from quart import Quart
from quart import Response as QuartResponse
from quart import request as quart_request
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from a2e_async import A2EClient, Job, Webhook
from a2e_async.web import SSE_HEADERS, SseResponse, lifespan, mounted, receiver, sse, sse_of
from a2e_async.web import aiohttp as a2e_aiohttp

SECRET = "s3cret of the webhook"
KEEP_ALIVE = 0.2
_PATIENCE = 30
RETRY = 0.1


@attrs.define(eq=False)
class Site:
    """An application that is being served."""

    url: str
    a2e: A2EClient
    job: Job[Any] | None = None

    def events(self, last: str | None):
        """Give the events of the job."""
        return sse(self.job, last_event_id=last, keep_alive=KEEP_ALIVE, retry=RETRY)

    def events_of(self, task_id: str, last: str | None):
        """Give the events of a task."""
        return sse_of(self.a2e, "text_to_image", task_id, last_event_id=last, keep_alive=KEEP_ALIVE, retry=RETRY)

    @property
    def state(self) -> str:
        """Whether the client is open."""
        return repr(self.a2e).split()[-1].strip(">")


def fastapi_app(site: Site):
    """Write it for FastAPI."""
    app = FastAPI(lifespan=lifespan(site.a2e))
    app.mount("/a2e", receiver(site.a2e))

    @app.get("/state")
    async def state(request: FastRequest) -> str:
        assert request.state.a2e is site.a2e
        return site.state

    @app.get("/events")
    async def events(request: FastRequest):
        told = site.events(request.headers.get("last-event-id"))
        return StreamingResponse(told, told.status, SSE_HEADERS)

    @app.get("/tasks/{task_id}")
    async def task(task_id: str, request: FastRequest):
        told = site.events_of(task_id, request.headers.get("last-event-id"))
        return StreamingResponse(told, told.status, SSE_HEADERS)

    return app


def starlette_app(site: Site):
    """Write it for Starlette."""

    async def state(request: StarletteRequest):
        assert request.state.a2e is site.a2e
        return PlainTextResponse(site.state)

    async def events(request: StarletteRequest):
        return SseResponse(site.events(request.headers.get("last-event-id")))

    async def task(request: StarletteRequest):
        return SseResponse(site.events_of(request.path_params["task_id"], request.headers.get("last-event-id")))

    return Starlette(
        lifespan=lifespan(site.a2e),
        routes=[
            Mount("/a2e", receiver(site.a2e)),
            Route("/state", state),
            Route("/events", events),
            Route("/tasks/{task_id}", task),
        ],
    )


def litestar_app(site: Site):
    """Write it for Litestar."""

    @get("/state", sync_to_thread=False)
    def state() -> str:
        return site.state

    @get("/events")
    async def events(request: LitestarRequest) -> Stream:
        told = site.events(request.headers.get("last-event-id"))
        return Stream(told, status_code=told.status, headers=SSE_HEADERS)

    @get("/tasks/{task_id:str}")
    async def task(request: LitestarRequest) -> Stream:
        told = site.events_of(request.path_params["task_id"], request.headers.get("last-event-id"))
        return Stream(told, status_code=told.status, headers=SSE_HEADERS)

    hooks = asgi("/a2e", is_mount=True, copy_scope=True)(receiver(site.a2e))
    return Litestar([hooks, state, events, task], lifespan=[lifespan(site.a2e)], logging_config=None)


def quart_app(site: Site):
    """Write it for Quart."""
    app = Quart("site")
    app.while_serving(lifespan(site.a2e).while_serving)
    app.asgi_app = mounted(app.asgi_app, "/a2e", receiver(site.a2e))
    app.config["RESPONSE_TIMEOUT"] = None  # a stream lasts as long as its job

    @app.get("/state")
    async def state():
        return site.state

    @app.get("/events")
    async def events():
        told = site.events(quart_request.headers.get("last-event-id"))
        return QuartResponse(told, told.status, SSE_HEADERS)

    @app.get("/tasks/<task_id>")
    async def task(task_id):
        told = site.events_of(task_id, quart_request.headers.get("last-event-id"))
        return QuartResponse(told, told.status, SSE_HEADERS)

    return app


def aiohttp_app(site: Site):
    """Write it for aiohttp.web."""
    app = web.Application()
    a2e_aiohttp.setup(app, site.a2e)

    async def state(request: web.Request):
        assert request.app[a2e_aiohttp.CLIENT] is site.a2e
        return web.Response(text=site.state)

    async def events(request: web.Request):
        return await a2e_aiohttp.event_stream(request, site.events(request.headers.get("last-event-id")))

    async def task(request: web.Request):
        last = request.headers.get("last-event-id")
        return await a2e_aiohttp.event_stream(request, site.events_of(request.match_info["task_id"], last))

    app.router.add_get("/state", state)
    app.router.add_get("/events", events)
    app.router.add_get("/tasks/{task_id}", task)
    return app


async def _until_started(serving: asyncio.Task[Any], started: asyncio.Task[Any]) -> None:
    """Wait until a server has started; one that ends instead, or never answers, fails the test and hangs none."""
    await asyncio.wait({serving, started}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if started.done():
        return started.result()
    started.cancel()
    await asyncio.wait({started})
    if not serving.done():
        raise AssertionError(f"the application had not started after {_PATIENCE} s")
    raise AssertionError("the application did not start; its server says why in the log") from serving.exception()


async def _ended(serving: asyncio.Task[Any]) -> None:
    """Wait until a server has ended, which it was told to do."""
    await asyncio.wait({serving}, timeout=_PATIENCE)
    if not serving.done():
        serving.cancel()
        raise AssertionError(f"the server had not ended {_PATIENCE} s after it was told to")
    with contextlib.suppress(Exception):  # why it did not start was said
        serving.result()


@contextlib.asynccontextmanager
async def uvicorn_server(app, listening: socket.socket) -> AsyncIterator[None]:
    """Serve with uvicorn."""
    config = uvicorn.Config(app, lifespan="on", log_config=None, ws="none", timeout_graceful_shutdown=0.2)
    server = uvicorn.Server(config)

    async def serve() -> None:
        try:
            await server.serve(sockets=[listening])
        except SystemExit as error:  # in a task it would end the loop, and every test after this one
            raise RuntimeError(f"uvicorn has left with code {error.code}") from error

    serving = asyncio.create_task(serve())

    async def started() -> None:
        while not server.started:  # noqa: ASYNC110 - uvicorn wakes nobody
            await asyncio.sleep(0.01)

    try:
        await _until_started(serving, asyncio.create_task(started()))
        yield
    finally:
        server.should_exit = True
        await _ended(serving)


@contextlib.asynccontextmanager
async def hypercorn_server(app, listening: socket.socket) -> AsyncIterator[None]:
    """Serve with hypercorn."""
    config = hypercorn.config.Config()
    config.bind = [f"fd://{os.dup(listening.fileno())}"]  # hypercorn closes it
    config.loglevel = "WARNING"
    config.graceful_timeout = 0.2
    config.shutdown_timeout = 5
    end = asyncio.Event()
    serving = asyncio.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=end.wait))
    host, port = listening.getsockname()

    async def answered() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/state"):
            pass  # the socket listens already; it answers once the application has started

    try:
        await _until_started(serving, asyncio.create_task(answered()))
        yield
    finally:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_but_for_cancellations)
        end.set()
        await _ended(serving)
        await asyncio.sleep(0)
        loop.set_exception_handler(None)


def _but_for_cancellations(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Expect what Python 3.11 complains of when hypercorn cuts off a connection that still streams."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


@contextlib.asynccontextmanager
async def aiohttp_server(app, listening: socket.socket) -> AsyncIterator[None]:
    """Serve with aiohttp.web."""
    runner = web.AppRunner(app, access_log=None)
    async with asyncio.timeout(_PATIENCE):
        await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


KINDS: dict[str, tuple[Callable[[Site], Any], Callable[..., Any]]] = {
    "fastapi-uvicorn": (fastapi_app, uvicorn_server),
    "starlette-uvicorn": (starlette_app, uvicorn_server),
    "litestar-uvicorn": (litestar_app, uvicorn_server),
    "quart-hypercorn": (quart_app, hypercorn_server),
    "aiohttp": (aiohttp_app, aiohttp_server),
}


@contextlib.asynccontextmanager
async def serving(kind: str, sim, **options: Any) -> AsyncIterator[Site]:
    """Serve the application of one kind in front of a simulator; the site's client sends its webhooks to it."""
    write, serve = KINDS[kind]
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        hook = Webhook(f"{url}/a2e/webhook", SECRET)
        site = Site(url, A2EClient(sim.token, base_url=sim.url, webhook=hook, **options))
        async with serve(write(site), listening):
            yield site
