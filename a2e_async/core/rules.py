"""Rules of fields, checked before anything is sent.

Each function gives a `Rule`, which a request's field carries in its `Annotated` type and any other attrs class as its
validator. Every refusal is an `InvalidRequestError` that names the field, the value and the rule; a value is shown
shortened and without queries of URLs, and one that may be a secret is not shown at all. A field whose default is None
may be None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

import attrs

from a2e_async.core import inputs
from a2e_async.core.addresses import host_of, is_local
from a2e_async.core.patterns import late
from a2e_async.core.secrets import Secret, hide, is_secret, masked
from a2e_async.errors import InvalidRequestError

_OBJECT_ID = late(r"[0-9a-fA-F]{24}")
_SPACE = late(r"\s")
_SCHEME = late(r"\s*[A-Za-z][A-Za-z0-9+.-]+:")
_PLAIN_LINK = re.compile(r"https?://(?:[a-z0-9-]{1,63}\.){1,3}[a-z][a-z0-9-]{0,61}[a-z0-9](:\d{1,4})?(/[!-~]*)?")
_HEADER = late(r"[!-~]([ -~]*[!-~])?")
_ID = late(r"[A-Za-z0-9_-]{1,64}")
_LONG_NUMBER = 1e18
_SHOWN = 60  # characters of a value that a refusal shows
_FEW = 3
_SCALARS = (str, int, float)
_URL = "must be an http or https URL with a host and without spaces (no data: URL)"


@attrs.frozen
class Rule:
    """What a field may hold.

    Attributes:
        words: The rule in words, such as "must be True or False".
        check: Whether a value keeps it.
        link: Whether the value is a URL, or URLs, that the service will fetch, or what becomes one: a file, a result, a
            record or a job.
        suffixes: What the path of the URL must end in, () for anything.
    """

    words: str
    check: Callable[[Any], bool]
    link: bool = False
    suffixes: tuple[str, ...] = ()

    def refuse(self, field: str, value: object) -> None:
        """Refuse a value that breaks the rule."""
        if not self.check(value):
            raise refuse(field, value, self.words, hint=_hint(value) if self.link else "")

    @property
    def takes_files(self) -> bool:
        """Whether there are URLs in the value."""
        return self.link

    def urls(self, held: Any) -> Iterator[str]:  # noqa: ANN401 - whatever the field holds
        """Give the URLs in a value, which keeps the rule, that the service will fetch."""
        if self.link:
            yield from (one for one in (held if isinstance(held, list | tuple) else (held,)) if isinstance(one, str))

    def __call__(self, _owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
        """Do the same as a validator of attrs."""
        if value is not None or attribute.default is not None:
            self.refuse(attribute.name, value)


def refuse(field: str, value: object, rule: str, *, hint: str = "") -> InvalidRequestError:
    """Build the error for a value that breaks the rule of a field; a hint says what may have been meant."""
    seen = masked(value) if is_secret(field) else value
    return InvalidRequestError(f"{field}: {rule}, not {kind_of(seen)}{hint}", field=field, rule=rule)


def _hint(value: object) -> str:
    """Say how what may have been meant is given: a text that is no URL is mostly a path."""
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, str) and not _is_url(one) and one.strip() and not _SCHEME().match(one):
            return f"; a file is given as Path({_shown(one).removesuffix(' (str)')})"
        if flaw := inputs.flaw_of(one):
            return f"; this is {flaw}"
    return ""


def kind_of(value: object) -> str:
    """Show a value in a few words: shortened, and no more than its kind where it can hold a secret."""
    if value is None:
        return "None"
    if isinstance(value, Secret):
        return f"str of {len(value)} characters"
    if isinstance(value, str):
        return _shown(value)
    if isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < _LONG_NUMBER):
        return f"{type(value).__name__} {value}"
    if isinstance(value, list | tuple):
        parts = [kind_of(one).removesuffix(" (str)") for one in value[:_FEW]]
        more = f", ... ({len(value)} in all)" if len(value) > _FEW else ""
        return f"{type(value).__name__} [{', '.join(parts)}{more}]"
    return _kind_alone(value)


def _kind_alone(value: object) -> str:
    if isinstance(value, PurePath):
        return f"Path({inputs.short_name(hide(str(value)))!r})"
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, Mapping) else type(value).__name__


def _shown(text: str) -> str:
    """Show the beginning of a text, of a URL without its query, which can be a signature."""
    seen = hide(text.partition("?")[0] if "://" in text else text)
    return f"{seen!r} (str)" if len(seen) <= _SHOWN else f"{seen[:_SHOWN]!r}... (str of {len(text)} characters)"


def text(at_most: int | None = None) -> Rule:
    """Text that is not blank, of at most so many characters."""
    words = "must be text that is not blank" + (f", at most {at_most} characters" if at_most else "")
    return Rule(
        words,
        lambda value: isinstance(value, str) and bool(value.strip()) and (at_most is None or len(value) <= at_most),
    )


def header(at_most: int) -> Rule:
    """Text that can stand in an HTTP header as it is, of at most so many characters."""
    return Rule(
        f"must be printable ASCII without spaces round it, at most {at_most} characters",
        lambda value: isinstance(value, str) and bool(_HEADER().fullmatch(value)) and len(value) <= at_most,
    )


def an_id() -> Rule:
    """An id of the service, mostly 24 hexadecimal digits; it becomes part of a path, so nothing else may be in it."""
    return Rule(
        "must be an id: 1 to 64 letters, digits, - and _",
        lambda value: isinstance(value, str) and _ID().fullmatch(value) is not None,
    )


def check_ids(*task_ids: str) -> None:
    """Refuse task ids that are none.

    Raises:
        InvalidRequestError: There is none, or one is none.
    """
    for task_id in task_ids or (None,):
        an_id().refuse("task_ids", task_id)


def object_id() -> Rule:
    """An id as the service makes them, where its schema or its text says so."""
    words = "must be an id of 24 hexadecimal digits"
    return Rule(words, lambda value: isinstance(value, str) and _OBJECT_ID().fullmatch(value) is not None)


def one_of(*allowed: str | int) -> Rule:
    """One of these values."""
    words = "must be " + " or ".join(filter(None, [", ".join(map(repr, allowed[:-1])), repr(allowed[-1])]))
    return Rule(words, lambda value: type(value) in _SCALARS and value in allowed)


def whole(at_least: int | None = None, at_most: int | None = None) -> Rule:
    """A whole number within these bounds."""
    words = "must be a whole number" + _bounds(at_least, at_most)
    return Rule(words, lambda value: type(value) is int and _is_within(value, at_least, at_most))


def number(at_least: float | None = None, at_most: float | None = None) -> Rule:
    """A finite number within these bounds."""
    words = "must be a number" + _bounds(at_least, at_most)
    return Rule(
        words, lambda value: type(value) in (int, float) and _is_finite(value) and _is_within(value, at_least, at_most)
    )


def flag() -> Rule:
    """True or False."""
    return Rule("must be True or False", lambda value: isinstance(value, bool))


def texts(at_most: int | None = None) -> Rule:
    """A list of texts that are not blank."""
    words = "must be a list of " + (f"1 to {at_most} texts" if at_most else "at least one text") + " that are not blank"
    return Rule(words, lambda value: _is_list(value, 1, at_most) and all(map(_is_text, value)))


def mapping(*needed: str) -> Rule:
    """A JSON object, with at least these keys."""
    words = "must be a mapping with text as keys" + (f", among them {', '.join(needed)}" if needed else "")
    return Rule(
        words,
        lambda value: isinstance(value, Mapping) and all(map(_is_text, value)) and all(key in value for key in needed),
    )


def mappings(at_most: int | None = None) -> Rule:
    """A list of JSON objects."""
    words = "must be a list of " + (f"1 to {at_most}" if at_most else "at least one") + " mapping(s)"
    return Rule(words, lambda value: _is_list(value, 1, at_most) and all(isinstance(one, Mapping) for one in value))


def url() -> Rule:
    """What the service can fetch: a URL, http or https, with a host, without spaces (service.md 0.9); or an input."""
    return Rule(_URL, _is_media, link=True)


def bare_url() -> Rule:
    """A URL the service can fetch, and nothing else: for calls, which take no files."""
    return Rule(_URL, _is_url, link=True)


def urls(at_most: int | None = None, at_least: int = 1) -> Rule:
    """A list of so many URLs the service can fetch, or inputs."""
    many = f"at least {at_least}" if at_most is None else f"{at_least} to {at_most}" if at_least != at_most else at_most
    words = f"must be a list of {many} http or https URLs without spaces (no data: URL)"
    return Rule(words, lambda value: _is_list(value, at_least, at_most) and all(map(_is_media, value)), link=True)


def https(at_most: int) -> Rule:
    """An https URL of at most so many characters; also http on this machine or a private network, for a simulator.

    The service itself takes https alone: `require_https` is asked before a start goes there.
    """
    return Rule(
        f"must be an https URL without spaces, at most {at_most} characters",
        lambda value: _is_url(value) and (_is_https(value) or is_local(value)) and len(value) <= at_most,
    )


def require_https(field: str, url: str | None) -> None:
    """Refuse a URL that only a simulator on this machine would take."""
    if url is not None and not _is_https(url):
        raise refuse(field, url, "must be an https URL; only a simulator on this machine takes http")


def _bounds(at_least: float | None, at_most: float | None) -> str:
    low = "" if at_least is None else f" from {at_least}"
    return low + ("" if at_most is None else f" to {at_most}")


def _is_within(value: float, at_least: float | None, at_most: float | None) -> bool:
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def _is_finite(value: float) -> bool:
    return abs(value) < _LONG_NUMBER


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list(value: object, at_least: int, at_most: int | None) -> bool:
    return isinstance(value, list | tuple) and _is_within(len(value), at_least, at_most)


def _is_https(url: str) -> bool:
    return url.lower().startswith("https://")


def _is_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    if _PLAIN_LINK.fullmatch(value):  # most are, and need no closer look
        return True
    return not _SPACE().search(value) and host_of(value) != ""


def _is_media(value: object) -> bool:
    return _is_url(value) if isinstance(value, str) else inputs.is_input(value)
