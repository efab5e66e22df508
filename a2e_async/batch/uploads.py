"""Uploads of a batch: each content once, whatever number of rows take it and however often the batch is run.

The URL is in the ledger before any row is started with it, so that a process that dies at any moment has paid for no
more than the uploads that were under way. What an upload may cost is in the ledger before it is sent, as a start's is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final

from a2e_async.batch.budget import BatchBudget, coins_of_uploads, upload_coins_of
from a2e_async.batch.fit import fitted_bytes
from a2e_async.batch.inputs import FileInput
from a2e_async.client import A2EClient
from a2e_async.core.inputs import Upload, UploadMemory
from a2e_async.engine.files.disk import hop
from a2e_async.errors import InputFailedError, StartUnknownError, UsageError
from a2e_async.store.ports import Ledger
from a2e_async.store.values import sensible

_DAY: Final = 86_400.0  # that a URL has to live when a start is sent with it


class LedgerMemory(UploadMemory):
    """Remembers the upload of one file of a row in a ledger.

    Args:
        ledger: The ledger.
        service: The service's address: what was uploaded elsewhere is not there.
        file: The file.

    Attributes:
        made: The upload that was made now, None while none was.
    """

    def __init__(self, ledger: Ledger, service: str, file: FileInput) -> None:
        self.made: Upload | None = None
        self._ledger = ledger
        self._service = service
        self._file = file
        self._key = f"upload:{file.sha256}" + (f" {file.fitted}" if file.fitted else "")

    async def recall(self, content: str) -> Upload | None:
        """Give the upload of the file.

        Raises:
            UsageError: What is about to be sent is not what the row says.
        """
        if not self._file.fitted and content.partition(" ")[0] != self._file.sha256:
            raise changed(self._file)
        return await self.known()

    async def known(self) -> Upload | None:
        """Give the upload that is known; what was not written by us, or lies at another service, is passed over."""
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            told = json.loads(await self._ledger.kept(self._key) or "null")
            if told["service"] == self._service and isinstance(told["url"], str):
                return Upload(told["url"], float(told["until"]), sensible(told["coins"]))
        return None

    async def remember(self, content: str, upload: Upload) -> None:  # noqa: ARG002 - the file has a key of its own
        """Keep an upload."""
        self.made = upload
        told = {"url": upload.url, "until": upload.expires, "coins": upload.coins, "service": self._service}
        await self._ledger.keep(self._key, json.dumps(told))


class BatchUploads:
    """Gives the URL of each file of a batch, and uploads it first where none is known.

    Args:
        a2e: The open client.
        ledger: Where the URLs are kept.
        budget: What pays for uploads.
    """

    def __init__(self, a2e: A2EClient, ledger: Ledger, budget: BatchBudget) -> None:
        self._a2e = a2e
        self._budget = budget
        self._ledger = ledger
        self._spent: float | None = None
        self._running: dict[FileInput, asyncio.Task[str]] = {}

    async def url(self, file: FileInput) -> str:
        """Give a URL of a file that has at least a day to live.

        Raises:
            UsageError: The file is not there any more, or was changed since it was read.
            InputFailedError: The answer with its URL was lost.
            TransportError: It could not be sent.
            LedgerError: Its URL cannot be written down.
        """
        if file not in self._running:
            task = self._running[file] = asyncio.create_task(self._fetch(file), name="a2e batch upload")
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
        memory = LedgerMemory(self._ledger, self._a2e.base_url, file)
        try:
            return await self._uploaded(file, memory)
        except UsageError:
            # The file has gone or changed since; what lies at the service is still what the row says. Whether its URL
            # still lives is told by the service's time: the clock of this machine may be any other one.
            known = await memory.known()
            now = None if known is None else await self._a2e.service_time()
            if known is None or now is None or known.expires - now < _DAY:
                raise
            return known.url

    async def _uploaded(self, file: FileInput, memory: LedgerMemory) -> str:
        known, price = await memory.known(), self._a2e.upload_price
        if known is not None or not price:
            url = await self._sent(file, memory)
            await self._count(0.0 if memory.made is None else memory.made.coins or 0.0)
            return url
        async with self._budget.pays_upload(price, file.name) as held:
            await self._count(price)
            try:
                url = await self._sent(file, memory)
            except UsageError:
                await self._count(-price)  # nothing was asked for
                raise
            held.coins = None if memory.made is None else memory.made.coins
            await self._count((price if held.coins is None else held.coins) - price)
            return url

    async def _sent(self, file: FileInput, memory: LedgerMemory) -> str:
        """Upload a file whose content is still what the row says."""
        given = file.path if file.path is not None else file.content
        if file.fitted:
            given = await hop(fitted_bytes, file)
        if given is None:
            raise UsageError(f"{file.name} was given by a program: run the batch again with its rows")
        try:
            return await self._a2e.upload(given, memory=memory)
        except StartUnknownError as error:
            words = f"{file.name} could not be uploaded: {error.message}; the next run uploads it again"
            raise InputFailedError(words, field="", cause=error) from error

    async def _count(self, coins: float) -> None:
        """Count coins of an upload, or take back some that were held."""
        if self._spent is None:
            self._spent = coins_of_uploads(await self._ledger.kept(upload_coins_of(self._ledger)))
        if coins:
            self._spent = max(0.0, self._spent + coins)
            await self._ledger.keep(upload_coins_of(self._ledger), repr(self._spent))


def changed(file: FileInput) -> UsageError:
    """Say that a file is not what its row says any more."""
    return UsageError(f"{file.name} has changed since it was read; run the batch again")
