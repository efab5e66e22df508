"""What came: an image, a video or audio, or something that is no result whatever its URL says.

Pages, words, scripts and programs are never kept: a gallery links its files, and whoever opens one would run it. What
the table of first bytes does not know is kept only when the host calls it media and nothing in it looks like words, and
then under a suffix that no system runs.
"""

from __future__ import annotations

import re

from a2e_async.core import media, urls

_UNKNOWN = ".bin"
_CALLED_MEDIA = re.compile(r"\s*(image|video|audio)/(?!svg)", re.IGNORECASE)
_MARKUP = re.compile(rb"<\s*(!doctype|!--|\?|html|head|body|script|svg|title|error|a\s|p>|meta)", re.IGNORECASE)
_TEXT_BYTES = frozenset(b"\t\n\r\f\x1b") | frozenset(range(0x20, 0x7F))
_CONTROLS = frozenset((*range(0x20), 0x7F)) - _TEXT_BYTES
_MOST_TEXT = 0.92  # of random bytes 0.4 are printable, of words all
_PROGRAMS: tuple[bytes, ...] = (
    b"MZ", b"\x7fELF", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!",
    b"L\0\0\0\x01\x14\x02\0", b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ",
    b"MSCF", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF", b"%!PS", b"\0asm", b"dex\n", b"FWS", b"CWS", b"ZWS",
    b"SQLite format 3", b"!<arch>", b"\xed\xab\xee\xdb", b"{\\rtf", b"ITSF", b"\x28\xb5\x2f\xfd", b"xar!",
    b"\x80\x02}", b"\x80\x04\x95",
)  # fmt: skip


class NoMediaError(Exception):
    """What came is no image, no video and no audio; its words say what it is."""


def suffix_for(head: bytes, url: str, content_type: str) -> str:
    """Give the suffix of the file that begins so.

    Args:
        head: Its first bytes.
        url: Where it came from.
        content_type: What the host calls it.

    Raises:
        NoMediaError: It is no result.
    """
    known = media.sniff(head)
    if known is not None:
        return known[0]
    if not head:
        raise NoMediaError("the file host sent nothing")
    if head.startswith(_PROGRAMS):
        raise NoMediaError("the file host sent a program, an archive or a document instead of the file")
    if is_words(head):
        raise NoMediaError("the file host sent a page or words instead of the file")
    if not _CALLED_MEDIA.match(content_type):
        raise NoMediaError("the file host sent something that is no image, video or audio")
    return urls.suffix_of(url) or _UNKNOWN


def is_words(head: bytes) -> bool:
    """Whether a file begins with words, in whatever encoding, or with markup that a browser would show."""
    bare = head.replace(b"\0", b"")
    if not bare.strip() or _MARKUP.search(bare[:1024]):
        return True
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return True
    if 2 * len(bare) <= len(head) + 2 and _share_of_text(bare) > _MOST_TEXT:  # UTF-16 and UTF-32 without a mark
        return True
    if _share_of_text(head) > _MOST_TEXT:
        return True
    # In the encodings of the East and of old Windows words have high bytes, and no control characters.
    return not any(byte in _CONTROLS for byte in head)


def _share_of_text(part: bytes) -> float:
    return sum(byte in _TEXT_BYTES for byte in part) / len(part)
