"""What can be sent at all: JSON, and text that is whole. The same rule for requests, calls and rows of a batch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from a2e_async.core.inputs import is_input, replaced
from a2e_async.core.rules import refuse

_UNSENDABLE = re.compile("[\0\x1b\ud800-\udfff]")
_CONTROLS = {"\0": "a NUL character", "\x1b": "an ESC character"}
_SCALARS = (bool, int, type(None))


def flaw_of(text: str) -> str:
    """Say what a text has that none may have, "" when it is sound.

    Half a character (a lone surrogate, as of an emoji that was cut) is sent and billed as a replacement mark, or breaks
    the service's list; NUL ends a text in many programs, and ESC begins commands to terminals.
    """
    bad = _UNSENDABLE.search(text)
    return "" if bad is None else f"{_CONTROLS.get(bad[0], 'half a character')} (at {bad.start()})"


def check_sendable(field: str, value: object, media: Sequence[str] = ()) -> None:
    """Refuse what JSON cannot carry, and text that is not whole, wherever it stands in a value.

    Args:
        field: The name of the field.
        value: The value.
        media: The kinds of files that may stand in it, and results and jobs; URLs are sent in their places.

    Raises:
        InvalidRequestError: Some part of the value is such.
    """
    if value.isprintable() if isinstance(value, str) else isinstance(value, _SCALARS):
        return  # as most are: none of what may not be sent is printable
    problem = _in_text(value) if isinstance(value, str) else _in_parts(replaced(value, _url_of) if media else value)
    if problem:
        raise refuse(field, value, problem)


def _url_of(value: object) -> object:
    return "" if is_input(value) else value


def _in_parts(value: object) -> str:
    try:
        return next(_problems(value), "")
    except RecursionError:
        return "must not be nested so deeply"


def _problems(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if problem := _in_text(value):
            yield problem
    elif isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            yield "must have text as keys, also inside"
        for key, held in value.items():
            yield from _problems(key)
            yield from _problems(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _problems(held)
    elif not isinstance(value, _SCALARS) and not (isinstance(value, float) and math.isfinite(value)):
        yield "must hold nothing but text, finite numbers, True, False, None, lists and mappings"


def _in_text(text: str) -> str:
    flaw = flaw_of(text)
    return flaw and f"must be text without half characters, NUL and ESC, and it has {flaw}"
