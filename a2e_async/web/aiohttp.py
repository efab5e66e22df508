"""Everything for aiohttp.web applications.

    app = web.Application()
    setup(app, A2EClient(webhook=Webhook("https://videos.example/a2e/webhook", token=SECRET)))

opens the client with the application and closes it with it, and takes webhooks. In a handler the client is
`request.app[CLIENT]`, and `return await event_stream(request, sse(job))` shows a job to a browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

from aiohttp import web

from a2e_async.client import A2EClient
from a2e_async.web import webhook
from a2e_async.web.asgi import gate_of, take
from a2e_async.web.sse import SSE_HEADERS, SseBody
from a2e_async.web.webhook import LIMIT, Gate, Receipt

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CLIENT: Final = web.AppKey("a2e", A2EClient)
"""Where `setup` puts the client: `request.app[CLIENT]`."""

_STREAMS: Final = web.AppKey("a2e_streams", set[asyncio.Task[None]])
_SECONDS = 10.0
_MOMENT = 0.2
_PART = 64 * 1024


def setup(
    app: web.Application,
    a2e: A2EClient,
    *,
    path: str = "/a2e/webhook",
    token: str | None = None,
    limit: int = LIMIT,
) -> None:
    """Give an application its client, and a receiver where there is a secret for one.

    Args:
        app: The application.
        a2e: The client; it is open exactly as long as the application runs.
        path: Where webhooks arrive.
        token: Their shared secret; by default that of the client's `webhook`. Without either there is no receiver.
        limit: Largest body of a webhook in bytes.
    """
    app[CLIENT] = a2e
    app[_STREAMS] = set()
    app.cleanup_ctx.append(cleanup_ctx(a2e))
    app.on_shutdown.append(_end_streams)
    if token is not None or a2e.webhook is not None:
        app.router.add_post(path, receiver(a2e, token=token, limit=limit))


def cleanup_ctx(a2e: A2EClient) -> Callable[[web.Application], AsyncGenerator[None, None]]:
    """Give what opens and closes a client with an application: `app.cleanup_ctx.append(cleanup_ctx(a2e))`."""

    async def run(_app: web.Application) -> AsyncGenerator[None, None]:
        async with a2e:
            yield

    return run


def receiver(a2e: A2EClient, *, token: str | None = None, limit: int = LIMIT) -> Handler:
    """Give a handler that takes webhooks, for a POST route.

    Args:
        a2e: The client whose jobs are hinted at.
        token: The shared secret; by default that of the client's `webhook`.
        limit: Largest body in bytes.

    Raises:
        UsageError: There is no token.
    """
    gate = gate_of(a2e, token, limit)

    async def receive_webhook(request: web.Request) -> web.StreamResponse:
        refused = gate.refusal(request.raw_headers)
        if refused is not None:
            return await _dismiss(request, refused)
        return web.Response(status=take(a2e, await _receipt(gate, request)))

    return receive_webhook


async def event_stream(request: web.Request, events: SseBody) -> web.StreamResponse:
    """Answer a browser with server-sent events.

    In an application that was given to `setup` the stream ends when the application shuts down, so that this does not
    wait for jobs.

    Args:
        request: The browser's request.
        events: The events.
    """
    async with aclosing(events):
        if events.status == webhook.NO_CONTENT:
            return web.Response(status=webhook.NO_CONTENT)
        response = web.StreamResponse(headers=SSE_HEADERS)
        await response.prepare(request)
        writing = asyncio.create_task(_write(response, events), name="a2e events")
        streams = request.config_dict.get(_STREAMS, set())
        streams.add(writing)
        try:
            await asyncio.wait({writing})
        finally:
            streams.discard(writing)
            writing.cancel()
            await asyncio.wait({writing})
    if not writing.cancelled():
        writing.result()
    return response


async def _write(response: web.StreamResponse, events: SseBody) -> None:
    try:
        async for event in events:
            await response.write(event)
    except ConnectionError:  # the browser has gone
        pass


async def _end_streams(app: web.Application) -> None:
    for writing in app[_STREAMS]:
        writing.cancel()


async def _receipt(gate: Gate, request: web.Request) -> Receipt:
    try:
        async with asyncio.timeout(_SECONDS):
            body = await _body(request, gate.limit)
    except TimeoutError:
        return Receipt(webhook.TOO_SLOW)
    except (web.RequestPayloadError, web.HTTPException):  # a body that does not keep to HTTP
        return Receipt(webhook.BAD)
    return Receipt(webhook.TOO_LARGE) if body is None else gate.read(body)


async def _body(request: web.Request, limit: int) -> bytes | None:
    """Read a body, None when it is above the limit."""
    kept = bytearray()
    async for part in request.content.iter_chunked(_PART):
        kept += part
        if len(kept) > limit:
            return None
    return bytes(kept)


async def _dismiss(request: web.Request, status: int) -> web.StreamResponse:
    """Answer a stranger at once, and end his connection without having read or unpacked his body.

    1 MB of gzip can hold 1 GB, and aiohttp unpacks whatever it reads, also to throw it away. What he still sends is
    dropped for a moment before the connection ends, for whoever is cut off at once sees a reset and not our answer.
    """
    protocol = request.protocol
    protocol.close()
    response = web.Response(status=status, headers={"Connection": "close"})
    await response.prepare(request)
    await response.write_eof()
    await asyncio.sleep(_MOMENT)
    protocol.force_close()
    return response
