"""Bodies that come packed although nobody asked for that, unpacked with their size bounded.

Stores hand out what was stored packed, and servers say "gzip" of what is not. Images, videos and audio hardly shrink:
what grows a hundredfold is no media file but a trap.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from a2e_async.core import media

_GZIP, _ZLIB, _DEFLATE = 31, 15, -15
_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 20
_HARMLESS = 32 << 20  # bytes up to which nobody asks how far they were packed
_MOST_TIMES = 20


class BombError(Exception):
    """What came unpacks to far more than media do."""


class BadPackingError(Exception):
    """What came packed breaks off or cannot be unpacked."""


class Unpacker:
    """Unpacks one body.

    Args:
        encoding: What Content-Encoding says.
        head: The first bytes, which tell whether it is true.

    Raises:
        BadPackingError: It is packed in a way that nobody here knows.
    """

    def __init__(self, encoding: str, head: bytes) -> None:
        self.came = self.gave = 0
        self._wbits = _wbits(encoding, head)
        self._engine = zlib.decompressobj(self._wbits) if self._wbits else None

    @property
    def is_packed(self) -> bool:
        """Whether the body really is packed."""
        return self._wbits != 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Give what a piece unpacks to, in pieces of at most 1 MiB.

        Raises:
            BombError: It is more than media ever are.
            BadPackingError: It cannot be unpacked.
        """
        self.came += len(piece)
        if self._engine is None:
            yield piece
            return
        full = False
        while piece or full:
            if self._engine.eof:  # several packed parts may follow each other; else zeros fill the end
                if not piece.startswith(_MAGIC[:1]):
                    return
                self._engine = zlib.decompressobj(self._wbits)
            try:
                out = self._engine.decompress(piece, _PIECE)
            except zlib.error:
                raise BadPackingError("the file host sent something packed that cannot be unpacked") from None
            piece = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
            full = len(out) == _PIECE
            self.gave += len(out)
            if self.gave > _HARMLESS and self.gave > self.came * _MOST_TIMES:
                raise BombError("the file host sent something packed that unpacks to far more than media do")
            if out:
                yield out

    def end(self) -> None:
        """Take note that the body has ended.

        Raises:
            BadPackingError: It has ended too early.
        """
        if self._engine is not None and not self._engine.eof:
            raise BadPackingError("the packed file broke off")


def _wbits(encoding: str, head: bytes) -> int:
    """Give what zlib needs to know, 0 for a body that is to be taken as it is, whatever its header says."""
    names = {name.strip() for name in encoding.lower().split(",")} - {"", "identity"}
    if not names or media.sniff(head) is not None:
        return 0
    if len(names) > 1 or not names <= {"gzip", "x-gzip", "deflate"}:
        raise BadPackingError(f"the file host packed the file ({ascii(encoding)[:60]}), though that was not asked for")
    if "deflate" not in names:
        return _GZIP if head.startswith(_MAGIC) else 0
    zlib_header = len(head) > 1 and head[0] & 0xF == 8 and (head[0] << 8 | head[1]) % 31 == 0  # noqa: PLR2004 - RFC 1950
    return _ZLIB if zlib_header else _DEFLATE
