"""The fields of requests and calls as annotations describe them: their type, their rule, and how they are sent."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import attrs

from a2e_async.core import rules
from a2e_async.core.inputs import Pending
from a2e_async.core.records import Record, Result

INHERITED = frozenset({"extra", "name", "webhook_url", "webhook_token"})
"""Fields that many requests have."""


@attrs.frozen(eq=False, repr=False)
class SentAs:
    """Marks a field whose name in the body is another one, such as `Annotated[str, SentAs("imageUrl")]`.

    Attributes:
        key: Its name in the body.
        also: A second name under which the same value is sent, for servers that know only that spelling.
    """

    key: str
    also: str = ""


@attrs.frozen(eq=False, repr=False)
class WrittenBy:
    """Marks a field whose value is another one in the body.

    Attributes:
        write: Gives that value; the field's own keeps its rule and is not None.
    """

    write: Callable[[Any], Any]


AS_TEXT = WrittenBy(str)
"""Marks a number that the service wants as text, such as `Annotated[int, rules.whole(2, 15), AS_TEXT]`."""

Input: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | Result | Record | Pending
"""What a field takes that takes an image, a video or audio.

A URL; a file, as a `Path`, as its bytes or as a file that is open for reading bytes; a result or a record, whose first
output is taken; or a job, which is waited for.
"""

Url = Annotated[Input, rules.url()]
"""An image, a video or audio: a URL that the service will fetch, public, http or https, without a redirect (service.md
0.9), or anything else that becomes one: see `Input`."""

BareUrl = Annotated[str, rules.bare_url()]
"""A URL that the service will fetch, and nothing else."""


@attrs.frozen
class Shows:
    """The mark of a field whose files are of certain kinds.

    Attributes:
        kinds: Which: "image", "video", "audio".
    """

    kinds: tuple[str, ...]


IMAGE = Shows(("image",))
"""Marks a field of images, such as `Annotated[Sequence[Input], rules.urls(9), IMAGE]`."""

VIDEO = Shows(("video",))
"""Marks a field of videos."""

AUDIO = Shows(("audio",))
"""Marks a field of audio."""

Image = Annotated[Url, IMAGE]
"""An image that the service will fetch, or that is uploaded for it."""

Video = Annotated[Url, VIDEO]
"""A video, likewise."""

Audio = Annotated[Url, AUDIO]
"""Audio, likewise."""

ImageOrVideo = Annotated[Url, Shows(("image", "video"))]
"""An image or a video, likewise."""


@attrs.frozen(eq=False, repr=False)
class AtMost:
    """Marks a field whose files may have so many bytes each, such as `AtMost(10 << 20)`."""

    size: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
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
        media: What it takes by URL, as a file, as a result or from a job: some of "image", "video" and "audio"; ()
            where it takes none of these.
        largest: Most bytes of one file, None where no limit of the service's own is known.
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
    media: tuple[str, ...]
    largest: int | None
    secret: bool
    inherited: bool

    @property
    def image(self) -> bool:
        """Whether it takes an image, or images, and nothing else."""
        return self.media == IMAGE.kinds


def field_of(name: str, hint: object, *, required: bool, secret: bool = False) -> Field:
    """Give the field that an annotation describes, with the rule that its type carries."""
    plain, marks = _unwrapped(hint)
    choices = get_args(plain) if get_origin(plain) is Literal else ()
    kind = type(choices[0]) if choices else _kind_of(plain)
    items = get_args(plain) if kind is list else ()
    rule = next((mark for mark in marks if isinstance(mark, rules.Rule)), None)
    sent = next((mark for mark in marks if isinstance(mark, SentAs)), SentAs(name))
    rule = rule or (rules.one_of(*choices) if choices else _RULES[kind])
    return Field(
        name=name,
        key=sent.key,
        also=sent.also,
        kind=kind,
        item=_kind_of(_unwrapped(items[0])[0]) if items else str,
        choices=choices,
        rule=rule,
        required=required,
        write=next((mark.write for mark in marks if isinstance(mark, WrittenBy)), None),
        media=next((mark.kinds for mark in marks if isinstance(mark, Shows)), _ANY) if rule.takes_files else (),
        largest=next((mark.size for mark in marks if isinstance(mark, AtMost)), None),
        secret=secret,
        inherited=name in INHERITED,
    )


def _kind_of(plain: object) -> type:
    return _KINDS.get(get_origin(plain) or plain, dict)


def _unwrapped(hint: object) -> tuple[object, list[object]]:
    """Give a type without `| None` and `Annotated`, and all its marks."""
    marks: list[object] = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            marks += more
        elif get_origin(hint) in (Union, types.UnionType):
            hint = next(one for one in get_args(hint) if one is not types.NoneType)  # of `Input` the text
        else:
            return hint, marks


_ANY = ("image", "video", "audio")
_KINDS: Mapping[object, type] = {str: str, int: int, float: float, bool: bool, Sequence: list, list: list, tuple: list}
_RULES: Mapping[type, rules.Rule] = {
    str: rules.text(),
    int: rules.whole(),
    float: rules.number(),
    bool: rules.flag(),
    list: rules.texts(),
    dict: rules.mapping(),
}
