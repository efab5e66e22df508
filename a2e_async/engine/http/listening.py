"""An answer that comes in pieces, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs

from a2e_async.core.http import HttpReply, HttpRequest, HttpStream, StreamingTransport, Transport
from a2e_async.core.sse import Message, Messages
from a2e_async.errors import ProtocolError

_OK = range(200, 300)
_NOT_EVENTS = (b"{", b"[", b"<")
_MOST_BLANKS = 1 << 20


@asynccontextmanager
async def open_stream(
    transport: Transport, request: HttpRequest, headers: Mapping[str, str]
) -> AsyncIterator[HttpStream]:
    """Send a request and give its answer, in one piece where the transport cannot do better."""
    if isinstance(transport, StreamingTransport):
        async with transport.stream(request, headers) as opened:
            yield opened
    else:
        reply = await transport.send(request, headers)
        yield HttpStream(head=reply, pieces=_only(reply.body))


async def events_of(opened: HttpStream, read: Callable[[HttpReply], Any]) -> AsyncIterator[Message]:
    """Give the events of an answer.

    One that is no stream of events gives its `data` as one event `result`, as `read` gives it, because a service may
    ignore that a stream was asked for.
    """
    first, blanks = b"", 0
    async for piece in opened.pieces:
        blanks += len(piece)
        first = piece.lstrip()  # white space before an answer means nothing, and is not kept
        if first or blanks > _MOST_BLANKS:
            break
    if blanks > _MOST_BLANKS and not first:
        raise ProtocolError("the answer is nothing but white space")
    if opened.head.status not in _OK or first.startswith(_NOT_EVENTS) or not first:
        body = b"".join([first, *[piece async for piece in opened.pieces]])
        yield Message("result", json.dumps(read(attrs.evolve(opened.head, body=body))))
        return
    messages = Messages()
    for message in messages.feed(first):
        yield message
    async for piece in opened.pieces:
        for message in messages.feed(piece):
            yield message
    for message in messages.feed(b"", last=True):
        yield message


async def _only(body: bytes) -> AsyncIterator[bytes]:
    yield body
