"""Rules of request fields, checked before anything is sent.

Each function returns an attrs validator. Every refusal is an `InvalidRequestError` that names the field,
the kind of the value and the rule; it shows no more of the value than its kind, for a value can be a secret.
A field whose default is None may be None: it is not sent then.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import attrs

from a2e_async.errors import InvalidRequestError

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]

IS_LINK = "link"
"""Metadata key of fields that hold URLs the service will fetch."""

_SPACE = re.compile(r"\s")
_HEADER = re.compile(r"[!-~]([ -~]*[!-~])?")
_LONG_NUMBER = 1e18


def refuse(field: str, value: object, rule: str) -> InvalidRequestError:
    """Build the error for a value that breaks the rule of a field."""
    return InvalidRequestError(f"{field}: {rule}, not {kind_of(value)}", field=field, rule=rule)


def kind_of(value: object) -> str:
    """Say what kind of value this is, in a few words and without showing its text."""
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"str of {len(value)} characters"
    if isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < _LONG_NUMBER):
        return f"{type(value).__name__} {value}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__


def _rule(check: Callable[[Any], bool], words: str) -> Validator:
    def validate(_request: object, attribute: attrs.Attribute[Any], value: Any) -> None:  # noqa: ANN401 - any value may come
        if value is None and attribute.default is None:
            return
        if not check(value):
            raise refuse(attribute.name, value, words)

    return validate


def text(at_most: int | None = None) -> Validator:
    """Text that is not blank, of at most so many characters."""
    words = "must be text that is not blank" + (f", at most {at_most} characters" if at_most else "")
    return _rule(
        lambda value: isinstance(value, str) and bool(value.strip()) and (at_most is None or len(value) <= at_most),
        words,
    )


def header(at_most: int) -> Validator:
    """Text that can stand in an HTTP header as it is, of at most so many characters."""
    return _rule(
        lambda value: isinstance(value, str) and bool(_HEADER.fullmatch(value)) and len(value) <= at_most,
        f"must be printable ASCII without spaces round it, at most {at_most} characters",
    )


def one_of(*allowed: str | int) -> Validator:
    """One of these values."""
    words = "must be " + " or ".join(filter(None, [", ".join(map(repr, allowed[:-1])), repr(allowed[-1])]))
    return _rule(lambda value: not isinstance(value, bool) and value in allowed, words)


def whole(at_least: int, at_most: int | None = None) -> Validator:
    """A whole number within these bounds."""
    words = f"must be a whole number from {at_least}" + (f" to {at_most}" if at_most is not None else "")
    return _rule(
        lambda value: (
            isinstance(value, int)
            and not isinstance(value, bool)
            and value >= at_least
            and (at_most is None or value <= at_most)
        ),
        words,
    )


def flag() -> Validator:
    """True or False."""
    return _rule(lambda value: isinstance(value, bool), "must be True or False")


def link() -> Validator:
    """A URL the service can fetch: http or https, with a host, without spaces (wire.md 0.9)."""
    return _rule(_is_link, "must be an http or https URL with a host and without spaces (no data: URL)")


def links(at_most: int) -> Validator:
    """A list of at most so many URLs the service can fetch."""
    words = f"must be a list of 1 to {at_most} http or https URLs without spaces (no data: URL)"
    return _rule(
        lambda value: isinstance(value, list | tuple) and 1 <= len(value) <= at_most and all(map(_is_link, value)),
        words,
    )


def https(at_most: int) -> Validator:
    """An https URL of at most so many characters; also http on this machine or a private network, for a simulator.

    The service itself takes https alone: `require_https` is asked before a start goes there.
    """
    return _rule(
        lambda value: _is_link(value) and (_is_https(value) or is_local(value)) and len(value) <= at_most,
        f"must be an https URL without spaces, at most {at_most} characters",
    )


def require_https(field: str, url: str | None) -> None:
    """Refuse a URL that only a simulator on this machine would take."""
    if url is not None and not _is_https(url):
        raise refuse(field, url, "must be an https URL; only a simulator on this machine takes http")


def _is_https(url: str) -> bool:
    return url.lower().startswith("https://")


def _is_link(value: object) -> bool:
    if not isinstance(value, str) or _SPACE.search(value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def is_local(url: str) -> bool:
    """Whether the URL names this machine or a private network, which the service cannot reach."""
    host = (urlsplit(url).hostname or "").lower().rstrip(".")
    if host == "localhost" or host.endswith((".localhost", ".local")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified


def require_public_links(request: attrs.AttrsInstance) -> None:
    """Refuse a request one of whose links names this machine or a private network."""
    for attribute in attrs.fields(type(request)):
        if not attribute.metadata.get(IS_LINK):
            continue
        value = getattr(request, attribute.name)
        urls: Sequence[str] = [value] if isinstance(value, str) else value or ()
        if any(map(is_local, urls)):
            rule = "must be reachable by the service, so no localhost and no private address (upload the file first)"
            raise refuse(attribute.name, value, rule)
