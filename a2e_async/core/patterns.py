"""Regular expressions that are compiled when they are first needed: together they were a tenth of the import."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import AnyStr


def late(pattern: AnyStr, flags: int = 0) -> Callable[[], re.Pattern[AnyStr]]:
    """Give what gives a pattern, compiled once.

    Args:
        pattern: The regular expression.
        flags: Those of `re.compile`.
    """
    return functools.cache(lambda: re.compile(pattern, flags))
