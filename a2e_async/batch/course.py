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
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch.entries import Entry, FileEntry, State
from a2e_async.batch.ledger import Ledger, tag_of
from a2e_async.batch.purse import Purse, Wanted
from a2e_async.batch.rows import Row, stem_of
from a2e_async.client import A2EClient
from a2e_async.core.family import Request
from a2e_async.core.hooks import Journal, Posted
from a2e_async.core.records import Record, Result
from a2e_async.core.status import Status
from a2e_async.engine.jobs.job import Job, Stage
from a2e_async.engine.jobs.options import Options
from a2e_async.errors import (
    A2EError,
    AuthenticationError,
    BudgetExceededError,
    ClientClosedError,
    DownloadError,
    InsufficientCoinsError,
    JobCancelledError,
    JobDetachedError,
    LedgerError,
    MissingTokenError,
    NotFoundError,
    RateLimitedError,
    ServiceError,
    StartUnknownError,
    TransportError,
    UsageError,
)

_log = logging.getLogger("a2e_async")

_POOR = (BudgetExceededError, InsufficientCoinsError, AuthenticationError, MissingTokenError)
STOPPING = (*_POOR, LedgerError)
"""What no other row of the batch can get past either."""

_NOT_SENT = (*_POOR, RateLimitedError, TransportError, ClientClosedError, JobCancelledError)
_SERVER_ERROR = 500

