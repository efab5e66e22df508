"""Everything for ASGI applications, in plain ASGI: it imports no framework and so fits into all of them.

a2e = A2EClient(webhook=Webhook("https://videos.example/a2e/webhook", token=SECRET))

app = FastAPI(lifespan=lifespan(a2e))           # one client per process; Starlette the same
app.mount("/a2e", receiver(a2e))                # whatever is posted below /a2e

Litestar([asgi("/a2e", is_mount=True, copy_scope=True)(receiver(a2e))], lifespan=[lifespan(a2e)])

app.while_serving(lifespan(a2e).while_serving)  # Quart
app.asgi_app = mounted(app.asgi_app, "/a2e", receiver(a2e))
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import Any

from a2e_async.client import A2EClient
from a2e_async.errors import UsageError
from a2e_async.web import webhook
from a2e_async.web.sse import SSE_HEADERS, SseBody
from a2e_async.web.webhook import LIMIT, Gate, Receipt

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("a2e_async")

_SECONDS = 10.0
_MOST_DISCARDED = 32 << 20
_STRANGER_SECONDS = 1.0
_MOST_OF_A_STRANGER = 64 * 1024


class Lifespan:
    """Opens the client when the application starts and closes it when it ends; made by `lifespan`.

    Attributes:
        a2e: The client.
    """

    def __init__(self, a2e: A2EClient) -> None:
        self.a2e = a2e

    def __call__(self, _app: object = None) -> AbstractAsyncContextManager[dict[str, Any]]:
        """Give the context of one run of an application; FastAPI and Starlette put `request.state.a2e` there."""
        return self._run()

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[dict[str, Any]]:
        async with self.a2e:
            yield {"a2e": self.a2e}

    async def while_serving(self) -> AsyncGenerator[None, None]:
        """Do the same for Quart: `app.while_serving(lifespan(a2e).while_serving)`."""
        async with self.a2e:
            yield


def lifespan(a2e: A2EClient) -> Lifespan:
    """Give one client per process to an application: it is open exactly as long as the application runs.

    A client touches no loop before it is opened, so it can be made where the application is.

    Args:
        a2e: The client.
    """
    return Lifespan(a2e)


def receiver(a2e: A2EClient, *, token: str | None = None, limit: int = LIMIT) -> AsgiApp:
    """Give an ASGI application that takes webhooks: each POST with the right token makes the poller poll its task.

    Mount it at a folder and let the webhook's URL point below it: frameworks answer a mount's own path without a
    slash with a redirect, which the service will not follow.

    Args:
        a2e: The client whose jobs are hinted at.
        token: The shared secret; by default that of the client's `webhook`.
        limit: Largest body in bytes.

    Raises:
        UsageError: There is no token.
    """
    gate = gate_of(a2e, token, limit)

    async def receive_webhook(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _no_lifespan(receive, send)
        elif scope["type"] == "http":
            receipt = await _receipt(gate, scope, receive)
            await _answer(send, take(a2e, receipt))

    return receive_webhook


def gate_of(a2e: A2EClient, token: str | None, limit: int) -> Gate:
    """Make the gate of a receiver.

    Raises:
        UsageError: There is no token.
    """
    if token is None and a2e.webhook is None:
        raise UsageError("token: a receiver needs the secret of its webhooks: give token=, or the client a webhook=")
    return Gate(token if token is not None else a2e.webhook.token if a2e.webhook else "", limit)


def take(a2e: A2EClient, receipt: Receipt) -> int:
    """Hand the tasks of a webhook to the poller and give the status to answer with."""
    try:
        for task_id in receipt.task_ids:
            a2e.hint(task_id)
    except UsageError as closed:
        _log.warning("a webhook came while its client was not open here: %s", closed)
        return webhook.UNAVAILABLE
    return receipt.status


def mounted(app: AsgiApp, path: str, inner: AsgiApp) -> AsgiApp:
    """Give an application that passes everything below a path to another one; for frameworks that cannot mount.

    Args:
        app: What gets all other requests, and the lifespan.
        path: The path, such as "/a2e".
        inner: What gets the requests at and below it.
    """
    root = "/" + path.strip("/")

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        place = scope.get("path", "") if scope["type"] == "http" else ""
        place = place.removeprefix(scope.get("root_path", "").rstrip("/"))  # the application is mounted below a prefix
        inside = place == root or place.startswith(f"{root}/")
        await (inner if inside else app)(scope, receive, send)

    return dispatch


class SseResponse:
    """An ASGI response that sends server-sent events: `SseResponse(sse(job))`.

    Starlette takes it as it is from an endpoint; where a framework wants its own class, give that one the events, their
    `status` and `SSE_HEADERS`. It ends when the browser goes away.

    Args:
        events: The events.
    """

    def __init__(self, events: SseBody) -> None:
        self._events = events

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events as ASGI messages."""
        async with aclosing(self._events):
            if self._events.status == webhook.NO_CONTENT:
                await _answer(send, webhook.NO_CONTENT)
            else:
                await self._stream(receive, send)

    async def _stream(self, receive: Receive, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in SSE_HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.create_task(self._send_all(send), name="a2e events")
        leaving = asyncio.create_task(_until_left(receive), name="a2e browser")
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait({sending, leaving})
        if not sending.cancelled():
            sending.result()

    async def _send_all(self, send: Send) -> None:
        async for event in self._events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _receipt(gate: Gate, scope: Scope, receive: Receive) -> Receipt:
    if scope["method"] != "POST":
        return Receipt(webhook.NO_METHOD)
    refused = gate.refusal(scope["headers"])
    with_token = refused in (None, webhook.TOO_LARGE, webhook.UNSUPPORTED)
    try:
        async with asyncio.timeout(_SECONDS if with_token else _STRANGER_SECONDS):
            most = _MOST_DISCARDED if with_token else _MOST_OF_A_STRANGER
            body = await _body(receive, 0 if refused else gate.limit, most)
    except TimeoutError:
        return Receipt(refused or webhook.TOO_SLOW)
    if refused is None and body is not None:
        return gate.read(body)
    return Receipt(refused or webhook.TOO_LARGE)


async def _body(receive: Receive, limit: int, most: int) -> bytes | None:
    """Read a body, None when it is above the limit.

    What is too long is read on and thrown away, up to a bound: a sender that is cut off sees a reset, not our answer.
    """
    kept, length = bytearray(), 0
    while length <= most:
        message = await receive()
        if message["type"] != "http.request":
            break
        part = message.get("body", b"")
        length += len(part)
        if length <= limit:
            kept += part
        if not message.get("more_body", False):
            break
    return bytes(kept) if length <= limit else None


async def _answer(send: Send, status: int) -> None:
    headers = [(b"allow", b"POST")] if status == webhook.NO_METHOD else []
    if status != webhook.NO_CONTENT:
        headers.append((b"content-length", b"0"))
    with suppress(OSError):  # the sender has gone
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _no_lifespan(receive: Receive, send: Send) -> None:
    """Go through the motions, when a server runs the receiver alone."""
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})
