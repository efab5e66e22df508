"""The hidden file of a download: ours alone while it grows, and the name it gets when it is whole.

Laws of this file: nothing that lies there is followed or waited for (symbolic links, pipes, devices), and nobody's file
is overwritten: a finished file takes a name that is free, by a step that fails when the name is taken at that very
moment. What is kept to resume has its proof beside it, and the old bytes go before a new proof comes, or a kill in
between would join a new proof to old bytes. Everything here may block, and runs in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BufferedRandom
from pathlib import Path
from typing import Any, Self

import attrs

from a2e_async.core import media
from a2e_async.engine.files.disk import (
    begins_with,
    boot,
    digest_of,
    gave_name,
    mark_of,
    open_own,
    plain,
    put_mark,
    sync_folder,
)

# On Windows two processes that fetch the same file at once are not kept apart.
_fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None
PLACE = 32
_MOST_NUMBERS = 99
_LIKELY = (
    4  # how many suffixes beside that of the URL are asked for before a transfer; others are found by content after it
)


Kept = tuple[Path, str]
"""A file that is there already, and its entity tag."""


class NameTakenError(OSError):
    """All names that the file could have are taken."""


@attrs.frozen
class Target:
    """What a download is to become.

    Attributes:
        folder: Where it goes.
        stem: Its name without suffix.
        source: Which output of which task, or which URL, it is; in its first `PLACE` characters without the query of
            the URL, which may only be another signature.
        suffix: The suffix of its URL, "" without one.
    """

    folder: Path
    stem: str
    source: str
    suffix: str

    @cached_property
    def part(self) -> Path:
        """The hidden file; other sources have other ones, whatever they are called."""
        return self.folder / f".{self.stem}.{self.source[-8:]}.part"

    def named(self, suffix: str) -> Iterator[Path]:
        """Give the names that the file may have, in the order in which they are tried."""
        yield self.folder / f"{self.stem}{suffix}"
        for number in range(2, _MOST_NUMBERS + 1):
            yield self.folder / f"{self.stem}-{number}{suffix}"
        yield self.folder / f"{self.stem}-{self.source[-16:]}{suffix}"

    def kept(self) -> Kept | None:
        """Give the file that an earlier download of the same source has made, and its entity tag."""
        base = os.path.join(self.folder, self.stem)  # noqa: PTH118 - most names are free, and a Path for each is dear
        for suffix in dict.fromkeys((self.suffix or ".png", *media.SUFFIXES[:_LIKELY])):
            for path in self.named(suffix) if os.path.lexists(base + suffix) else ():
                try:
                    found = path.lstat()
                except OSError:
                    break
                mark = mark_of(path) if stat.S_ISREG(found.st_mode) else None
                if mark is not None and mark.source == self.source and mark.fits(found):
                    return path, mark.etag
        return None


@attrs.define(eq=False)
class Part:
    """The hidden file of one download, open and locked.

    Attributes:
        size: How many bytes of it may be kept: none without the proof that they belong to the same file.
        etag: The entity tag of that file, "" without proof.
        total: Its size, None when that is not known.
    """

    target: Target
    _file: BufferedRandom
    size: int = 0
    etag: str = ""
    total: int | None = None
    _digest: Any = None
    _head: bytes | None = None
    _noted: bool = True

    @classmethod
    def take(cls, target: Target) -> Self | None:
        """Have the hidden file for us alone; None while somebody else has it. Whoever is killed lets go of it.

        Raises:
            ForeignFileError: Something that is not ours lies in its place.
            OSError: It cannot be made.
        """
        while True:
            file = os.fdopen(_opened(target), "r+b")
            try:
                if _fcntl is not None:  # pragma: no branch - Windows has none
                    _fcntl.flock(file, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return None
            except OSError:
                pass  # this file system has no locks
            part = cls(target, file)
            if part._is_there():  # pragma: no branch - as below
                part._recall()
                return part
            file.close()  # pragma: no cover - it was finished or removed between two lines of ours

    def begin(self, at: int, etag: str, total: int | None, *, whole: bool = False) -> None:
        """Take bytes from this place on.

        Args:
            at: Where they go; 0 forgets what is there.
            etag: The strong entity tag of the file, "" without one.
            total: The size of the file, None when that is not known.
            whole: Whether all that is missing comes now, so that nobody will have to resume it.
        """
        if not at:
            self.drop()
            self._head = b""
        self.etag, self.total, self.size = etag, total, at
        self._file.seek(at)
        self._file.truncate()
        self._digest = None if at else hashlib.sha256()
        if etag and not whole:
            self._noted = True
            note = json.dumps({"etag": etag, "total": total, "boot": boot()}).encode()
            with os.fdopen(open_own(self._note), "r+b") as out:
                out.truncate()
                out.write(note)

    def write(self, pieces: Sequence[bytes]) -> None:
        """Add bytes."""
        self._file.writelines(pieces)
        self._file.flush()
        self.size += sum(map(len, pieces))
        if self._digest is not None:
            for piece in pieces:
                self._digest.update(piece)
        if self._head is not None and len(self._head) < media.SNIFFED:
            self._head = (self._head + b"".join(pieces))[: media.SNIFFED]

    def head(self) -> bytes:
        """Give the first bytes."""
        if self._head is not None:
            return self._head
        self._file.seek(0)
        return self._file.read(media.SNIFFED)

    def drop(self) -> None:
        """Forget what is there."""
        self.etag, self.total, self.size, self._head = "", None, 0, None
        self._forget()
        self._file.seek(0)
        self._file.truncate()

    def finish(self, suffix: str) -> Path:
        """Write through to the disk and give the file its name, or find the name of one that has these very bytes.

        Raises:
            NameTakenError: Every name is taken.
        """
        self._file.flush()
        if self._digest is None:
            self._file.seek(0)
            self._digest = hashlib.file_digest(self._file, "sha256")
        digest, handle = self._digest.hexdigest(), self._file.fileno()
        size = os.fstat(handle).st_size
        put_mark(handle, source=self.target.source, etag=self.etag, sha256=digest)
        os.fsync(handle)
        if _fcntl is None:  # pragma: no cover - Windows renames no open file
            self._file.close()
        for path in self.target.named(suffix):
            if self._becomes(path, digest, size):
                self._forget()
                self.target.part.unlink(missing_ok=True)
                self._file.close()
                sync_folder(self.target.folder)
                return path
        raise NameTakenError(f"a hundred files are called {self.target.stem} already")

    def let_go(self) -> None:
        """Let others have the file; one that nobody could go on with is removed first."""
        try:
            if not self._file.closed and self._is_there() and not (self.etag and self.size):
                self._forget()
                self.target.part.unlink()
        except OSError:
            pass  # it has its name by now, or cannot be removed
        finally:
            self._file.close()

    @property
    def is_closed(self) -> bool:
        """Whether nothing of it is held any more."""
        return self._file.closed

    def _forget(self) -> None:
        """Remove the proof, if there may be one."""
        if self._noted:
            self._note.unlink(missing_ok=True)
            self._noted = False

    @property
    def _note(self) -> Path:
        return self.target.part.with_name(f"{self.target.part.name}.etag")

    def _recall(self) -> None:
        """Find out how much of the file is there, and of which file."""
        size = os.fstat(self._file.fileno()).st_size
        if not size or plain(self._note) is None:
            return
        with os.fdopen(open_own(self._note), "rb") as note, contextlib.suppress(ValueError, RecursionError):
            known = json.loads(note.read(media.SNIFFED))
            proof = isinstance(known, dict) and known.get("boot") == boot()
            etag, total = (known.get("etag"), known.get("total")) if proof else (None, None)
            if isinstance(etag, str) and etag and (total is None or (type(total) is int and size <= total)):
                self.size, self.etag, self.total = size, etag, total

    def _becomes(self, path: Path, digest: str, size: int) -> bool:
        """Whether the file has this name now: it was free, or what has it is a beginning of ours, or the same."""
        if gave_name(self.target.part, path):
            return True
        found, mark = plain(path), mark_of(path)
        if found is None or (mark is not None and mark.source[:PLACE] != self.target.source[:PLACE]):
            return False
        if found.st_size == size:
            return digest_of(path) == digest
        cut = found.st_size < size and begins_with(self.target.part, path)  # by whatever: no byte of it is lost
        grown = found.st_size > size and mark is not None and begins_with(path, self.target.part)  # ours, and a rest
        if cut or grown:
            self.target.part.replace(path)
        return cut or grown

    def _is_there(self) -> bool:
        found = plain(self.target.part)
        return found is not None and os.path.samestat(os.fstat(self._file.fileno()), found)


def _opened(target: Target) -> int:
    """Open the hidden file of a download; its folder is made when it turns out not to be there."""
    with contextlib.suppress(FileNotFoundError):
        return open_own(target.part)
    target.folder.mkdir(parents=True, exist_ok=True)
    return open_own(target.part)
