"""What is said of a failed exchange: whether the request was sent, in words that hold no secret."""

from __future__ import annotations

import asyncio
import socket
import ssl
import traceback

import aiohttp
import pytest
from aiohttp.http_exceptions import TransferEncodingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from a2e_async import ProtocolError, TransportError
from a2e_async.core.secrets import HIDDEN, Secret
from a2e_async.engine.http.failures import cause_of, failure_of, was_sent, words_of

TOKEN = "plain-hunter2/hunter2+x"
HEADERS = {"Authorization": Secret(f"Bearer {TOKEN}"), "Content-Type": "application/json"}
PROXY = URL("http://corp:hunter2@p.example:3128")
SIGNED = "https://files.example/a.png?X-Amz-Signature=hunter2&x=1"
KEY = aiohttp.client_reqrep.ConnectionKey(
    "a2e.example", 443, is_ssl=True, ssl=True, proxy=PROXY, proxy_auth=None, proxy_headers_hash=None
)
INFO = aiohttp.RequestInfo(PROXY, "CONNECT", CIMultiDictProxy(CIMultiDict(HEADERS)), PROXY)
RAW = f"HTTP/1.1 200 OK\r\nX-Echo: {TOKEN}"

NOT_SENT = [
    aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "Connection refused")),
    aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "Name or service not known")),
    aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "bad handshake")),
    aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError(1, "bad certificate")),
    aiohttp.ClientProxyConnectionError(KEY, OSError(113, "No route to host")),
    aiohttp.ConnectionTimeoutError("too slow"),
    aiohttp.ClientHttpProxyError(INFO, (), status=407, message="Who are you"),
    aiohttp.ServerFingerprintMismatch(b"a", b"b", "a2e.example", 443),
    aiohttp.InvalidURL(str(PROXY)),
    aiohttp.NonHttpUrlClientError(SIGNED),
]
SENT = [
    aiohttp.ServerDisconnectedError(RAW),
    aiohttp.ClientOSError(104, "Connection reset by peer"),
    aiohttp.ClientPayloadError(f"cut: {TOKEN}"),
    aiohttp.ClientResponseError(INFO, (), status=400, message=RAW),
    aiohttp.TooManyRedirects(INFO, (), status=0),
    aiohttp.InvalidUrlRedirectClientError(SIGNED),
    aiohttp.NonHttpUrlRedirectClientError(SIGNED),
    TransferEncodingError(f"not a size Bearer {TOKEN}"),
    TimeoutError(),
    ConnectionResetError(104, "Connection reset by peer"),
    OSError(5, "odd"),
    ValueError(f"invalid literal for int() with base 16: {TOKEN!r}"),
    RuntimeError(f"at {SIGNED} by {PROXY}"),
    AssertionError(),
    MemoryError(),
    RecursionError(f"in {TOKEN}"),
]


@pytest.mark.parametrize("error", [*NOT_SENT, *SENT], ids=lambda error: type(error).__name__)
def test_every_failure_is_one_of_ours_and_holds_no_secret(error):
    """Whatever is raised becomes a TransportError, neither it nor its causes show token, login or signature."""
    failure = failure_of(error, "GET /x", HEADERS, where="https://a2e.example")
    assert type(failure) is TransportError
    assert failure.sent is was_sent(error) is (error in SENT)
    begin = "GET /x: " if failure.sent else "could not connect to https://a2e.example: "
    assert str(failure).startswith(begin)
    assert len(str(failure)) > len(begin)
    shown = "".join(traceback.TracebackException.from_exception(failure, capture_locals=True).format())
    assert "hunter2" not in f"{failure} {failure!r} {failure.__cause__!r} {failure.__context__!r} {shown}"


def test_an_error_of_ours_stays_as_it_is():
    """A refusal of the session's own is not wrapped; it comes without the frames that held the answer."""
    ours = ProtocolError("too large")
    try:
        raise ours
    except ProtocolError as error:
        given = failure_of(error, "GET /x")
    assert given is ours
    assert given.__traceback__ is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NOT_SENT[0], "Connection refused"),
        (NOT_SENT[3], "bad certificate"),
        (aiohttp.ClientConnectorError(KEY, OSError(24, "Too many open files")), "Too many open files (see ulimit -n)"),
        (NOT_SENT[6], "the proxy refused with HTTP 407, its login is missing or wrong"),
        (aiohttp.ClientHttpProxyError(INFO, (), status=502), "the proxy refused with HTTP 502"),
        (SENT[0], "the connection was closed before an answer came"),
        (SENT[4], "too many redirects"),
        (SENT[7], f"TransferEncodingError: 400, message:\n  not a size {HIDDEN}"),
        (SENT[8], "no answer in time"),
        (ConnectionResetError(104, "Connection reset by peer"), "ConnectionResetError: Connection reset by peer"),
        (SENT[12], "RuntimeError: at https://files.example/a.png by http://p.example:3128"),
        (AssertionError(), "AssertionError"),
        (OSError(), "OSError: OSError"),
        (ValueError("x" * 5000), f"ValueError: {'x' * 288}"),
    ],
    ids=str,
)
def test_words_say_what_happened(error, words):
    """Each kind of failure has plain words, of a bounded length."""
    assert words_of(error, HEADERS) == words


@pytest.mark.parametrize("form", [TOKEN, TOKEN.replace("/", "\\/"), "plain-hunter2%2Fhunter2%2Bx"])
def test_a_token_that_is_said_in_another_spelling_is_hidden(form):
    """JSON, HTML and URLs spell a token in other ways."""
    assert words_of(RuntimeError(f"<{form}>"), HEADERS) == f"RuntimeError: <{HIDDEN}>"


def test_the_cause_is_the_failure_of_the_system_without_its_frames():
    """The errno of a refused connection can be had; what aiohttp held while it tried cannot."""
    refused = ConnectionRefusedError(111, "Connection refused")
    refused.__context__ = ValueError("http://corp:hunter2@p.example")  # as aiohttp leaves it
    try:
        raise refused
    except OSError as error:
        given = cause_of(aiohttp.ClientProxyConnectionError(KEY, error))
    assert given is refused
    assert (given.__context__, given.__cause__, given.__traceback__) == (None, None, None)
    assert cause_of(OSError(f"by {PROXY}")) is None
    assert cause_of(asyncio.InvalidStateError()) is None
