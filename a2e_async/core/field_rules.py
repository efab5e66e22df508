"""Rules that few requests need: of links, and between the fields of one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from a2e_async.core import media, rules
from a2e_async.core.records import Result
from a2e_async.core.requests import Request

Seed = Annotated[int, rules.whole(0, 2**31 - 1)]
"""A number from which chance begins; the same one gives a like result."""


def secure_link() -> rules.Rule:
    """A URL that the service fetches over https alone; also one on this machine, for a simulator."""
    link = rules.link()
    return rules.Rule(
        "must be an https URL with a host and without spaces (no data: URL)",
        lambda value: link.check(value) and (value.lower().startswith("https://") or rules.is_local(value)),
        link=True,
    )


def link_to(*suffixes: str) -> rules.Rule:
    """A URL that the service fetches and whose path ends in one of these."""
    link = rules.link()
    return rules.Rule(
        f"must be an http or https URL without spaces whose path ends in {_either(suffixes)}",
        lambda value: link.check(value) and media.suffix_of(value) in suffixes,
        link=True,
    )


def need(request: Request[Result], fields: Sequence[str], why: str) -> None:
    """Refuse a request that lacks one of these fields, such as `why="with mode 'reference'"`."""
    for field in fields:
        if getattr(request, field) is None:
            raise rules.refuse(field, None, f"must be given {why}")


def need_one(request: Request[Result], fields: Sequence[str], why: str = "") -> None:
    """Refuse a request that has none of these fields; the refusal names the first."""
    if all(getattr(request, field) is None for field in fields):
        raise rules.refuse(fields[0], None, f"one of {_either(fields)} must be given {why}".rstrip())


def forbid(request: Request[Result], fields: Sequence[str], why: str) -> None:
    """Refuse a request that has one of these fields, such as `why="without mode 'reference'"`."""
    for field in fields:
        value = getattr(request, field)
        if value is not None:
            raise rules.refuse(field, value, f"must not be given {why}")


def narrow(request: Request[Result], field: str, rule: rules.Rule, why: str) -> None:
    """Refuse a field, if it is given, that breaks a narrower rule than its own."""
    value = getattr(request, field)
    if value is not None and not rule.check(value):
        raise rules.refuse(field, value, f"{rule.words} {why}")


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
