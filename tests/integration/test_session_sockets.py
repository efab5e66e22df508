"""The session layer over real sockets: what aiohttp really does when a server misbehaves."""

from __future__ import annotations

import asyncio
import socket
import traceback
import zlib

import attrs
import pytest
from raw_server import GOOD, MOVED, running

from a2e_async import ProtocolError, RejectedRequestError, Retry, TransportError
from a2e_async.core.http import HttpRequest
from a2e_async.core.retry import Verdict, verdict
from a2e_async.engine.http.service import Service
from a2e_async.engine.http.session import Session
from a2e_async.engine.http.token import Access

TOKEN = "sk_hunter2-hunter2"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
START = HttpRequest(method="POST", path="/start", body={"prompt": "a kite"}, seconds=0.3, start=True)


async def failure(session, request=START):
    """Give the error of a request that cannot succeed; no traceback of it holds the token."""
    with pytest.raises(TransportError) as caught:
        await session.send(request, HEADERS)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize("trouble", ["reset", "close", b"HTTP/1.1 200 OK\r\nContent-Le", b"nonsense\r\n\r\n"])
async def test_a_post_is_never_sent_twice(trouble):
    """After a reset, a close, cut headers or nonsense a POST is in doubt, and was sent exactly once."""
    async with running(trouble, "close") as (server, session):
        error = await failure(session)
        await asyncio.sleep(0.05)
        assert error.sent
        assert (server.connections, len(server.requests)) == (1, 1)


@pytest.mark.parametrize("trouble", ["reset", "close"])
async def test_a_post_on_a_kept_connection_is_never_sent_twice(trouble):
    """A POST on a connection that worked before, and drops now, is sent once and in doubt as well."""
    async with running(GOOD, trouble, GOOD) as (server, session):
        assert (await session.send(START, HEADERS)).status == 200
        error = await failure(session)
        await asyncio.sleep(0.05)
        assert error.sent
        assert (server.connections, len(server.requests)) == (1, 2)
        assert (await session.send(START, HEADERS)).status == 200


async def test_a_cut_body_is_in_doubt():
    """A reply whose body ends early may have been sent after the work was done."""
    async with running(GOOD[:-5]) as (server, session):
        error = await failure(session)
        assert error.sent
        assert len(server.requests) == 1


async def test_a_redirect_is_not_followed():
    """A redirect comes back as it is: the server sees one request."""
    async with running(MOVED, GOOD) as (server, session):
        with pytest.raises(RejectedRequestError, match="HTTP 307"):
            await Service(session, TOKEN, Retry(), None).ask(START)
        assert len(server.requests) == 1


async def test_a_stall_is_in_doubt_after_its_own_time():
    """A server that reads the request and says nothing ends at the request's limit, not at the time to connect."""
    async with running("stall") as (server, session):
        begun = asyncio.get_running_loop().time()
        error = await failure(session)
        assert error.sent
        assert asyncio.get_running_loop().time() - begun < 5
        assert len(server.requests) == 1


async def test_a_closed_port_is_sure():
    """Where nobody listens nothing was received."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        session = Session(f"http://127.0.0.1:{held.getsockname()[1]}")
        error = await failure(session)
        await session.aclose()
    assert not error.sent
    assert "could not connect to http://127.0.0.1:" in str(error)


async def test_an_unknown_host_is_sure():
    """A name that does not exist received nothing."""
    session = Session("http://a2e.invalid")
    error = await failure(session)
    await session.aclose()
    assert not error.sent


async def test_a_server_without_tls_is_sure():
    """A handshake that fails comes before the request."""
    async with running("close") as (server, _plain):
        session = Session(server.url.replace("http://", "https://"))
        assert not (await failure(session)).sent
        await session.aclose()
        assert server.requests == []


async def test_a_proxy_that_refuses_is_sure_and_keeps_its_password(monkeypatch):
    """A proxy that refuses the tunnel has passed nothing on; its login is in no error."""
    async with running(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n") as (server, _plain):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hunter2@127.0.0.1:{server.port}")
        session = Session("https://a2e.example")
        error = await failure(session)
        await session.aclose()
        assert not error.sent
        assert server.requests[0].startswith(b"CONNECT a2e.example:443")
        assert "hunter2" not in f"{error} {error!r} {''.join(traceback.format_exception(error))}"
        assert TOKEN.encode() not in server.requests[0]


async def test_a_proxy_carries_the_request(monkeypatch):
    """With HTTP_PROXY a plain request goes to the proxy as an absolute URL."""
    async with running(GOOD) as (server, _plain):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
        session = Session("http://a2e.example")
        assert (await session.send(START, HEADERS)).status == 200
        await session.aclose()
        assert server.requests[0].startswith(b"POST http://a2e.example/start HTTP/1.1\r\n")


async def test_a_header_that_repeats_the_token_is_shown_nowhere():
    """A reply so broken that aiohttp quotes it in its error gives no token away."""
    echo = f"HTTP/1.1 200 OK\r\nX-Echo\x01: {TOKEN}\r\nContent-Length: 0\r\n\r\n".encode()
    async with running(echo) as (_server, session):
        error = await failure(session)
        assert error.sent
        assert "hunter2" not in f"{error} {error!r}"


def packed(size):
    """Give an answer of the service that unpacks to so many bytes."""
    packer, block = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * (1 << 20)
    body = packer.compress(b'{"code": 0, "data": 1') + b"".join(packer.compress(block) for _ in range(size >> 20))
    body += packer.compress(b"}") + packer.flush()
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


TOO_LARGE = {
    "packed": lambda: packed(200 << 20),
    "told": lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n{",
    "without a length": lambda: b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (33 << 20),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
async def test_an_answer_that_is_too_large_is_not_read_to_its_end(kind):
    """It is bounded after it is unpacked; of a start it is in doubt, as it may have been taken."""
    async with running(TOO_LARGE[kind]()) as (_server, session):
        with pytest.raises(ProtocolError, match="larger than 32 MiB") as caught:
            await session.send(attrs.evolve(START, seconds=20), HEADERS)
        assert verdict(caught.value) is Verdict.UNKNOWN
        async with session.stream(attrs.evolve(START, seconds=20), HEADERS) as opened:
            with pytest.raises(ProtocolError, match="larger than 32 MiB"):
                [piece async for piece in opened.pieces]


async def test_a_large_answer_is_read():
    """A whole page of long records is far below the bound."""
    async with running(packed(20 << 20)) as (_server, session):
        assert len((await session.send(attrs.evolve(START, seconds=20), HEADERS)).body) > 20 << 20


TROUBLES = [
    "reset",
    "close",
    b"nonsense\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    GOOD[:-5],
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("trouble", [*TROUBLES, "stall", "nobody", "cancelled"])
async def test_no_report_shows_the_token(trouble, streamed):
    """No frame on the way to an error has the token in a variable that shows it, as reports with locals would print."""
    headers = Access(TOKEN).headers

    async def exchange(session):
        if not streamed:
            return await session.send(START, headers)
        async with session.stream(START, headers) as opened:
            return [piece async for piece in opened.pieces]

    script = trouble if trouble not in ("nobody", "cancelled") else "stall"
    async with running(script) as (server, session):
        target = Session("http://127.0.0.1:9") if trouble == "nobody" else session
        try:
            async with asyncio.timeout(0.1 if trouble == "cancelled" else None):
                await exchange(target)
        except (TransportError, TimeoutError) as error:
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            assert TOKEN not in "".join(shown.format())
        else:
            pytest.fail("it must not succeed")
        await target.aclose()
    assert TOKEN.encode() in b"".join(server.requests) or trouble == "nobody"
