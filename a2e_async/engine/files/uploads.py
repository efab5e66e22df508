"""Uploads: what a file is, a URL for it, and the file on its way there.

What is free comes before what is paid: an API token is charged for each URL, so the file is looked at first.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import os
import random
import re
import stat
from collections.abc import AsyncIterator
from io import BufferedReader
from pathlib import Path

import aiohttp
import attrs

from a2e_async.calls import storage
from a2e_async.core import media, names, rules
from a2e_async.core.retry import Retry
from a2e_async.core.secrets import SignedUrl
from a2e_async.core.transfers import Progress
from a2e_async.engine.files.disk import hop, hop_for
from a2e_async.engine.files.hosts import Hosts
from a2e_async.engine.http.failures import cause_of, words_of
from a2e_async.engine.http.service import Service
from a2e_async.errors import DownloadError, TransportError, UsageError

_CHUNK = 64 << 10  # small enough that a slow line sends one within `Retry.stall_seconds`
_TO_ANSWER = 4
_PASSING = frozenset({408, 425, 429})
_SERVER_ERROR = 500
_DIGEST = 16
_KIND = re.compile(r"(image|video|audio)/[A-Za-z0-9][A-Za-z0-9.+-]*")
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_OTHER = re.compile(r"[^A-Za-z0-9._-]+")


@attrs.frozen
class Examined:
    """What a file is.

    Attributes:
        path: The file.
        kind: Its content type.
        suffix: What its name in the storage ends in.
        size: Its bytes.
        digest: Its SHA-256 in hexadecimal.
        changed: Its time of change, in nanoseconds.
    """

    path: Path
    kind: str
    suffix: str
    size: int
    digest: str
    changed: int

    @property
    def key(self) -> str:
        """What it is called in the storage: plain ASCII, for URLs are made of it."""
        stem = _OTHER.sub("-", names.safe_name(self.path.stem)).strip("-.") or "file"
        return f"{self.digest[:_DIGEST]}-{stem}{self.suffix}"


class Uploads:
    """Sends files.

    Args:
        retry: How often a broken transfer is tried again, and after which waits.
        hosts: The way to file hosts.
        largest: Most bytes of one file.
    """

    def __init__(self, retry: Retry, hosts: Hosts, largest: float = math.inf) -> None:
        self._largest = largest
        self._retry = retry
        self._hosts = hosts

    async def send(self, service: Service, path: Path, kind: str | None, progress: Progress | None) -> str:
        """Look at a file, ask for a URL, put the file there, and give its public URL.

        Raises:
            UsageError: The file cannot be read, is empty, or is no image, video or audio.
            StartUnknownError: The answer with the URL was lost; it may have been charged, and is not asked for again.
            TransportError: The file could not be sent.
        """
        file = await hop(examine, path, kind, self._largest)
        link = await storage.ask_for_url(service, file.key, file.kind, file.size)
        await self.put(link.put_url, file, progress)
        return link.public_url

    async def put(self, url: str, file: Examined, progress: Progress | None) -> None:
        """Put a file to a presigned URL, with the content type that the URL was made for."""
        url = SignedUrl(url)
        try:
            self._hosts.judge(url)
        except DownloadError as error:
            failure = TransportError(f"the upload of {file.path.name} was not sent: {error.message}")
        else:
            async with self._hosts.place(url):
                await self._tries(url, file, progress)
            return
        raise failure

    async def _tries(self, url: str, file: Examined, progress: Progress | None) -> None:
        failures = 0
        while (broken := await self._put(url, file, progress)) is not None:
            failures += 1
            if failures >= self._retry.attempts:
                raise broken
            await asyncio.sleep(self._retry.wait(failures, random.random()))  # noqa: S311 - spreads load

    async def _put(self, url: str, file: Examined, progress: Progress | None) -> TransportError | None:
        """Put it once; gives the failure that may pass."""
        headers = {"Content-Type": file.kind, "Content-Length": str(file.size)}
        cause: Exception | None = None
        source = await hop_for(_close, _opened, file)
        try:
            async with asyncio.timeout(self._retry.stall_seconds) as limit:
                body = _pieces(source, file.size, progress, limit, self._retry.stall_seconds)
                async with self._hosts.put(url, headers, body) as reply:
                    status = reply.status
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            words, cause = words_of(error), cause_of(error)
        else:
            if status in range(200, 300):
                return None
            words = f"HTTP {status}"
            if status not in _PASSING and status < _SERVER_ERROR:
                raise TransportError(f"the upload of {file.path.name} was refused: {words}")
        finally:
            source.close()
        failure = TransportError(f"the upload of {file.path.name} failed: {words}")
        failure.__cause__ = cause
        return failure


async def _pieces(
    source: BufferedReader, size: int, progress: Progress | None, limit: asyncio.Timeout, seconds: float
) -> AsyncIterator[bytes]:
    """Give the file's bytes; whoever takes none for so many seconds stands still."""
    loop, sent = asyncio.get_running_loop(), 0
    while chunk := await hop(source.read, min(_CHUNK, size - sent)):
        yield chunk
        sent += len(chunk)
        # What the system has taken of the end may still be on a slow line, while nobody can see it move.
        patience = seconds if sent < size else seconds * _TO_ANSWER
        with contextlib.suppress(RuntimeError):  # it has stood still for too long just now
            limit.reschedule(loop.time() + patience)
        if progress is not None:
            progress(sent, size)


