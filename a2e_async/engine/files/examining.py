"""What a file is, by its first bytes and its SHA-256, and whether it is cut.

What is cheap comes first, and all of it before anything is asked for or paid: an API token is charged for each URL.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import OrderedDict
from io import BufferedReader
from pathlib import Path
from typing import Final

import attrs

from a2e_async.core import media, names, rules
from a2e_async.core.inputs import FaultError
from a2e_async.engine.files.contents import Content, FileAt, unreadable
from a2e_async.engine.files.whole import cut_of
from a2e_async.errors import UsageError

_OR_READ: Final = ", or one that was read to its end: seek(0) goes back"
_DIGEST: Final = 16
_KIND = re.compile(r"(image|video|audio)/[A-Za-z0-9][A-Za-z0-9.+-]*")
_OTHER = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_KNOWN: Final = 10_000
_RACY: Final = 2_000_000_000  # nanoseconds: a file as young as that may be written again within the same tick


@attrs.frozen
class Examined:
    """What a file is.

    Attributes:
        content: The file.
        kind: Its content type.
        suffix: What its name in the storage ends in.
        size: Its bytes.
        digest: Its SHA-256 in hexadecimal.
        mark: What it had when it was examined, and has as long as it is the same.
        given: Whether its content type was given by the caller, and not told by its first bytes.
    """

    content: Content
    kind: str
    suffix: str
    size: int
    digest: str
    mark: tuple[int, ...]
    given: bool = False

    @property
    def name(self) -> str:
        """What it is called where people see it."""
        return self.content.name

    @property
    def key(self) -> str:
        """What it is called in the storage: plain ASCII, for URLs are made of it."""
        stem = _OTHER.sub("-", names.safe_name(self.content.stem)).strip("-.") or "file"
        return f"{self.digest[:_DIGEST]}-{stem}{self.suffix}"

    @property
    def identity(self) -> str:
        """What tells one content from others: its digest, and its content type where that was given."""
        return f"{self.digest} {self.kind}" if self.given else self.digest

    @property
    def medium(self) -> str:
        """What it shows: "image", "video" or "audio"."""
        medium = self.kind.partition("/")[0]
        return medium if medium in ("image", "video", "audio") else "video"  # containers of old, such as MXF

    def open(self) -> BufferedReader:
        """Open it once more.

        Raises:
            FaultError: It has changed since.
        """
        source = self.content.open()
        if self.content.mark(source) != self.mark:
            source.close()
            words = "was changed while it was uploaded"
            raise FaultError("must stay as it is until it is uploaded", f"one that {words}", words)
        return source


class Examiner:
    """Examines files, each as often as it has changed.

    Args:
        largest: Most bytes of one file.
    """

    def __init__(self, largest: float) -> None:
        self.largest = largest
        self._known: OrderedDict[tuple[Path, tuple[int, ...]], Examined] = OrderedDict()

    def examine(self, content: Content, kind: str | None = None) -> Examined:
        """Find out what a file is; what is cheap comes first: reading one of terabytes would take hours.

        Raises:
            FaultError: It cannot be read, is empty, too large, cut, or no image, video or audio.
        """
        try:
            with content.open() as source:
                mark = content.mark(source)
                place = (content.path, mark) if isinstance(content, FileAt) and kind is None else None
                if place is not None and place in self._known:
                    return self._known[place]
                found = _examined(content, source, mark, kind, self.largest)
        except OSError as error:
            raise unreadable(error.strerror or error) from error
        if place is not None and time.time_ns() - mark[1] > _RACY:
            self._known[place] = found
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return found


def _examined(
    content: Content, source: BufferedReader, mark: tuple[int, ...], kind: str | None, largest: float
) -> Examined:
    size = mark[0]
    if size > largest:
        words = f"has {size:,} bytes, and at most {largest:,} are taken (Transfers.largest)"
        raise FaultError(f"must have at most {largest:,} bytes (Transfers.largest)", f"{size:,} bytes", words)
    head = source.read(media.SNIFFED)
    if not head:
        read = "" if isinstance(content, FileAt) or not content.name.startswith("open file") else _OR_READ
        raise FaultError("must not be empty", f"an empty file{read}", f"is empty{read}")
    known = media.sniff(head)
    content_type = kind or (known[1] if known else None)
    if content_type is None:
        words = "is not an image, video or audio file; pass kind= if you know its content type"
        raise FaultError("must be an image, a video or audio", "a file of another kind", words)
    if kind is None and (cut := cut_of(source, size)):  # whoever gives its content type knows it better
        way = f"if it is good all the same, `a2e upload --kind {content_type}` gives a URL of it"
        raise FaultError("must be a whole file", cut, f"is cut: it is {cut}; {way}")
    source.seek(0)
    digest = hashlib.file_digest(source, "sha256").hexdigest()
    own = content.path.suffix.lower() if isinstance(content, FileAt) else ""
    suffix = own if media.is_media_suffix(own) else known[0] if known else ""
    return Examined(content, content_type, suffix, size, digest, mark, given=kind not in (None, known and known[1]))


def check_kind(kind: object) -> None:
    """Refuse a content type that is none of media.

    Raises:
        UsageError: It is none.
    """
    if kind is not None and not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        raise UsageError(f"kind: must be a content type such as 'image/tiff', not {rules.kind_of(kind)}")
