"""Ctrl-C while the command line loads, and when all is said: it ends at once and says nothing, also as process 1.

The package is imported before its `__main__` runs, and that takes a third of a second: without this a Ctrl-C in it
ends in a traceback through half of our imports, and process 1 ignores SIGTERM. A program that imports the package
for itself keeps its own handlers.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

_ASKED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_NAMES = frozenset({"a2e", "a2e.exe"})
_INTERRUPTED = 130

_before: dict[signal.Signals, Any] = {}


def is_command_line(argv: list[str], called: list[str]) -> bool:
    """Say whether this process is `a2e` or `python -m a2e_async`.

    Args:
        argv: `sys.argv` as it is while the package is imported: `-m` stands for the module that is looked for.
        called: `sys.orig_argv`.
    """
    if argv[:1] == ["-m"]:
        return called[called.index("-m") + 1 :][:1] == ["a2e_async"] if "-m" in called else False
    return bool(argv) and os.path.basename(argv[0]) in _NAMES  # noqa: PTH119 - pathlib takes its time


def begin() -> None:
    """End at once from now on when somebody asks for it."""
    with contextlib.suppress(ValueError):  # signals are the main thread's
        for number in _ASKED:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, and `&` in scripts, want it so
                _before[number] = signal.signal(number, _end)


def end() -> None:
    """Do again what was done before."""
    for number, handler in _before.items():
        signal.signal(number, handler)
    _before.clear()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Be quiet for a while."""
    begin()
    try:
        yield
    finally:
        end()


def said(code: int) -> None:
    """End with this code from now on, whatever comes: Python takes a while to go, and nothing is left to interrupt."""
    if not _OURS:
        return
    with contextlib.suppress(ValueError):
        for number in _ASKED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda _number, _frame: os._exit(code))
    atexit.register(_hear_nothing)


def _hear_nothing() -> None:
    """Python takes its handlers away at the very end, and a signal then would kill a command that has done its work."""
    with contextlib.suppress(ValueError):
        for number in _ASKED:
            signal.signal(number, signal.SIG_IGN)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(_INTERRUPTED)


_OURS = is_command_line(sys.argv, sys.orig_argv)
if _OURS:
    begin()
