"""One file per family, data only. A family is loaded when it is first asked for, by its name or by its request class.

The file of a family has its name, and its request class the same in capitals: `face_swap.py` has `FaceSwap`.
What several have in common is in `_common.py`.
"""

from __future__ import annotations

import functools
import importlib
import sys

from a2e_async.core.family import add_source
from a2e_async.core.patterns import late

_BEGINNING = late(r"(?<!^)(?=[A-Z])")


@functools.cache
def _files() -> frozenset[str]:
    import pkgutil  # noqa: PLC0415 - loaded with the first name that is looked for

    return frozenset(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def names() -> list[str]:
    """Give the names of all request classes."""
    return ["".join(word.capitalize() for word in name.split("_")) for name in _files()]


def request_class(name: str) -> type[object]:
    """Give a request class by its name, such as "FaceSwap".

    Raises:
        AttributeError: There is none.
    """
    file = _BEGINNING().sub("_", name).lower()
    if file not in _files():
        raise AttributeError(f"a2e_async has no {name!r}")
    found: type[object] = getattr(importlib.import_module(f"{__name__}.{file}"), name)
    return found


def _load(name: str | None) -> None:
    if f"{__name__}.{name}" in sys.modules:  # it is there, or registers itself just now
        return
    for file in _files() if name is None else _files() & {name}:
        importlib.import_module(f"{__name__}.{file}")


add_source(_load)
