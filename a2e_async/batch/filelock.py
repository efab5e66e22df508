"""One process at a time in a folder: a lock that the operating system lets go of when the process dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Self

from a2e_async.errors import LedgerError

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs"})


class FileLock:
    """A lock that is held until it is released or its process ends, however it ends."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def take(cls, path: Path) -> Self:
        """Take the lock.

        Raises:
            LedgerError: Another process holds it.
            OSError: The file cannot be made.
        """
        file = path.open("a+b")
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            holder = file.read(20).decode("ascii", "replace").strip()
            file.close()
            words = f" (process {holder})" if holder.isdecimal() else ""
            raise LedgerError(f"another process{words} is running the batch in {path.parent}") from error
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        return cls(file)

    def release(self) -> None:
        """Let go of the lock."""
        self._file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(1 << 20)  # far behind the number, which others read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def refuse_network(folder: Path) -> None:
    """Refuse a folder on a network file system, where neither the lock nor the ledger's WAL can be trusted.

    Raises:
        LedgerError: It is on one. A system that does not tell is believed to be local.
    """
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    where = str(folder.resolve())
    best, kind = "", ""
    for line in mounts:
        _device, point, file_system, *_rest = line.split(" ")
        point = point.replace("\\040", " ")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, file_system
    if kind in _NETWORK:
        raise LedgerError(f"{folder} is on a network file system ({kind}): a ledger is safe on a local disk only")
