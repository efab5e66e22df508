"""What a client is made with: checked, and completed from the environment.

Laws of this file: the caller's token and address go before those of the environment; a bad one is refused before
anything is sent; the token never goes over plain http to a public host unless somebody has allowed it.
"""

from __future__ import annotations

import inspect
import math
import os
from ssl import SSLContext
from typing import Any, Final, Literal, Protocol, runtime_checkable
from urllib.parse import urlsplit

import attrs

from a2e_async.core import addresses, rules
from a2e_async.core.hooks import Webhook
from a2e_async.core.http import Transport
from a2e_async.core.patterns import late
from a2e_async.core.polling.schedule import Cadence
from a2e_async.core.retry import Retry
from a2e_async.core.rules import kind_of
from a2e_async.core.secrets import hide, masked
from a2e_async.core.transfers import Transfers
from a2e_async.engine.http.service import Token
from a2e_async.engine.http.session import HttpSession
from a2e_async.engine.http.token import clean_token
from a2e_async.errors import MissingTokenError, UsageError

TOKEN_VARIABLES: Final = ("A2E_API_KEY", "A2E_API_TOKEN", "A2E_TOKEN")
BASE_URL_VARIABLE: Final = "A2E_BASE_URL"
STORE_VARIABLE: Final = "A2E_STORE"
ALLOW_HTTP_VARIABLE: Final = "A2E_ALLOW_HTTP"
DEFAULT_BASE_URL: Final = "https://video.a2e.ai"
_DOCUMENTATION_HOST = "api.a2e.ai"
_API_PATH = late(r"/api(/v\d+(/.*)?)?/*$")
_LANG = late(r"[A-Za-z0-9]{2,8}(-[A-Za-z0-9]{1,8})*")
_BROKEN_SCHEME = late(r"((?i:https?))[:/]{1,3}([^:/].*)")
_UNUSABLE = late(r"[\s?#\\]")


@runtime_checkable
class Opener(Protocol):
    """A store, as far as it is known without importing one: see `store/ports.py`."""

    async def lease(self, ttl: float) -> Any:  # noqa: ANN401 - a lease of the store
        """Take a lease."""
        ...


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Config:
    """What a client was made with, checked; see `A2EClient`.

    Attributes:
        local: Whether the service is on this machine or a private network, as a simulator is.
        store: Where jobs are written down: an address, a store that is open, or None.
        lease: Seconds without a sign of life after which others take over what a process has there.
        token_source: Where the token came from, for errors: "token=" or the name of a variable.
    """

    base_url: str
    local: bool
    token: Token = attrs.field(repr=False)
    token_source: str
    cadence: Cadence
    retry: Retry
    max_starts: int
    max_running: int | None
    rate: float | None
    budget: float | None
    on_unknown_price: Literal["alone", "refuse"]
    webhook: Webhook | None
    http: HttpSession | Transport | None
    close_timeout: float
    lang: str | None
    allow_private_files: bool
    transfers: Transfers
    tls: SSLContext | None
    store: str | Opener | None = attrs.field(repr=False)
    lease: float

    def __attrs_post_init__(self) -> None:
        _check_kind("cadence", self.cadence, Cadence)
        _check_kind("retry", self.retry, Retry)
        _check_kind("webhook", self.webhook, Webhook, type(None))
        _check_kind("allow_private_files", self.allow_private_files, bool)
        _check_kind("transfers", self.transfers, Transfers)
        _check_kind("ssl", self.tls, SSLContext, type(None))
        _check_kind("max_starts", self.max_starts, int)
        _check_kind("close_timeout", self.close_timeout, int, float)
        _check_http(self.http)
        check_amount("lease", self.lease, least=0.5)
        if self.store is not None and not isinstance(self.store, str | Opener):
            raise UsageError(
                f"store: must be an address such as sqlite:///jobs.sqlite, or a store, not {kind_of(self.store)}"
            )
        check_amount("max_starts", self.max_starts, whole=True, least=1)
        check_amount("max_running", self.max_running, whole=True, least=1)
        check_amount("rate", self.rate, least=1e-6)
        check_amount("budget", self.budget)
        check_amount("close_timeout", self.close_timeout)
        if self.lang is not None and not (isinstance(self.lang, str) and _LANG().fullmatch(self.lang)):
            raise UsageError(f"lang: must be a language such as 'en-US', not {kind_of(self.lang)}")
        if self.on_unknown_price not in ("alone", "refuse"):
            raise UsageError(f"on_unknown_price: must be 'alone' or 'refuse', not {kind_of(self.on_unknown_price)}")
        if self.webhook is not None and not self.local:
            rules.require_https("webhook.url", self.webhook.url)


def configure(token: Token | None, base_url: str | None, *, allow_http: bool, **settings: Any) -> Config:  # noqa: ANN401 - fields of `Config`
    """Check and complete the arguments of a client.

    Raises:
        MissingTokenError: There is no token.
        UsageError: Another argument is not what it must be.
    """
    _check_kind("allow_http", allow_http, bool)
    address = find_base_url(base_url, allow_http=allow_http)
    found, source = find_token(token)
    settings["store"] = find_store(settings["store"])
    return Config(base_url=address, local=addresses.is_local(address), token=found, token_source=source, **settings)


