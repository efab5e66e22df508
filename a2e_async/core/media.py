"""What a file is by its first bytes, and what it may be called on every system."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

SNIFFED = 64
"""How many first bytes tell what a file is."""

_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", ".png", "image/png"),
    (0, b"\xff\xd8\xff", ".jpg", "image/jpeg"),
    (0, b"GIF8", ".gif", "image/gif"),
    (8, b"WEBP", ".webp", "image/webp"),
    (8, b"WAVE", ".wav", "audio/wav"),
    (4, b"ftypqt", ".mov", "video/quicktime"),
    (4, b"ftypM4A", ".m4a", "audio/mp4"),
    (4, b"ftypavif", ".avif", "image/avif"),
    (4, b"ftyp", ".mp4", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", ".webm", "video/webm"),
    (0, b"ID3", ".mp3", "audio/mpeg"),
    (0, b"\xff\xfb", ".mp3", "audio/mpeg"),
    (0, b"\xff\xf3", ".mp3", "audio/mpeg"),
    (0, b"OggS", ".ogg", "audio/ogg"),
    (0, b"fLaC", ".flac", "audio/flac"),
)
SUFFIXES = tuple(dict.fromkeys(suffix for _at, _signature, suffix, _kind in _SIGNATURES))
"""The suffixes that `sniff` gives."""

_MEDIA_SUFFIX = re.compile(r"\.[a-z0-9]{2,5}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST = 80


def sniff(head: bytes) -> tuple[str, str] | None:
    """Give suffix and content type of a media file by its first bytes, None when they tell nothing."""
    for at, signature, suffix, kind in _SIGNATURES:
        if head[at : at + len(signature)] == signature:
            return suffix, kind
    return None


def is_text(head: bytes) -> bool:
    """Whether a file begins like an error page (HTML, XML or JSON) or holds nothing, and so is no media file."""
    return not head.strip() or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{", b"[")


def suffix_of(url: str) -> str:
    """Give the suffix of a URL's path, "" when it has none that could be a media file's."""
    try:
        suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    except ValueError:
        return ""
    return suffix if _MEDIA_SUFFIX.fullmatch(suffix) and suffix != ".image" else ""


def safe_name(text: str, fallback: str = "file") -> str:
    """Make a file name of any text that every system takes; it has no suffix of its own and no path."""
    name = _UNSAFE.sub("-", text).strip("-. ")[:_LONGEST].strip("-. ") or fallback
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def without_query(url: str) -> str:
    """Give a URL without its query, which can hold a signature."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
