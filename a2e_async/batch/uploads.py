"""BatchUploads of a batch: each content once, whatever number of rows take it and however often the batch is run.

The URL is in the ledger before any row is started with it, so that a process that dies at any moment has paid for no
more than the uploads that were under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

from a2e_async.batch.inputs import FileInput
from a2e_async.client import A2EClient
from a2e_async.engine.files.disk import digest_of, hop
from a2e_async.errors import UsageError
from a2e_async.store.ports import Ledger

_KEPT_SECONDS = 3 * 24 * 3600.0  # for which the service keeps files
_LEAST_SECONDS = 24 * 3600.0  # that a URL has to live when a start is sent with it


class BatchUploads:
    """Gives the URL of each file, and uploads it first where none is known.

    Args:
        a2e: The open client.
        ledger: Where the URLs are kept.
    """

    def __init__(self, a2e: A2EClient, ledger: Ledger) -> None:
        self._a2e = a2e
        self._ledger = ledger
        self._running: dict[FileInput, asyncio.Task[str]] = {}
        self._known: dict[FileInput, tuple[str, float]] = {}

    async def url(self, file: FileInput) -> str:
        """Give a URL of a file that has at least a day to live.

        Raises:
            UsageError: The file is not there any more, or was changed since it was read.
            TransportError: It could not be sent.
            LedgerError: Its URL cannot be written down.
        """
        url, until = self._known.get(file, ("", 0.0))
        if url and until - time.time() >= _LEAST_SECONDS:
            return url
        if file not in self._running:
            task = self._running[file] = asyncio.create_task(self._fetch(file), name="a2e upload")
            task.add_done_callback(lambda done: self._end(file, done))
        return await asyncio.shield(self._running[file])

    async def aclose(self) -> None:
        """Let go of what is still being uploaded; the next run uploads it."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def _end(self, file: FileInput, task: asyncio.Task[str]) -> None:
        del self._running[file]
        if not task.cancelled():
            task.exception()  # who waited for it may have been cancelled

    async def _fetch(self, file: FileInput) -> str:
        url, until = _read(await self._ledger.kept(_key(file)), self._a2e.base_url)
        if not url or until - time.time() < _LEAST_SECONDS:
            url, until = await self._upload(file), time.time() + _KEPT_SECONDS
            await self._ledger.keep(_key(file), json.dumps({"url": url, "until": until, "service": self._a2e.base_url}))
        self._known[file] = (url, until)
        return url

    async def _upload(self, file: FileInput) -> str:
        if file.path is None:
            raise UsageError(f"{file.name} is not known any more: run the batch again with its rows")
        with contextlib.suppress(OSError):
            if await hop(digest_of, file.path) == file.sha256:
                return await self._a2e.upload(file.path, kind=file.kind)
            raise UsageError(f"{file.name} has changed since it was read; run the batch again")
        raise UsageError(f"{file.name} is not there any more ({file.path})")


def _key(file: FileInput) -> str:
    return f"upload:{file.sha256}" + (f":{file.fitted}" if file.fitted else "")


def _read(words: str | None, service: str) -> tuple[str, float]:
    """Read what was kept; what was not written by us, or lies at another service, is passed over."""
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        told = json.loads(words or "null")
        if told["service"] == service and isinstance(told["url"], str):
            return told["url"], float(told["until"])
    return "", 0.0
