"""Result files, whole or absent, and uploads.

A download streams into a hidden file beside its target, resumes after a break when the server proves that the file is
still the same (ETag), is checked for length and kind, written through to the disk and only then given its name.
The token never goes to a file host: files have a pool of connections of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
import attrs

from a2e_async.core import media
from a2e_async.core.retry import Retry
from a2e_async.engine.http.proxies import Proxies
from a2e_async.engine.http.session import CONNECT_SECONDS, new_http_session
from a2e_async.errors import A2EError, DownloadError, TransportError

Progress = Callable[[int, int], None]
Relink = Callable[[], Awaitable[str | None]]

# On Windows two processes that fetch the same file at once are not kept apart.
_fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None
_CHUNK = 1 << 20
_LOCKED_SECONDS = 0.1
_AT_ONCE = 8
_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_EXPIRED = frozenset({403, 404, 410})
_PASSING = frozenset({408, 425, 429})
_SERVER_ERROR = 500


class _BrokenError(Exception):
    """This try did not bring the whole file; another one may."""


@attrs.define
class _Part:
    """The hidden file of one download, and what is known of the file it shall become."""

    path: Path
    etag: str | None = None

    @property
    def _note(self) -> Path:
        return self.path.with_name(self.path.name + ".etag")

    def size(self) -> int:
        """Give how many bytes may be kept: none without the proof that they belong to the same file."""
        try:
            self.etag = self.etag or self._note.read_text(encoding="ascii", errors="replace").strip() or None
            return self.path.stat().st_size if self.etag else 0
        except OSError:
            return 0

    def open(self, *, at: int, etag: str | None) -> BinaryIO:
        """Open the file to go on at this byte."""
        if not at:
            self.drop()  # the old bytes go before the new proof comes, or a kill in between would marry them
        self.etag = etag if etag and not etag.startswith("W/") else None
        self._note.write_text(self.etag or "", encoding="ascii", errors="replace")
        out = self.path.open("r+b")
        out.seek(at)
        out.truncate()
        return out

    def finish(self, target: Path) -> None:
        """Write through to the disk and give the file its name."""
        with self.path.open("r+b") as whole:
            os.fsync(whole.fileno())
        self.path.replace(target)
        self._note.unlink(missing_ok=True)
        if os.name == "posix":
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def drop(self) -> None:
        """Forget what is there."""
        self.etag = None
        self._note.unlink(missing_ok=True)
        self.path.write_bytes(b"")

    def take(self) -> BinaryIO | None:
        """Have the file for us alone; None while somebody else has it. Whoever is killed lets go of it."""
        held = self.path.open("ab")
        if _fcntl is None:
            held.close()
            return held
        try:
            _fcntl.flock(held, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            return None
        except OSError:
            return held  # this file system has no locks
        if self._is(held):
            return held
        held.close()  # it was finished or removed just now
        return None

    def let_go(self, held: BinaryIO) -> None:
        """Let others have the file; one that holds nothing is removed first."""
        try:
            if (held.closed or self._is(held)) and self.path.stat().st_size == 0:
                self.path.unlink()
                self._note.unlink(missing_ok=True)
        except OSError:
            pass  # it has its name by now, or cannot be removed
        finally:
            held.close()

    def _is(self, held: BinaryIO) -> bool:
        try:
            return os.path.samestat(os.fstat(held.fileno()), self.path.stat())
        except FileNotFoundError:
            return False


class Files:
    """Fetches and sends files, a few at a time, never with the token.

    Args:
        retry: How often a broken transfer is tried again, and after which waits.
    """

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        # No limit in all, or large files would die; a limit on standing still.
        self._limit = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=retry.stall_seconds)
        self._http: aiohttp.ClientSession | None = None
        self._proxies = Proxies()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._busy: dict[Path, asyncio.Lock] = {}

    async def download(self, url: str, folder: Path, name: str, relink: Relink) -> Path:
        """Fetch one file; gives its path, whose suffix follows what the file is.

        Args:
            url: The link.
            folder: Where the file goes; made when it is not there.
            name: Its name without suffix.
            relink: Gives a fresh link when this one has expired, or None.

        Raises:
            DownloadError: The file could not be had whole.
        """
        lock = self._busy.setdefault(folder / name, asyncio.Lock())
        try:
            async with lock, self._slots:
                await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
                async with _alone(folder / f".{name}.part") as part:
                    return await self._tries(url, folder, name, relink, part)
        except OSError as error:
            words = f"{name}: cannot be written to {folder}: {error.strerror or error}"
            raise DownloadError(words, url=media.without_query(url)) from error
        finally:
            if not lock.locked():
                self._busy.pop(folder / name, None)

    async def upload(self, url: str, path: Path, kind: str, progress: Progress | None) -> None:
        """Send one file to a presigned link, with the content type that the link was made for.

        Raises:
            TransportError: It could not be sent.
        """
        failures = 0
        while True:
            try:
                await self._put(url, path, kind, progress)
            except _BrokenError as broken:
                failures += 1
                if failures >= self._retry.attempts:
                    raise TransportError(f"the upload of {path.name} failed: {broken}") from broken
                await self._rest(failures)
            else:
                return

    async def aclose(self) -> None:
        """Close the pool of connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _tries(self, url: str, folder: Path, name: str, relink: Relink, part: _Part) -> Path:
        failures, relinked = 0, False
        while True:
            try:
                return await self._fetch(url, folder, name, part)
            except DownloadError as error:
                if relinked or not error.expired:
                    raise
                relinked, url = True, await _fresh(relink, error)
            except (_BrokenError, aiohttp.ClientError, TimeoutError, ConnectionError) as broken:
                failures += 1
                if failures >= self._retry.attempts:
                    words = f"{name}: not whole after {failures} tries: {broken or type(broken).__name__}"
                    raise DownloadError(words, url=media.without_query(url)) from broken
                await self._rest(failures)

    async def _rest(self, failures: int) -> None:
        await asyncio.sleep(self._retry.wait(failures, random.random()))  # noqa: S311 - spreads load, hides nothing

    async def _fetch(self, url: str, folder: Path, name: str, part: _Part) -> Path:
        have = await asyncio.to_thread(part.size)
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": part.etag or ""}
        async with self._session().get(
            url, timeout=self._limit, max_redirects=5, **self._proxies.arguments(url, headers)
        ) as reply:
            at = await self._begin(reply, url, part, have)
            total = _total(reply, at)
            kept = await asyncio.to_thread(_kept, folder / name, url, total)
            if kept is not None:
                part.drop()
                return kept
            out = part.open(at=at, etag=reply.headers.get("ETag"))
            try:
                await _stream(reply, out)
            finally:
                out.close()  # not in a thread: whoever is cancelled a second time would leave the file open
        return await asyncio.to_thread(_finish, part, folder / name, url, total)

    async def _begin(self, reply: aiohttp.ClientResponse, url: str, part: _Part, have: int) -> int:
        """Give the byte at which this reply goes on, or say why it is none."""
        shown = media.without_query(url)
        if reply.status == _PARTIAL and have and _goes_on(reply, have, part.etag):
            return have
        if reply.status in (_PARTIAL, _RANGE_REFUSED):
            await asyncio.to_thread(part.drop)
            raise _BrokenError("the server cannot go on where the last try ended")
        if reply.status == _OK:
            return 0
        if reply.status in _PASSING or reply.status >= _SERVER_ERROR:
            raise _BrokenError(f"HTTP {reply.status}")
        expired = reply.status in _EXPIRED
        words = "the link has expired (results live for about three days)" if expired else "the file host refused"
        raise DownloadError(f"{words}: HTTP {reply.status} for {shown}", url=shown, expired=expired)

    async def _put(self, url: str, path: Path, kind: str, progress: Progress | None) -> None:
        size = (await asyncio.to_thread(path.stat)).st_size

        async def chunks() -> AsyncIterator[bytes]:
            sent = 0
            with path.open("rb") as source:
                while chunk := await asyncio.to_thread(source.read, _CHUNK):
                    yield chunk
                    sent += len(chunk)
                    if progress is not None:
                        progress(sent, size)

        headers = {"Content-Type": kind, "Content-Length": str(size)}
        try:
            async with self._session().put(
                url,
                data=chunks(),
                timeout=self._limit,
                allow_redirects=False,
                **self._proxies.arguments(url, headers),
            ) as reply:
                status = reply.status
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise _BrokenError(str(error) or type(error).__name__) from error
        if status in _PASSING or status >= _SERVER_ERROR:
            raise _BrokenError(f"HTTP {status}")
        if status not in range(200, 300):
            raise TransportError(f"the upload of {path.name} was refused: HTTP {status}")

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = new_http_session()
        return self._http


@asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[_Part]:
    """Have a hidden file for us alone, waiting for whoever else fetches the same file."""
    part = _Part(path)
    while (held := part.take()) is None:  # noqa: ASYNC110 - another process sets no event of ours
        await asyncio.sleep(_LOCKED_SECONDS)
    try:
        yield part
    finally:
        part.let_go(held)


async def _fresh(relink: Relink, expired: DownloadError) -> str:
    try:
        url = await relink()
    except A2EError as why:
        raise expired from why
    if not url:
        raise expired
    return url


def _goes_on(reply: aiohttp.ClientResponse, have: int, etag: str | None) -> bool:
    same = reply.headers.get("ETag") in (None, etag)
    return same and reply.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _total(reply: aiohttp.ClientResponse, at: int) -> int | None:
    """Give the size of the whole file, None when the server does not say."""
    if reply.status == _PARTIAL:  # the rest may come in several parts
        whole = reply.headers.get("Content-Range", "").rpartition("/")[2]
        if whole.isdecimal():
            return int(whole)
    length = reply.headers.get("Content-Length", "")
    return at + int(length) if length.isdecimal() else None


async def _stream(reply: aiohttp.ClientResponse, out: BinaryIO) -> None:
    waiting: list[bytes] = []
    size = 0
    try:
        async for chunk in reply.content.iter_any():
            waiting.append(chunk)
            size += len(chunk)
            if size >= _CHUNK:
                full, waiting, size = waiting, [], 0
                await asyncio.to_thread(out.writelines, full)
    finally:  # what came before a break is kept, and need not come again
        await asyncio.to_thread(out.writelines, waiting)


def _kept(base: Path, url: str, total: int | None) -> Path | None:
    """Give the file of this name if it is already there in its whole length.

    It asks for each name that the file can have: listing a folder of 10,000 files for each of them takes longer.
    """
    suffixes = dict.fromkeys((media.suffix_of(url), *media.SUFFIXES))
    for path in (base.with_name(base.name + suffix) for suffix in suffixes if suffix and total is not None):
        with contextlib.suppress(OSError):
            if path.stat().st_size == total and path.is_file():
                return path
    return None


def _finish(part: _Part, base: Path, url: str, total: int | None) -> Path:
    size = part.path.stat().st_size
    if total is not None and size != total:
        raise _BrokenError(f"{size} of {total} bytes came")
    with part.path.open("rb") as whole:
        head = whole.read(media.SNIFFED)
    known = media.sniff(head)
    if known is None and media.is_text(head):
        part.drop()
        raise _BrokenError("the file host sent a page instead of the file" if head else "the file host sent nothing")
    target = base.with_name(base.name + (known[0] if known else media.suffix_of(url)))
    part.finish(target)
    return target
