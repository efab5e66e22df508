"""The fields of requests and calls as annotations describe them: their type, their rule, and how they are sent."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from a2e_async.core import rules

INHERITED = frozenset({"extra", "name", "webhook_url", "webhook_token"})
"""Fields that many requests have."""


@attrs.frozen
class SentAs:
    """Marks a field whose name in the body is another one, such as `Annotated[str, SentAs("imageUrl")]`.

    Attributes:
        key: Its name in the body.
        also: A second name under which the same value is sent, for servers that know only that spelling.
    """

    key: str
    also: str = ""


@attrs.frozen
class WrittenBy:
    """Marks a field whose value is another one in the body.

    Attributes:
        write: Gives that value; the field's own keeps its rule and is not None.
    """

    write: Callable[[Any], Any]


AS_TEXT = WrittenBy(str)
"""Marks a number that the service wants as text, such as `Annotated[int, rules.whole(2, 15), AS_TEXT]`."""

Url = Annotated[str, rules.url()]
"""A URL that the service will fetch: public, http or https, without a redirect (service.md 0.9)."""


@attrs.frozen
class _Shows:
    """The mark of a URL whose file is of a certain kind."""

    what: str


IMAGE = _Shows("image")
"""Marks a URL, or URLs, of images, such as `Annotated[Sequence[str], rules.urls(9), IMAGE]`."""

Image = Annotated[Url, IMAGE]
"""A URL of an image that the service will fetch."""


@attrs.frozen(kw_only=True)
class Field:
    """One field of a request class.

    Attributes:
        name: Its name in Python, on the command line and in files.
        key: Its name in the body.
        also: Its second name in the body, "" where it has none.
        kind: The plain type of its values: str, int, float, bool, list or dict.
        item: The plain type of a list's items, str otherwise.
        choices: The values it may have, where they are few.
        rule: What it may hold.
        required: Whether it must be given.
        write: Gives what is sent for its value, None where that is the value itself.
        image: Whether it takes an image, or images, by URL.
        secret: Whether it is kept out of what people see.
        inherited: Whether many requests have it, such as `name`.
    """

    name: str
    key: str
    also: str
    kind: type
    item: type
    choices: tuple[str | int | float, ...]
    rule: rules.Rule
    required: bool
    write: Callable[[Any], Any] | None
    image: bool
    secret: bool
    inherited: bool


def field_of(name: str, hint: object, *, required: bool, secret: bool = False) -> Field:
    """Give the field that an annotation describes, with the rule that its type carries."""
    plain, marks = _unwrapped(hint)
    choices = get_args(plain) if get_origin(plain) is Literal else ()
    kind = type(choices[0]) if choices else _KINDS.get(get_origin(plain) or plain, dict)
    items = get_args(plain) if kind is list else ()
    rule = next((mark for mark in marks if isinstance(mark, rules.Rule)), None)
    sent = next((mark for mark in marks if isinstance(mark, SentAs)), SentAs(name))
    return Field(
        name=name,
        key=sent.key,
        also=sent.also,
        kind=kind,
        item=_KINDS.get(get_origin(items[0]) or items[0], dict) if items else str,
        choices=choices,
        rule=rule or (rules.one_of(*choices) if choices else _RULES[kind]),
        required=required,
        write=next((mark.write for mark in marks if isinstance(mark, WrittenBy)), None),
        image=IMAGE in marks,
        secret=secret,
        inherited=name in INHERITED,
    )


def _unwrapped(hint: object) -> tuple[object, list[object]]:
    """Give a type without `| None` and `Annotated`, and all its marks."""
    marks: list[object] = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            marks += more
        elif get_origin(hint) in (Union, types.UnionType):
            hint = next(one for one in get_args(hint) if one is not types.NoneType)
        else:
            return hint, marks


_KINDS: Mapping[object, type] = {str: str, int: int, float: float, bool: bool, Sequence: list, list: list, tuple: list}
_RULES: Mapping[type, rules.Rule] = {
    str: rules.text(),
    int: rules.whole(),
    float: rules.number(),
    bool: rules.flag(),
    list: rules.texts(),
    dict: rules.mapping(),
}
