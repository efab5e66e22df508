"""What the classes of requests consist of: their fields, and what reads the values of all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, get_type_hints

import attrs

from a2e_async.core.fields import Field, field_of
from a2e_async.core.inputs import Made, is_input, output_of, replaced
from a2e_async.core.secrets import is_secret
from a2e_async.core.shapes import at_kinds


@attrs.frozen(eq=False, repr=False)
class RequestPlan:
    """What a request class consists of, and what reads the values of all its fields, or of those that take files."""

    fields: tuple[Field, ...]
    values: Callable[[object], tuple[Any, ...]]
    media: tuple[str, ...]
    files: Callable[[object], tuple[Any, ...]]


_SUFFIXES = {"image": ".png", "video": ".mp4", "audio": ".mp3"}
_plans: dict[type[object], RequestPlan] = {}


def fields_of(kind: type[object]) -> tuple[Field, ...]:
    """Give the fields of a request class, those of its own before those that many have."""
    return plan_of(kind).fields


def plan_of(kind: type[object]) -> RequestPlan:
    """Give what a request class consists of."""
    plan = _plans.get(kind)
    if plan is None:  # two threads that meet here both make a whole one; which is kept does not matter
        hints = get_type_hints(kind, include_extras=True)
        found = [_field(field, hints[field.name]) for field in attrs.fields(kind)]  # type: ignore[arg-type]  # attrs class
        fields = tuple(sorted(found, key=lambda field: (not field.required, field.inherited)))
        media = tuple(field.name for field in fields if field.media)
        plan = _plans[kind] = RequestPlan(fields, _reader([field.name for field in fields]), media, _reader(media))
    return plan


def kinds_made(makes: str, request: type[object]) -> frozenset[str]:
    """Give what a family may make: what it says, or, where it gives back what it is given, an image or a video."""
    either = {"image", "video"}
    gives_back = any(either <= set(field.media) for field in fields_of(request) if field.required)
    return frozenset({makes} | (either if gives_back and makes == "video" else set()))


def at_media(field: Field, value: Any, give: Callable[[Any, Field], Any]) -> Any:  # noqa: ANN401 - whatever it holds
    """Give a field's value with something else wherever it has a URL, or what becomes one.

    Args:
        field: The field.
        value: The value.
        give: Called with what stands in each of these places, and the field as it is there: inside of an object it
            takes what the object's `type` says.
    """

    def at(one: Any, kinds: tuple[str, ...] | None) -> Any:  # noqa: ANN401 - likewise
        return give(one, field if kinds is None else attrs.evolve(field, media=kinds))

    return at_kinds(field.rule, value, at)


def holds_inputs(request: object) -> bool:
    """Whether a request holds something that is no URL yet; of one field or two, as most have, it takes no time."""
    for value in plan_of(type(request)).files(request):
        if value is not None and not isinstance(value, str):
            return bool(inputs_in(request))
    return False


def inputs_in(request: object) -> dict[str, Any]:
    """Give the fields of a request that hold something that is no URL yet, and what they hold."""
    plan = plan_of(type(request))
    return {
        name: value
        for name, value in zip(plan.media, plan.files(request), strict=True)
        if value is not None and not isinstance(value, str) and any(map(is_input, each_input(value)))
    }


def stand_in(request: Any) -> Any:  # noqa: ANN401 - a request
    """Give a request with some URL in the place of each input that is none yet, to ask for its price."""
    given = inputs_in(request)
    if not given:
        return request
    sent: dict[str, Any] = {}
    for field in fields_of(type(request)):
        if field.name in given:
            suffix = (*field.rule.suffixes, *(_SUFFIXES[kind] for kind in field.media))[0]
            sent[field.name] = replaced(given[field.name], lambda value, suffix=suffix: _some_url(value, suffix))
    return request.replace(**sent)


def _some_url(value: object, suffix: str) -> str:
    return output_of(value) if isinstance(value, Made) else f"https://files.example.net/input{suffix}"


def each_input(value: Any) -> list[Any]:  # noqa: ANN401 - whatever the field holds
    """Give what stands in a value of a field, at whatever depth, besides texts and numbers."""
    found: list[Any] = []
    replaced(value, found.append)
    return found


def _reader(names: Sequence[str]) -> Callable[[object], tuple[Any, ...]]:
    if not names:
        return lambda _value: ()
    get: Callable[[object], Any] = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)  # for one name attrgetter gives the bare value


def _field(field: attrs.Attribute[Any], hint: object) -> Field:
    secret = is_secret(field.name) or (not field.repr and field.name != "extra")
    return field_of(field.name, hint, required=field.default is attrs.NOTHING, secret=secret)
