"""Small POSTs past the session of aiohttp: what reaches the server is what the session would send, and as safely."""

from __future__ import annotations

import asyncio
import gzip
import json

import aiohttp
import pytest
from aioresponses import aioresponses
from raw_server import GOOD, running

from a2e_async import ProtocolError
from a2e_async.core.http import HttpRequest
from a2e_async.engine.http.direct import LARGEST_BODY, Direct
from a2e_async.engine.http.session import Session, new_http_session
from a2e_async.engine.http.token import Access

TOKEN = "sk_hunter2-hunter2"
HEADERS = Access(TOKEN, "de").headers
START = HttpRequest(method="POST", path="/start", body={"prompt": "a kite"}, seconds=5, start=True)
SECOND = GOOD.replace(b'"data": 1', b'"data": 2')
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + GOOD
PACKED = gzip.compress(b'{"code": 0, "data": "' + b"x" * 100_000 + b'"}')
IN_PIECES = (
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"%x\r\n%b\r\n" % (1, PACKED[at : at + 1]) for at in range(len(PACKED)))
    + b"0\r\n\r\n"
)


@pytest.fixture
async def traced():
    """Give a session that somebody watches, and the paths that they have seen."""
    seen = []

    async def begins(_session, _context, told):
        seen.append(told.url.path)

    watching = aiohttp.TraceConfig()
    watching.on_request_start.append(begins)
    async with aiohttp.ClientSession(trace_configs=[watching]) as http:
        yield http, seen


def parts(raw):
    """Take a request apart: its first line, its headers in any order, its body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    return first, sorted(headers), body


async def test_a_post_is_what_the_session_would_send():
    """Request line, headers and body are those of aiohttp's own session, byte for byte."""
    async with running(GOOD) as (server, session):
        await session.send(START, HEADERS)
        way = session._ways
        assert way.direct.is_open
        sent = json.dumps(START.body, separators=(",", ":")).encode()
        async with way.http.post(f"{server.url}/start", data=sent, headers=HEADERS):
            pass
        ours, theirs = map(parts, server.requests)
        assert ours == theirs
        assert server.connections == 1


@pytest.mark.parametrize("path", ["/a b/夕日", "/x%2Fy", "/q?a=1&b=%20"])
async def test_a_path_is_spelt_as_the_session_spells_it(path):
    """Whatever is in a path, both ways ask for the same thing."""
    async with running(GOOD) as (server, session):
        await session.send(HttpRequest(method="POST", path=path, body={}), HEADERS)
        async with session._ways.http.post(server.url + path, data=b"{}", headers=HEADERS):
            pass
        ours, theirs = (parts(raw)[0] for raw in server.requests)
        assert ours == theirs


@pytest.mark.parametrize("size", [0, LARGEST_BODY - 200, LARGEST_BODY + 1, 1 << 19])
async def test_a_body_of_any_size_arrives_whole(size):
    """A large body goes by the session, which waits until it has left; either way it is all there."""
    body = {"prompt": "x" * size}
    async with running(GOOD) as (server, session):
        for _ in range(2):
            await session.send(HttpRequest(method="POST", path="/start", body=body), HEADERS)
        assert [json.loads(parts(raw)[2]) for raw in server.requests] == [body, body]


async def test_hints_before_an_answer_are_passed_over():
    """An answer of 1xx is none yet."""
    async with running(EARLY, whole=[EARLY]) as (_server, session):
        reply = await session.send(START, HEADERS)
        assert (reply.status, json.loads(reply.body)["data"]) == (200, 1)


async def test_an_answer_in_pieces_is_put_together():
    """A packed answer in chunks of one byte is whole, and its connection is used again."""
    async with running(IN_PIECES, whole=[IN_PIECES]) as (server, session):
        for _ in range(2):
            assert len(json.loads((await session.send(START, HEADERS)).body)["data"]) == 100_000
        assert server.connections == 1


async def test_an_answer_that_nobody_has_asked_for_is_not_taken():
    """What a server says into an idle connection is no answer to the next request, which takes another connection."""
    twice = GOOD + GOOD
    async with running(twice, SECOND, whole=[twice]) as (server, session):
        assert json.loads((await session.send(START, HEADERS)).body)["data"] == 1
        await asyncio.sleep(0.02)
        assert json.loads((await session.send(START, HEADERS)).body)["data"] == 2
        assert (server.connections, len(server.requests)) == (2, 2)


