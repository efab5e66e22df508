"""From the `data` of an answer to values: tolerant of what is missing or new, but nonsense is an error.

What the service answers to most calls is documented nowhere. So a value takes each attribute from the first place that
fits, keeps "" or None where none does, and holds all else in `extra`.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import attrs
import cattrs

from a2e_async.core import replies, wire
from a2e_async.core.converter import CONVERTER
from a2e_async.core.family import family_of
from a2e_async.core.records import Record
from a2e_async.errors import ProtocolError

V = TypeVar("V", bound="Value")


@attrs.frozen(kw_only=True)
class Value:
    """Something the service tells.

    Attributes:
        extra: Fields of the answer that have no attribute here.
    """

    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


class At:
    """Marks where the service keeps an attribute: the first of these places that is there and fits."""

    def __init__(self, *places: str) -> None:
        self.places = places


Named = Annotated[str, At("_id", "id", "value")]
"""An id, under whichever name."""


def value(kind: type[V], held: Mapping[str, Any]) -> V:
    """Read one value."""
    found: dict[str, Any] = {}
    known: set[str] = set()
    for name, places, options in _attributes(kind):  # type: ignore[arg-type]  # a class can be hashed
        for place in places:
            fit = _fit(held.get(place), options)
            if fit is not None:
                found[name] = fit
            if fit is not None or held.get(place) is None:
                known.add(place)
            if fit is not None:
                break
    return kind(extra={key: other for key, other in held.items() if key not in known and key != "trace_id"}, **found)


def one(kind: type[V], *needed: str) -> Callable[[Any], V]:
    """Give a reader of one value, which must have these attributes."""

    def read(data: Any) -> V:  # noqa: ANN401 - any JSON shape
        rows = replies.rows_of(data) or ([data] if isinstance(data, dict) else [])
        if not rows:
            raise ProtocolError(f"the answer holds no {kind.__name__}")
        found = value(kind, rows[0])
        for name in needed:
            if not getattr(found, name):
                raise ProtocolError(f"the answer holds a {kind.__name__} without its {name}")
        return found

    read.__annotations__["return"] = kind
    return read


def row(kind: type[V]) -> Callable[[Mapping[str, Any]], V]:
    """Give a reader of one row of a list."""

    def read(held: Mapping[str, Any]) -> V:
        return value(kind, held)

    read.__annotations__["return"] = kind
    return read


def each(kind: type[V]) -> Callable[[Any], list[V]]:
    """Give a reader of a list of values, which may be empty."""

    def read(data: Any) -> list[V]:  # noqa: ANN401 - any JSON shape
        return [value(kind, held) for held in rows(data)]

    read.__annotations__["return"] = list[kind]  # type: ignore[valid-type]  # for help(), not for a checker
    return read


def rows(data: object) -> list[dict[str, Any]]:
    """Give the rows of a list, whichever of its shapes it has (service.md 0.3).

    Raises:
        ProtocolError: There is no list.
    """
    found = replies.rows_of(data)
    if not found and not replies.is_list(data):
        raise ProtocolError("the answer should be a list, and is none")
    return found


def tasks(family: str) -> Callable[[Any], list[Record]]:
    """Give a reader of the records of a family's tasks, which may be none; rows without an id are left out."""

    def read(data: Any) -> list[Record]:  # noqa: ANN401 - any JSON shape
        known = family_of(family)
        return [wire.record(known, row) for row in rows(data) if replies.row_id(row)]

    read.__annotations__["return"] = list[Record]
    return read


def task(family: str) -> Callable[[Any], Record | None]:
    """Give a reader of the record of the task that a call has moved, None where the answer names none."""

    def read(data: Any) -> Record | None:  # noqa: ANN401 - any JSON shape
        known = family_of(family)
        return next((wire.record(known, row) for row in replies.rows_of(data) if replies.row_id(row)), None)

    read.__annotations__["return"] = Record | None
    return read


def text(*places: str) -> Callable[[Any], str]:
    """Give a reader of an answer that is a text, alone or in one of these places."""

    def read(data: Any) -> str:  # noqa: ANN401 - any JSON shape
        kept = data if isinstance(data, dict) else {"": data}
        for place in ("", *places):
            held = kept.get(place)
            if isinstance(held, str) and held.strip():
                return held
        raise ProtocolError("the answer should hold a text, and has none")

    read.__annotations__["return"] = str
    return read


def url_in(*places: str) -> Callable[[Any], str]:
    """Give a reader of an answer that is a URL, alone or in one of these places."""
    read_text = text(*places)

    def read(data: Any) -> str:  # noqa: ANN401 - any JSON shape
        found = read_text(data)
        if not found.lower().startswith(("http://", "https://")):
            raise ProtocolError("the answer should hold a URL, and has none")
        return found

    read.__annotations__["return"] = str
    return read


def nothing(_data: object) -> None:
    """Read an answer that only says yes."""


def anything(data: Any) -> Any:  # noqa: ANN401 - any JSON shape
    """Give an answer as it came, where nothing is known of its shape."""
    return data


@functools.cache
def _attributes(kind: type[Value]) -> tuple[tuple[str, tuple[str, ...], tuple[Any, ...]], ...]:
    """Say of each attribute its name, where it is kept and which types it may have; read once, at first use."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_attribute(field.name, hints[field.name]) for field in attrs.fields(kind) if field.name != "extra")


def _attribute(name: str, hint: Any) -> tuple[str, tuple[str, ...], tuple[Any, ...]]:  # noqa: ANN401 - a type
    places: tuple[str, ...] = (name,)
    if get_origin(hint) is Annotated:
        hint, mark = get_args(hint)
        places = mark.places
    options = get_args(hint) if get_origin(hint) is types.UnionType else (hint,)
    return name, places, tuple(option for option in options if option is not types.NoneType)


def _fit(held: Any, options: tuple[Any, ...]) -> Any:  # noqa: ANN401 - an attribute's value
    """Give what was held as one of these types, None where it is none of them."""
    for option in options if held is not None else ():
        try:
            return CONVERTER.structure(held, option)
        except (ValueError, TypeError, cattrs.BaseValidationError):
            continue
    return None
