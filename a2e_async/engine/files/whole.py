"""Whether a file is cut: its own structure names more bytes than there are. Nothing is decoded.

A copy that broke off begins like a good file, and would be uploaded, and a task paid for it. But only what is surely
cut is refused, for players and services take more than any rule says: bytes after the end (motion photos, what phones
append), sizes that a recorder left open (0, or all ones), and structures that are not known here all pass. No library
tells this without decoding: `filetype` and `puremagic` read first bytes alone, Pillow decodes and knows images only.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from io import BufferedReader
from typing import Final

from a2e_async.engine.files import whole_boxes
from a2e_async.engine.files.cuts import CutError, left

_OPEN_SIZE: Final = 0x7FFF_0000  # from here on a size was left open by what wrote a stream
_SLACK: Final = 64  # bytes by which recorders are wrong about their own headers
_PIECE: Final = 1 << 18
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"
_START_OF_SCAN: Final = 0xDA
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_FIRST_SEGMENTS: Final = {0xE0: (b"JFIF\0", b"JFXX\0"), 0xE1: (b"Exif\0", b"http://ns.adobe.com/")}
_GIFS: Final = (b"GIF87a", b"GIF89a")
_MOST_CHUNKS: Final = 1_000_000


def cut_of(source: BufferedReader, size: int) -> str:
    """Say how a file shows that it is cut, in words that go on "it is ..."; "" when it does not.

    Args:
        source: The file, open; its place is wherever this leaves it.
        size: Its bytes.
    """
    source.seek(0)
    head = source.read(16)
    try:
        for begins, check in _CHECKS:
            if begins(head):
                check(source, size)
                break
    except CutError as error:
        return str(error)
    return ""


def _png(source: BufferedReader, size: int) -> None:
    """Go from chunk to chunk to the end mark; what is no chunk, or does not begin with IHDR, is not judged."""
    at = len(_PNG)
    for number in range(_MOST_CHUNKS):
        source.seek(at)
        begin = source.read(8)
        length, kind = int.from_bytes(begin[:4]), begin[4:]
        if number == 0 and begin != b"\0\0\0\x0dIHDR":
            return
        if len(begin) < 8:  # noqa: PLR2004 - length and kind
            raise CutError("a PNG that ends before its end mark (IEND)")
        if not (kind.isalpha() and kind.isascii()):
            return
        at += 12 + length
        if at > size:
            raise CutError(f"a PNG of which {left(at - size)}")
        if kind == b"IEND":
            return


def _jpeg(source: BufferedReader, size: int) -> None:
    """Go from segment to segment to the first scan, behind which there must be an end of the image.

    In a scan these two bytes mean the end and nothing else; in the segments before it there may be whole thumbnails.
    """
    scan = _first_scan(source, size)
    if scan is not None and not _found(source, _JPEG_END, scan, size):
        raise CutError("a JPEG that ends in its image: it has no end mark (EOI)")


def _first_scan(source: BufferedReader, size: int) -> int | None:
    """Give where the first scan begins; None where the segments are none that are known here."""
    at, judged = 2, False
    while at + 4 <= size:
        source.seek(at)
        begin = source.read(24)
        marker, length = begin[1], int.from_bytes(begin[2:4])
        if begin[0] != 0xFF or marker < 0xC0 or marker == _JPEG_END[1]:  # noqa: PLR2004 - no marker of a segment
            return None
        if marker == 0xFF or marker in _BARE:  # noqa: PLR2004 - they fill up
            at += 1 if marker == 0xFF else 2  # noqa: PLR2004 - as above
            continue
        judged = judged or begin.startswith(_FIRST_SEGMENTS.get(marker, (b"\0",)), 4)
        at += 2 + length
        if marker == _START_OF_SCAN and at <= size:
            return at
        judged = judged or at <= size
    if judged:
        raise CutError("a JPEG that ends before its image")
    return None


def _found(source: BufferedReader, mark: bytes, start: int, size: int) -> bool:
    """Whether a mark stands behind a place; it is looked for at the end first, where it mostly is."""
    source.seek(max(start, size - _PIECE))
    if mark in source.read(_PIECE):
        return True
    source.seek(start)
    kept = b""
    while piece := source.read(_PIECE):
        if mark in kept + piece[:1] or mark in piece:
            return True
        kept = piece[-1:]
    return False


def _gif(source: BufferedReader, size: int) -> None:
    """Go from block to block; many writers leave the end mark out, so that whole images are enough."""
    source.seek(10)
    flags = source.read(3)
    if len(flags) < 3:  # noqa: PLR2004 - flags, background, aspect
        return
    at = 13 + _colours(flags[:1])
    images = 0
    while at < size:
        source.seek(at)
        kind = source.read(1)
        if kind == b"!":
            at = _after_blocks(source, at + 2, size)
        elif kind == b",":
            parts = source.read(9)
            at = _after_blocks(source, at + 11 + _colours(parts[8:]), size)
            images += 1
        else:  # the end mark, or what is not known here
            return
    if not images:
        raise CutError("a GIF that ends before its image")


def _colours(flags: bytes) -> int:
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _after_blocks(source: BufferedReader, at: int, size: int) -> int:
    source.seek(at)
    while length := source.read(1):
        if length == b"\0":
            return source.tell()
        source.seek(length[0], os.SEEK_CUR)
        if source.tell() > size:
            break
    raise CutError("a GIF that ends in its image")


def _webp(source: BufferedReader, size: int) -> None:
    source.seek(4)
    _check_named("a WebP", 8 + int.from_bytes(source.read(4), "little"), size, 1)


def _avi(source: BufferedReader, size: int) -> None:
    source.seek(4)
    _check_named("an AVI", 8 + int.from_bytes(source.read(4), "little"), size, _SLACK)


def _aiff(source: BufferedReader, size: int) -> None:
    source.seek(4)
    _check_named("an AIFF", 8 + int.from_bytes(source.read(4)), size, _SLACK)


def _wav(source: BufferedReader, size: int) -> None:
    """Judge by the size of the samples; that of the whole is often wrong, and of a stream both are left open."""
    source.seek(0)
    order: str = ">" if source.read(4) == b"RIFX" else "<"
    at = 12
    while at + 8 <= size:
        source.seek(at)
        kind, length = struct.unpack(f"{order}4sI", source.read(8))
        if kind == b"data":
            _check_named("a WAV", at + 8 + length, size, _SLACK)
            return
        if not (kind.isascii() and kind.strip(b" ").isalnum()):
            return
        at += 8 + length + length % 2
    if at > size + _SLACK and at < _OPEN_SIZE:
        raise CutError("a WAV that ends before its samples")


def _bitmap(source: BufferedReader, size: int) -> None:
    """Judge pixels that are not packed by their number; the size in the head is often wrong."""
    source.seek(10)
    head = source.read(24)
    if len(head) < 24:  # noqa: PLR2004 - to the way of packing
        return
    start, header, width, height = struct.unpack_from("<IIii", head)
    bits, packing = struct.unpack_from("<HI", head, 18)
    if header >= 40 and packing == 0 and width > 0 and bits in (1, 4, 8, 16, 24, 32):  # noqa: PLR2004
        _check_named("a BMP", start + (width * bits + 31) // 32 * 4 * abs(height), size, _SLACK)


def _tiff(source: BufferedReader, size: int) -> None:
    """Judge by where the list of its parts lies, which most writers put at the end."""
    source.seek(0)
    head = source.read(8)
    at = int.from_bytes(head[4:], "little" if head[:2] == b"II" else "big")
    if at > size - 2:
        raise CutError("a TIFF that ends before the list of its parts")


def _check_named(what: str, end: int, size: int, slack: int) -> None:
    """Refuse a file that names an end behind its own, but for a size that was left open."""
    if size + slack < end < _OPEN_SIZE:
        raise CutError(f"{what} of which {left(end - size)}")


def _riff(kind: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] in (b"RIFF", b"RIFX") and head[8:12] == kind


_CHECKS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[BufferedReader, int], None]], ...]] = (
    (lambda head: head.startswith(_PNG), _png),
    (lambda head: head.startswith(_JPEG), _jpeg),
    (lambda head: head.startswith(_GIFS), _gif),
    (_riff(b"WEBP"), _webp),
    (_riff(b"WAVE"), _wav),
    (_riff(b"AVI "), _avi),
    (lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"), _aiff),
    (lambda head: head.startswith(b"BM"), _bitmap),
    (lambda head: head.startswith((b"II*\0", b"MM\0*")), _tiff),
    (whole_boxes.is_matroska, whole_boxes.matroska),
    (whole_boxes.is_boxes, whole_boxes.boxes),
)
