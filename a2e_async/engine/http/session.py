"""The session layer: one request out, one reply in, over a pool of aiohttp connections.

Laws of this file: a redirect is never followed (a start must not be sent to two places); cookies are not kept; an
answer has a largest size, counted after it is unpacked; an exchange ends with a reply or one of our errors,
and no error of aiohttp leaves this file, because it holds the request's headers (see `failures`).
"""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter

from a2e_async._version import __version__
from a2e_async.core.http import HttpReply, HttpRequest, HttpStream, Leaving
from a2e_async.engine.http.direct import (
    CONNECT_SECONDS,
    CONNECTING,
    LARGEST_BODY,
    Direct,
    Unshown,
    read_body,
    refuse_size,
)
from a2e_async.engine.http.failures import failure_of
from a2e_async.engine.http.limits import Limits
from a2e_async.engine.http.proxies import Proxies
from a2e_async.errors import A2EError, InvalidRequestError, UsageError

HttpSession = aiohttp.ClientSession

USER_AGENT = f"a2e-async/{__version__} python/{platform.python_version()} aiohttp/{aiohttp.__version__}"
_JSON = json.JSONEncoder(separators=(",", ":"))  # json.dumps would make one for each call


class WithdrawnError(Exception):
    """A body was to leave after its request had ended; seen by aiohttp alone."""


class AskedBody(aiohttp.BytesPayload):
    """A body that asks whether it may leave, last of all, when it goes through aiohttp's session.

    aiohttp takes it out when the connection is there and the headers stand before it. Without its body no request is
    whole, so a service that was sent the headers alone has started nothing. That holds for every connector, proxy and
    session, a caller's own too, which hooks of a pool would not.

    Args:
        value: What is sent.
        leaving: What is asked; see `Leaving`.
    """

    def __init__(self, value: bytes, leaving: Leaving) -> None:
        super().__init__(value)
        self._leaving: Leaving | None = leaving

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write it, if it may leave."""
        leaving, self._leaving = self._leaving, None
        if leaving is None:
            raise WithdrawnError
        leaving()
        await super().write_with_length(writer, content_length)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write it, if it may leave."""
        await self.write_with_length(writer, None)

    def withdraw(self) -> None:
        """Let it leave no more."""
        self._leaving = None


_Body = Unshown | AskedBody | None


