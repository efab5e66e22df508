"""Inputs: what a field of a request takes besides a URL, and how each of it is shown.

A request holds what it was given: it stays a frozen value, and nothing is read or sent when it is made. When it is
started, files are examined and uploaded, and jobs are waited for.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
from collections.abc import Mapping
from typing import Any, Final

import attrs

_LONGEST_NAME, _BEGIN, _END = 160, 40, 100


class Made:
    """What a task has made: a result, or a record. As an input it is its first output."""

    __slots__ = ()

    def _outputs(self) -> tuple[str, ...]:
        """Give the URLs of what was made, in order."""
        raise NotImplementedError


class Pending:
    """What has outputs later, such as a job: a start that takes it waits for it."""

    __slots__ = ()

    def _awaited(self) -> Pending:
        """Give what is waited for."""
        return self

    def _told(self) -> str:
        """Say in a few words which one it is."""
        return repr(self)[1:-1]


@attrs.frozen
class Unavailable:
    """Stands in a copy of a request for an input that cannot go along, such as a job in the pickle of an error.

    Attributes:
        words: What it was.
    """

    words: str

    def __repr__(self) -> str:
        return f"<{self.words}>"


@attrs.frozen
class Upload:
    """A file that lies in the service's storage.

    Attributes:
        url: Its public URL.
        expires: When that ends, in seconds since 1970 by the service's clock.
        coins: What the service charged for the upload, None where it is not told.
    """

    url: str
    expires: float
    coins: float | None = None


class UploadMemory:
    """What is remembered of uploads, by content; this one remembers nothing.

    A store or a ledger keeps them longer than a client lives. What is asked for and written down here is awaited before
    the start goes on, so that what has been paid for once is known to the next process.
    """

    async def recall(self, content: str) -> Upload | None:
        """Give the upload of a content, None when there is none.

        Args:
            content: The SHA-256 of the file in hexadecimal; where its content type was given by the caller, that after
                a space.
        """

    async def remember(self, content: str, upload: Upload) -> None:
        """Keep an upload, in the place of an older one of the same content."""


NO_MEMORY: Final = UploadMemory()


class FaultError(Exception):
    """What is wrong with a file.

    Args:
        rule: What it must be, in words that go on "it ...".
        instead: What it is instead.
        words: The same in words that go on "the file ...".
    """

    def __init__(self, rule: str, instead: str, words: str) -> None:
        super().__init__(words)
        self.rule = rule
        self.instead = instead


def is_input(value: object) -> bool:
    """Whether a value, which is no text, is a file, a result, a record or a job."""
    if isinstance(value, bytes | Made | Pending | Unavailable):
        return True
    if isinstance(value, os.PathLike):
        with contextlib.suppress(Exception):  # of somebody's own class
            return isinstance(os.fspath(value), str)
        return False
    return is_open_file(value) and not flaw_of(value)


def is_open_file(value: object) -> bool:
    """Whether a value looks like an open file, in whatever mode."""
    return not isinstance(value, type) and callable(getattr(value, "read", None))


def flaw_of(value: object) -> str:
    """Say what keeps a value that looks like a file, or names one, from being an input; "" when nothing does."""
    if isinstance(value, bytearray | memoryview):
        return "bytes that can change; give bytes(...)"
    if not is_open_file(value):
        return ""
    if inspect.iscoroutinefunction(value.read):  # type: ignore[attr-defined]  # it has one
        return "a file that is read with await; give its bytes, as in `await file.read()`"
    if isinstance(value, io.TextIOBase) or getattr(value, "encoding", None) is not None:
        return "a file that is open as text; open it with mode 'rb'"
    return ""


def output_of(value: Made) -> str:
    """Give the first output of a result or a record, "" when it has none."""
    return next(iter(value._outputs()), "")  # noqa: SLF001 - of this file


def shown(value: object) -> str:
    """Show an input in a few words, as errors and the repr of a request do; other values as Python does."""
    if isinstance(value, list | tuple):
        parts = ", ".join(map(shown, value))
        return f"[{parts}]" if isinstance(value, list) else f"({parts}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {shown(held)}' for key, held in value.items())}}}"
    words = "" if isinstance(value, str) else words_of(value)
    return f"<{words}>" if words else repr(value)


def words_of(value: object) -> str:
    """Say in a few words which file, result or job an input is, "" for a path and for what is none."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, Made):
        return f"{type(value).__name__} {output_of(value).partition('?')[0] or 'without output'}"
    if isinstance(value, Pending):
        return value._told()  # noqa: SLF001 - of this file
    if isinstance(value, Unavailable):
        return value.words
    return name_of(value) if is_open_file(value) else ""


def as_plain(value: object) -> dict[str, Any] | str:
    """Give an input as plain JSON."""
    if isinstance(value, Made):
        return output_of(value)
    if isinstance(value, os.PathLike):
        return {"file": os.fspath(value)}
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    return {"job" if isinstance(value, Pending) else "file": words_of(value)}


def short_name(name: str) -> str:
    """Shorten a path in the middle for people: its folder and its name are at its ends."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_BEGIN]}…{name[-_END:]}"


def name_of(file: object) -> str:
    """Give the name of an open file as it is shown."""
    name: Any = getattr(file, "name", None)
    return f"open file {os.fsdecode(name)}" if isinstance(name, str | bytes | os.PathLike) else "open file"


def replaced(value: Any, by: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    """Give a value of a field with each input in it, at whatever depth, replaced; texts and numbers stay.

    Args:
        value: The value.
        by: Called with each input; gives what stands in its place.
    """
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, list | tuple):
        return [replaced(one, by) for one in value]
    if isinstance(value, Mapping):
        return {key: replaced(held, by) for key, held in value.items()}
    return by(value)
