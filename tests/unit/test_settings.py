"""Where token and address come from, and what is refused of them."""

from __future__ import annotations

import pytest

from a2e_async import A2EClient, MissingTokenError, UsageError
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
    ["sk_a.b-c", " sk_a.b-c\n", "Bearer sk_a.b-c", "bearer  sk_a.b-c", "BEARER Bearer sk_a.b-c ", "\tBearer\tsk_a.b-c"],
)
def test_a_token_is_repaired(given):
    """White space and a leading "Bearer" are taken off."""
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
        "https://video.a2e.ai:port",
        "https://[::1",
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


def test_base_url_of_the_documentation():
    """The host that only serves documentation is a known mistake, and is told as such."""
    with pytest.raises(UsageError, match="only serves documentation"):
        find_base_url("https://api.a2e.ai/")


@pytest.mark.parametrize("given", ["https://me:hunter2@a2e.example", "https://hunter2@a2e.example"])
def test_base_url_without_login(given):
    """A login in the base URL is refused without being shown."""
    with pytest.raises(UsageError, match="no user name and no password") as caught:
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