def new_http_session(tls: SSLContext | None = None) -> aiohttp.ClientSession:
    """Open a pool of connections; how many are in use is bounded by those who send, not here."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30, ssl=tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
    )


@attrs.frozen(repr=False)
class _Way:
    """What requests with the same headers have in common."""

    headers: Mapping[str, str]
    http: aiohttp.ClientSession
    arguments: dict[str, Any]
    direct: Direct | None


class Session:
    """Carries requests to the service; the `Transport` of a real client.

    Args:
        base_url: Scheme, host and port of the service.
        http: The caller's own aiohttp session, which is never closed here; None opens one on first use.
        tls: The caller's own certificates for a pool of ours, or None for the system's.
    """

    asks = True

    def __init__(
        self, base_url: str, http: aiohttp.ClientSession | None = None, *, tls: SSLContext | None = None
    ) -> None:
        self._base_url = base_url
        self._own = http is None
        self._http = http
        self._tls = tls
        self._proxies = Proxies()
        self._ways: _Way | None = None
        self._limits = Limits()

    async def send(self, request: HttpRequest, headers: Mapping[str, str], leaving: Leaving | None = None) -> HttpReply:
        """Send one request; see `AskingTransport`."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - what is awaited runs in a task
        cancelling, body = task.cancelling(), _written(request)
        asked = None
        self._limits.begin(task, request.seconds)
        try:
            direct = self._way(headers).direct
            if body is None or direct is None or not _is_plain(request, body) or not direct.is_open:
                asked = None if leaving is None or body is None else AskedBody(body, leaving)
                return await self._exchange(request, asked or body, headers)
            return await direct.post(request.path, body, leaving)
        except asyncio.CancelledError:
            if not self._limits.has_passed(task, cancelling):
                raise
            failure = self._failure(request, TimeoutError(), headers)
        except Exception as error:  # noqa: BLE001 - whatever comes of an exchange: nobody knows what it left behind
            failure = self._failure(request, error, headers)
        finally:
            self._limits.end(task)
            if asked is not None:
                asked.withdraw()  # on Python 3.11 aiohttp writes it in a task of its own
        raise failure

    async def _exchange(self, request: HttpRequest, body: _Body, headers: Mapping[str, str]) -> HttpReply:
        async with self._begin(request, body, headers, CONNECTING) as reply:
            try:
                return _reply(reply, await read_body(reply.content, reply.status, reply.headers.get("Content-Length")))
            except BaseException:
                reply.close()  # the rest is not read, and the connection is not used again
                raise

    @asynccontextmanager
    async def stream(self, request: HttpRequest, headers: Mapping[str, str]) -> AsyncIterator[HttpStream]:
        """Send one request and give its body as it comes; see `Streaming`."""
        limit = aiohttp.ClientTimeout(total=request.seconds, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS)
        reply = await self._opened(request, headers, limit)
        try:
            yield HttpStream(head=_reply(reply), pieces=self._pieces(reply, request, headers))
        finally:
            reply.close()

    async def _opened(
        self, request: HttpRequest, headers: Mapping[str, str], limit: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        body = _written(request)
        try:
            reply: aiohttp.ClientResponse = await self._begin(request, body, headers, limit)
        except Exception as error:  # noqa: BLE001 - as in `send`
            failure = self._failure(request, error, headers)
        else:
            return reply
        raise failure

    async def _pieces(
        self, reply: aiohttp.ClientResponse, request: HttpRequest, headers: Mapping[str, str]
    ) -> AsyncIterator[bytes]:
        size = 0
        try:
            refuse_size(reply.content_length or 0, reply.status)
            async for piece in reply.content.iter_any():
                size += len(piece)
                refuse_size(size, reply.status)
                yield piece
        except Exception as error:  # noqa: BLE001 - as in `send`
            failure = self._failure(request, error, headers)
        else:
            return
        del reply  # it shows the headers of the answer, which may repeat the token
        raise failure

    def _begin(
        self, request: HttpRequest, body: _Body, headers: Mapping[str, str], limit: aiohttp.ClientTimeout
    ) -> Any:  # noqa: ANN401 - aiohttp's request, to be awaited or entered
        way = self._way(headers)
        if way.http.closed:
            raise UsageError("the aiohttp session given as http= is closed")
        return way.http.request(
            request.method,
            self._base_url + request.path,
            params=request.query or None,
            data=body,
            allow_redirects=False,
            raise_for_status=False,
            timeout=limit,
            **way.arguments,
        )

    def _way(self, headers: Mapping[str, str]) -> _Way:
        """Give what requests with these headers have in common; it is the same until there is another token."""
        way = self._ways
        if way is None or way.headers is not headers:
            if self._http is None:
                self._http = new_http_session(self._tls)
            arguments = self._proxies.arguments(self._base_url, headers)
            alone = self._own and arguments["proxy"] is None
            direct = Direct(self._http, self._base_url, headers) if alone else None
            way = self._ways = _Way(headers, self._http, arguments, direct)
        return way

    def _failure(self, request: HttpRequest, error: Exception, headers: Mapping[str, str]) -> A2EError:
        return failure_of(error, f"{request.method} {request.path}", headers, where=self._base_url)

    async def aclose(self) -> None:
        """Close the pool, unless it is the caller's."""
        self._limits.close()
        if self._own and self._http is not None:
            await self._http.close()
            self._http = self._ways = None


def _is_plain(request: HttpRequest, body: bytes) -> bool:
    return request.method == "POST" and not request.query and len(body) <= LARGEST_BODY


def _written(request: HttpRequest) -> Unshown | None:
    """Write a body; one that cannot be written is the caller's, and nothing was sent."""
    try:
        return None if request.body is None else Unshown(_JSON.encode(request.body).encode())
    except (TypeError, ValueError, RecursionError) as error:
        words = f"{type(error).__name__}: {error}"
    raise InvalidRequestError(f"the request to {request.path} cannot be written as JSON: {words}", rule="must be JSON")


def _reply(reply: aiohttp.ClientResponse, body: bytes = b"") -> HttpReply:
    return HttpReply(
        status=reply.status,
        body=body,
        retry_after=reply.headers.get("Retry-After"),
        date=reply.headers.get("Date"),
    )
