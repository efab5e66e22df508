"""Files that rows name: found below one folder, opened once with care, and known by their content.

A rows file may be somebody else's. What it names is read only where it lies inside the file's own folder, or one that
the user has named for it: `..`, links, absolute paths and /proc lead nowhere else, and pipes and devices are refused
without waiting for them. Only what begins like an image, a video or audio is taken.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs

from a2e_async.batch.cells import UnclearError
from a2e_async.batch.inputs import FileInput
from a2e_async.core.inputs import FaultError
from a2e_async.core.media_kinds import one_of
from a2e_async.core.requests import Field
from a2e_async.core.secrets import hide_secrets
from a2e_async.engine.files.contents import FileAt
from a2e_async.engine.files.examining import Examiner

_LONGEST_SHOWN = 100
_LONGEST_WORDS = 1 << 20
_ALLOW: Final = "--files DIR allows files of another folder"


class Files:
    """The files that rows may name.

    Args:
        base: The folder to which their paths are relative.
        allowed: Other folders whose files may be named, too.
        fit: Makes an image fit for the field that takes it, None where that was not asked for.
    """

    def __init__(
        self,
        base: Path,
        allowed: Sequence[Path] = (),
        fit: Callable[[FileInput, Field | None], FileInput] | None = None,
    ) -> None:
        self._fit = fit
        self._fitted: dict[tuple[tuple[str, int, int, int], int | None], FileInput] = {}
        self.base = base
        self._roots = [_real(folder) for folder in (base, *allowed)]
        self._known: dict[tuple[str, int, int, int], FileInput] = {}

    def take(self, name: str, field: Field | None = None) -> FileInput:
        """Give the file of a name, after a check that it can be uploaded.

        Args:
            name: Its path, relative to the folder.
            field: The field that takes it; then what it takes is checked as well.

        Raises:
            UnclearError: It lies outside, is not there, or is no file of the right kind.
        """
        path = self.find(name)
        found = _status(path, name, self.base)
        key = (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
        if key not in self._known:  # the same images may stand in thousands of rows
            self._known[key] = examined(path, name)
        file = attrs.evolve(self._known[key], name=name)
        if self._fit is not None:
            place = (key, None if field is None else field.largest)
            if place not in self._fitted:
                self._fitted[place] = self._fit(file, field)
            file = attrs.evolve(self._fitted[place], name=name)
        if field is not None:
            check_kind(file, field)
        return file

    def find(self, name: str) -> Path:
        """Give the place of a name, without any link in it.

        Raises:
            UnclearError: It lies outside of the folders whose files may be named.
        """
        try:
            path = _real(self.base / name)
        except (OSError, RuntimeError, ValueError):  # a circle of links
            raise UnclearError(f"{_shown(name)} cannot be read: it leads back to itself") from None
        # Before anything else is said of it: a rows file must not find out what there is outside.
        if not any(path.is_relative_to(root) for root in self._roots):
            raise UnclearError(f"{_shown(name)} lies outside of the folder {self.base}; {_ALLOW}")
        return path

    def words(self, name: str) -> str:
        """Give the text of a file.

        Raises:
            UnclearError: It lies outside, cannot be read, is too long, or is no UTF-8 text.
        """
        path = self.find(name)
        try:
            with FileAt(path).open() as source:
                content = source.read(_LONGEST_WORDS + 1)
            text = content.decode("utf-8-sig")
        except FaultError as fault:
            raise UnclearError(f"{_shown(name)} {fault}") from None
        except UnicodeDecodeError:
            raise UnclearError(f"{_shown(name)} must be UTF-8 text") from None
        if len(content) > _LONGEST_WORDS:
            raise UnclearError(f"{_shown(name)} is too long for a prompt")
        return text.strip()


def examined(path: Path, name: str) -> FileInput:
    """Find out what a file is.

    Raises:
        UnclearError: It cannot be read, is empty, or is no image, video or audio.
    """
    try:
        found = Examiner(math.inf).examine(FileAt(path))
    except FaultError as fault:
        raise UnclearError(f"{_shown(name)} {fault}") from None
    return FileInput(sha256=found.digest, name=name, size=found.size, kind=found.kind, suffix=found.suffix, path=path)


def check_kind(file: FileInput, field: Field) -> None:
    """Refuse a file of another kind than a field takes.

    Raises:
        UnclearError: So.
    """
    is_a = file.kind.partition("/")[0]
    if field.media and is_a not in field.media:
        raise UnclearError(f"takes {one_of(field.media)}, and {_shown(file.name)} is {one_of([is_a])} ({file.kind})")
    if field.largest is not None and file.size > field.largest and not file.fitted:
        words = f"has {file.size:,} bytes, and the service takes at most {field.largest:,} here"
        raise UnclearError(f"{_shown(file.name)} {words}")


def _status(path: Path, name: str, base: Path) -> os.stat_result:
    """Give what is known of a plain file.

    Raises:
        UnclearError: It is none, or is not there.
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        words = f"there is no file {_shown(name)} in {base} (a URL begins with https://)"
        raise UnclearError(words) from None
    except (OSError, ValueError) as error:
        words = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UnclearError(f"{_shown(name)} cannot be read: {words}") from None
    if not stat.S_ISREG(found.st_mode):
        is_folder = stat.S_ISDIR(found.st_mode)
        words = "is a folder" if is_folder else "is no plain file: pipes, devices and sockets are not read"
        raise UnclearError(f"{_shown(name)} {words}")
    return found


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _shown(name: str) -> str:
    text = hide_secrets(name)
    short = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return short if short.isprintable() else ascii(short)
