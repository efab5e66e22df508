"""The only cattrs converter of the package: requests to bodies, and values of replies to plain types.

It is strict where cattrs is lenient: null never becomes "None", "false" never True, "123" never a list. Loaded with
the first client, as cattrs takes its time, and nothing before that needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

import attrs
import cattrs
from cattrs.fns import identity
from cattrs.gen import make_dict_unstructure_fn, override

from a2e_async.core import rules
from a2e_async.core.family import Request
from a2e_async.core.fields import Field
from a2e_async.core.inputs import replaced
from a2e_async.core.records import Result
from a2e_async.core.requests import fields_of
from a2e_async.core.scalars import is_number, read_time

_PLAIN: frozenset[type] = frozenset({str, int, float, bool})
"""What is written as it is; cattrs would call a function for each field that may also be None."""


def _strict(kind: type, *also: type) -> Any:  # noqa: ANN401 - a cattrs hook
    def structure(value: Any, _to: Any) -> Any:  # noqa: ANN401 - a cattrs hook
        if type(value) is not kind and type(value) not in also:
            raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
        if kind is float and not is_number(value):
            raise ValueError("expected a finite number")
        return value

    return structure


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(prefer_attrib_converters=False)
    converter.register_structure_hook(str, _strict(str))
    converter.register_structure_hook(bool, _strict(bool))
    converter.register_structure_hook(int, _strict(int))
    converter.register_structure_hook(float, _strict(float, int))
    converter.register_structure_hook(datetime, read_time)
    converter.register_unstructure_hook_factory(
        lambda kind: isinstance(kind, type) and issubclass(kind, Request),
        lambda kind: _under_both_names(kind, make_dict_unstructure_fn(kind, converter, **_overrides(kind))),
    )
    return converter


def _overrides(kind: type[Request[Result]]) -> dict[str, Any]:
    """Say how the fields of a request differ in the body from what they are in Python."""
    unset = {field.name: field.default is None for field in attrs.fields(kind)}  # type: ignore[arg-type]  # attrs class
    written = {
        field.name: override(
            rename=field.key,
            unstruct_hook=_hook_of(field),
            omit_if_default=unset[field.name],
        )
        for field in fields_of(kind)
    }
    return {**written, "extra": override(omit=True)}


def _hook_of(field: Field) -> Callable[[Any], Any] | None:
    """Give what writes a field; None where cattrs finds it by the field's type."""
    if field.media:
        return _sent_as_url(field)
    if field.write:
        return _written_by(field.write)
    return identity if field.kind in _PLAIN else None


def _under_both_names(kind: type[Request[Result]], write: Callable[[Any], dict[str, Any]]) -> Callable[[Any], Any]:
    """Send a field that has two names in the body under both."""
    twins = [(field.key, field.also) for field in fields_of(kind) if field.also]

    def write_both(request: Request[Result]) -> dict[str, Any]:
        body = write(request)
        return body | {also: body[key] for key, also in twins if key in body}

    return write_both if twins else write


def _sent_as_url(field: Field) -> Callable[[Any], Any]:
    """Send what a field of files holds; an input that has not become a URL yet has nothing to be sent."""

    def refuse(value: object) -> NoReturn:
        rule = (
            "must be a URL where a request is written down: its files are uploaded, and its jobs waited for, by a start"
        )
        raise rules.refuse(field.name, value, rule)

    def sent(value: Any) -> Any:  # noqa: ANN401 - whatever the field holds
        return value if isinstance(value, str) else replaced(value, refuse)

    return sent


def _written_by(write: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else write(value)


CONVERTER = _converter()
