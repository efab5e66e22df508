"""What is uploaded: a file on disk, bytes, or an open file, each of which can be read as often as it is asked for."""

from __future__ import annotations

import errno
import io
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Final

import attrs

from a2e_async.core import inputs, rules
from a2e_async.core.inputs import FaultError
from a2e_async.errors import UsageError

_FLAGS: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_PIECE: Final = 1 << 20


class Content:
    """What can be read from its beginning as often as it is asked for.

    Attributes:
        name: What it is called where people see it.
    """

    name: str

    @property
    def stem(self) -> str:
        """What a file made of it is called."""
        return "file"

    def open(self) -> BufferedReader:
        """Open it.

        Raises:
            FaultError: It cannot be read.
        """
        raise NotImplementedError

    def mark(self, source: BufferedReader) -> tuple[int, ...]:
        """Give what changes when the content does: its size first."""
        raise NotImplementedError


@attrs.frozen
class FileAt(Content):
    """A file on disk."""

    path: Path

    @property
    def name(self) -> str:  # type: ignore[override]
        """Its path."""
        return str(self.path)

    @property
    def stem(self) -> str:
        """The stem of its path."""
        return self.path.stem

    def open(self) -> BufferedReader:
        """Open it; a pipe or a device, which may have no end, is refused without waiting for it."""
        try:
            source = os.fdopen(os.open(self.path, os.O_RDONLY | _FLAGS), "rb")
        except IsADirectoryError:
            raise _unplain("a folder") from None
        except (OSError, ValueError) as error:
            words = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise unreadable(words) from error
        fault = _fault_of(source.fileno())
        if fault is not None:
            source.close()
            raise fault
        return source

    def mark(self, source: BufferedReader) -> tuple[int, ...]:
        """Give its size, its time of change, and which file it is."""
        found = os.fstat(source.fileno())
        return found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino


@attrs.frozen
class InMemory(Content):
    """Bytes."""

    data: bytes = attrs.field(repr=False)
    name: str

    def open(self) -> BufferedReader:
        """Open them."""
        return io.BufferedReader(io.BytesIO(self.data))

    def mark(self, source: BufferedReader) -> tuple[int, ...]:  # noqa: ARG002 - bytes never change
        """Give their number."""
        return (len(self.data),)


class OpenFile(Content):
    """A file that somebody else has opened, from where it stood; held by a descriptor of our own.

    Whoever gave it may close it, or read on in it, as soon as the start has returned.

    Args:
        file: The open file.
        start: Where it stands.
        name: What it is called.
    """

    def __init__(self, file: IO[bytes], start: int, name: str) -> None:
        self.name = name
        self._start = start
        self._number = os.dup(file.fileno())

    @property
    def stem(self) -> str:
        """The stem of its name, where it has one."""
        return Path(self.name.removeprefix("open file ")).stem or "file"

    def __del__(self) -> None:
        if hasattr(self, "_number"):
            os.close(self._number)

    def open(self) -> BufferedReader:
        """Open it, with a place of its own."""
        return io.BufferedReader(_Part(self, self._number, self._start))

    def mark(self, source: BufferedReader) -> tuple[int, ...]:  # noqa: ARG002 - our own descriptor says it
        """Give the size of what is left of it, and its time of change."""
        found = os.fstat(self._number)
        return max(found.st_size - self._start, 0), found.st_mtime_ns


class _Part(io.RawIOBase):
    """Reads a file from a place on, and leaves the place of whoever else reads it."""

    def __init__(self, owner: OpenFile, number: int, start: int) -> None:
        self._owner = owner  # the descriptor is open for as long as it is
        self._number = number
        self._start = start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (self._at if whence == 1 else 0)
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer
        part = os.pread(self._number, len(buffer), self._start + self._at)
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def _fault_of(number: int) -> FaultError | None:
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return None
    known = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return _unplain(known.get(stat.S_IFMT(mode), "a device"))


def _unplain(what: str) -> FaultError:
    words = "cannot be read: only plain files can be uploaded, no pipe and no device"
    return FaultError("must be a plain file", what, f"{words} ({what})")


def unreadable(why: object) -> FaultError:
    """Build the fault of a file that cannot be read."""
    return FaultError("must be a file that can be read", f"one that cannot be read: {why}", f"cannot be read: {why}")


def content_of(value: object, largest: float) -> Content:
    """Give the content of an input: of a path, of bytes, or of an open file, which is held or read at once.

    Raises:
        FaultError: It is an open file that cannot be read.
        UsageError: It is a path that none can be, or none of these.
    """
    if isinstance(value, bytes):
        return InMemory(value, inputs.words_of(value))
    if isinstance(value, str | os.PathLike):
        return FileAt(at_home(value))
    if not inputs.is_input(value):
        raise UsageError(f"a path, bytes or an open binary file is needed, not {rules.kind_of(value)}")
    return _of_open_file(value, largest)


def _of_open_file(file: Any, largest: float) -> Content:  # noqa: ANN401 - whatever can be read
    name = inputs.name_of(file)
    try:
        number = file.fileno() if hasattr(os, "pread") else None
    except (AttributeError, OSError):
        number = None
    except ValueError:
        raise FaultError("must be open", f"a file that was closed: {name}", "was closed") from None
    try:
        if not file.readable():
            raise FaultError("must be open for reading", f"a file that is not: {name}", "is not open for reading")
        if number is None:
            return InMemory(_read(file, largest), name)
        if (fault := _fault_of(number)) is not None:
            raise fault
        return _held(file, name, largest)
    except (AttributeError, OSError, ValueError) as error:
        raise unreadable(error) from error


def _held(file: Any, name: str, largest: float) -> Content:  # noqa: ANN401 - whatever can be read
    """Hold an open file by a descriptor of our own; where there are none left, read it at once."""
    try:
        return OpenFile(file, file.tell(), name)
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
    return InMemory(_read(file, largest), name)


def _read(file: Any, largest: float) -> bytes:  # noqa: ANN401 - whatever can be read
    """Read the rest of a file that lies in memory, and leave its place where it was."""
    place = file.tell() if file.seekable() else None
    read = bytearray()
    while len(read) <= largest:  # in pieces: Python makes room for all that is asked for before it reads
        piece = file.read(_PIECE)
        if not isinstance(piece, bytes):
            given = type(piece).__name__
            raise FaultError("must give bytes", f"a file that gives {given}", f"gives {given}, not bytes")
        if not piece:
            break
        read += piece
    if place is not None:
        file.seek(place)
    return bytes(read)


def at_home(path: str | os.PathLike[str]) -> Path:
    """Give a path in which `~` stands for the home directory.

    Raises:
        UsageError: There is no such home, or the path is none.
    """
    try:
        found = Path(path).expanduser()
    except (RuntimeError, TypeError) as error:
        raise UsageError(f"the path cannot be used: {error}") from error
    if "\0" in str(found):
        raise UsageError("the path cannot be used: it holds a NUL character")
    return found
