"""The way of a file to a presigned URL: sent as it was examined, tried again while what fails may pass."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from io import BufferedReader
from typing import Final

import aiohttp

from a2e_async.core.retry import Retry
from a2e_async.core.secrets import SignedUrl
from a2e_async.core.transfers import Progress
from a2e_async.engine.files.disk import hop, hop_for
from a2e_async.engine.files.examining import Examined
from a2e_async.engine.files.hosts import Hosts
from a2e_async.engine.http.failures import cause_of, words_of
from a2e_async.errors import DownloadError, TransportError

_CHUNK: Final = 64 << 10  # small enough that a slow line sends one within `Retry.stall_seconds`
_TO_ANSWER: Final = 4
_PASSING: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500


class Puts:
    """Puts files to presigned URLs.

    Args:
        retry: How often a broken transfer is tried again, and after which waits.
        hosts: The way to file hosts.
    """

    def __init__(self, retry: Retry, hosts: Hosts) -> None:
        self._retry = retry
        self._hosts = hosts

    async def put(self, url: str, file: Examined, progress: Progress | None) -> None:
        """Put a file to a presigned URL, with the content type that the URL was made for.

        Raises:
            FaultError: The file has changed since it was examined.
            TransportError: It could not be sent.
        """
        url = SignedUrl(url)
        try:
            self._hosts.judge(url)
        except DownloadError as error:
            failure = TransportError(f"the upload of {file.name} was not sent: {error.message}")
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
        source = await hop_for(_close, file.open)
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
                raise TransportError(f"the upload of {file.name} was refused: {words}")
        finally:
            source.close()
        failure = TransportError(f"the upload of {file.name} failed: {words}")
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
