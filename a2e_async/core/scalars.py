"""Numbers and times of replies, read strictly: what is none is refused, and never guessed at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_LARGEST_NUMBER = 1e15
_LARGEST_SECONDS = 1e11  # a larger time since 1970 is in milliseconds
_NUMBERS: frozenset[type] = frozenset({int, float})


def is_number(value: object) -> bool:
    """Whether a value of a reply is a number to reckon with: no bool, finite, not absurdly large."""
    return type(value) in _NUMBERS and abs(value) <= _LARGEST_NUMBER  # type: ignore[arg-type]  # it is a number


def read_time(value: Any, _to: Any = datetime) -> datetime:  # noqa: ANN401 - a cattrs hook
    """Read a time of a reply, a text or a number of seconds or milliseconds since 1970; ValueError where it is none."""
    if isinstance(value, str):
        read = datetime.fromisoformat(value)
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    if type(value) in _NUMBERS:
        try:
            return datetime.fromtimestamp(value / 1000 if value > _LARGEST_SECONDS else value, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(str(error)) from None
    raise ValueError(f"expected a time, got {type(value).__name__}")