async def test_a_late_answer_into_an_idle_connection_is_not_taken():
    """The same where it comes after the connection went back to the pool."""
    async with running(GOOD, SECOND) as (server, session):
        await session.send(START, HEADERS)
        ((kept, _since),) = next(iter(session._http.connector._conns.values()))
        kept.data_received(GOOD)
        assert json.loads((await session.send(START, HEADERS)).body)["data"] == 2
        assert server.connections == 2


async def test_a_cancelled_post_leaves_no_connection_to_others():
    """Whoever is cancelled while the answer is on its way takes the connection along."""
    async with running("stall", GOOD) as (server, session):
        sending = asyncio.create_task(session.send(START, HEADERS))
        await asyncio.sleep(0.05)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert (await session.send(START, HEADERS)).status == 200
        assert server.connections == 2


async def test_no_time_to_connect_is_surely_not_sent():
    """A connection that takes too long has carried nothing, in the words of the session."""

    class Slow(aiohttp.TCPConnector):
        async def connect(self, *_args, **_kwargs):
            raise TimeoutError

    async with aiohttp.ClientSession(connector=Slow()) as http:
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await Direct(http, "http://a2e.example", HEADERS).post("/start", b"{}")


async def test_who_watches_sessions_sees_every_request(traced):
    """A session with tracing, as OpenTelemetry and Sentry make every session, is used itself."""
    http, seen = traced
    assert not Direct(http, "http://a2e.example", HEADERS).is_open
    async with running(GOOD) as (server, _session):
        await Session(server.url, http).send(START, HEADERS)
        await http.close()
    assert seen == ["/start"]


async def test_who_stands_in_for_aiohttp_gets_every_request():
    """While a mock has the place of aiohttp's requests no POST passes it by; after it the way is open again."""
    session = Session("http://a2e.invalid")
    with aioresponses() as mocked:
        mocked.post("http://a2e.invalid/start", payload={"code": 0})
        assert (await session.send(START, HEADERS)).status == 200
        assert not session._ways.direct.is_open
    assert session._ways.direct.is_open
    await session.aclose()


async def test_the_callers_session_is_used_itself():
    """The session given as http= has its own ways, such as cookies, and is asked for each request."""
    async with running(GOOD) as (server, _session), aiohttp.ClientSession(cookies={"a": "b"}) as own:
        session = Session(server.url, own)
        await session.send(START, HEADERS)
        await own.close()
        assert session._ways.direct is None
        assert b"cookie: a=b" in server.requests[0].lower()


async def test_this_aiohttp_was_tried():
    """The installed aiohttp is one that small POSTs go past the session of; else they take three times the CPU."""
    async with new_http_session() as http:
        assert Direct(http, "http://a2e.example", HEADERS).is_open


async def test_a_header_with_a_line_break_is_not_sent():
    """Nothing can be written into a request by a header."""
    async with new_http_session() as http:
        direct = Direct(http, "http://a2e.example", {"x-lang": "de\r\nX-More: 1"})
        with pytest.raises(ValueError, match="line breaks"):
            await direct.post("/start", b"{}")


async def test_a_token_is_in_no_variable_that_shows_it():
    """What is kept for the next request does not print the token."""
    async with running(GOOD) as (_server, session):
        await session.send(START, HEADERS)
        assert TOKEN not in repr(session._ways.direct._heads)
        assert TOKEN.encode() in b"".join(session._ways.direct._heads.values())


async def test_an_answer_that_is_too_large_takes_its_connection_along():
    """What is not read to its end meets no other request."""
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n{"
    async with running(large, GOOD, whole=[large]) as (server, session):
        with pytest.raises(ProtocolError, match="larger"):
            await session.send(START, HEADERS)
        assert (await session.send(START, HEADERS)).status == 200
        assert server.connections == 2


async def test_an_answer_that_unpacks_to_too_much_is_refused_also_in_one_piece():
    """Forty MiB of blanks are forty KiB on the wire; the limit counts what they unpack to."""
    packed = gzip.compress(b" " * (40 << 20) + b"1")
    bomb = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)
    async with running(bomb) as (_server, session):
        with pytest.raises(ProtocolError, match="larger than 32 MiB"):
            await session.send(START, HEADERS)
