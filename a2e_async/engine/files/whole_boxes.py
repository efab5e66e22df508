"""Whether a file of boxes is cut: MP4, MOV, M4A, 3GP, HEIC, AVIF, JPEG 2000; WebM and Matroska by their one size.

A box says how long it is. Only those that hold the media or say where it is are judged: cameras and phones append
trailers of their own, and a box of theirs that is cut hurts nobody.
"""

from __future__ import annotations

from io import BufferedReader
from typing import Final

from a2e_async.engine.files.cuts import CutError, left

_EBML: Final = b"\x1aE\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"
_LONG, _TO_THE_END = 1, 0  # in the place of a box's size
_FIRST: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"jP  ", b"JXL "})
_MEDIA: Final = frozenset({b"mdat", b"moov", b"moof", b"meta", b"jp2c", b"jp2h", b"jxlc", b"jxlp"})
_OTHERS: Final = frozenset({
    b"ftyp", b"wide", b"free", b"skip", b"pnot", b"jP  ", b"JXL ", b"uuid", b"udta", b"styp", b"sidx", b"ssix",
    b"emsg", b"prft", b"mfra", b"pdin", b"mpvd", b"idat", b"xml ", b"PICT", b"jbrd", b"Exif", b"jxll", b"brob", b"jxli",
})  # fmt: skip
_STILLS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"miaf", b"avif", b"1pic"})
_MOST_BOXES: Final = 100_000  # of a video in fragments


def is_boxes(head: bytes) -> bool:
    """Whether a file begins as one of boxes."""
    return head[4:8] in _FIRST


def boxes(source: BufferedReader, size: int) -> None:
    """Go from box to box.

    Raises:
        CutError: One that matters goes on behind the end of the file, or there is media and nothing says what it is.
    """
    at, seen, brand = 0, set[bytes](), b""
    for _ in range(_MOST_BOXES):
        if at >= size:
            break
        source.seek(at)
        begin = source.read(16)
        length, kind = int.from_bytes(begin[:4]), begin[4:8]
        if kind not in _MEDIA and kind not in _OTHERS:  # a trailer, or what is not known here
            return
        seen.add(kind)
        brand = brand or (begin[8:12] if kind == b"ftyp" else b"")
        if length == _TO_THE_END:
            break
        header = 16 if length == _LONG else 8
        length = int.from_bytes(begin[8:16]) if length == _LONG else length
        if length < header:
            return
        at += length
        if at > size:
            if kind in _MEDIA:
                raise CutError(f"one of which {left(at - size)}")
            break
    if b"mdat" in seen and b"moov" not in seen and b"meta" not in seen and brand not in _STILLS:
        raise CutError("a video whose index (its moov box) is missing, as when a recording broke off")


def is_matroska(head: bytes) -> bool:
    """Whether a file begins as WebM or Matroska."""
    return head.startswith(_EBML)


def matroska(source: BufferedReader, size: int) -> None:
    """Judge by the size of the one segment; a recorder in a browser leaves it open.

    Raises:
        CutError: The segment goes on behind the end of the file.
    """
    source.seek(0)
    head = source.read(256)
    header = _number(head, len(_EBML))
    if header is None:
        return
    start = header[1] + header[0]
    if head[start : start + 4] != _SEGMENT:
        return
    segment = _number(head, start + 4)
    if segment is not None and segment[1] + segment[0] > size:
        raise CutError(f"one of which {left(segment[1] + segment[0] - size)}")


def _number(data: bytes, at: int) -> tuple[int, int] | None:
    """Give a number of variable length, and where it ends; None for one that was left open, or is none."""
    if at >= len(data) or not data[at]:
        return None
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width]) & (1 << 7 * width) - 1
    return None if value == (1 << 7 * width) - 1 else (value, at + width)