def find_token(given: Token | None) -> tuple[Token, str]:
    """Give the caller's token, or the first one in the environment, and where it came from.

    Raises:
        MissingTokenError: There is none, or it is empty.
    """
    given = masked(given)
    if given is not None:
        return (given if callable(given) else clean_token(given)), "token="
    for variable in TOKEN_VARIABLES:
        if os.environ.get(variable, "").strip():
            return clean_token(os.environ[variable], variable), variable
    raise MissingTokenError(f"no token: give token= or set {', '.join(TOKEN_VARIABLES[:-1])} or {TOKEN_VARIABLES[-1]}")


def find_base_url(given: str | None, *, allow_http: bool = False) -> str:
    """Give the caller's base URL, that of the environment, or the service's own; without a slash at its end.

    Raises:
        UsageError: It is no http or https URL of a host, or one that would not lead to the service, or the token would
            be sent there unencrypted.
    """
    from_environment = os.environ.get(BASE_URL_VARIABLE, "").strip()
    name = "base_url" if given is not None or not from_environment else f"base_url (from {BASE_URL_VARIABLE})"
    url = given if given is not None else from_environment or DEFAULT_BASE_URL
    url = url.strip() if isinstance(url, str) else url
    if isinstance(url, str) and "@" in url.split("://")[-1].partition("/")[0]:
        raise UsageError(f"{name}: must not contain a user name or password")
    if not isinstance(url, str) or not url.isascii() or _UNUSABLE().search(url) or not addresses.host_of(url):
        meant = _meant(url)
        hint = f"; did you mean {meant}?" if meant else ""
        raise UsageError(f"{name}: must be an http or https URL such as {DEFAULT_BASE_URL}, not {kind_of(url)}{hint}")
    url = url.rstrip("/")
    if addresses.host_of(url).rstrip(".") == _DOCUMENTATION_HOST:
        raise UsageError(f"{name}: {_DOCUMENTATION_HOST} only serves documentation; the API is {DEFAULT_BASE_URL}")
    if _API_PATH().search(urlsplit(url).path):
        bare = _API_PATH().sub("", url)
        raise UsageError(f"{name}: must not contain the path of the API, which is added to it; use {bare}")
    if (
        url[:6].lower() != "https:"
        and not addresses.is_local(url)
        and not (allow_http or os.environ.get(ALLOW_HTTP_VARIABLE))
    ):
        allowed = f"allow it with allow_http=True or {ALLOW_HTTP_VARIABLE}=1"
        secure = f"https:{url.partition(':')[2]}"
        raise UsageError(f"{name}: the token would be sent to {url} unencrypted; use {secure}, or {allowed}")
    return url


def find_store(given: str | Opener | None) -> str | Opener | None:
    """Give the caller's store, or the address of one in the environment; None, or "": nothing is written down."""
    found = os.environ.get(STORE_VARIABLE, "").strip() if given is None else given
    return None if found == "" else found


def _meant(url: object) -> str:
    """Give the address that was meant by one whose scheme is missing or misspelt, "" for what may be a token."""
    if not isinstance(url, str) or not url.isascii() or _UNUSABLE().search(url) or hide(url) != url:
        return ""
    broken = _BROKEN_SCHEME().fullmatch(url)
    rest = broken[2] if broken else url
    scheme = broken[1] if broken else "http" if addresses.is_local(f"http://{rest}") else "https"
    host = addresses.host_of(f"{scheme}://{rest}")
    return f"{scheme}://{rest}" if "://" not in rest and ("." in host or host == "localhost") else ""


def _check_http(http: object) -> None:
    """Refuse what looks like a transport and is none, such as a client of httpx or requests."""
    if http is None or isinstance(http, HttpSession):
        return
    send = None if isinstance(http, type) else getattr(http, "send", None)
    try:
        if callable(send):
            inspect.signature(send).bind(object(), object())
            return
    except TypeError:
        pass
    except ValueError:  # nobody can say what it takes
        return
    kind = http if isinstance(http, type) else type(http)
    words = "must be an aiohttp.ClientSession or a Transport, which has `async def send(request, headers)`"
    raise UsageError(f"http: {words}, not {kind.__module__}.{kind.__qualname__}")


def _check_kind(name: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        words = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise UsageError(f"{name}: must be of type {words}, not {kind_of(value)}")


def check_amount(name: str, value: float | None, *, whole: bool = False, least: float = 0) -> None:
    """Refuse a setting that is no number of at least so much; None stands for "no limit" and passes.

    Raises:
        UsageError: It is not.
    """
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < math.inf:
        words = "a whole number" if whole else "a number"
        raise UsageError(f"{name}: must be {words} of at least {least:g}, not {kind_of(value)}")
