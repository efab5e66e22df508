"""The proxies of the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, looked up once per host.

They are looked up here and not by `trust_env` of aiohttp, which reads ~/.netrc in a thread for every request and sends
its passwords to any host. A login never stays in the address, where every error would repeat it: it is sent as a
header that prints as three stars.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import re
import urllib.request
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

import attrs

from a2e_async.core import addresses
from a2e_async.core.patterns import late
from a2e_async.core.secrets import Secret
from a2e_async.errors import UsageError

PROXY_LOGIN: Final = "Proxy-Authorization"
_UNUSABLE = late(r"[\s?#\\\x00-\x20]")
_HOW = (
    "must be an http or https URL such as http://proxy.example:3128; in a user name or a password "
    "# is written %23, / %2F, ? %3F, @ %40 and : %3A"
)


@attrs.frozen(eq=False, repr=False)
class Proxy:
    """A proxy.

    Attributes:
        url: Its address, without a login.
        login: What goes into Proxy-Authorization, or None.
    """

    url: str
    login: Secret | None = None


class Proxies:
    """Which proxy leads to which host."""

    def __init__(self) -> None:
        self._by_host: dict[tuple[str, str], Proxy | None] = {}

    def for_url(self, url: str) -> Proxy | None:
        """Give the proxy for a URL, None when there is none; this machine is never reached by a proxy.

        Raises:
            UsageError: The variable that names it cannot be read; its value is not shown.
        """
        parts = urlsplit(url.partition("?")[0])  # the query is a signature, and a report shows local variables
        key = (parts.scheme.lower(), parts.netloc)
        if key not in self._by_host:
            self._by_host[key] = _look_up(key[0], (parts.hostname or "").rstrip("."), parts.port)
        return self._by_host[key]

    def arguments(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """Give the arguments of an aiohttp request to this URL: its headers, and the proxy with its login.

        The login goes into the CONNECT of a tunnel, or beside the other headers where there is none (http).
        """
        proxy = self.for_url(url)
        if proxy is None:
            return {"headers": headers, "proxy": None}
        if proxy.login is None:
            return {"headers": headers, "proxy": proxy.url}
        login = {PROXY_LOGIN: proxy.login}
        if url[:6].lower() == "https:":
            return {"headers": headers, "proxy": proxy.url, "proxy_headers": login}
        return {"headers": {**headers, **login}, "proxy": proxy.url}


def _look_up(scheme: str, host: str, port: int | None) -> Proxy | None:
    proxies = {kind: Secret(address) for kind, address in urllib.request.getproxies_environment().items()}
    if _is_this_machine(host) or _is_excepted(host, port or {"http": 80, "https": 443}.get(scheme), proxies.get("no")):
        return None
    for kind in (scheme, "all"):
        if proxies.get(kind):
            return _read(proxies[kind], _variable(kind))
    return None


def _variable(kind: str) -> str:
    """Give the variable from which this proxy came; the one in lower case goes first, as in Python's own rule."""
    lower = f"{kind}_proxy"
    return lower if os.environ.get(lower) else lower.upper()


def _read(text: str, variable: str) -> Proxy:
    text = Secret(text.strip())
    whole = Secret(text if "://" in text else f"http://{text}")
    host = addresses.host_of(whole)
    parts = urlsplit(whole) if host and not _UNUSABLE().search(whole) else None
    if parts is None or parts.path not in ("", "/"):
        raise UsageError(f"{variable}: {_HOW}")
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port is None else f":{parts.port}"
    return Proxy(f"{parts.scheme}://{shown}{port}", _login(parts.username, parts.password))


def _login(user: str | None, password: str | None) -> Secret | None:
    if not user and not password:
        return None
    words = unquote_to_bytes(user or "") + b":" + unquote_to_bytes(password or "")
    return Secret(f"Basic {base64.b64encode(words).decode()}")


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excepted(host: str, port: int | None, words: str | None) -> bool:
    """Whether NO_PROXY names this host: itself, a domain above it, a network that holds it, with a port or without."""
    return any(_covers(entry, host, port) for entry in re.split(r"[\s,]+", (words or "").strip().lower()) if entry)


def _covers(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    with contextlib.suppress(ValueError):  # neither an address nor a network
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    bare, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        if number != str(port):
            return False
        return _covers(bare, host, None)
    name = entry.removeprefix("*").lstrip(".").rstrip(".").strip("[]")
    return bool(name) and (host == name or host.endswith(f".{name}"))
