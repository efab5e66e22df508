"""The proxies of the environment: which one leads where, what is refused, and that no login is shown."""

from __future__ import annotations

import base64

import pytest

from a2e_async import UsageError
from a2e_async.core.secrets import Secret
from a2e_async.engine.http.proxies import PROXY_LOGIN, Proxies

BASE = "https://a2e.example"
VIA = {"HTTPS_PROXY": "http://p.example:1"}


def arguments(url, headers=None):
    """Give what a request to a URL is sent with."""
    return Proxies().arguments(url, headers or {"Accept": "x"})


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, BASE, None),
        (VIA, BASE, "http://p.example:1"),
        (VIA, BASE.upper(), "http://p.example:1"),
        ({"https_proxy": "http://p.example:1"}, BASE, "http://p.example:1"),
        ({"HTTPS_PROXY": "https://p.example:1/"}, BASE, "https://p.example:1"),
        ({"HTTPS_PROXY": " p.example:1 "}, BASE, "http://p.example:1"),
        ({"HTTPS_PROXY": "http://[2001:db8::1]:3128"}, BASE, "http://[2001:db8::1]:3128"),
        ({"HTTPS_PROXY": ""}, BASE, None),
        ({"HTTP_PROXY": "http://p.example:1"}, BASE, None),
        ({"HTTP_PROXY": "http://p.example:1"}, "http://a2e.example", "http://p.example:1"),
        ({"ALL_PROXY": "http://p.example:1"}, BASE, "http://p.example:1"),
        ({"ALL_PROXY": "http://p.example:1", "HTTPS_PROXY": "http://q.example:2"}, BASE, "http://q.example:2"),
        ({"ALL_PROXY": "http://p.example:1"}, "http://127.0.0.1:8765", None),
        ({"ALL_PROXY": "http://p.example:1"}, "http://localhost:8765", None),
        ({"ALL_PROXY": "http://p.example:1"}, "http://sim.localhost:8765", None),
        ({"ALL_PROXY": "http://p.example:1"}, "http://[::1]:8765", None),
        ({"ALL_PROXY": "http://p.example:1"}, "http://127.a2e.example", "http://p.example:1"),
        ({"ALL_PROXY": "http://p.example:1"}, "http://192.168.0.7", "http://p.example:1"),
        ({"ALL_PROXY": "socks5://p.example:1"}, "http://127.0.0.1:8765", None),
    ],
)
def test_proxies_of_the_environment(monkeypatch, variables, url, proxy):
    """A request goes through the environment's proxy for its scheme and host; this machine is reached directly."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert arguments(url) == {"headers": {"Accept": "x"}, "proxy": proxy}


@pytest.mark.parametrize(
    ("excepted", "url", "is_direct"),
    [
        ("a2e.example", BASE, True),
        (".example", BASE, True),
        ("*.example", BASE, True),
        ("*.a2e.example", BASE, True),
        ("other.example, a2e.example", BASE, True),
        ("other.example a2e.example", BASE, True),
        ("A2E.Example.", BASE, True),
        ("*", BASE, True),
        ("a2e.example:443", BASE, True),
        ("a2e.example:8443", f"{BASE}:8443", True),
        ("a2e.example:8443", BASE, False),
        ("2e.example", BASE, False),
        ("other.example", BASE, False),
        (",", BASE, False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.0.0.0/8", BASE, False),
        ("10.1.2.3", "https://10.1.2.3:8443", True),
        ("10.1.2.3:443", "https://10.1.2.3:8443", False),
        ("fd00::/8", "https://[fd00::7]", True),
        ("[fd00::7]", "https://[fd00::7]", True),
        ("[fd00::7]:443", "https://[fd00::7]", True),
        ("fd00::/8", "https://10.1.2.3", False),
    ],
)
def test_whom_no_proxy_names(monkeypatch, excepted, url, is_direct):
    """NO_PROXY takes hosts, domains with a dot or a star before them, networks and ports."""
    monkeypatch.setenv("ALL_PROXY", "http://p.example:1")
    monkeypatch.setenv("NO_PROXY", excepted)
    assert (arguments(url)["proxy"] is None) is is_direct


@pytest.mark.parametrize(
    "value",
    [
        "http://corp:hunter2#x@p.example:3128",
        "http://corp:hunter2/x@p.example:3128",
        "http://corp:hunter2?x@p.example:3128",
        "http://corp:hunter2@p.example:port",
        "http://corp:hunter2@p.example:70000",
        "http://corp:hunter2@",
        "http://corp:hunter2@[::1",
        "http://corp:hunter2@a..b:1",
        f"http://corp:hunter2@{'b' * 300}:1",
        "http://corp:hun ter2@p.example",
        "http://corp:hunter2@p.example/path",
        "socks5://me:hunter2@p.example:1",
        "socks5h://hunter2.example",
        "ftp://hunter2.example",
        "//hunter2",
        "http://",
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_read_is_refused(monkeypatch, variable, value):
    """It is refused when it is looked up, by the name of its variable and never with its value."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=f"^{variable}: must be an http or https URL") as caught:
        arguments(BASE)
    assert "hunter2" not in f"{caught.value} {caught.value.__context__!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("login", "plain"),
    [("me:pw", b"me:pw"), ("me:p%40%23w", b"me:p@#w"), ("me", b"me:"), ("me:p%C3%A4", "me:pä".encode())],
)
def test_a_login_goes_out_as_a_header_that_does_not_show_itself(monkeypatch, login, plain):
    """A tunnel has it in its CONNECT, a plain request beside its headers; no address holds it."""
    monkeypatch.setenv("ALL_PROXY", f"http://{login}@p.example:1")
    value = f"Basic {base64.b64encode(plain).decode()}"
    tunnel, direct = arguments(BASE), arguments("http://a2e.example")
    assert tunnel["proxy"] == direct["proxy"] == "http://p.example:1"
    assert tunnel["proxy_headers"] == {PROXY_LOGIN: value}
    assert PROXY_LOGIN not in tunnel["headers"]
    assert direct["headers"] == {"Accept": "x", PROXY_LOGIN: value}
    assert value not in repr([tunnel, direct])
    assert isinstance(tunnel["proxy_headers"][PROXY_LOGIN], Secret)


def test_proxies_are_looked_up_once_for_a_host(monkeypatch):
    """A thousand requests read the environment once for each scheme and host."""
    looked = []
    monkeypatch.setattr("urllib.request.getproxies_environment", lambda: looked.append(1) or {"all": "http://p:1"})
    proxies = Proxies()
    for number in range(1000):
        assert proxies.for_url(f"{BASE}/{number}").url == "http://p:1"
    assert len(looked) == 1
    proxies.for_url("https://other.example/")
    assert len(looked) == 2
