"""Where token and address come from, and what is refused of them."""

from __future__ import annotations

import copy
import pickle
import traceback

import aiohttp
import pytest

from a2e_async import A2EClient, MissingTokenError, UsageError, blocking
from a2e_async.engine.settings import check_amount, find_base_url, find_token

VARIABLES = ("A2E_API_KEY", "A2E_API_TOKEN", "A2E_TOKEN")


@pytest.mark.parametrize("first", range(3))
def test_the_order_of_the_variables(monkeypatch, first):
    """A2E_API_KEY counts before A2E_API_TOKEN, that before A2E_TOKEN."""
    for variable in VARIABLES[first:]:
        monkeypatch.setenv(variable, f"sk_{variable}")
    assert find_token(None)[0] == f"sk_{VARIABLES[first]}"


def test_a_given_token_counts_before_the_environment(monkeypatch):
    """The caller's token is taken, also when it is a callable."""
    monkeypatch.setenv("A2E_API_KEY", "sk_environment")
    assert find_token("sk_given")[0] == "sk_given"
    assert find_token(ask := lambda: "sk_asked")[0] is ask


def test_a_blank_variable_is_none(monkeypatch):
    """A variable that holds only spaces is passed over."""
    monkeypatch.setenv("A2E_API_KEY", " \t")
    monkeypatch.setenv("A2E_API_TOKEN", "")
    monkeypatch.setenv("A2E_TOKEN", " Bearer sk_last\n")
    assert find_token(None)[0] == "sk_last"


def test_no_token_names_the_variables():
    """Who has no token learns where to put one, before anything is opened."""
    with pytest.raises(MissingTokenError, match="A2E_API_KEY, A2E_API_TOKEN or A2E_TOKEN"):
        A2EClient()


@pytest.mark.parametrize(
    "given",
    [
        "sk_a.b-c",
        " sk_a.b-c\n",
        "Bearer sk_a.b-c",
        "bearer  sk_a.b-c",
        "BEARER Bearer sk_a.b-c ",
        "\tBearer\tsk_a.b-c",
        '"sk_a.b-c"',
        "'sk_a.b-c'",
        "`sk_a.b-c`",
        " \u201csk_a.b-c\u201d ",
        "Bearer 'sk_a.b-c'",
        '"Bearer sk_a.b-c"',
        "''sk_a.b-c''",
    ],
)
def test_a_token_is_repaired(given):
    """White space, quotation marks of a pair and a leading "Bearer" are taken off."""
    assert find_token(given)[0] == "sk_a.b-c"


@pytest.mark.parametrize(
    "given",
    ["", "  ", "Bearer", "Bearer ", "sk_ä", "sk_a sk_b", "sk_a\r\nX-Evil: 1", "sk_\x00", "sk_\u200b", 5, b"sk_a"],
)
def test_a_token_is_refused_without_showing_it(given):
    """What cannot stand in a header is no token; the error does not repeat it."""
    with pytest.raises(MissingTokenError) as caught:
        find_token(given)
    assert "sk_" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "variable", "found"),
    [
        (None, None, "https://video.a2e.ai"),
        (None, "", "https://video.a2e.ai"),
        (None, "  ", "https://video.a2e.ai"),
        (None, " https://video.a2e.com.cn/ ", "https://video.a2e.com.cn"),
        ("http://127.0.0.1:8765/", "https://video.a2e.com.cn", "http://127.0.0.1:8765"),
        (" https://a2e.example/v2// ", None, "https://a2e.example/v2"),
        ("https://a2e.example/proxy/api-of-mine", None, "https://a2e.example/proxy/api-of-mine"),
        ("http://simulator:8765", None, "http://simulator:8765"),
        ("HTTPS://A2E.example", None, "HTTPS://A2E.example"),
        ("http://[::1]:80", None, "http://[::1]:80"),
    ],
)
def test_base_url(monkeypatch, given, variable, found):
    """The caller's base URL, else that of the environment, else the service's own, without a slash at its end."""
    if variable is not None:
        monkeypatch.setenv("A2E_BASE_URL", variable)
    assert find_base_url(given) == found


