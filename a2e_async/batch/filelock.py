"""One process at a time in a folder: a lock that the operating system lets go of when the process dies."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import IO, Self

from a2e_async.engine.files import disk
from a2e_async.errors import LedgerError

_HELD = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})


class FileLock:
    """A lock that is held until it is released or its process ends, however it ends."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def take(cls, path: Path) -> Self:
        """Take the lock.

        Raises:
            LedgerError: Another process holds it, or what lies there is not ours.
            OSError: The file cannot be made.
        """
        file = os.fdopen(disk.open_plain(path, os.O_RDWR | os.O_CREAT), "r+b", buffering=0)
        try:
            _lock(file)
            _make_private(file)
            file.seek(0)
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        except OSError as error:
            holder = _holder(file)
            file.close()
            if error.errno not in _HELD:
                raise
            raise LedgerError(f"{holder} is running the batch in {path.parent}") from error
        return cls(file)

    def release(self) -> None:
        """Let go of the lock."""
        self._file.close()


def _holder(file: IO[bytes]) -> str:
    """Say which process wrote its number last, as far as can be seen."""
    try:
        file.seek(0)
        number = file.read(20).decode("ascii", "replace").strip()
    except OSError:
        number = ""
    if number == str(os.getpid()):
        return f"this very process ({number})"
    return f"another process ({number})" if number.isdecimal() else "another process"


if sys.platform == "win32":  # pragma: no cover - Windows
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(1 << 20)  # far behind the number, which others read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _make_private(file: IO[bytes]) -> None:
        """Do nothing: there is no mode to be set."""

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _make_private(file: IO[bytes]) -> None:
        """Take from others what an older version has given them."""
        os.fchmod(file.fileno(), disk.PRIVATE)
