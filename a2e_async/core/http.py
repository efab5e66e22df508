"""The seam to the outside: one request in, one reply out, as values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

import attrs


@attrs.frozen(kw_only=True)
class HttpRequest:
    """One request to the service.

    Attributes:
        method: "GET", "POST", "PUT" or "DELETE".
        path: The path, beginning with a slash.
        query: Query parameters.
        body: The JSON body, or None; not shown in a repr, as it can hold a webhook's secret.
        route: The path without ids, under which its spelling is remembered.
        other: The same thing in its other spelling or dialect, tried once when the service knows no such route.
        outdated: A word in a refusal (400) that says that this way of writing is not taken, so that `other` is tried.
        seconds: Time limit for the answer, in seconds.
        start: Whether the request starts a task, and so is charged and must never be repeated blindly.
    """

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict)
    body: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    route: str = ""
    other: HttpRequest | None = None
    outdated: str = ""
    seconds: float = 30.0
    start: bool = False


@attrs.frozen(kw_only=True)
class HttpReply:
    """One reply of the service.

    Attributes:
        status: The HTTP status.
        body: The body's bytes; not shown in a repr, for they can repeat the token.
        retry_after: The header Retry-After as it came, or None.
        date: The header Date as it came, or None.
    """

    status: int
    body: bytes = attrs.field(default=b"", repr=False)
    retry_after: str | None = None
    date: str | None = None


class Transport(Protocol):
    """What carries requests to the service: a connection pool, or a fake in a test."""

    async def send(self, request: HttpRequest, headers: Mapping[str, str]) -> HttpReply:
        """Send one request and give its reply, whatever its status.

        Raises:
            TransportError: There was no reply; its `sent` says whether the request may have been received.
        """
        ...


Leaving = Callable[[], None]
"""Called when all is ready, before the first byte of a request's body leaves; what it raises keeps it from leaving."""


class AskingTransport(Protocol):
    """A transport that can ask last of all, with the connection there, whether a request may leave.

    A connection that is set up anew may take seconds, and by then nobody may want the request any more.

    Attributes:
        asks: Says that it can.
    """

    asks: bool

    async def send(self, request: HttpRequest, headers: Mapping[str, str], leaving: Leaving | None = None) -> HttpReply:
        """Send one request as `Transport.send` does; unless `leaving` has returned, it surely was not sent."""
        ...


def asking(transport: Transport) -> AskingTransport | None:
    """Give a transport that can ask, None if this one cannot."""
    return transport if getattr(transport, "asks", False) else None  # type: ignore[return-value]  # it says so


@attrs.frozen(kw_only=True, eq=False, repr=False)
class HttpStream:
    """One reply of the service whose body comes in pieces.

    Attributes:
        head: Its status and headers, with an empty body.
        pieces: The body, as it comes.
    """

    head: HttpReply
    pieces: AsyncIterator[bytes]


@runtime_checkable
class StreamingTransport(Protocol):
    """A transport that can give a body as it comes; of one that cannot, the whole body is taken at once."""

    def stream(self, request: HttpRequest, headers: Mapping[str, str]) -> AbstractAsyncContextManager[HttpStream]:
        """Send one request and give its reply, whatever its status, open for the length of the block.

        Raises:
            TransportError: There was no reply, or it broke off.
        """
        ...
