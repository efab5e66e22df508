"""From the arguments of a call to its request: rules, names, and the place of each argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, get_type_hints
from urllib.parse import quote

from a2e_async.core import rules
from a2e_async.core.family import Endpoint
from a2e_async.core.http import HttpRequest
from a2e_async.core.misuse import misuse
from a2e_async.core.requests import Field, SentAs, field_of, require_public
from a2e_async.core.texts import check_sendable

AN_ID = rules.an_id()

Id = Annotated[str, AN_ID, SentAs("_id")]
"""The id of something that the service knows, mostly 24 hexadecimal digits."""

Extra = Annotated[Mapping[str, Any], rules.mapping()]
"""Further fields by the service's own names, for what is not documented or newer than this version."""

Limit = Annotated[int, rules.whole(1)]
"""How many rows of a list at most."""

Seconds = Annotated[float, rules.number(0)]
"""How long to wait at most."""

Moment = Annotated[
    datetime,
    rules.Rule(
        "must be a datetime with a time zone", lambda value: isinstance(value, datetime) and value.tzinfo is not None
    ),
]
"""A point in time, sent as the service writes times."""


def given(
    refuse: Callable[..., None], group: object, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, local: bool
) -> dict[str, Any]:
    """Check the arguments of a call, and give them by the names they are sent under, without those that are None.

    Args:
        refuse: The method that has the arguments, and refuses what they may not be together.
        group: Its object.
        args: The positional arguments.
        kwargs: The others.
        local: Whether URLs may name this machine.

    Raises:
        InvalidRequestError: An argument breaks its rule.
    """
    signature, fields = _arguments(refuse)
    values = _bound(signature, group, args, kwargs)
    found: dict[str, Any] = {}
    for field in fields:
        value = values.get(field.name)
        if value is None and not field.required:
            continue
        field.rule.refuse(field.name, value)
        if not isinstance(value, datetime):  # which is sent as text
            check_sendable(field.name, value)
        if not local:
            require_public(field, value)
        found[field.key] = value
    refuse(group, *args, **kwargs)
    extra: Mapping[str, Any] = found.pop("extra", {})
    for field in fields:
        if field.key in extra:
            words = f"must not hold {field.key!r}, which is the argument {field.name}"
            raise rules.refuse("extra", extra, words)
    return {**found, **extra}


def _bound(
    signature: inspect.Signature, group: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Mapping[str, Any]:
    try:
        return signature.bind(group, *args, **kwargs).arguments
    except TypeError:
        refusal = misuse(signature, (group, *args), kwargs)
    raise refusal


def request_to(
    endpoint: Endpoint, arguments: Mapping[str, Any], seconds: float, segments: Mapping[str, str]
) -> HttpRequest:
    """Write the request of a call; see `Plan` for `seconds` and `segments`."""
    path, rest = endpoint.path, dict[str, Any]()
    for key, value in arguments.items():
        place, held = "{" + key + "}", _written(value)
        if place in path:
            path = path.replace(place, quote(segments.get(held, held), safe=""))
        else:
            rest[key] = held
    in_query = endpoint.method in ("GET", "DELETE")
    return HttpRequest(
        method=endpoint.method,
        path=path,
        query={key: _as_text(value) for key, value in rest.items()} if in_query else {},
        body=None if in_query else rest,
        route=f"{endpoint.method} {endpoint.path}",
        other=None if endpoint.older is None else request_to(endpoint.older, arguments, seconds, segments),
        seconds=seconds,
    )


def _written(value: Any) -> Any:  # noqa: ANN401 - any argument
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@functools.cache
def _arguments(refuse: Callable[..., None]) -> tuple[inspect.Signature, tuple[Field, ...]]:
    """Read the arguments of a method once, at its first call."""
    signature, hints = inspect.signature(refuse), get_type_hints(refuse, include_extras=True)
    _self, *named = signature.parameters.values()
    none = inspect.Parameter.empty
    return signature, tuple(field_of(one.name, hints[one.name], required=one.default is none) for one in named)
