"""Server-sent events over sockets: they come as they are sent, and a break, a silence or a refusal is told apart."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from a2e_async import A2EClient, AuthenticationError, TransportError
from a2e_async.calls.prompts import ExtendedPrompt, PromptDelta

TOKEN = "sk_hunter2-hunter2.hunter2"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WORDS = {"prompt": "she waves", "negative_prompt": "blurry", "reference_id": "65f000000000000000000001"}
DELTA = b'event: delta\ndata: {"delta": "she"}\n\n'
WHOLE = b'event: result\ndata: {"prompt": "she waves slowly"}\n\n'


def chunk(data):
    """Write a piece of a body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@asynccontextmanager
async def prompts_of(answer):
    """Serve an answer to each request, and give the calls of a client of that server, and what was sent to it."""
    sent = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        sent.append(head + await reader.readexactly(length))
        await answer(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, A2EClient(TOKEN, base_url=f"http://127.0.0.1:{port}") as a2e:
        yield a2e.calls.prompts, sent


async def test_events_come_as_they_are_sent():
    """The first words are there before the service has written the last ones."""
    go_on = asyncio.Event()

    async def answer(writer):
        writer.write(HEAD + chunk(DELTA[:10]) + chunk(DELTA[10:]))
        await go_on.wait()
        writer.write(chunk(WHOLE) + chunk(b""))

    async with prompts_of(answer) as (prompts, sent):
        events = prompts.extend_live("http://127.0.0.1/a.png", **WORDS)
        assert await anext(events) == PromptDelta("she")
        go_on.set()
        assert [event async for event in events] == [ExtendedPrompt(prompt="she waves slowly")]
    assert sent[0].startswith(b"POST /api/v1/userImage2Video/prompt_extension HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN}".encode() in sent[0]
    assert b'"stream":true' in sent[0]


async def test_a_break_is_an_error():
    """What came before the connection broke was given; the break is a TransportError without the token."""

    async def answer(writer):
        writer.write(HEAD + chunk(DELTA) + b"ff\r\nhalf")

    async with prompts_of(answer) as (prompts, _sent):
        events = prompts.extend_live("http://127.0.0.1/a.png", **WORDS)
        assert await anext(events) == PromptDelta("she")
        with pytest.raises(TransportError) as caught:
            await anext(events)
    assert caught.value.sent
    assert TOKEN not in str(caught.value)


async def test_a_refusal_is_read_whole():
    """A reply 401 is an error of its own, with the service's words and without the token that they repeat."""
    body = f'{{"code": 401, "message": "bad token {TOKEN}"}}'.encode()

    async def answer(writer):
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with prompts_of(answer) as (prompts, _sent):
        with pytest.raises(AuthenticationError, match=r"bad token \*\*\*"):
            await anext(prompts.extend_live("http://127.0.0.1/a.png", **WORDS))


async def test_nobody_there_is_an_error():
    """A refused connection is told apart: nothing was sent."""
    async with A2EClient(TOKEN, base_url="http://127.0.0.1:9") as a2e:
        with pytest.raises(TransportError) as caught:
            await anext(a2e.calls.prompts.extend_live("http://127.0.0.1/a.png", **WORDS))
    assert not caught.value.sent
