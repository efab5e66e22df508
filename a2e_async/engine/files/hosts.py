"""Requests to file hosts, which are strangers: URLs byte for byte, redirects by hand, never the token.

Laws of this file: a URL is sent exactly as given, because its signature covers its text; each redirect is checked like
the first URL, never leads from https to http, and has its own proxy looked up; a client of a public service is never
led into a private network, neither by a URL's text nor by what its name resolves to; encoded bodies are unpacked in
`packing`, where their size is bounded.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from a2e_async.core import addresses, urls
from a2e_async.core.retry import Retry
from a2e_async.core.secrets import SignedUrl, hide
from a2e_async.core.transfers import Transfers
from a2e_async.engine.http.direct import CONNECT_SECONDS
from a2e_async.engine.http.proxies import Proxies
from a2e_async.engine.http.session import USER_AGENT
from a2e_async.errors import DownloadError

_log = logging.getLogger("a2e_async.http")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_LONGEST_HEADER = 64 << 10  # content security policies of file hosts have 9 kB and more
_PLAIN: Final = "".join(map(chr, range(0x21, 0x7F)))
_SENDING = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_INSIDE = "leads to this machine or a private network; A2EClient(allow_private_files=True) allows that"


class InsideError(OSError):
    """A name resolves to an address of this machine or a private network."""


class _Outside(AbstractResolver):
    """Resolves public names only: the address shows what a URL's text can hide."""

    def __init__(self, trusted: set[str]) -> None:
        self._inner = aiohttp.DefaultResolver()
        self._trusted = trusted

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Give the addresses of a name.

        Raises:
            InsideError: One of them is not public.
        """
        found = await self._inner.resolve(host, port, family)
        if host.lower() not in self._trusted:
            answers = [addresses.address_of(one["host"].partition("%")[0]) for one in found]
            if any(answer is None or addresses.is_private(answer) for answer in answers):
                raise InsideError(_INSIDE)
        return found

    async def close(self) -> None:
        """Let go of what resolves."""
        await self._inner.close()


class Hosts:
    """Sends requests to file hosts.

    Args:
        retry: `stall_seconds` is how long nothing may come.
        transfers: What is allowed.
        inside: Whether links may lead to this machine and private networks.
        tls: The caller's own certificates, or None for the system's.
    """

    def __init__(self, retry: Retry, transfers: Transfers, *, inside: bool, tls: SSLContext | None) -> None:
        # No limit on the whole, or large files would fail; only on standing still.
        self._limit = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=retry.stall_seconds)
        self._inside = inside
        self._tls = tls
        self._http: aiohttp.ClientSession | None = None
        self._proxies = Proxies()
        self._trusted: set[str] = set()
        self._places = asyncio.Semaphore(transfers.at_once)
        self._per_host = transfers.per_host
        self._by_host: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, url: str) -> AsyncIterator[None]:
        """Wait for one of the places of a URL's host, so that one slow host never delays the files of others."""
        host = urlsplit(url).netloc.lower()
        of_host = self._by_host.get(host)
        if of_host is None:
            self._by_host[host] = of_host = asyncio.Semaphore(self._per_host)
        async with of_host, self._places:
            yield

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for a file, and follow redirects.

        Raises:
            DownloadError: A URL cannot be followed, or there are too many redirects.
        """
        at = url
        for _ in range(_MOST_REDIRECTS + 1):
            self.judge(at, url)
            reply = await self._request("GET", at, headers)
            onward = reply.headers.get("Location") if reply.status in _REDIRECTS else None
            if onward is None:
                async with reply:
                    yield reply
                return
            reply.close()
            before, at = at, SignedUrl(_joined(at, onward))
            if before[:6].lower() == "https:" and at[:5].lower() == "http:":
                raise _refusal(url, "leads from https to http")
        raise _refusal(url, "has too many redirects")

    @asynccontextmanager
    async def put(
        self, url: str, headers: Mapping[str, str], body: AsyncIterable[bytes]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Put a file to a URL; a redirect is not followed, for the file would have to be sent again.

        The caller limits how long it may stand still, because only the caller sees the bytes go.
        """
        async with await self._request("PUT", url, headers, data=body) as reply:
            yield reply

    def judge(self, url: str, first: str | None = None) -> None:
        """Refuse a URL that cannot or must not be followed.

        Args:
            url: The URL.
            first: The URL from which redirects have led to it, for the error.

        Raises:
            DownloadError: It cannot or must not be.
        """
        fault = urls.fault_of(url) or _unspelled(url)
        if not fault and not self._inside and addresses.is_local(url):
            fault = _INSIDE
        if fault:
            raise _refusal(first or url, fault if first in (None, url) else f"is redirected to one that {fault}")

    async def aclose(self) -> None:
        """Close the pool of connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], data: AsyncIterable[bytes] | None = None
    ) -> aiohttp.ClientResponse:
        proxy = self._proxies.for_url(url)
        if proxy is not None:  # the user named it, and it may well be in a private network
            self._trusted.add((urlsplit(proxy.url).hostname or "").lower())
        arguments: dict[str, Any] = self._proxies.arguments(url, headers)
        begun = asyncio.get_running_loop().time()
        reply = await self._pool().request(
            method,
            _spelled(url),
            timeout=self._limit if data is None else _SENDING,
            allow_redirects=False,
            data=data,
            **arguments,
        )
        if _log.isEnabledFor(logging.DEBUG):  # without its query: that is where signatures are
            took = round((asyncio.get_running_loop().time() - begun) * 1000)
            _log.debug("%s %s: %d in %d ms", method, hide(url), reply.status, took)
        return reply

    def _pool(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    keepalive_timeout=30,
                    ssl=self._tls or True,
                    resolver=None if self._inside else _Outside(self._trusted),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
                auto_decompress=False,
                max_line_size=_LONGEST_HEADER,
                max_field_size=_LONGEST_HEADER,
            )
        return self._http


def tls_of(http: object) -> SSLContext | None:
    """Give the certificates with which a caller's own aiohttp session was made, as files need them too."""
    connector = http.connector if isinstance(http, aiohttp.ClientSession) else None
    given = getattr(connector, "_ssl", None)  # aiohttp has no public name for it
    return given if isinstance(given, SSLContext) else None


def _spelled(url: str) -> URL:
    """Give a URL as it is sent: plain ASCII stays byte for byte, only other text is encoded."""
    scheme, _, rest = url.partition("://")
    authority = urlsplit(url).netloc
    tail = quote(rest[len(authority) :].partition("#")[0], safe=_PLAIN, errors="surrogateescape")
    return URL(f"{scheme.lower()}://{URL(f'{scheme}://{authority}').raw_authority}{tail}", encoded=True)


def _unspelled(url: str) -> str:
    """Say that a URL cannot be sent, in the words of `urls.fault_of`: the URL library refuses hosts that IDNA takes."""
    try:
        _spelled(url)
    except ValueError:
        return "names no host that can be asked"
    return ""


def _joined(url: str, onward: str) -> str:
    """Give the URL to which a redirect leads; only a relative path is resolved, because nobody signs one."""
    place = quote(onward.strip(), safe=_PLAIN, errors="surrogateescape")
    scheme, _, rest = url.partition("://")
    if _SCHEME.match(place):
        return place
    if place.startswith("//"):
        return f"{scheme}:{place}"
    if place.startswith("/"):
        return f"{scheme}://{urlsplit(url).netloc}{place}"
    return urljoin(f"{scheme}://{rest}", place)


def _refusal(url: str, words: str) -> DownloadError:
    shown = urls.without_query(url)
    return DownloadError(f"the URL {words}: {shown}", url=shown)
