"""Where a store or a ledger may lie: never on a network file system, whose locks are leases that nobody renews."""

from __future__ import annotations

import functools
import os
import re
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
