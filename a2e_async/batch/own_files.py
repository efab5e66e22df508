"""Opening files of our own in a folder that somebody else may have filled: never through a link, never a device."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from a2e_async.errors import LedgerError

PRIVATE = 0o600
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def open_own(path: Path, flags: int, mode: int = PRIVATE) -> int:
    """Open a file of ours, or make it; gives its descriptor.

    A link that lies there could lead to any file of the user's, a pipe would wait for ever: both are refused, and
    nothing is written before that is known.

    Args:
        path: The file.
        flags: What `os.open` is told beside our own.
        mode: Who may read it, if it is made; by default its owner alone.

    Raises:
        LedgerError: What lies there is no plain file with one name.
        OSError: It cannot be opened.
    """
    refuse_foreign(path)  # opening a pipe for writing may fail in words that help nobody
    handle = os.open(path, flags | _FLAGS, mode)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(handle)
        raise _foreign(path)
    return handle


def refuse_foreign(path: Path) -> None:
    """Refuse what lies in the place of a file of ours and is no plain file with one name.

    Raises:
        LedgerError: It is a link, has another name besides, or is a folder, a pipe or a device.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise _foreign(path)


def _foreign(path: Path) -> LedgerError:
    return LedgerError(f"{path} is a link, or no plain file: it was not made by a2e, and was not touched; remove it")
