"""The session layer: one request out, one reply in, over a pool of aiohttp connections.

Laws of this file: a redirect is never followed (a start must not be sent to two places); cookies are not kept;
`trust_env` stays off, as aiohttp then reads ~/.netrc in a thread for every request and would send its passwords to
result hosts: proxies are looked up here instead, once per host.
"""

from __future__ import annotations

import asyncio
import json
import platform
import re
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from a2e_async._version import __version__
from a2e_async.core.http import HttpReply, HttpRequest, HttpStream
from a2e_async.core.replies import hide_secrets
from a2e_async.core.rules import is_local
from a2e_async.engine.http.limits import Limits
from a2e_async.errors import TransportError, UsageError

HttpSession = aiohttp.ClientSession
_HttpReply = aiohttp.ClientResponse

USER_AGENT = f"a2e-async/{__version__} python/{platform.python_version()} aiohttp/{aiohttp.__version__}"
CONNECT_SECONDS = 10.0
_JSON = json.JSONEncoder(separators=(",", ":"))  # json.dumps would make one for each call

_LOGIN = re.compile(r"//[^/\s'\"]*@")

_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
_CONNECTING = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS)
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)


def new_http_session() -> aiohttp.ClientSession:
    """Open a pool of connections; how many are in use is bounded by those who send, not here."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
    )


class Proxies:
    """The proxies of the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, looked up once per host."""

    def __init__(self) -> None:
        self._by_host: dict[tuple[str, str], str | None] = {}

    def for_url(self, url: str) -> str | None:
        """Give the proxy for a URL, None when there is none; this machine is never reached by a proxy."""
        parts = urlsplit(url)
        key = (parts.scheme, parts.netloc)
        if key not in self._by_host:
            self._by_host[key] = self._look_up(url, parts.scheme, parts.hostname or "", parts.netloc)
        return self._by_host[key]

    @staticmethod
    def _look_up(url: str, scheme: str, host: str, netloc: str) -> str | None:
        if is_local(url) and (host == "localhost" or host.startswith("127.") or host == "::1"):
            return None
        proxies = urllib.request.getproxies_environment()
        bare = netloc.rpartition("@")[2]
        if urllib.request.proxy_bypass_environment(bare, proxies):  # type: ignore[attr-defined]
            return None
        proxy = proxies.get(scheme) or proxies.get("all")
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        if proxy and urlsplit(proxy).scheme not in ("http", "https"):
            raise UsageError(f"the proxy for {scheme}://{host} must be an http or https URL (HTTPS_PROXY, ALL_PROXY)")
        return proxy


class Session:
    """Carries requests to the service; the `Transport` of a real client.

    Args:
        base_url: Scheme, host and port of the service.
        http: The caller's own aiohttp session, which is never closed here; None opens one on first use.
    """

    def __init__(self, base_url: str, http: aiohttp.ClientSession | None = None) -> None:
        self._base_url = base_url
        self._own = http is None
        self._http = http
        self._proxy: str | None = None
        self._ready = False
        self._limits = Limits()

    async def send(self, request: HttpRequest, headers: Mapping[str, str]) -> HttpReply:
        """Send one request; see `Transport`."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - what is awaited runs in a task
        cancelling = task.cancelling()
        self._limits.begin(task, request.seconds)
        try:
            async with self._begin(request, headers, _CONNECTING) as reply:
                return _reply(reply, await reply.read())
        except _FAILURES as error:
            raise self._failure(request, error, headers) from _shown(error)
        except asyncio.CancelledError:
            if self._limits.has_passed(task, cancelling):
                raise self._failure(request, TimeoutError(), headers) from None
            raise
        finally:
            self._limits.end(task)

    @asynccontextmanager
    async def stream(self, request: HttpRequest, headers: Mapping[str, str]) -> AsyncIterator[HttpStream]:
        """Send one request and give its body as it comes; see `Streaming`."""
        limit = aiohttp.ClientTimeout(total=request.seconds, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS)
        try:
            async with self._begin(request, headers, limit) as reply:
                yield HttpStream(head=_reply(reply), pieces=reply.content.iter_any())
        except _FAILURES as error:
            raise self._failure(request, error, headers) from _shown(error)

    def _begin(
        self, request: HttpRequest, headers: Mapping[str, str], limit: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[_HttpReply]:
        http = self._http if self._ready else self._prepare()
        if http is None or http.closed:
            raise UsageError("the aiohttp session given as http= is closed")
        return http.request(
            request.method,
            self._base_url + request.path,
            params=request.query or None,
            data=None if request.body is None else _JSON.encode(request.body).encode(),
            headers=headers,
            allow_redirects=False,
            raise_for_status=False,
            timeout=limit,
            proxy=self._proxy,
        )

    def _failure(self, request: HttpRequest, error: Exception, headers: Mapping[str, str]) -> TransportError:
        sent = not isinstance(error, _NOT_SENT)
        what = f"{request.method} {request.path}" if sent else f"could not connect to {self._base_url}"
        words = _words(error)
        if isinstance(error, aiohttp.ClientResponseError):  # its text can repeat the reply, or a proxy's password
            token = headers.get("Authorization", "").rpartition(" ")[2]
            words = hide_secrets(_LOGIN.sub("//", words.replace(token, "***") if token else words))
        return TransportError(f"{what}: {words}", sent=sent)

    def _prepare(self) -> aiohttp.ClientSession:
        """Look the proxy up and open the pool, at the first request."""
        self._proxy = Proxies().for_url(self._base_url)
        self._http, self._ready = self._http or new_http_session(), True
        return self._http

    async def aclose(self) -> None:
        """Close the pool, unless it is the caller's."""
        self._limits.close()
        if self._own and self._http is not None:
            await self._http.close()
            self._http, self._ready = None, False


def _reply(reply: _HttpReply, body: bytes = b"") -> HttpReply:
    return HttpReply(
        status=reply.status,
        body=body,
        retry_after=reply.headers.get("Retry-After"),
        date=reply.headers.get("Date"),
    )


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error) or type(error.os_error).__name__
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _shown(error: Exception) -> Exception | None:
    """Give the cause that a traceback may show: not one that holds the headers of the request."""
    return None if isinstance(error, aiohttp.ClientResponseError) else error
