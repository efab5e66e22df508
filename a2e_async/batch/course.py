"""The course of one row: from where the ledger says it stands to its files, each step once.

    planned    start it
    intended   it may have been sent: look for its tag, adopt it or start it under the same tag
    accepted   watch it
    completed  fetch its files
    done       nothing

The law of this file: what the ledger says is never newer than the world, so that every step can be repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch.entries import Entry, FileEntry, State
from a2e_async.batch.ledger import Ledger, tag_of
from a2e_async.batch.rows import Row, stem_of
from a2e_async.client import A2EClient
from a2e_async.core.family import Request
from a2e_async.core.hooks import Journal
from a2e_async.core.records import Record, Result
from a2e_async.core.status import Status
from a2e_async.engine.job import Job, Stage
from a2e_async.engine.options import Options
from a2e_async.errors import (
    A2EError,
    AuthenticationError,
    BudgetExceededError,
    ClientClosedError,
    DownloadError,
    InsufficientCoinsError,
    JobCancelledError,
    JobDetachedError,
    JobTimeoutError,
    LedgerError,
    MissingTokenError,
    NotFoundError,
    RateLimitedError,
    StartUnknownError,
    TransportError,
)

_POOR = (BudgetExceededError, InsufficientCoinsError, AuthenticationError, MissingTokenError)
STOPPING = (*_POOR, LedgerError)
"""What no other row of the batch can get past either."""

_NOT_SENT = (*_POOR, RateLimitedError, TransportError, ClientClosedError, JobCancelledError)
_NEXT_RUN = (JobTimeoutError, JobDetachedError, DownloadError, TransportError)


@attrs.frozen(kw_only=True)
class Outcome:
    """What a row came to in this run.

    Attributes:
        row: The row.
        entry: What is known of it now; `entry.state.final` says that nothing is left to be done for it.
        paths: Its files.
        error: What went wrong in this run, or None.
    """

    row: Row
    entry: Entry
    paths: tuple[Path, ...] = ()
    error: Exception | None = None


@attrs.frozen
class Source:
    """A row whose picture another one takes: its id, its family and the id of its first task."""

    row_id: str
    family: str
    task_id: str


class RowJournal(Journal):
    """Writes what happens to one row into the ledger."""

    __slots__ = ("_entry", "_ledger")

    def __init__(self, ledger: Ledger, entry: Entry) -> None:
        self._ledger = ledger
        self._entry = entry

    async def intended(self, tag: str | None, request: Request[Result]) -> None:  # noqa: ARG002 - the ledger has it
        """Write down that the start is about to be sent."""
        await self._ledger.intended(self._entry.id, tag or "", self._entry.attempt)

    async def accepted(self, tag: str | None, task_ids: Sequence[str], coins: float | None) -> None:  # noqa: ARG002
        """Write down that the service has taken it."""
        await self._ledger.accepted(self._entry.id, task_ids, coins)

    async def settled(self, tag: str | None, records: Sequence[Record]) -> None:  # noqa: ARG002 - one row, one tag
        """Write down how its tasks have ended."""
        failed = [record for record in records if record.status is Status.FAILED]
        known = [record.coins for record in records if record.coins is not None]
        if failed:
            await self._ledger.ended(self._entry.id, State.FAILED, failed[0].failed_message or "the task failed")
        else:
            await self._ledger.settled(self._entry.id, coins=sum(known) if known else None)


class Course:
    """Brings rows to their files.

    Args:
        folder: Where files go.
        a2e: The open client.
        ledger: The open ledger.
        options: How starts are sent and watched.
    """

    def __init__(self, folder: Path, a2e: A2EClient, ledger: Ledger, options: Options) -> None:
        self.pictures: dict[str, str] = {}
        self._folder = folder
        self._a2e = a2e
        self._ledger = ledger
        self._options = options
        self._unsent: set[Job[Any]] = set()
        self._stopped = False

    def stop(self) -> None:
        """Let go of starts that were not sent."""
        self._stopped = True
        for job in [job for job in self._unsent if job.stage is Stage.QUEUED]:
            job.detach()

    async def bring(self, row: Row, entry: Entry, source: Source | None) -> Outcome:
        """Bring one row as far as it goes.

        Args:
            row: The row.
            entry: What the ledger knows of it.
            source: The row whose picture it takes.
        """
        if entry.state.bad or (entry.state is State.DONE and self._is_there(entry)):
            return self._outcome(row, entry)
        try:
            result = await self._result(row, entry, source)
            files = await self._fetch(row, result)
            await self._ledger.downloaded(row.id, files)
        except Exception as error:  # noqa: BLE001 - an outcome like any other
            return await self._failed(row, entry, error)
        self.pictures[row.id] = result.url
        return self._outcome(row, (await self._ledger.known([row.id]))[row.id])

    async def _result(self, row: Row, entry: Entry, source: Source | None) -> Result:
        """Give the row's result, by as many steps as are left."""
        if entry.state in (State.COMPLETED, State.DONE):
            family = row.family.name
            return Result(tuple([await self._a2e.look(family, task_id) for task_id in entry.task_ids]))
        journal = RowJournal(self._ledger, entry)
        options = attrs.evolve(self._options, journal=journal)
        tag = entry.tag or tag_of(self._ledger.batch_id, row.id, entry.attempt)
        if entry.state is State.ACCEPTED:
            watched: Job[Result] = self._a2e.attach(row.family, *entry.task_ids, tag=tag, options=options)
            return await watched
        if entry.state is State.INTENDED:
            options = attrs.evolve(options, look_first=True, sent_before=entry.intended_at)
        request = row.request(await self._picture(source) if source is not None else None)
        job = self._a2e.start(request, tag=tag, options=options)
        self._unsent.add(job)
        try:
            if self._stopped:
                job.detach()
            return await job
        finally:
            self._unsent.discard(job)

    async def _picture(self, source: Source) -> str:
        """Give a link to the first output of a row; that of an earlier run is asked for anew, as links expire."""
        if source.row_id not in self.pictures:
            record = await self._a2e.look(source.family, source.task_id)
            self.pictures[source.row_id] = next(iter(record.urls), "")
        return self.pictures[source.row_id]

    async def _fetch(self, row: Row, result: Result) -> list[FileEntry]:
        if not result.urls:
            raise DownloadError("the tasks have completed, and name no file")
        paths = await self._a2e.download(result, self._folder, name=stem_of(row.id))
        return [await asyncio.to_thread(_measure, path, self._folder) for path in paths]

    async def _failed(self, row: Row, entry: Entry, error: Exception) -> Outcome:
        """Write down how far the row has come in spite of an error."""
        if not isinstance(error, LedgerError):
            await self._write_down(row, error)
            entry = (await self._ledger.known([row.id]))[row.id]
        return self._outcome(row, entry, error)

    async def _write_down(self, row: Row, error: Exception) -> None:
        words = error.message if isinstance(error, A2EError) else f"{type(error).__name__}: {error}"
        now = (await self._ledger.known([row.id]))[row.id]
        if isinstance(error, StartUnknownError):
            await self._ledger.ended(row.id, State.UNKNOWN, words)
        elif now.state is State.INTENDED and isinstance(error, _NOT_SENT):
            await self._ledger.released(row.id, words)
        elif now.state in (State.PLANNED, State.INTENDED):
            if not isinstance(error, (*_NOT_SENT, *_NEXT_RUN)):
                await self._ledger.ended(row.id, State.REFUSED, words)
        elif now.state is State.ACCEPTED and isinstance(error, NotFoundError):
            await self._ledger.ended(row.id, State.FAILED, words)
        elif not now.state.bad:
            await self._ledger.noted(row.id, words)

    def _is_there(self, entry: Entry) -> bool:
        """Whether every file of a row is still there in its length."""
        try:
            return bool(entry.files) and all((self._folder / f.path).stat().st_size == f.bytes for f in entry.files)
        except OSError:
            return False

    def _outcome(self, row: Row, entry: Entry, error: Exception | None = None) -> Outcome:
        paths = tuple(self._folder / file.path for file in entry.files) if entry.state is State.DONE else ()
        return Outcome(row=row, entry=entry, paths=paths, error=error)


def planned(row: Row) -> Entry:
    """Give the entry of a row of which nothing is known."""
    return Entry(id=row.id, family=row.family.name, fields=row.kept(), planned_at=time.time())


def _measure(path: Path, folder: Path) -> FileEntry:
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        return FileEntry(path=path.relative_to(folder).as_posix(), bytes=source.tell(), sha256=digest)
