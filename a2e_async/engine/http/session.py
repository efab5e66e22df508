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
from typing import Any, Final

import aiohttp

from a2e_async._version import __version__
from a2e_async.core.http import HttpReply, HttpRequest, HttpStream
from a2e_async.engine.http.failures import failure_of
from a2e_async.engine.http.limits import Limits
from a2e_async.engine.http.proxies import Proxies
from a2e_async.errors import A2EError, InvalidRequestError, ProtocolError, UsageError

HttpSession = aiohttp.ClientSession

USER_AGENT = f"a2e-async/{__version__} python/{platform.python_version()} aiohttp/{aiohttp.__version__}"
CONNECT_SECONDS = 10.0
LARGEST_REPLY: Final = 32 << 20
"""Most bytes of an answer, unpacked; a full page of a list has about 0.1 MiB."""

_JSON = json.JSONEncoder(separators=(",", ":"))  # json.dumps would make one for each call
_CONNECTING = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS)


class _Body(bytes):
    """A body that does not show itself: it can hold a webhook's secret, and tools print what aiohttp was given."""

    def __repr__(self) -> str:
        return f"<body of {len(self)} bytes>"


def new_http_session(tls: SSLContext | None = None) -> aiohttp.ClientSession:
    """Open a pool of connections; how many are in use is bounded by those who send, not here."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30, ssl=tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
    )


class Session:
    """Carries requests to the service; the `Transport` of a real client.

    Args:
        base_url: Scheme, host and port of the service.
        http: The caller's own aiohttp session, which is never closed here; None opens one on first use.
        tls: The caller's own certificates for a pool of ours, or None for the system's.
    """

    def __init__(
        self, base_url: str, http: aiohttp.ClientSession | None = None, *, tls: SSLContext | None = None
    ) -> None:
        self._base_url = base_url
        self._own = http is None
        self._http = http
        self._tls = tls
        self._proxies = Proxies()
        self._ways: tuple[Mapping[str, str], dict[str, Any]] | None = None
        self._limits = Limits()

    async def send(self, request: HttpRequest, headers: Mapping[str, str]) -> HttpReply:
        """Send one request; see `Transport`."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - what is awaited runs in a task
        cancelling, body = task.cancelling(), _written(request)
        self._limits.begin(task, request.seconds)
        try:
            return await self._exchange(request, body, headers)
        except asyncio.CancelledError:
            if not self._limits.has_passed(task, cancelling):
                raise
            failure = self._failure(request, TimeoutError(), headers)
        except Exception as error:  # noqa: BLE001 - whatever comes of an exchange: nobody knows what it left behind
            failure = self._failure(request, error, headers)
        finally:
            self._limits.end(task)
        raise failure

    async def _exchange(self, request: HttpRequest, body: _Body | None, headers: Mapping[str, str]) -> HttpReply:
        pieces: list[bytes] = []
        async with self._begin(request, body, headers, _CONNECTING) as reply:
            try:
                _refuse_size(reply.content_length or 0, reply.status)
                size = 0
                async for piece in reply.content.iter_any():
                    pieces.append(piece)
                    size += len(piece)
                    if size > LARGEST_REPLY:
                        _refuse_size(size, reply.status)
            except BaseException:
                reply.close()  # the rest is not read, and the connection is not used again
                raise
            return _reply(reply, pieces[0] if len(pieces) == 1 else b"".join(pieces))

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
            _refuse_size(reply.content_length or 0, reply.status)
            async for piece in reply.content.iter_any():
                size += len(piece)
                _refuse_size(size, reply.status)
                yield piece
        except Exception as error:  # noqa: BLE001 - as in `send`
            failure = self._failure(request, error, headers)
        else:
            return
        del reply  # it shows the headers of the answer, which may repeat the token
        raise failure

    def _begin(
        self, request: HttpRequest, body: _Body | None, headers: Mapping[str, str], limit: aiohttp.ClientTimeout
    ) -> Any:  # noqa: ANN401 - aiohttp's request, to be awaited or entered
        if self._http is None:
            self._http = new_http_session(self._tls)
        if self._http.closed:
            raise UsageError("the aiohttp session given as http= is closed")
        return self._http.request(
            request.method,
            self._base_url + request.path,
            params=request.query or None,
            data=body,
            allow_redirects=False,
            raise_for_status=False,
            timeout=limit,
            **self._way(headers),
        )

    def _way(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """Give headers and proxy of a request; they are the same until there is another token."""
        if self._ways is None or self._ways[0] is not headers:
            self._ways = headers, self._proxies.arguments(self._base_url, headers)
        return self._ways[1]

    def _failure(self, request: HttpRequest, error: Exception, headers: Mapping[str, str]) -> A2EError:
        return failure_of(error, f"{request.method} {request.path}", headers, where=self._base_url)

    async def aclose(self) -> None:
        """Close the pool, unless it is the caller's."""
        self._limits.close()
        if self._own and self._http is not None:
            await self._http.close()
            self._http = None


def _written(request: HttpRequest) -> _Body | None:
    """Write a body; one that cannot be written is the caller's, and nothing was sent."""
    try:
        return None if request.body is None else _Body(_JSON.encode(request.body).encode())
    except (TypeError, ValueError, RecursionError) as error:
        words = f"{type(error).__name__}: {error}"
    raise InvalidRequestError(f"the request to {request.path} cannot be written as JSON: {words}", rule="must be JSON")


def _refuse_size(size: int, status: int) -> None:
    if size > LARGEST_REPLY:
        words = f"the answer is larger than {LARGEST_REPLY >> 20} MiB and was not read (HTTP {status})"
        raise ProtocolError(words, status=status)


def _reply(reply: aiohttp.ClientResponse, body: bytes = b"") -> HttpReply:
    return HttpReply(
        status=reply.status,
        body=body,
        retry_after=reply.headers.get("Retry-After"),
        date=reply.headers.get("Date"),
    )
