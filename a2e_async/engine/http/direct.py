"""Small POSTs over the pool and the parser of aiohttp, past the layers of its session.

A start, and a poll of many tasks, is a POST of a few hundred bytes to one host. `ClientSession` needs three times the
CPU time of pool, socket and parser for it: it merges headers, cookies, timers, traces and redirects, none of which is
used here, and runs a task that writes the body. Everything else goes through the session.

Laws of this file: it is used only where it is the same to everybody else. What others hang into sessions (tracing,
mocks) gets every request, so a session that has such a thing is used itself; so is one of an aiohttp whose insides
nobody has tried this with. Errors are those that the session would raise: what `failures` says of them, above all
whether a request was surely not sent, holds here too. A connection that has an answer before it was asked is not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from a2e_async.core.http import HttpReply, Leaving
from a2e_async.errors import ProtocolError

CONNECT_SECONDS: Final = 10.0
CONNECTING: Final = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS)
LARGEST_REPLY: Final = 32 << 20
"""Most bytes of an answer, unpacked; a full page of a list has about 0.1 MiB."""

LARGEST_BODY: Final = 32 << 10
"""A socket takes so much at once, and the session would wait for the rest to leave before it is done with it."""

_MOST_HEADS: Final = 200
_BREAKS: Final = frozenset("\r\n\0")
_TRIED_WITH: Final = "3.14."  # of aiohttp


class Unshown(bytes):
    """Bytes that do not show themselves: reports print variables, and these hold a token or a webhook's secret."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def _as_made() -> object:
    """Give what every request of a session goes through, None where somebody else stands there already."""
    sends = aiohttp.ClientSession._request  # noqa: SLF001 - who watches or mocks aiohttp takes its place
    code = getattr(sends, "__code__", None)
    known = code is not None and code.co_filename == aiohttp.client.__file__
    return sends if known and aiohttp.__version__.startswith(_TRIED_WITH) else None


_AS_MADE: Final = _as_made()


class Direct:
    """Sends POSTs to one host with the same headers.

    Args:
        http: The session whose pool and whose headers are used.
        base_url: Scheme, host and port.
        headers: What every request carries beside the session's.
    """

    def __init__(self, http: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base_url = base_url
        # What is connected to, and the headers that aiohttp adds; it is never sent itself.
        self._like = aiohttp.ClientRequest(
            "POST", URL(base_url), headers={**http.headers, **headers}, loop=asyncio.get_running_loop()
        )
        self._heads: dict[str, Unshown] = {}
        self._is_watched = bool(http.trace_configs)

    @property
    def is_open(self) -> bool:
        """Whether it may stand for the session: nobody watches that, and nobody has taken its place."""
        return aiohttp.ClientSession._request is _AS_MADE and not self._is_watched  # noqa: SLF001 - as above

    async def post(self, path: str, body: bytes, leaving: Leaving | None = None) -> HttpReply:
        """Send a body and give the answer, whatever its status.

        Args:
            path: The path.
            body: The body.
            leaving: Asked when the connection is there, right before all of it is written; see `Leaving`.

        Raises:
            ProtocolError: The answer is too large.
            Exception: Whatever aiohttp's session would raise.
        """
        head = self._heads.get(path) or self._head(path)
        connection = await self._connection()
        try:
            protocol = _ready(connection)
            if leaving is not None:
                _ask(leaving, connection)
            protocol.transport.write(Unshown(b"%b%d\r\n\r\n%b" % (head, len(body), body)))
            message, payload = await protocol.read()
            while 100 <= message.code < 200 and message.code != 101:  # noqa: PLR2004 - more will come
                message, payload = await protocol.read()
            answer = payload.read_nowait() if payload.is_eof() else b""
            refuse_size(len(answer), message.code)  # a small answer can unpack to a large one
            if not payload.at_eof():  # small ones come in one piece with their headers
                answer += await read_body(payload, message.code, message.headers.get(hdrs.CONTENT_LENGTH))
        except HttpProcessingError as error:
            connection.close()
            info = self._like.request_info
            raise aiohttp.ClientResponseError(info, (), status=error.code, message=error.message) from error
        except BaseException:
            connection.close()  # the rest of the answer must meet no other request
            raise
        connection.release()
        told = message.headers
        return HttpReply(
            status=message.code, body=answer, retry_after=told.get(hdrs.RETRY_AFTER), date=told.get(hdrs.DATE)
        )

    async def _connection(self) -> Connection:
        """Take a connection out of the pool, or make one."""
        connector = self._http.connector
        assert connector is not None  # noqa: S101 - only a closed session has none
        while True:
            try:
                connection = await connector.connect(self._like, traces=[], timeout=CONNECTING)
            except TimeoutError as error:  # as the session says it: surely not sent
                raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {self._base_url}") from error
            protocol = connection.protocol
            if protocol is None or not protocol.should_close:
                return connection
            connection.close()

    def _head(self, path: str) -> Unshown:
        """Write request line and headers, up to the length of the body."""
        url = URL(self._base_url + path)
        lines = [f"POST {url.raw_path_qs} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self._like.headers.items() if name != hdrs.CONTENT_LENGTH]
        if not _BREAKS.isdisjoint("".join(lines)):
            raise ValueError("a header must not contain line breaks")
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        head = self._heads[path] = Unshown("\r\n".join([*lines, f"{hdrs.CONTENT_LENGTH}: "]).encode())
        return head


def _ready(connection: Connection) -> Any:  # noqa: ANN401 - aiohttp's protocol, whose queue has no type
    """Make a connection ready for an answer."""
    protocol = connection.protocol
    if protocol is None or protocol.transport is None:
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    protocol.set_response_params(read_until_eof=True)
    return protocol


def _ask(leaving: Leaving, connection: Connection) -> None:
    """Ask whether a request may leave; a connection on which it may not serves the next one."""
    try:
        leaving()
    except BaseException:
        connection.release()
        raise


async def read_body(payload: aiohttp.StreamReader, status: int, length: str | None) -> bytes:
    """Read an answer to its end, unless it is too large.

    Raises:
        ProtocolError: It is.
    """
    refuse_size(int(length) if length and length.isdecimal() else 0, status)
    pieces, size = list[bytes](), 0
    while not payload.at_eof():
        pieces.append(await payload.readany())
        size += len(pieces[-1])
        refuse_size(size, status)
    return b"".join(pieces)


def refuse_size(size: int, status: int) -> None:
    """Refuse an answer of so many bytes if that is too large.

    Raises:
        ProtocolError: It is.
    """
    if size > LARGEST_REPLY:
        words = f"the answer is larger than {LARGEST_REPLY >> 20} MiB and was not read (HTTP {status})"
        raise ProtocolError(words, status=status)
