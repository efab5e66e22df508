"""What a client does that needs no job: tasks by their ids, files, coins, calls, and what it tells of itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from a2e_async.client.opening import Opening
from a2e_async.core import rules
from a2e_async.core.family import Family, Request, family_of
from a2e_async.core.inputs import UploadMemory
from a2e_async.core.plans import inputs_in, stand_in
from a2e_async.core.polling.learned import Learned
from a2e_async.core.records import Record
from a2e_async.core.secrets import SignedUrl
from a2e_async.core.transfers import Progress
from a2e_async.engine.http.questions import balance_of, quote_of
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.listeners import EventStream
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.jobs.outputs import Outputs
from a2e_async.engine.settings import check_amount
from a2e_async.errors import A2EError, UsageError

if TYPE_CHECKING:  # loaded when they are asked for
    from a2e_async.calls import Calls
    from a2e_async.calls.credits import Balance, Quote
    from a2e_async.engine.jobs.stats import Stats
    from a2e_async.engine.jobs.stored import StoredJob

Kind = str | Family | type[Request[Any]]


class Asking(Opening):
    """What needs no job."""

    _options: Options

    # Tasks by their ids.

    async def record(self, family: Kind, task_id: str) -> Record:
        """Ask for one task now.

        Raises:
            NotFoundError: The service does not know it.
        """
        rules.check_ids(task_id)
        return await self._parts().engine.tasks.record(family_of(family), task_id)

    async def records(self, family: Kind, limit: int | None = None) -> AsyncIterator[Record]:
        """Give the tasks of a family, newest first; the service lists only those that have not expired."""
        check_amount("limit", limit, whole=True, least=1)
        left = limit
        async for record in self._parts().engine.tasks.records(family_of(family)):
            yield record
            left = None if left is None else left - 1
            if left == 0:
                return

    async def delete(self, family: Kind, task_id: str) -> None:
        """Delete a task. One that is `initialized` is refunded, a finished one is not, others the service refuses."""
        rules.check_ids(task_id)
        await self._parts().engine.tasks.delete(family_of(family), task_id)

    async def answered(self, *jobs: Job[Any]) -> None:
        """Wait until the starts of these jobs that are on the wire were answered, at most `close_timeout` seconds.

        For code that has detached jobs and is about to close what their journal writes to. A client that was closed has
        waited already.
        """
        opened = self._shared.opened
        if opened is None:
            await self._shared.aclose()
        else:
            await self._parts().engine.starter.answered(jobs, self._config.close_timeout)

    async def fingerprint(self, key: bytes) -> str:
        """Give a keyed hash of the token, by which it is recognised and from which it cannot be read.

        Args:
            key: A random key; whoever compares hashes keeps it with them.

        Raises:
            MissingTokenError: The token's callable gave none.
        """
        return await self._parts().engine.service.fingerprint(key)

    def job_of(self, task_id: str) -> Job[Any] | None:
        """Give the job that watches this task, None when no job of this client does."""
        return self._parts().engine.poller.job_of(task_id)

    def jobs(self) -> list[Job[Any]]:
        """Give the jobs of this client that have not ended, oldest first; with a store also those it has taken over."""
        return list(self._parts().engine.live.jobs)

    async def find_job(self, key: str) -> StoredJob | None:
        """Give what the store has of a job by its key, from whichever process it was started; None where there is none.

        Raises:
            UsageError: The client has no store, or the key is none.
            LedgerError: The store cannot be asked.
        """
        return await self._durable().find(key)

    async def stored_jobs(self) -> AsyncIterator[StoredJob]:
        """Give all jobs of the store, oldest first, whichever process has started them.

        Raises:
            UsageError: The client has no store.
            LedgerError: The store cannot be asked.
        """
        async for job in self._durable().all():
            yield job

    async def job_with(self, key: str) -> Job[Any] | None:
        """Give a job to wait for by its key, whichever process has started it, and whichever has it now.

        Nothing is sent for it, and nothing is polled while another process does. None where there is no such key.

        Raises:
            UsageError: The client has no store, or the key is none.
            LedgerError: The store cannot be asked.
        """
        return await self._durable().job_with(key)

    def held_batch(self, name: str) -> AbstractAsyncContextManager[tuple[Any, Any]] | None:
        """Hold a batch of the client's store for a block, as `Batch.open` does; gives its ledger and lease.

        None where the client has no store. Entering the block raises LedgerError while another process holds it.
        """
        durable = self._parts().durable
        return None if durable is None else durable.batch(name)

    def hint(self, task_id: str) -> None:
        """Let the poller poll a task at once, because somebody says it has ended.

        A hint that comes before the answer of its start is kept for a minute and used then. With a store the process
        that has the task hears of it.
        """
        opened = self._parts()
        opened.engine.poller.hint(task_id)
        if opened.durable is not None:
            opened.durable.hint(task_id)

    # Files.

    async def download(self, what: Outputs, folder: str | Path = ".", *, name: str | None = None) -> list[Path]:
        """Fetch result files, each whole or not at all.

        What this has fetched before into the same folder is found again and not fetched a second time. Nothing else
        is ever replaced: a file whose name is taken gets a number.

        Args:
            what: A result, a record, a job (which is waited for), a URL, or several of these.
            folder: Where the files go; made when it is not there. A path such as "out/kite.png" that is no folder
                names the file.
            name: Their name; by default the task's name and id. Several files are numbered, and the suffix follows
                what a file is.

        Raises:
            DownloadError: A file could not be had whole; a URL that has expired is asked for once more first.
            UsageError: An argument is not what it must be.
        """
        what = SignedUrl(what) if isinstance(what, str) else what
        return await self._parts().files.download(what, folder, name)

    async def upload(
        self,
        path: str | Path | bytes | IO[bytes],
        *,
        kind: str | None = None,
        progress: Progress | None = None,
        memory: UploadMemory | None = None,
    ) -> str:
        """Send a file to the service's storage and give its public URL; a content that is there already is not sent.

        A start does this by itself for each file in its request.

        Args:
            path: An image, a video or audio: its path, its bytes, or a file that is open for reading bytes.
            kind: Its content type, such as "image/x-tga", where its first bytes do not tell it.
            progress: Called with the bytes sent and the bytes in all.
            memory: Where uploads are remembered beyond the client's life.

        Raises:
            UsageError: There is no such file, it is empty, or is no media file.
            StartUnknownError: The answer with the URL was lost; API tokens may have been charged for it.
            TransportError: The file could not be sent.
            BudgetExceededError: Its price, `Transfers.upload_price`, is more than is left.
        """
        return await self._parts().files.upload(path, kind, progress, memory or self._options.uploads)

    # Coins.

    async def balance(self) -> Balance:
        """Ask what the account holds (GET /api/v1/user/remainingCoins)."""
        return await balance_of(self._parts().engine.service.ask_again)

    async def quote(self, request: Request[Any]) -> Quote:
        """Ask what a start would cost (POST /api/v1/generation/quote); it is free, and starts and uploads nothing.

        Raises:
            InvalidRequestError: A field that decides the price holds a file or a job, whose URL nobody knows yet.
        """
        service, family = self._parts().engine.service, family_of(request)
        for field in inputs_in(request).keys() & set(family.price_fields):
            words = "must be a URL where a price is asked for that depends on it: give `await a2e.upload(...)`"
            raise rules.refuse(field, getattr(request, field), words)
        return await quote_of(service.ask_again, family, stand_in(request))

    @property
    def spent(self) -> float:
        """Coins charged in this client's life, as far as the service has said so."""
        return self._parts().engine.coins.spent

    @property
    def reserved(self) -> float:
        """Coins held for starts whose price is not finished; 0 without a budget."""
        return self._parts().engine.coins.reserved

    @property
    def outage(self) -> float | None:
        """Seconds for which polls running tasks have failed, None while all is well."""
        opened = self._parts()
        since = opened.engine.poller.health.outage_since
        return None if since is None else opened.loop.time() - since

    async def service_time(self) -> float | None:
        """Give the service's time in seconds since 1970, by which URLs end, and which no clock of a machine tells.

        It is None where the service cannot be asked, or tells no time.
        """
        service = self._parts().engine.service
        if service.server_time() is None:
            with contextlib.suppress(A2EError):
                await balance_of(service.ask_again)
        return service.server_time()

    @property
    def upload_price(self) -> float:
        """What an upload costs in coins, as `Transfers.upload_price` says; 0 where nobody does."""
        return self._config.transfers.upload_price

    @property
    def learned(self) -> Learned:
        """What this client has learned of the ages at which tasks end; it spaces their polls.

        `learned.kept()` gives it as a JSON object, `learned.recall(...)` begins with one that was kept.
        """
        return self._shared.learned

    @property
    def calls(self) -> Calls:
        """Every one-shot call of the service, in groups: `await a2e.calls.speech.say("Hello", tts_id=...)`."""
        from a2e_async.calls import Calls  # noqa: PLC0415 - loaded with the first call
        from a2e_async.calls.base import Line  # noqa: PLC0415 - likewise

        return Calls(Line(lambda: self._parts().engine.service, local=self._config.local))

    # Events and numbers.

    def events(self, limit: int = 10_000) -> EventStream:
        """Give a stream of all that happens from now on; it ends when the client has closed.

        Args:
            limit: Most events that wait for the reader; beyond it the oldest are dropped and counted.
        """
        if limit is None:
            raise UsageError("limit: must be a whole number of at least 1, not None")
        check_amount("limit", limit, whole=True, least=1)
        return self._parts().engine.events.stream(limit)

    def stats(self) -> Stats:
        """Give the client's numbers at this moment, or at its end when it has closed."""
        shared = self._shared
        if shared.opened is None and shared.last is not None:
            return shared.last.stats()
        return self._parts().engine.stats()
