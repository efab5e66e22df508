"""Media without any library: small PNG images and H.264 videos, written byte by byte.

Videos use the one kind of H.264 block that needs no arithmetic coding, I_PCM (plain samples), every image a key
frame; any player shows them.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from functools import cache

MACROBLOCK = 16
_TIMESCALE = 1000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_EMULATION = re.compile(rb"\x00\x00(?=[\x00-\x03])")


def png(width: int, height: int, rows: Sequence[bytes]) -> bytes:
    """Write rows of RGB bytes as a PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


class _Bits:
    """Collects bits, most significant first."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def put(self, value: int, width: int) -> _Bits:
        self._bits.append(f"{value:0{width}b}")
        return self

    def ue(self, *values: int) -> _Bits:
        for value in values:
            digits = f"{value + 1:b}"
            self._bits.append("0" * (len(digits) - 1) + digits)
        return self

    def bytes(self, *, stop: bool) -> bytes:
        """Give the bytes so far, filled up with zeros, after a stop bit if wanted."""
        text = "".join(self._bits) + ("1" if stop else "")
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")


def _unit(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _EMULATION.sub(b"\x00\x00\x03", body)


def _sequence(columns: int, lines: int) -> bytes:
    """Write the sequence parameter set: baseline, level 3, frames only."""
    bits = _Bits().put(66, 8).put(0xC0, 8).put(30, 8)
    bits.ue(0, 0, 2, 1).put(0, 1)  # set 0, frame numbers of 4 bits, order as decoded, one reference, no gaps
    bits.ue(columns - 1, lines - 1).put(1, 1).put(1, 1).put(0, 1).put(0, 1)
    return _unit(0x67, bits.bytes(stop=True))


def _images() -> bytes:
    """Write the image parameter set: no groups, no weights, deblocking can be switched off."""
    bits = _Bits().ue(0, 0).put(0, 2).ue(0, 0, 0).put(0, 3).ue(0, 0, 0).put(1, 1).put(0, 2)
    return _unit(0x68, bits.bytes(stop=True))


def slice_of(frame: YuvFrame, index: int) -> bytes:
    """Write one frame as a key frame of I_PCM blocks."""
    bits = _Bits().ue(0, 7, 0).put(0, 4).ue(index % 2).put(0, 2).ue(0).ue(1)
    start = True
    out = bytearray()
    for block in frame.blocks():
        head = bits if start else _Bits()
        out += head.ue(25).bytes(stop=False) + block
        start = False
    return _unit(0x65, bytes(out) + b"\x80")


class YuvFrame:
    """A frame as planes of rows: luma whole, both chroma halved. Sides are multiples of 16."""

    __slots__ = ("_blue", "_luma", "_red")

    def __init__(self, luma: Sequence[bytes], blue: Sequence[bytes], red: Sequence[bytes]) -> None:
        self._luma, self._blue, self._red = luma, blue, red

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return len(self._luma[0]), len(self._luma)

    def blocks(self) -> list[bytes]:
        """Give the samples of each macroblock, line by line of blocks."""
        width, height = self.size
        half = MACROBLOCK // 2
        out = []
        for top in range(0, height, MACROBLOCK):
            for left in range(0, width, MACROBLOCK):
                luma = b"".join(row[left : left + MACROBLOCK] for row in self._luma[top : top + MACROBLOCK])
                chroma = b"".join(
                    row[left // 2 : left // 2 + half]
                    for plane in (self._blue, self._red)
                    for row in plane[top // 2 : top // 2 + half]
                )
                out.append(luma + chroma)
        return out

    def crop(self, left: int, width: int) -> YuvFrame:
        """Give so many columns of the frame from an even one on."""
        whole, half = slice(left, left + width), slice(left // 2, (left + width) // 2)
        return YuvFrame(
            [row[whole] for row in self._luma], [row[half] for row in self._blue], [row[half] for row in self._red]
        )


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def mp4(frames: Sequence[YuvFrame], seconds: float) -> bytes:
    """Write frames as a video of that length, its index before its images."""
    width, height = frames[0].size
    units = [slice_of(frame, index) for index, frame in enumerate(frames)]
    samples = [struct.pack(">I", len(unit)) + unit for unit in units]
    length = round(seconds * _TIMESCALE)
    kind = _box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2avc1mp41")
    size = len(_index(width, height, samples, length, 0))
    index = _index(width, height, samples, length, len(kind) + size + 8)
    return kind + index + _box(b"mdat", *samples)


def _index(width: int, height: int, samples: Sequence[bytes], length: int, offset: int) -> bytes:
    count = len(samples)
    each, rest = divmod(length, count)
    times = [(count - rest, each), (rest, each + 1)] if rest else [(count, each)]
    table = _box(
        b"stbl",
        _full(b"stsd", 0, struct.pack(">I", 1), _entry(width, height)),
        _full(b"stts", 0, struct.pack(">I", len(times)), *(struct.pack(">II", *pair) for pair in times)),
        _full(b"stsc", 0, struct.pack(">IIII", 1, 1, count, 1)),
        _full(b"stsz", 0, struct.pack(">II", 0, count), *(struct.pack(">I", len(one)) for one in samples)),
        _full(b"stco", 0, struct.pack(">II", 1, offset)),
    )
    handler = _full(b"hdlr", 0, b"\0\0\0\0vide", bytes(12), b"video\0")
    data = _box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", 1)))
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, _TIMESCALE, length, 0x55C4, 0)),
        handler,
        _box(b"minf", _full(b"vmhd", 1, bytes(8)), data, table),
    )
    shown = struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, length, 0, 0, 0, 0) + _MATRIX
    track = _full(b"tkhd", 7, shown, struct.pack(">II", width << 16, height << 16))
    movie = struct.pack(">IIIIIH10x", 0, 0, _TIMESCALE, length, 0x10000, 0x100) + _MATRIX + bytes(24)
    return _box(b"moov", _full(b"mvhd", 0, movie, struct.pack(">I", 2)), _box(b"trak", track, media))


def _entry(width: int, height: int) -> bytes:
    sps, pps = _sequence(width // MACROBLOCK, height // MACROBLOCK), _images()
    config = bytes([1, 66, 0xC0, 30, 0xFF, 0xE1]) + struct.pack(">H", len(sps)) + sps
    config += b"\x01" + struct.pack(">H", len(pps)) + pps
    sizes = struct.pack(">HH", width, height)
    look = bytes(16) + sizes + struct.pack(">III", 0x480000, 0x480000, 0) + struct.pack(">H32xHh", 1, 24, -1)
    return _box(b"avc1", struct.pack(">6xH", 1), look, _box(b"avcC", config))


@cache
def tiny_image() -> bytes:
    """Give the smallest sensible image."""
    return png(2, 2, [b"\xe0\x40\x30\x30\x60\xc0", b"\x30\x60\xc0\xe0\x40\x30"])


@cache
def tiny_video(seconds: int) -> bytes:
    """Give the smallest sensible video of that length."""
    frames = [
        YuvFrame([bytes([90 + 60 * index]) * 16] * 16, [b"\x60" * 8] * 8, [b"\xa0" * 8] * 8) for index in range(2)
    ]
    return mp4(frames, seconds)
