"""Where a client's token and address come from: the caller first, then the environment."""

from __future__ import annotations

import math
import os
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from a2e_async.core.rules import kind_of
from a2e_async.engine.http.service import Token
from a2e_async.engine.http.token import clean_token
from a2e_async.errors import MissingTokenError, UsageError

TOKEN_VARIABLES: Final = ("A2E_API_KEY", "A2E_API_TOKEN", "A2E_TOKEN")
BASE_URL_VARIABLE: Final = "A2E_BASE_URL"
DEFAULT_BASE_URL: Final = "https://video.a2e.ai"
_DOCUMENTATION_HOST = "api.a2e.ai"
_UNUSABLE = re.compile(r"[\s?#]")


def find_token(given: Token | None) -> Token:
    """Give the caller's token, or the first one in the environment.

    Raises:
        MissingTokenError: There is none, or it is empty.
    """
    if given is not None:
        return given if callable(given) else clean_token(given)
    for variable in TOKEN_VARIABLES:
        if os.environ.get(variable, "").strip():
            return clean_token(os.environ[variable])
    raise MissingTokenError(f"no token: give token= or set {', '.join(TOKEN_VARIABLES[:-1])} or {TOKEN_VARIABLES[-1]}")


def find_base_url(given: str | None) -> str:
    """Give the caller's base URL, that of the environment, or the service's own; without a slash at its end.

    Raises:
        UsageError: It is no http or https URL of a host, or names the host of the documentation.
    """
    url = given if given is not None else os.environ.get(BASE_URL_VARIABLE, "").strip() or DEFAULT_BASE_URL
    url = url.strip() if isinstance(url, str) else url
    parts = _parts(url)
    if parts is None:
        raise UsageError(f"base_url: must be an http or https URL such as {DEFAULT_BASE_URL}, not {kind_of(url)}")
    if parts.username or parts.password:
        raise UsageError("base_url: must hold no user name and no password")
    if parts.hostname == _DOCUMENTATION_HOST:
        raise UsageError(f"base_url: {_DOCUMENTATION_HOST} only serves documentation; the API is {DEFAULT_BASE_URL}")
    return url.rstrip("/")


def _parts(url: object) -> SplitResult | None:
    """Take a URL apart, None when it is no http or https URL of a host."""
    if not isinstance(url, str) or _UNUSABLE.search(url):
        return None
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


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
