"""Where a store or a ledger may lie: never on a network file system, whose locks are leases that nobody renews.

And what may lie beside it: nothing through which SQLite would read, write or delete another file.
"""

from __future__ import annotations

import functools
import os
import re
import stat
from pathlib import Path

from a2e_async.errors import LedgerError

_MOUNTS = Path("/proc/self/mounts")
_NETWORK = frozenset({  # and what a virtual machine or a container shares with its host: SQLite was corrupted there
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs",
    "fuse.grpcfuse", "fuse.osxfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse", "glusterfs", "gpfs",
    "lustre", "ncpfs", "nfs", "nfs4", "prl_fs", "smb3", "smbfs", "sshfs", "vboxsf", "virtiofs",
})  # fmt: skip
_ALLOWED = "A2E_ALLOW_FILE_SYSTEM"
_OCTAL = re.compile(r"\\([0-7]{3})")
_BESIDE = ("-wal", "-shm", "-journal")
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)  # a pipe would be waited for without end
_PRIVATE = 0o600
_JOURNAL_END = bytes.fromhex("d9d505f920a163d7")  # stands there only after the name of another journal
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def boot_id() -> str:
    """Name this life of the machine, "" where the system has no name for it."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def refuse_network(folder: Path, mounts: Path = _MOUNTS) -> None:
    """Refuse a folder on a network file system, where neither the lock nor the ledger's WAL can be trusted.

    A sandbox may have no other: whoever knows that nobody else uses the folder can name the kind of its file system in
    the environment variable A2E_ALLOW_FILE_SYSTEM.

    Args:
        folder: The folder.
        mounts: The system's table of what is mounted where.

    Raises:
        LedgerError: It is on one. A system that does not tell is believed to be local.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    where = folder.resolve()
    best, kind = Path(), ""
    for line in lines:
        _device, point, file_system, *_rest = [*line.split(" "), "", "", ""]
        mounted = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), point))
        if where.is_relative_to(mounted) and len(mounted.parts) >= len(best.parts):
            best, kind = mounted, file_system  # what is mounted later lies on top
    if kind in _NETWORK and kind not in os.environ.get(_ALLOWED, "").replace(",", " ").split():
        words = f"a ledger is safe on a local disk only; if no other machine uses this folder, set {_ALLOWED}={kind}"
        raise LedgerError(f"{folder} is on a network file system ({kind}): {words}")


def make_plain(path: Path) -> None:
    """Make the file of a store for its owner alone, for it holds prompts and URLs, or find one that is plain.

    Raises:
        LedgerError: It is a pipe or a device.
        OSError: It cannot be written.
    """
    number = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, _PRIVATE)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise LedgerError(f"{path} is no plain file; give another path")
    finally:
        os.close(number)


def refuse_planted(path: Path) -> None:
    """Refuse what lies beside a SQLite file and is no plain file, or leads SQLite elsewhere.

    A journal may name another journal, of a change to several files: SQLite deletes the file of that name after it has
    gone back. A change of ours is of one file, so such a name leads to somebody's own file.

    Args:
        path: The SQLite file, which need not be there.

    Raises:
        LedgerError: Something such lies there; it was not touched.
        OSError: It cannot be read.
    """
    for suffix in _BESIDE:
        beside = path.with_name(path.name + suffix)
        try:
            found = beside.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise LedgerError(f"{beside} is a link, or no plain file: it was not made by a2e; remove it")
    _refuse_other_journal(path.with_name(path.name + _BESIDE[-1]))


def _refuse_other_journal(journal: Path) -> None:
    try:
        with journal.open("rb") as source:
            source.seek(-min(len(_JOURNAL_END), source.seek(0, os.SEEK_END)), os.SEEK_END)
            names_another = source.read() == _JOURNAL_END
    except FileNotFoundError:
        return
    if names_another:
        raise LedgerError(f"{journal} names a journal of other files: it was not made by a2e; remove it")