@pytest.mark.parametrize(
    "given",
    [
        "",
        "video.a2e.ai",
        "ftp://video.a2e.ai",
        "https://",
        "https://:8080",
        "https://video.a2e.ai:99999",
        "https://video.a2e.ai:0",
        "https://video.a2e.ai:port",
        "https://[::1",
        "https://a..b",
        f"https://{'b' * 64}.example",
        "https://b\u00fccher.example",
        "https:\\\\video.a2e.ai",
        "https://video.a2e.ai?x=1",
        "https://video.a2e.ai?",
        "https://video.a2e.ai#top",
        "https://video .a2e.ai",
        "https://video.a2e.ai/a\nb",
        5,
        b"https://video.a2e.ai",
    ],
)
def test_base_url_is_refused(given):
    """What is no http or https URL of a host is refused with an example of a good one."""
    with pytest.raises(
        UsageError, match=r"^base_url: must be an http or https URL such as https://video\.a2e\.ai, not"
    ):
        find_base_url(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("video.a2e.ai", r"not 'video\.a2e\.ai' \(str\); did you mean https://video\.a2e\.ai\?"),
        ("a2e.example:8443", r"did you mean https://a2e\.example:8443\?"),
        ("127.0.0.1:8765", r"did you mean http://127\.0\.0\.1:8765\?"),
        ("localhost:8765", r"did you mean http://localhost:8765\?"),
        ("https:/video.a2e.ai", r"did you mean https://video\.a2e\.ai\?"),
        ("https//video.a2e.ai", r"did you mean https://video\.a2e\.ai\?"),
        ("sk_c0ffee", r"not '\*\*\*' \(str\)$"),
        ("sk_c0ffee.0123", r"not '\*\*\*' \(str\)$"),
        ("https://video.a2e.ai/api/v1", r"must not contain the path of the API, .* use https://video\.a2e\.ai$"),
        ("https://a2e.example/proxy/api/v1/", r"use https://a2e\.example/proxy$"),
        ("https://video.a2e.ai/api/v1/userText2image/start", r"use https://video\.a2e\.ai$"),
        ("https://video.a2e.ai/api", r"use https://video\.a2e\.ai$"),
        (
            "http://video.a2e.ai",
            r"the token would be sent to http://video\.a2e\.ai unencrypted; use https://video\.a2e\.ai",
        ),
        ("HTTP://8.8.8.8:80", "unencrypted"),
        ("http://localhost.evil.example", "unencrypted"),
    ],
)
def test_what_is_wrong_with_a_base_url_is_told_with_what_to_give(monkeypatch, given, words):
    """A missing scheme, the API's own path and an address in the clear are known mistakes, wherever they come from."""
    with pytest.raises(UsageError, match=f"^base_url: .*{words}"):
        find_base_url(given)
    monkeypatch.setenv("A2E_BASE_URL", given)
    with pytest.raises(UsageError, match=rf"^base_url \(from A2E_BASE_URL\): .*{words}"):
        A2EClient("sk_a")


def test_http_to_a_public_host_can_be_allowed(monkeypatch):
    """Whoever says so sends the token in the clear, by an argument or by the environment."""
    assert A2EClient("sk_a", base_url="http://a2e.example", allow_http=True).base_url == "http://a2e.example"
    monkeypatch.setenv("A2E_ALLOW_HTTP", "1")
    assert A2EClient("sk_a", base_url="http://a2e.example").base_url == "http://a2e.example"


def test_a_variable_whose_token_is_none_is_named(monkeypatch):
    """Who has several variables learns which one holds what cannot be a token."""
    monkeypatch.setenv("A2E_API_TOKEN", "sk a")
    with pytest.raises(MissingTokenError, match=r"the token \(A2E_API_TOKEN\) must be printable") as caught:
        A2EClient()
    assert "sk a" not in str(caught.value)


class LikeHttpx:
    """What `httpx.AsyncClient` has in common with a transport."""

    async def send(self, request, *, stream=False):
        """Send a request."""


class LikeRequests:
    """What `requests.Session` has in common with a transport."""

    def send(self, request, **options):
        """Send a request."""


@pytest.mark.parametrize(
    "http", [LikeHttpx(), LikeRequests(), aiohttp.ClientSession, object(), "https://a2e.example", 5]
)
def test_what_only_looks_like_a_transport_is_refused(http):
    """A client of another library, or a class, is refused when the client is made, not at each call."""
    with pytest.raises(UsageError, match=r"^http: must be an aiohttp\.ClientSession or a Transport, .*, not "):
        A2EClient("sk_a", http=http)


