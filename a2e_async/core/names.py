"""What a file may be called on every system, and still be read by people."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

from a2e_async.core import media

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\..*)?", re.IGNORECASE)
_KEPT = ("L", "M", "N", "So")
_LONGEST = 80
_MOST_BYTES = 180  # file systems take 255, and hidden files and numbers need some


def safe_name(text: str, fallback: str = "file", *, distinct: bool = False) -> str:
    """Make a file name of any text that every system takes; it has no path, and no suffix is added.

    Letters, marks, digits and symbols of every script are kept (in Unicode's normal form C), all else is a dash: no
    blanks, nothing that a shell, a path or a direction of writing could be changed with.

    Args:
        text: The text.
        fallback: What stands for a text of which nothing is left.
        distinct: Whether a text that is too long, or of which nothing is left, is told from others by its digest.
    """
    name = text if _PLAIN.fullmatch(text) else "".join(map(_kept, unicodedata.normalize("NFC", text)))
    name = (re.sub("-{2,}", "-", name) if name != text else name).strip("-. ")
    short = _cut(name, _LONGEST, _MOST_BYTES)
    if distinct and (short != name or not name):
        short = f"{_cut(name, _LONGEST - 17, _MOST_BYTES - 17) or fallback}-{_digest(text)}"
    short = short or fallback
    return f"_{short}" if _RESERVED.fullmatch(short) else short


def without_suffix(name: str) -> str:
    """Give a file name without the suffix of a media file, such as `kite` of `kite.png`, but `v1.2` of `v1.2`."""
    path = PurePosixPath(name)
    return name.removesuffix(path.suffix) if path.suffix and media.is_media_suffix(path.suffix) else name


def _kept(character: str) -> str:
    if character.isascii():
        return character if _PLAIN.fullmatch(f"a{character}") else "-"
    return character if unicodedata.category(character).startswith(_KEPT) else "-"


def _cut(name: str, characters: int, octets: int) -> str:
    return name[:characters].encode("utf-8")[:octets].decode("utf-8", "ignore").rstrip("-. ")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
