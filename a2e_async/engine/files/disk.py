"""What we ask of a disk that somebody else may have filled: never through a link, never a device, never over a file.

Work that blocks is done in a thread (`hop`) and never left behind: whoever is cancelled waits until the thread is
through, so that nobody closes a file that is being written.

Each file that we have written carries a mark, an extended attribute: which output it is, and how we left it. Nothing
lies beside the file, and the mark is gone when somebody writes the file anew. Where there are none (Windows, macOS, a
copy without them) content is compared instead, which costs a transfer and is never wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import attrs

P = ParamSpec("P")
T = TypeVar("T")


async def hop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do this in a thread; a cancellation comes when it is done, so that nobody closes a file that is being written."""
    return await _through(partial(work, *args, **kwargs), None)


async def hop_for(undo: Callable[[T], Any], work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do the same for something that has to be let go of when nobody is there any more to take it."""
    return await _through(partial(work, *args, **kwargs), undo)


async def _through(work: Callable[[], T], undo: Callable[[T], Any] | None) -> T:
    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if running.exception() is None and undo is not None:
            undo(running.result())
        raise


_NAME = "user.a2e"
_set: Callable[..., None] | None = getattr(os, "setxattr", None)
_get: Callable[..., bytes] | None = getattr(os, "getxattr", None)


@attrs.frozen(kw_only=True)
class Mark:
    """What a file was when we wrote it.

    Attributes:
        source: Which output of which task, or which URL, it is.
        etag: The strong entity tag that its host gave, "" without one.
        sha256: Its digest in hexadecimal.
        size: Its bytes.
        changed: Its time of change, in nanoseconds.
    """

    source: str
    etag: str
    sha256: str
    size: int
    changed: int

    def fits(self, found: os.stat_result) -> bool:
        """Whether the file is as we left it."""
        return found.st_size == self.size and found.st_mtime_ns == self.changed


def put_mark(handle: int, *, source: str, etag: str, sha256: str) -> None:
    """Mark an open file into which nothing more is written; quiet where the system has no marks."""
    if _set is None:
        return
    found = os.fstat(handle)
    mark = {"source": source, "etag": etag, "sha256": sha256, "size": found.st_size, "changed": found.st_mtime_ns}
    with contextlib.suppress(OSError):  # this file system has none
        _set(handle, _NAME, json.dumps(mark).encode())


def mark_of(path: Path) -> Mark | None:
    """Give the mark of a file, None when it has none that can be read."""
    if _get is None:
        return None
    try:
        return _read(json.loads(_get(path, _NAME, follow_symlinks=False)))
    except (OSError, ValueError, RecursionError):
        return None


def plain(path: Path) -> os.stat_result | None:
    """Give what the system knows of a plain file; None for a link, a folder or a device, and when nothing is there."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def good_mark(path: Path) -> Mark | None:
    """Give the mark of a file that is as we left it, None when it is not."""
    mark, found = mark_of(path), plain(path)
    return mark if mark is not None and found is not None and mark.fits(found) else None


def known_digest(path: Path) -> str | None:
    """Give the SHA-256 of a file in hexadecimal by its mark, None when it is not as we left it."""
    mark = good_mark(path)
    return None if mark is None else mark.sha256


def measured(path: Path) -> tuple[int, str]:
    """Give the bytes of a file and their SHA-256, which are read where its mark does not tell."""
    return path.stat().st_size, digest_of(path)


def digest_of(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal: by its mark, if it still is as we left it, else of its bytes."""
    known = known_digest(path)
    if known is not None:
        return known
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _read(value: Any) -> Mark | None:  # noqa: ANN401 - whatever somebody has put there
    kinds = {"source": str, "etag": str, "sha256": str, "size": int, "changed": int}
    good = isinstance(value, dict) and value.keys() == kinds.keys()
    return Mark(**value) if good and all(type(value[name]) is kind for name, kind in kinds.items()) else None


_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)
PRIVATE = 0o600
_COMPARED = 1 << 20
_LOCKS = Path("/proc/locks")
_SPARED = 32 << 20
_ANY = 1 << 62


class ForeignFileError(OSError):
    """Something lies in the place of a hidden file of ours that is not ours."""


def holder_of(path: Path) -> str:
    """Say who has a hidden file locked, as far as the system tells."""
    try:
        number = path.lstat().st_ino
        lines = _LOCKS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return "another process"
    for line in lines:
        _number, kind, _how, _what, process, place, *_ = [*line.split(), *[""] * 6]
        if kind == "FLOCK" and place.endswith(f":{number}") and process.isdecimal() and process != "0":
            return "another client of this process" if int(process) == os.getpid() else f"process {process}"
    return "another process"


def room_in(folder: Path) -> int:
    """Give how many bytes the disk takes, without the last 32 MiB: a full disk stops everybody."""
    usage = shutil.disk_usage(folder)
    return max(0, usage.free - _SPARED) if usage.total else _ANY  # some file systems do not tell


def require_room(folder: Path) -> None:
    """Refuse a folder whose disk has no room for any file, before anything is paid for what would go there.

    Raises:
        OSError: It has none.
    """
    if not room_in(folder):
        raise OSError(errno.ENOSPC, f"its disk has less than {_SPARED >> 20} MiB left, so that no result can be saved")


def open_own(path: Path) -> int:
    """Open a hidden file of ours, or make it.

    Raises:
        ForeignFileError: What lies there is a link, a folder, a pipe, a device, or somebody else's.
    """
    for _ in range(2):
        handle = _open(path, os.O_RDWR | os.O_CREAT, 0o666, _judge)
        if os.fstat(handle).st_nlink == 1:
            return handle
        # A second name of some file, or of one of ours that was killed while it got its name: that name stays.
        os.close(handle)
        path.unlink()
    raise _foreign(path, "has other names besides")


def open_plain(path: Path, flags: int, mode: int = PRIVATE) -> int:
    """Open a file that may be anybody's, or make it; gives its descriptor.

    Args:
        path: The file.
        flags: What `os.open` is told beside our own.
        mode: Who may read it, if it is made; by default its owner alone.

    Raises:
        ForeignFileError: What lies there is no plain file with one name.
        OSError: It cannot be opened.
    """
    return _open(path, flags, mode, _require_plain)


def require_plain(path: Path) -> None:
    """Refuse what lies in the place of a file of ours and is no plain file with one name.

    Raises:
        ForeignFileError: It is a link, has another name besides, or is a folder, a pipe or a device.
    """
    with contextlib.suppress(FileNotFoundError):
        _require_plain(path, path.lstat())


def _open(path: Path, flags: int, mode: int, judge: Callable[[Path, os.stat_result], None]) -> int:
    """Open what is judged before and after: a link could lead to any file of the user's, and may come in between."""
    with contextlib.suppress(FileNotFoundError):
        judge(path, path.lstat())  # opening a device can do things, and a pipe would wait for ever
    handle = os.open(path, flags | _FLAGS, mode)
    try:
        judge(path, os.fstat(handle))
    except ForeignFileError:
        os.close(handle)
        raise
    return handle


def _judge(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _foreign(path, "is a symbolic link" if stat.S_ISLNK(found.st_mode) else "is no plain file")
    if os.name == "posix" and found.st_uid != os.geteuid():
        raise _foreign(path, "belongs to somebody else")


def _require_plain(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise _foreign(path, "is a link, or no plain file: it was not made by a2e")


def _foreign(path: Path, words: str) -> ForeignFileError:
    return ForeignFileError(f"{path} {words}, and was not touched; remove it")


def gave_name(part: Path, path: Path) -> bool:
    """Give a file a further name if that is free, in one step."""
    try:
        os.link(part, path, follow_symlinks=False)
    except FileExistsError:
        return False
    except (OSError, NotImplementedError):  # this file system has one name for each file
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666))
        except FileExistsError:
            return False
        part.replace(path)
    return True


def begins_with(whole: Path, part: Path) -> bool:
    """Whether a file begins with all the bytes of another one."""
    with whole.open("rb") as one, part.open("rb") as other:
        while piece := other.read(_COMPARED):
            if one.read(len(piece)) != piece:
                return False
    return True


@functools.cache
def boot() -> str:
    """Name this life of the machine: after a loss of power a file can have its length and not its bytes."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def sync_folder(folder: Path) -> None:
    """Write the names in a folder through to the disk, where the system knows how."""
    if os.name != "posix":  # pragma: no cover - Windows
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