def _close(source: BufferedReader) -> None:
    source.close()


def _opened(file: Examined) -> BufferedReader:
    source = open_plain(file.path)
    found = os.fstat(source.fileno())
    if (found.st_size, found.st_mtime_ns) != (file.size, file.changed):
        source.close()
        raise UsageError(f"upload: {file.path} was changed while it was uploaded")
    return source


def open_plain(path: Path) -> BufferedReader:
    """Open a file to be sent; a pipe or a device, which may have no end, is refused without waiting for it.

    Raises:
        UsageError: It cannot be read, or is no plain file.
    """
    try:
        source = os.fdopen(os.open(path, os.O_RDONLY | _FLAGS), "rb")
    except (OSError, ValueError) as error:
        words = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"upload: {path} cannot be read: {words}") from error
    if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
        source.close()
        raise UsageError(f"upload: {path} cannot be read: only plain files can be uploaded, no pipe and no device")
    return source


def examine(path: Path, kind: str | None, largest: float = math.inf) -> Examined:
    """Find out what a file is; what is cheap comes first: reading one of terabytes would take hours.

    Raises:
        UsageError: It cannot be read, is empty, too large, or no image, video or audio.
    """
    try:
        return _examined(path, kind, largest)
    except OSError as error:
        raise UsageError(f"upload: {path} cannot be read: {error.strerror or error}") from error


def _examined(path: Path, kind: str | None, largest: float) -> Examined:
    with open_plain(path) as source:
        found = os.fstat(source.fileno())
        if found.st_size > largest:
            words = f"has {found.st_size:,} bytes, and at most {largest:,} are taken (Transfers.largest)"
            raise UsageError(f"upload: {path} {words}")
        head = source.read(media.SNIFFED)
        if not head:
            raise UsageError(f"upload: {path} is empty")
        known = media.sniff(head)
        content_type = kind or (known[1] if known else None)
        if content_type is None:
            words = "is not an image, video or audio file; pass kind= if you know its content type"
            raise UsageError(f"upload: {path} {words}")
        source.seek(0)
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        own = path.suffix.lower()
        suffix = own if media.is_media_suffix(own) else known[0] if known else ""
        return Examined(path, content_type, suffix, found.st_size, digest, found.st_mtime_ns)


def check(path: object, kind: object) -> Path:
    """Give the path of a file to be uploaded.

    Raises:
        UsageError: It is no path, or the kind is no content type of media.
    """
    if not isinstance(path, str | os.PathLike):
        words = f"upload: needs a path, not {rules.kind_of(path)}; write data in memory to a file first"
        raise UsageError(words)
    if kind is not None and not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        raise UsageError(f"kind: must be a content type such as 'image/tiff', not {rules.kind_of(kind)}")
    return at_home(path)


def at_home(path: str | os.PathLike[str]) -> Path:
    """Give a path in which `~` stands for the home directory.

    Raises:
        UsageError: There is no such home, or the path is none.
    """
    try:
        found = Path(path).expanduser()
    except (RuntimeError, TypeError) as error:
        raise UsageError(f"the path cannot be used: {error}") from error
    if "\0" in str(found):
        raise UsageError("the path cannot be used: it holds a NUL character")
    return found
