"""What files may be: how large, how slow, and how many at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs

from a2e_async.core.rules import kind_of
from a2e_async.errors import UsageError

Progress = Callable[[int, int], None]
"""Called with the bytes sent and the bytes in all."""


def _at_least(least: float, *, whole: bool) -> Callable[[object, attrs.Attribute[Any], object], None]:
    kinds: tuple[type, ...] = (int,) if whole else (int, float)

    def check(_owner: object, field: attrs.Attribute[Any], value: object) -> None:
        good = isinstance(value, int | float) and type(value) in kinds and least <= value < math.inf
        if not good:
            words = "a whole number" if whole else "a number"
            raise UsageError(f"Transfers.{field.name}: must be {words} of at least {least:g}, not {kind_of(value)}")

    return check


@attrs.frozen(kw_only=True)
class Transfers:
    """How files are fetched and sent.

    Attributes:
        largest: Most bytes of one file, counted after it is unpacked (default 8 GiB).
        slowest: Least bytes a second, measured over `Retry.stall_seconds`; a slower transfer counts as broken and is
            tried again (default 1024).
        longest: Most seconds for one file with all its tries (default 6 h).
        at_once: Most files that are fetched or sent at once (default 32).
        per_host: Most of them from or to one host (default 8).
        upload_price: Coins that the service charges for one upload, as far as you know (default 0); the budget counts
            them. The service charges API tokens, and neither documents the price nor tells it in its answers; where an
            answer tells it, that counts.

    Raises:
        UsageError: A value is not what it must be.
    """

    largest: int = attrs.field(default=8 << 30, validator=_at_least(1, whole=True))
    slowest: float = attrs.field(default=1024, validator=_at_least(0, whole=False))
    longest: float = attrs.field(default=6 * 3600, validator=_at_least(1e-3, whole=False))
    at_once: int = attrs.field(default=32, validator=_at_least(1, whole=True))
    per_host: int = attrs.field(default=8, validator=_at_least(1, whole=True))
    upload_price: float = attrs.field(default=0, validator=_at_least(0, whole=False))
