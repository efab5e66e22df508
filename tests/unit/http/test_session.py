"""The session layer over mocked HTTP: what is sent, how failures are told apart, token, proxies, other spellings."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import traceback

import aiohttp
import pytest
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from a2e_async import (
    A2EClient,
    AuthenticationError,
    InsufficientCoinsError,
    MissingTokenError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RejectedRequestError,
    Retry,
    ServiceError,
    TransportError,
    UsageError,
)
from a2e_async.core.http import HttpRequest
from a2e_async.engine.http.service import Service
from a2e_async.engine.http.session import USER_AGENT, Session

BASE = "https://a2e.example"
TOKEN = "sk_hunter2-hunter2.hunter2"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
ASK = HttpRequest(method="GET", path="/api/v1/thing", query={"pageNum": "2"}, route="/api/v1/thing")
START = HttpRequest(
    method="POST", path="/api/v1/start", body={"name": "夕日", "n": 1}, route="/api/v1/start", start=True
)
OTHER_WAY = HttpRequest(method="POST", path="/b/start", body={}, start=True)
TWO_WAYS = HttpRequest(method="POST", path="/a/start", body={}, route="/a/start", start=True, other=OTHER_WAY)
PAGE = "<!doctype html><pre>Cannot POST</pre>"
YES = {"code": 0, "data": "yes"}
ANYTHING = re.compile(".*")


@pytest.fixture
def mocked():
    """Mock every request of the test."""
    with aioresponses() as mock:
        yield mock


@pytest.fixture
async def session():
    """Give a session with a pool of its own, closed at the end."""
    session = Session(BASE)
    yield session
    await session.aclose()


def service_of(session, token=TOKEN, **retry):
    """Make the service as the engine sees it."""
    return Service(session, token, Retry(**{"first_wait": 0.0, **retry}), None)


def calls(mocked):
    """Give every request in order: method, path with query, and its arguments."""
    return [(method, url.path_qs, call.kwargs) for (method, url), made in mocked.requests.items() for call in made]


def connector_error(kind=aiohttp.ClientConnectorError, cause=None):
    """Make one of the errors with which connecting fails."""
    key = aiohttp.client_reqrep.ConnectionKey(
        "a2e.example", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )
    return kind(key, cause or ConnectionRefusedError(111, "Connection refused"))


# What is sent.


async def test_a_start_on_the_wire(mocked, session):
    """A start is a POST of compact JSON with token, type and user agent, that follows no redirect."""
    mocked.post(f"{BASE}/api/v1/start", payload=YES)
    assert await service_of(session).ask(START) == "yes"
    ((method, path, sent),) = calls(mocked)
    assert (method, path) == ("POST", "/api/v1/start")
    assert sent["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert sent["headers"]["Content-Type"] == "application/json"
    assert sent["headers"]["User-Agent"] == USER_AGENT
    assert json.loads(sent["data"]) == START.body
    assert b": " not in sent["data"]
    assert (sent["allow_redirects"], sent["raise_for_status"]) == (False, False)
    assert sent["proxy"] is None


async def test_a_look_on_the_wire(mocked, session):
    """A poll has its query and no body."""
    mocked.get(f"{BASE}/api/v1/thing?pageNum=2", payload=YES)
    assert await service_of(session).ask(ASK) == "yes"
    ((method, path, sent),) = calls(mocked)
    assert (method, path, sent["data"]) == ("GET", "/api/v1/thing?pageNum=2", None)


def test_the_user_agent_names_the_package():
    """The service can tell who asks, and in which version."""
    assert re.fullmatch(r"a2e-async/\d+\.\d+\.\d+\S* python/3\.\d+\.\d+\S* aiohttp/3\.\S+", USER_AGENT)


async def test_time_limits(mocked, session):
    """Aiohttp keeps the ten seconds to connect; the request's own time is kept here, with one timer for all."""
    mocked.get(ANYTHING, payload=YES)
    await session.send(HttpRequest(method="GET", path="/x", seconds=30.0), HEADERS)
    limit = calls(mocked)[0][2]["timeout"]
    assert (limit.connect, limit.sock_connect, limit.sock_read, limit.total) == (10, 10, None, None)


