"""One answer of a file host on its way into the hidden file: what its head says, and its body with its bounds."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path

import aiohttp
import attrs

from a2e_async.core import media, urls
from a2e_async.core.transfers import Transfers
from a2e_async.engine.files.disk import hop, room_in
from a2e_async.engine.files.kinds import NoMediaError, suffix_for
from a2e_async.engine.files.packing import BombError, Unpacker
from a2e_async.engine.files.parts import Part
from a2e_async.errors import DownloadError

OK, _PARTIAL, _RANGE_REFUSED = frozenset({200, 201, 203, 226}), 206, 416
_EXPIRED = frozenset({403, 404, 410})
_PASSING = frozenset({408, 425, 429})
_SERVER_ERROR = 500
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_ALL_OF = re.compile(r"bytes \*/(\d{1,19})")
_LENGTH = re.compile(r"\d{1,19}")
_LONGEST_ETAG = 200
_CHUNK = 1 << 20


class BrokenError(Exception):
    """This try did not bring the whole file; another one may."""


@attrs.frozen
class Answer:
    """What the head of an answer says: from which byte it goes on, and what is known of the whole."""

    at: int
    etag: str
    total: int | None


def strong_etag(reply: aiohttp.ClientResponse) -> str:
    """Give the entity tag that proves that bytes are the same; a weak one does not."""
    etag = reply.headers.get("ETag", "").strip()
    return etag if etag.isascii() and not etag.startswith("W/") and len(etag) <= _LONGEST_ETAG else ""


def is_complete(reply: aiohttp.ClientResponse, part: Part) -> bool:
    """Whether the host says that nothing is missing: somebody was killed between the last byte and the name."""
    found = _ALL_OF.fullmatch(reply.headers.get("Content-Range", "")) if reply.status == _RANGE_REFUSED else None
    same = strong_etag(reply) in ("", part.etag)
    return found is not None and same and int(found[1]) == part.size == part.total


def read_head(reply: aiohttp.ClientResponse, part: Part, url: str) -> Answer | None:
    """Read the head of an answer; None when it does not go on where the part ends, so that the download begins again.

    Raises:
        BrokenError: The host is in trouble, which may pass.
        DownloadError: The host refuses.
    """
    status, etag = reply.status, strong_etag(reply)
    if status in OK and "IM" not in reply.headers:  # with it a 226 holds a difference, which nobody has asked for
        length = _LENGTH.fullmatch(reply.headers.get("Content-Length", ""))
        return Answer(0, etag, int(length[0]) if length else None)
    if status == _PARTIAL:
        return _partial(reply, part, etag)
    if status == _RANGE_REFUSED and part.size:
        return None
    if status in _PASSING or status >= _SERVER_ERROR:
        raise BrokenError(f"HTTP {status}")
    shown, expired = urls.without_query(url), status in _EXPIRED
    words = "the file host refused the URL"
    words += ", which may have expired (results live for about three days)" if expired else ""
    raise DownloadError(f"{words}: HTTP {status} for {shown}", url=shown, expired=expired)


def _partial(reply: aiohttp.ClientResponse, part: Part, etag: str) -> Answer | None:
    """Believe a 206 that names the same entity tag and the same length, or that begins at the beginning."""
    found = _RANGE.fullmatch(reply.headers.get("Content-Range", "").strip())
    if found is None or reply.headers.get("Content-Encoding", "identity") != "identity":
        return None
    first, total = int(found[1]), part.total if found[3] == "*" else int(found[3])
    if total is None:
        return None
    if first == 0:
        return Answer(0, etag, total)
    same = etag and etag == part.etag and part.total in (None, total)
    return Answer(first, etag, total) if same and first == part.size else None


class Stream:
    """The body of one answer.

    Args:
        rules: Its bounds.
        window: Seconds over which its pace is measured.
        part: Where it goes.
        url: Where it comes from.
    """

    def __init__(self, rules: Transfers, window: float, part: Part, url: str) -> None:
        self._rules = rules
        self._window = window
        self._part = part
        self._url = url
        self._answer: Answer | None = None  # what is not yet noted beside the file
        self._waiting: list[bytes] = []
        self._size = self._held = 0  # bytes of the file, and those that wait
        self._most = rules.largest
        self._began, self._came = asyncio.get_running_loop().time(), 0  # of the window, and what came in it

    async def take(self, reply: aiohttp.ClientResponse, answer: Answer) -> None:
        """Take the whole body; what came before a break is kept, and need not come again.

        Raises:
            BrokenError: Too little comes.
            BadPackingError: It is packed, and cannot be unpacked.
            DownloadError: It is larger than it may be.
            NoMediaError: It is no image, video or audio.
        """
        head = await self._head(reply)
        unpacker = Unpacker(reply.headers.get("Content-Encoding", ""), head)
        if unpacker.is_packed:  # what is packed has neither a length nor a proof that we could go on with
            answer = Answer(0, "", None)
        elif not answer.at:
            suffix_for(head, self._url, reply.headers.get("Content-Type", ""))
        if answer.total is not None and answer.total > self._rules.largest:
            raise self._too_large(f"has {answer.total:,} bytes")
        self._answer, self._size = answer, answer.at
        try:
            await self._add(unpacker, head)
            while piece := await self._piece(reply):
                await self._add(unpacker, piece)
            unpacker.end()
        except BaseException:
            with contextlib.suppress(OSError, DownloadError):
                await hop(self._write)
            raise

    def finish(self, content_type: str) -> Path:
        """Write what waits, check that the file is whole and what it is, and name it; runs in a thread.

        Raises:
            BrokenError: Bytes are missing, or too many came.
            NoMediaError: It is no image, video or audio.
            OSError: It cannot be written.
        """
        self._write()
        part = self._part
        if part.total is not None and part.size != part.total:
            if part.size > part.total:
                part.drop()
            raise BrokenError(f"{part.size} of {part.total} bytes came")
        try:
            suffix = suffix_for(part.head(), self._url, content_type)
        except NoMediaError:
            part.drop()
            raise
        return part.finish(suffix)

    async def _head(self, reply: aiohttp.ClientResponse) -> bytes:
        head = b""
        while len(head) < media.SNIFFED and (piece := await self._piece(reply)):
            head += piece
        return head

    async def _piece(self, reply: aiohttp.ClientResponse) -> bytes:
        """Give what has come, b"" at the end; a host from which hardly anything comes would hold its place for ever."""
        piece = await reply.content.readany()
        self._came += len(piece)
        now = asyncio.get_running_loop().time()
        if piece and (passed := now - self._began) >= self._window:
            if self._came < self._rules.slowest * passed:
                raise BrokenError(f"only {self._came} bytes came in {passed:.0f} s (Transfers.slowest)")
            self._began, self._came = now, 0
        return piece

    async def _add(self, unpacker: Unpacker, piece: bytes) -> None:
        try:
            for out in unpacker.feed(piece):
                self._size += len(out)
                if self._size > self._most:
                    raise self._too_large("has more bytes")
                self._waiting.append(out)
                self._held += len(out)
                if self._held >= _CHUNK:
                    await hop(self._write)
        except BombError as bomb:
            words = str(bomb)
        else:
            return
        raise DownloadError(f"{self._part.target.stem}: {words}", url=urls.without_query(self._url))

    def _write(self) -> None:
        """Write what waits; runs in a thread."""
        if self._answer is not None:
            answer, self._answer = self._answer, None
            room = room_in(self._part.target.folder)
            if answer.total is not None and answer.total - answer.at > room:
                words = f"needs {answer.total - answer.at:,} more bytes, and the disk has room for {room:,}"
                raise DownloadError(f"{self._part.target.stem}: {words}", url=urls.without_query(self._url))
            self._most = min(self._most, answer.at + room)
            self._part.begin(answer.at, answer.etag, answer.total, whole=self._size == answer.total)
        full, self._waiting, self._held = self._waiting, [], 0
        self._part.write(full)

    def _too_large(self, words: str) -> DownloadError:
        words = f"{words}, and at most {self._most:,} are taken (Transfers.largest, or what the disk has left)"
        return DownloadError(f"{self._part.target.stem}: {words}", url=urls.without_query(self._url))
