"""Small photos on disk, each with a content of its own."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path


def png(number: int = 0) -> bytes:
    """Give a whole PNG of one pixel, another one for each number below 16,777,216."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" + number.to_bytes(3, "big"))), (b"IEND", b""))
    chunks = (struct.pack(">I", len(body)) + kind + body + _sum(kind + body) for kind, body in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def mp4() -> bytes:
    """Give the beginning of a video, which is enough to tell what it is."""
    return b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100)


def photo(path: Path, number: int = 0) -> Path:
    """Write a photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(number))
    return path


def _sum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))