async def test_a_redirect_is_an_answer(mocked, session):
    """A redirect is not followed: it comes back as a refusal, and the other place is never asked."""
    mocked.post(f"{BASE}/api/v1/start", status=307, headers={"Location": f"{BASE}/elsewhere"})
    mocked.post(f"{BASE}/elsewhere", payload=YES)
    with pytest.raises(RejectedRequestError, match="HTTP 307"):
        await service_of(session).ask(START)
    assert [path for _method, path, _sent in calls(mocked)] == ["/api/v1/start"]


async def test_the_replys_headers_are_kept(mocked, session):
    """Status, body, Retry-After and Date reach the reader."""
    headers = {"Retry-After": "7", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    mocked.get(ANYTHING, status=429, body=b"slow", headers=headers)
    reply = await session.send(ASK, HEADERS)
    assert (reply.status, reply.body, reply.retry_after, reply.date) == (429, b"slow", "7", headers["Date"])


async def test_the_pool_is_opened_on_first_use_and_closed(mocked):
    """A session that was never used has no pool; one that was used closes it."""
    session = Session(BASE)
    assert session._http is None
    await session.aclose()
    mocked.get(ANYTHING, payload=YES)
    await session.send(ASK, HEADERS)
    pool = session._http
    assert isinstance(pool.cookie_jar, aiohttp.DummyCookieJar)
    assert (pool.trust_env, pool.connector.limit) == (False, 0)
    await session.aclose()
    assert pool.closed
    await session.aclose()


# How failures are told apart.

NOT_SENT = [
    connector_error(),
    connector_error(aiohttp.ClientConnectorDNSError, OSError(-2, "Name or service not known")),
    connector_error(aiohttp.ClientConnectorSSLError, ssl.SSLError(1, "bad handshake")),
    connector_error(aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError(1, "bad certificate")),
    connector_error(aiohttp.ClientProxyConnectionError),
    aiohttp.ConnectionTimeoutError("too slow"),
    aiohttp.ClientHttpProxyError(aiohttp.RequestInfo(URL("http://p.example"), "CONNECT", HEADERS), (), status=407),
]
SENT = [
    aiohttp.ServerDisconnectedError(),
    aiohttp.ClientOSError(104, "Connection reset by peer"),
    aiohttp.ClientConnectionResetError("closing"),
    aiohttp.ClientPayloadError("cut"),
    aiohttp.SocketTimeoutError("stalled"),
    aiohttp.ServerTimeoutError("slow"),
    aiohttp.ClientResponseError(aiohttp.RequestInfo(URL(BASE), "POST", HEADERS), (), status=400, message="garbage"),
    TimeoutError(),
    ConnectionResetError(104, "Connection reset by peer"),
    OSError(5, "odd"),
    aiohttp.ClientError("odd"),
]


@pytest.mark.parametrize(
    ("error", "sent"),
    [*[(error, False) for error in NOT_SENT], *[(error, True) for error in SENT]],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_only_a_failure_to_connect_is_sure(mocked, session, error, sent):
    """A failure to connect was surely not received; any other failure may have been."""
    mocked.post(ANYTHING, exception=error)
    with pytest.raises(TransportError) as caught:
        await service_of(session).ask(START)
    assert caught.value.sent is sent
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert TOKEN not in repr(caught.value.__cause__)


async def test_a_cancellation_is_no_failure(mocked, session):
    """Cancelling a request raises CancelledError as itself."""
    mocked.post(ANYTHING, exception=asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await service_of(session).ask(START)


@pytest.mark.parametrize("value", [10**5000, {1}, b"x"], ids=["long", "set", "bytes"])
async def test_what_cannot_be_written_was_surely_not_sent(mocked, session, value):
    """A body that is no JSON is the caller's mistake: nothing is sent, and no start is looked for."""
    mocked.post(ANYTHING, payload=YES)
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        await service_of(session).ask(HttpRequest(method="POST", path="/x", body={"n": value}, start=True))
    assert not calls(mocked)


# The caller's own session.


async def test_the_callers_session_is_never_closed(mocked):
    """A client with the caller's own session sends through it and leaves it open."""
    mocked.get(f"{BASE}/api/v1/user/remainingCoins", payload={"code": 0, "data": {"coins": 5}}, repeat=True)
    async with aiohttp.ClientSession(headers={"User-Agent": "mine"}) as own:
        for _ in range(2):
            async with A2EClient(TOKEN, base_url=BASE, http=own) as a2e:
                assert (await a2e.balance()).coins == 5
        assert not own.closed
    assert [sent["headers"]["User-Agent"] for _method, _path, sent in calls(mocked)] == ["mine", "mine"]


async def test_the_callers_base_url_does_not_matter(mocked):
    """A session with a base URL of its own still reaches the client's service."""
    mocked.get(f"{BASE}/api/v1/thing?pageNum=2", payload=YES)
    async with aiohttp.ClientSession("https://elsewhere.example/") as own:
        assert await service_of(Session(BASE, own)).ask(ASK) == "yes"


async def test_the_callers_raise_for_status_does_not_matter(mocked):
    """A session that raises for each error status would turn refusals into doubt; ours are read first."""
    mocked.post(ANYTHING, status=402, payload={"code": 402, "message": "no coins"})
    async with aiohttp.ClientSession(raise_for_status=True) as own:
        with pytest.raises(InsufficientCoinsError):
            await service_of(Session(BASE, own)).ask(START)


async def test_the_callers_session_may_be_closed_already():
    """A session that the caller has closed is the caller's mistake, and is told as such."""
    own = aiohttp.ClientSession()
    await own.close()
    with pytest.raises(UsageError, match="http= is closed"):
        await service_of(Session(BASE, own)).ask(ASK)


# No error shows the token.


@pytest.mark.parametrize("token", [TOKEN, "plain-hunter2-hunter2-without-form"])
@pytest.mark.parametrize(
    "body",
    [
        f"<html>{TOKEN}</html>",
        json.dumps({"code": 401, "msg": f"bad token {TOKEN}", "trace_id": TOKEN}),
        json.dumps({"code": 400, "data": TOKEN}),
        json.dumps({"error": {"message": f"Authorization: Bearer {TOKEN}"}}),
        f'{{"code": 0, "data": "{TOKEN}',
        "x" * 190 + TOKEN,
        "x" * 790 + TOKEN,
    ],
)
async def test_a_token_that_the_service_repeats_is_shown_nowhere(mocked, session, body, token):
    """Whatever the reply repeats, and whatever the token looks like, no part of an error holds it."""
    for status in (200, 302, 400, 401, 404, 429, 500):
        mocked.post(ANYTHING, status=status, body=body.replace(TOKEN, token))
        with pytest.raises((ServiceError, ProtocolError)) as caught:
            await service_of(session, token).ask(START)
        error = caught.value
        shown = f"{error} {error!r} {error.__dict__} {''.join(traceback.format_exception(error))}"
        assert "hunter2-hunter2" not in shown


# The token.


@pytest.mark.parametrize("waits", [False, True])
async def test_a_callable_is_asked_once_and_again_after_a_refusal(mocked, session, waits):
    """A token from a callable, sync or async, is kept until the service refuses it."""
    given = []

    def token():
        given.append(f"sk_{len(given)}")
        return given[-1]

    async def token_later():
        await asyncio.sleep(0)
        return token()

    service = service_of(session, token_later if waits else token)
    mocked.get(ANYTHING, payload=YES, repeat=3)
    mocked.get(ANYTHING, status=401, payload={"code": 401, "msg": "expired"})
    mocked.get(ANYTHING, payload=YES)
    for _ in range(3):
        await service.ask(ASK)
    assert given == ["sk_0"]
    with pytest.raises(AuthenticationError):
        await service.ask(ASK)
    await service.ask(ASK)
    used = [sent["headers"]["Authorization"] for _method, _path, sent in calls(mocked)]
    assert used == ["Bearer sk_0"] * 4 + ["Bearer sk_1"]


async def test_many_requests_at_once_ask_for_the_token_once(mocked, session):
    """Requests that begin together share one question for the token, also after it was refused for all of them."""
    asked = []

    async def token():
        asked.append(1)
        await asyncio.sleep(0.001)
        return f"sk_{len(asked)}"

    async def answer(_url, headers, **_kwargs):
        await asyncio.sleep(0.001)
        good = headers["Authorization"] == "Bearer sk_2"
        return CallbackResult(payload=YES) if good else CallbackResult(status=401, payload={"code": 401})

    mocked.get(ANYTHING, callback=answer, repeat=True)
    service = service_of(session, token)
    first = await asyncio.gather(*(service.ask(ASK) for _ in range(20)), return_exceptions=True)
    assert AuthenticationError in map(type, first)
    assert await asyncio.gather(*(service.ask(ASK) for _ in range(20))) == ["yes"] * 20
    assert len(asked) == 2


async def test_a_late_refusal_of_an_old_token_keeps_the_new_one(mocked, session):
    """A request that was under way with the old token, and is refused late, costs no further question."""
    asked, held = [], asyncio.Event()

    def token():
        asked.append(1)
        return f"sk_{len(asked)}"

    async def refuse_late(_url, **_kwargs):
        await held.wait()
        return CallbackResult(status=401, payload={"code": 401})

    mocked.post(ANYTHING, callback=refuse_late)
    mocked.get(ANYTHING, status=401, payload={"code": 401})
    mocked.get(ANYTHING, payload=YES, repeat=True)
    service = service_of(session, token)
    late = asyncio.create_task(service.ask(START))
    await asyncio.sleep(0.001)
    with pytest.raises(AuthenticationError):
        await service.ask(ASK)
    assert await service.ask(ASK) == "yes"
    held.set()
    with pytest.raises(AuthenticationError):
        await late
    assert await service.ask(ASK) == "yes"
    assert len(asked) == 2


async def test_a_token_callable_that_fails_is_told_as_itself(session):
    """An error of the caller's callable reaches the caller, and the callable is asked again next time."""
    outcomes = [RuntimeError("vault is shut"), " ", "sk_good"]

    def token():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    service = service_of(session, token)
    with pytest.raises(RuntimeError, match="vault is shut"):
        await service.ask(ASK)
    with pytest.raises(MissingTokenError):
        await service.ask(ASK)
    with aioresponses() as mocked:
        mocked.get(ANYTHING, payload=YES)
        assert await service.ask(ASK) == "yes"


async def test_a_plain_token_is_kept_after_a_refusal(mocked, session):
    """A token that was given as text stays, whatever the service says."""
    mocked.get(ANYTHING, status=401, payload={"code": 401}, repeat=True)
    service = service_of(session)
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            await service.ask(ASK)
    assert {sent["headers"]["Authorization"] for _method, _path, sent in calls(mocked)} == {f"Bearer {TOKEN}"}


# Other spellings of a path.


async def test_another_spelling_is_tried_once_and_remembered(mocked, session):
    """Where the service knows no such route the other spelling is tried, and is the first from then on."""
    mocked.post(f"{BASE}/a/start", status=404, body=PAGE, repeat=True)
    mocked.post(f"{BASE}/b/start", payload=YES, repeat=True)
    service = service_of(session)
    assert [await service.ask(TWO_WAYS) for _ in range(3)] == ["yes"] * 3
    paths = {path: sum(1 for _m, p, _s in calls(mocked) if p == path) for path in ("/a/start", "/b/start")}
    assert paths == {"/a/start": 1, "/b/start": 3}


async def test_a_spelling_is_remembered_for_its_route_only(mocked, session):
    """What one route has taught does not touch another one."""
    mocked.post(f"{BASE}/a/start", status=405, body=PAGE)
    mocked.post(f"{BASE}/b/start", payload=YES)
    mocked.get(f"{BASE}/a/look", payload=YES)
    service = service_of(session)
    await service.ask(TWO_WAYS)
    other = HttpRequest(method="GET", path="/b/look")
    await service.ask(HttpRequest(method="GET", path="/a/look", route="/a/look", other=other))
    assert [path for _method, path, _sent in calls(mocked)] == ["/a/start", "/b/start", "/a/look"]


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("page", ["", "<html><center>nginx</center></html>", '{"message": "no Route matched"}'])
async def test_a_page_of_a_gateway_sends_no_start_again_under_the_other_spelling(mocked, session, status, page):
    """Only the service's own router says that a start has met no route: a gateway may say so after the work."""
    mocked.post(f"{BASE}/a/start", status=status, body=page)
    with pytest.raises(ServiceError, match=r"check base_url|HTTP 40") as caught:
        await service_of(session).ask(TWO_WAYS)
    assert not caught.value.no_route
    assert [path for _method, path, _sent in calls(mocked)] == ["/a/start"]


async def test_a_route_that_answers_no_is_remembered_too(mocked, session):
    """A refusal by the service's own JSON shows that the route is there."""
    mocked.post(f"{BASE}/a/start", status=404, body=PAGE)
    mocked.post(f"{BASE}/b/start", status=402, payload={"code": 402, "message": "no coins"}, repeat=True)
    service = service_of(session)
    for _ in range(2):
        with pytest.raises(InsufficientCoinsError):
            await service.ask(TWO_WAYS)
    assert [path for _method, path, _sent in calls(mocked)] == ["/a/start", "/b/start", "/b/start"]


async def test_a_refusal_of_the_other_spelling_pauses_too(mocked, session):
    """A Retry-After counts whichever spelling it came from."""
    mocked.post(f"{BASE}/a/start", status=404, body=PAGE)
    mocked.post(f"{BASE}/b/start", status=429, body="", headers={"Retry-After": "20"})
    service = service_of(session)
    with pytest.raises(RateLimitedError):
        await service.ask(TWO_WAYS)
    assert service.pacer._paused_until >= asyncio.get_running_loop().time() + 19


@pytest.mark.parametrize(
    ("status", "payload", "error"),
    [(404, {"code": 404, "message": "Record not found"}, NotFoundError), (500, None, ServiceError)],
)
async def test_only_a_missing_route_is_tried_in_another_spelling(mocked, session, status, payload, error):
    """A 404 of the service itself, or a server error, is no missing route: a start is never sent to two places."""
    mocked.post(f"{BASE}/a/start", status=status, payload=payload, body="" if payload else PAGE)
    with pytest.raises(error):
        await service_of(session).ask(TWO_WAYS)
    assert [path for _method, path, _sent in calls(mocked)] == ["/a/start"]


async def test_neither_spelling_is_known(mocked, session):
    """Where no spelling is known the refusal says so, and nothing is remembered."""
    mocked.post(ANYTHING, status=404, body=PAGE, repeat=True)
    service = service_of(session)
    for _ in range(2):
        with pytest.raises(NotFoundError, match="no such route") as caught:
            await service.ask(TWO_WAYS)
        assert caught.value.no_route
    assert [path for _method, path, _sent in calls(mocked)].count("/a/start") == 2


# Repeats and the service's clock.


async def test_a_look_is_repeated_until_it_is_answered(mocked, session):
    """A call that only reads is repeated after every failure that may pass."""
    mocked.get(ANYTHING, exception=connector_error())
    mocked.get(ANYTHING, exception=aiohttp.ServerDisconnectedError())
    mocked.get(ANYTHING, status=502, body=PAGE)
    mocked.get(ANYTHING, status=429, body="", headers={"Retry-After": "0"})
    mocked.get(ANYTHING, payload=YES)
    assert await service_of(session).ask_again(ASK) == "yes"
    assert len(calls(mocked)) == 5


async def test_repeats_are_bounded(mocked, session):
    """After so many attempts the last failure is raised."""
    mocked.get(ANYTHING, status=500, body="", repeat=True)
    with pytest.raises(ServiceError, match="HTTP 500"):
        await service_of(session, attempts=3).ask_again(ASK)
    assert len(calls(mocked)) == 3


@pytest.mark.parametrize(("first", "number"), [(connector_error(), 2), (aiohttp.ServerDisconnectedError(), 1)])
async def test_what_does_more_than_read_is_repeated_only_when_sure(mocked, session, first, number):
    """A call that changes something is repeated after a failure to connect, never after a reset."""
    mocked.post(ANYTHING, exception=first)
    mocked.post(ANYTHING, exception=aiohttp.ServerDisconnectedError(), repeat=True)
    with pytest.raises(TransportError):
        await service_of(session).ask_again(START, reads=False)
    assert len(calls(mocked)) == number


async def test_the_services_clock(mocked, session):
    """The service's time is known from its replies' Date, and goes on with the loop's clock."""
    service = service_of(session)
    assert service.server_time() is None
    mocked.get(ANYTHING, payload=YES, headers={"Date": "Wed, 21 Oct 2015 07:28:00 GMT"})
    mocked.get(ANYTHING, payload=YES, headers={"Date": "yesterday"})
    await service.ask(ASK)
    await service.ask(ASK)
    assert service.server_time() == pytest.approx(1445412480, abs=2)