def test_a_transport_that_nobody_can_look_into_is_taken():
    """What does not say what its `send` takes is believed."""

    class Odd:
        send = staticmethod(min)

    assert A2EClient("sk_a", http=Odd())


@pytest.mark.parametrize("name", ["allow_http", "allow_private_files"])
def test_a_permission_is_true_or_false(name):
    """Nothing that is merely true-ish lets a token go in the clear or a link into a private network."""
    with pytest.raises(UsageError, match=f"^{name}: must be of type bool"):
        A2EClient("sk_a", **{name: "no"})


@pytest.mark.parametrize("make", [A2EClient, blocking])
def test_no_report_shows_a_token_that_was_given(monkeypatch, make):
    """Whatever is refused of a client's arguments, no frame of ours shows the token in a traceback with locals."""
    monkeypatch.setenv("A2E_TOKEN", "hunter2 hunter2")
    for wrong in ({"max_starts": 0}, {"base_url": 5}, {"token": "hunter2 hunter2"}, {"token": None}):
        with pytest.raises(UsageError) as caught:
            make(**{"token": "-".join(["hunter2"] * 20), **wrong})
        ours = caught.value.__traceback__.tb_next
        shown = traceback.TracebackException(type(caught.value), caught.value, ours, capture_locals=True)
        assert "hunter2" not in "".join(shown.format())


def test_a_client_is_not_pickled():
    """It says what to hand on instead; the token goes into no pickle."""
    for hand_on in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(UsageError, match="a client cannot be pickled or copied"):
            hand_on(A2EClient("sk_a"))


def test_base_url_of_the_documentation():
    """The host that only serves documentation is a known mistake, and is told as such."""
    with pytest.raises(UsageError, match="only serves documentation"):
        find_base_url("https://api.a2e.ai/")


@pytest.mark.parametrize("given", ["https://me:hunter2@a2e.example", "https://hunter2@a2e.example"])
def test_base_url_without_login(given):
    """A login in the base URL is refused without being shown."""
    with pytest.raises(UsageError, match="must not contain a user name or password") as caught:
        find_base_url(given)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "whole", "least"), [(None, False, 1), (0, False, 0), (1, True, 1), (2.5, False, 1e-6), (10**9, True, 1)]
)
def test_amounts_that_pass(value, whole, least):
    """A number of at least so much passes, and so does None."""
    check_amount("rate", value, whole=whole, least=least)


@pytest.mark.parametrize(
    ("value", "whole", "least", "words"),
    [
        (-1, False, 0, "a number of at least 0, not int -1"),
        (0, True, 1, "a whole number of at least 1, not int 0"),
        (2.5, True, 1, "a whole number of at least 1, not float 2.5"),
        (True, False, 0, "a number of at least 0, not bool True"),
        ("5", False, 0, "a number of at least 0, not '5' .str."),
        (float("inf"), False, 0, "a number of at least 0, not float"),
        (float("nan"), False, 0, "a number of at least 0, not float"),
    ],
)
def test_amounts_that_are_refused(value, whole, least, words):
    """Anything else is refused by name, rule and kind."""
    with pytest.raises(UsageError, match=f"^rate: must be {words}"):
        check_amount("rate", value, whole=whole, least=least)


@pytest.mark.parametrize(
    "wrong", [{"max_starts": 0}, {"rate": 0}, {"budget": -1}, {"close_timeout": "10"}, {"base_url": "here"}]
)
def test_a_client_refuses_wrong_settings_when_it_is_made(wrong):
    """A wrong setting is told at once, by its name, and before the network is touched."""
    with pytest.raises(UsageError, match=f"^{next(iter(wrong))}: "):
        A2EClient("sk_a", **wrong)


def test_a_client_hides_its_token():
    """Neither repr nor attributes of a client show its token as text."""
    client = A2EClient("sk_hunter2", base_url="https://a2e.example")
    assert repr(client) == "<A2EClient https://a2e.example closed>"
    assert "sk_hunter2" not in f"{client!r} {client._config!r}"