OnChange = Callable[[Entry], None]
"""Told of each change of a row, after it was written down."""


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
    """Writes what happens to one row into the ledger, and tells of it then."""

    __slots__ = ("_entry", "_ledger", "_on_change")

    def __init__(self, ledger: Ledger, entry: Entry, on_change: OnChange) -> None:
        self._ledger = ledger
        self._entry = entry
        self._on_change = on_change

    async def intended(self, tag: str | None, request: Request[Result]) -> None:  # noqa: ARG002 - the ledger has it
        """Write down that the start is about to be sent."""
        await self._ledger.intended(self._entry.id, tag or "", self._entry.attempt)
        self._tell(state=State.INTENDED, tag=tag)

    async def accepted(self, tag: str | None, task_ids: Sequence[str], coins: float | None) -> None:  # noqa: ARG002
        """Write down that the service has taken it."""
        await self._ledger.accepted(self._entry.id, task_ids, coins)
        self._tell(state=State.ACCEPTED, task_ids=tuple(task_ids), coins=coins)

    async def settled(self, tag: str | None, records: Sequence[Record]) -> None:  # noqa: ARG002 - one row, one tag
        """Write down how its tasks have ended."""
        failed = [record for record in records if record.status is Status.FAILED]
        known = [record.coins for record in records if record.coins is not None]
        if failed:
            await self._ledger.ended(self._entry.id, State.FAILED, failed[0].failed_message or "the task failed")
        else:
            await self._ledger.settled(self._entry.id, coins=sum(known) if known else None)
            self._tell(state=State.COMPLETED, coins=sum(known) if known else self._entry.coins)

    def _tell(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Entry
        self._entry = attrs.evolve(self._entry, error="", **changes)
        _tell(self._on_change, self._entry)


class Course:
    """Brings rows to their files.

    Args:
        folder: Where files go.
        a2e: The open client.
        ledger: The open ledger.
        options: How starts are sent and watched.
        purse: What pays for them.
        on_change: Told of each change of a row.
    """

    def __init__(
        self,
        folder: Path,
        a2e: A2EClient,
        ledger: Ledger,
        *,
        options: Options,
        purse: Purse,
        on_change: OnChange = lambda _entry: None,
    ) -> None:
        self.pictures: dict[str, str] = {}
        self._folder = folder
        self._a2e = a2e
        self._ledger = ledger
        self._options = options
        self._purse = purse
        self._on_change = on_change
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
            now = (await self._ledger.known([row.id]))[row.id]
        except Exception as error:  # noqa: BLE001 - an outcome like any other
            return await self._failed(row, entry, error)
        self.pictures[row.id] = result.url
        return self._changed(row, now)

    async def _result(self, row: Row, entry: Entry, source: Source | None) -> Result:
        """Give the row's result, by as many steps as are left."""
        if entry.state in (State.COMPLETED, State.DONE):
            family = row.family.name
            return Result(tuple([await self._a2e.look(family, task_id) for task_id in entry.task_ids]))
        journal = RowJournal(self._ledger, entry, self._on_change)
        options = attrs.evolve(self._options, journal=journal)
        tag = entry.tag or tag_of(self._ledger.batch_id, row.id, entry.attempt)
        if entry.state is State.ACCEPTED:
            return await _ours(self._a2e.attach(row.family, *entry.task_ids, tag=tag, options=options))
        if entry.state is State.INTENDED:
            posted = Posted(first=entry.intended_at, last=entry.intended_at)
            options = attrs.evolve(options, look_first=True, sent_before=posted)
        request = row.request(await self._picture(source) if source is not None else None)
        async with self._purse.pays(Wanted(row.family, request, options)) as held:
            job = self._start(request, tag, options)
            await _accepted(job)
            held.coins = job.coins
        return await _ours(job)

    def _start(self, request: Request[Result], tag: str, options: Options) -> Job[Result]:
        """Start a request; one that is still queued is let go of when the batch is stopped."""
        job = self._a2e.start(request, tag=tag, options=options)
        if self._stopped:
            job.detach()
        else:
            self._unsent.add(job)
            job.on_end(self._unsent.discard)
        return job

    async def _picture(self, source: Source) -> str:
        """Give a link to the first output of a row; that of an earlier run is asked for anew, as links expire.

        Raises:
            DownloadError: The service has it no more.
        """
        if source.row_id not in self.pictures:
            try:
                record = await self._a2e.look(source.family, source.task_id)
            except NotFoundError as error:
                raise DownloadError(f"the service has the picture of row {source.row_id} no more") from error
            if not record.urls:
                raise DownloadError(f"the task of row {source.row_id} names no picture")
            self.pictures[source.row_id] = record.urls[0]
        return self.pictures[source.row_id]

    async def _fetch(self, row: Row, result: Result) -> list[FileEntry]:
        if not result.urls:
            raise DownloadError("the tasks have completed, and name no file")
        paths = await self._a2e.download(result, self._folder, name=stem_of(row.id, many=len(result.urls) > 1))
        return [await asyncio.to_thread(_measure, path, self._folder) for path in paths]

    async def _failed(self, row: Row, entry: Entry, error: Exception) -> Outcome:
        """Write down how far the row has come in spite of an error."""
        if isinstance(error, LedgerError):
            return self._outcome(row, entry, error)
        try:
            await self._write_down(row, entry, error)
            entry = (await self._ledger.known([row.id]))[row.id]
        except LedgerError as broken:
            broken.about(getattr(error, "request", None), getattr(error, "task_ids", ()), getattr(error, "tag", None))
            return self._outcome(row, entry, broken)
        return self._changed(row, entry, error)

    async def _write_down(self, row: Row, before: Entry, error: Exception) -> None:
        words = error.message if isinstance(error, A2EError) else f"{type(error).__name__}: {error}"
        now = (await self._ledger.known([row.id]))[row.id]
        if isinstance(error, StartUnknownError) and not error.look_again:
            await self._ledger.ended(row.id, State.UNKNOWN, words)
        elif now.state is State.INTENDED and before.state is not State.INTENDED and isinstance(error, _NOT_SENT):
            await self._ledger.released(row.id, words)
        elif now.state in (State.PLANNED, State.INTENDED):
            await self._not_begun(before, now, error, words)
        elif now.state is State.ACCEPTED and isinstance(error, NotFoundError):
            # It was paid for, and another account's token would hear the same: only --retry-unknown pays again.
            await self._ledger.ended(row.id, State.UNKNOWN, words)
        elif not now.state.bad:
            await self._ledger.noted(row.id, words)

    async def _not_begun(self, before: Entry, now: Entry, error: Exception, words: str) -> None:
        """Leave a row for the next run, or take a refusal for its end.

        What an earlier run may have sent stays intended, so that the next run looks for it once more; it was not taken
        only when the service itself refuses it now, after the look. So does what ended for a reason that nobody knows.
        """
        sure = isinstance(error, ServiceError) or (isinstance(error, UsageError) and before.state is State.PLANNED)
        if sure and not isinstance(error, _NOT_SENT) and not _is_passing(error):
            await self._ledger.ended(now.id, State.REFUSED, words)
        elif not isinstance(error, JobDetachedError):
            await self._ledger.noted(now.id, words)

    def _is_there(self, entry: Entry) -> bool:
        """Whether every file of a row is still there in its length."""
        try:
            return bool(entry.files) and all((self._folder / f.path).stat().st_size == f.bytes for f in entry.files)
        except OSError:
            return False

    def _changed(self, row: Row, entry: Entry, error: Exception | None = None) -> Outcome:
        _tell(self._on_change, entry)
        return self._outcome(row, entry, error)

    def _outcome(self, row: Row, entry: Entry, error: Exception | None = None) -> Outcome:
        paths = (
            tuple(self._folder / file.path for file in entry.files)
            if error is None and entry.state is State.DONE
            else ()
        )
        return Outcome(row=row, entry=entry, paths=paths, error=error)


async def _ours(job: Job[Result]) -> Result:
    """Wait for a job that nobody else waits for: who stops waiting lets go of it, and its tag is free again."""
    try:
        return await job
    except asyncio.CancelledError:
        job.detach()
        raise


async def _accepted(job: Job[Result]) -> None:
    """Wait until the service has taken a job that nobody else waits for."""
    try:
        await job.accepted()
    except asyncio.CancelledError:
        job.detach()
        raise


def planned(row: Row) -> Entry:
    """Give the entry of a row of which nothing is known."""
    return Entry(id=row.id, family=row.family.name, fields=row.kept(), planned_at=time.time())


def _tell(on_change: OnChange, entry: Entry) -> None:
    """Tell of a change; what a listener trips over is no matter of the row."""
    try:
        on_change(entry)
    except Exception:  # noqa: BLE001 - logged, and no matter of the row
        _log.exception("on_change failed for row %s, which goes on", entry.id)


def _is_passing(error: Exception) -> bool:
    """Whether an enquiry before the start, such as for a picture's link, met a service in trouble."""
    return isinstance(error, ServiceError) and error.status >= _SERVER_ERROR


def _measure(path: Path, folder: Path) -> FileEntry:
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        return FileEntry(path=path.relative_to(folder).as_posix(), bytes=source.tell(), sha256=digest)
