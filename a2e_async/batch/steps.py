"""The steps of one row: from where the ledger says it stands to its files, each step once.

    planned     start it
    intended    it may have been sent: look for its tag, recover it or start it under the same tag
    accepted    watch it
    completed   fetch its files
    done        nothing, while its files are there
    unknown, expired    ask once more for tasks whose ids are known: that is free

The law of this file: what the ledger says is never newer than the world, so that every step can be repeated.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch.budget import BatchBudget, WantedStart
from a2e_async.batch.copies import Copies
from a2e_async.batch.input_urls import InputUrls, Sources
from a2e_async.batch.journal import HeldRowJournal, OnChange, Right, RowJournal, tell
from a2e_async.batch.outputs import tasks_asked
from a2e_async.batch.owner import Owner
from a2e_async.batch.rows import Outcome, Row, stem_of
from a2e_async.batch.verdicts import KEPT_SECONDS, in_words, verdict
from a2e_async.client import A2EClient
from a2e_async.core.family import Request, family_of
from a2e_async.core.hooks import Posted
from a2e_async.core.records import Result
from a2e_async.core.status import Stage, Status
from a2e_async.engine.files import disk
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.options import Options
from a2e_async.errors import DownloadError, InvalidRequestError, JobDetachedError, LedgerError, UsageError
from a2e_async.store.entries import Entry, FileEntry, RowEvent, State, tag_of
from a2e_async.store.ports import Ledger

_LOST_SECONDS = KEPT_SECONDS + 24 * 3600.0  # after which nobody asks for a task that is gone any more


class Steps:
    """Brings rows to their files.

    Args:
        folder: Where files go.
        a2e: The open client.
        ledger: The open ledger.
        owner: Whose it is.
        options: How starts are sent and watched.
        budget: What pays for them.
        on_change: Told of each change of a row.
        right: Asked last of all before each POST, where another process may have the rows by then; None: nobody can.
        host: What the files' machine is called, where several have files of a batch.
    """

    def __init__(
        self,
        folder: Path,
        a2e: A2EClient,
        ledger: Ledger,
        *,
        owner: Owner,
        options: Options,
        budget: BatchBudget,
        on_change: OnChange = lambda _entry: None,
        right: Right | None = None,
        host: str = "",
    ) -> None:
        self._folder = folder
        self._a2e = a2e
        self._ledger = ledger
        self._owner = owner
        self._options = options
        self._budget = budget
        self._on_change = on_change
        self._right = right
        self._host = host
        self._inputs = InputUrls(a2e, ledger, budget)
        self._copies = Copies(a2e, ledger)
        self._unsent: set[Job[Any]] = set()
        self._starting: set[Job[Any]] = set()
        self._stopped = False

    def stop(self) -> None:
        """Let go of starts that were not sent."""
        self._stopped = True
        for job in [job for job in self._unsent if job.stage is Stage.QUEUED]:
            job.detach()

    async def answered(self) -> None:
        """Wait until what is on the wire has been answered and written down, as long as the client's closing would."""
        starting, self._starting = self._starting, set()
        await self._a2e.answered(*starting)

    async def aclose(self) -> None:
        """End what is still asked for, and what is still uploaded."""
        await self._inputs.aclose()
        await self._copies.aclose()

    async def bring(self, row: Row, entry: Entry, sources: Sources) -> Outcome:
        """Bring one row as far as it goes.

        Args:
            row: The row.
            entry: What the ledger knows of it.
            sources: The rows whose outputs it takes, by id; None for one that is not done.
        """
        if await self._is_over(entry):
            return self._outcome(row, entry)
        try:
            result = await self._result(row, entry, sources)
            files = await self._fetch(row, result)
            await self._ledger.downloaded(row.id, files)
            now = (await self._ledger.known([row.id]))[row.id]
        except Exception as error:  # noqa: BLE001 - an outcome like any other
            return await self._failed(row, entry, error)
        self._inputs.keep(row.id, result.urls)
        return self._changed(row, now)

    async def give_up(self, row: Row, entry: Entry, event: RowEvent, words: str, error: Exception) -> Outcome:
        """End or note a row that cannot be started for lack of what it takes from another one."""
        try:
            moved = event is not RowEvent.NOTED and await self._ledger.ended(row.id, event, words)
            entry = (await self._ledger.known([row.id]))[row.id] if moved else entry
        except LedgerError as broken:
            return self._outcome(row, entry, broken)
        return self._changed(row, entry, error) if moved else self._outcome(row, entry, error)

    async def _result(self, row: Row, entry: Entry, sources: Sources) -> Result:
        """Give the row's result, by as many steps as are left: polled where ids are known, which is free, else started.

        Why in this order: A2E charges when it accepts a start, so that whatever may have been accepted is asked for or
        looked for before anything is sent, and its price is held before the POST leaves.
        """
        if entry.task_ids and entry.state is not State.ACCEPTED:
            records = [await self._a2e.record(row.family, task_id) for task_id in entry.task_ids]
            if entry.state in (State.COMPLETED, State.DONE) or all(
                record.status is Status.COMPLETED for record in records
            ):
                return Result(tuple(records))
        tag = entry.tag or tag_of(self._ledger.batch_id, row.id, entry.attempt)
        if entry.task_ids:
            options = attrs.evolve(self._options, journal=self._journal(entry), tasks=tasks_asked(row))
            return await _ours(self._a2e.attach(row.family, *entry.task_ids, tag=tag, options=options))
        if not entry.letters and (ids := await self._copies.started(row.family, tag)):
            await self._ledger.intended(row.id, tag, entry.attempt)
            await self._ledger.accepted(row.id, ids, None)
            return await self._result(row, (await self._ledger.known([row.id]))[row.id], sources)
        options, held_before = self._looking(entry), entry.price if entry.letters else None
        async with self._budget.ahead(row, options, begun=bool(entry.letters)) as price:
            if price is not None and self._right is not None:  # the store counts it for all processes
                await self._ledger.intended(row.id, tag, entry.attempt, price)
            request, options = await self._request(row, entry, sources, options)
            async with self._budget.pays(WantedStart(row.family, request, options, row.id), held_before) as held:
                job = self._start(request, tag, attrs.evolve(options, journal=self._journal(entry, held.price)))
                await self._accepted(job)
                held.job, held.coins = job, job.coins
        return await _ours(job)

    def _journal(self, entry: Entry, price: float | None = None) -> RowJournal:
        told = (self._ledger, entry, self._owner, self._on_change, price)
        return RowJournal(*told) if self._right is None else HeldRowJournal(*told, right=self._right)

    def _looking(self, entry: Entry) -> Options:
        """Give the options of a start that an earlier process may have sent; without any POST it surely has not."""
        if not entry.letters:
            return self._options
        posted = Posted(first=entry.sent_first, last=entry.sent_last, letters=entry.letters)
        return attrs.evolve(self._options, find_first=True, sent_before=posted)

    async def _request(
        self, row: Row, entry: Entry, sources: Sources, options: Options
    ) -> tuple[Request[Result], Options]:
        """Give the request; a start that was sent is looked for, and never sent, when what it takes is gone since."""
        try:
            return row.request(await self._inputs.of(row, sources)), options
        except (DownloadError, UsageError) as error:
            if not entry.letters or isinstance(error, InvalidRequestError):
                raise
            return row.request(), attrs.evolve(options, on_unknown="raise")

    def _start(self, request: Request[Result], tag: str, options: Options) -> Job[Result]:
        """Start a request; one that is still queued is let go of when the batch is stopped."""
        job = self._a2e.start(request, tag=tag, options=options)
        if self._stopped:
            job.detach()
        else:
            self._unsent.add(job)
            job.on_end(self._unsent.discard)
        return job

    async def _accepted(self, job: Job[Result]) -> None:
        """Wait until the service has taken a job that nobody else waits for.

        Who stops waiting lets go of it; its POST may be on the wire, so that its answer has yet to be written down.
        """
        self._starting.add(job)
        try:
            await job.accepted()
        except asyncio.CancelledError:
            job.detach()
            raise
        except Exception:
            self._starting.discard(job)
            raise
        self._starting.discard(job)

    async def _fetch(self, row: Row, result: Result) -> list[FileEntry]:
        if not result.urls and row.family.makes == "record":  # a trained voice is no file: there is none to wait for
            return []
        if not result.urls:
            raise DownloadError("the tasks have completed, and name no file")
        name = stem_of(row.stem or row.id, words=row.fields.get("prompt"), many=len(result.urls) > 1)
        paths = await self._a2e.download(result, self._folder, name=name)
        return [await self._measured(path) for path in paths]

    async def _measured(self, path: Path) -> FileEntry:
        """Say what a file of ours is: by its mark, which was written with it, else by its bytes."""
        mark, place = disk.good_mark(path), path.relative_to(self._folder).as_posix()
        size, sha256 = (mark.size, mark.sha256) if mark else await asyncio.to_thread(disk.measured, path)
        return FileEntry(path=place, bytes=size, sha256=sha256, host=self._host)

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
        now = (await self._ledger.known([row.id]))[row.id]
        event = verdict(error, before, now, time.time())
        words = in_words(error, event, now)
        words += f" (on {self._host})" if self._host and isinstance(error, UsageError) else ""  # others may have it
        if event is RowEvent.RELEASED:
            await self._ledger.released(row.id, words)
        elif event is not RowEvent.NOTED:
            await self._ledger.ended(row.id, event, words)
        elif not isinstance(error, JobDetachedError) and not now.state.bad:
            await self._ledger.noted(row.id, words)

    async def _is_over(self, entry: Entry) -> bool:
        """Whether nothing can be done for a row, not even for free."""
        if entry.state is State.DONE:
            return await self._is_there(entry)
        since = entry.accepted_at or entry.intended_at or 0.0
        asked = entry.state in (State.UNKNOWN, State.EXPIRED) and entry.task_ids and time.time() - since < _LOST_SECONDS
        return entry.state.bad and not asked

    async def _is_there(self, entry: Entry) -> bool:
        """Whether every file of a row is still there, by its content; what a link leads to is none of them.

        Its mark tells that without reading its bytes; a copy, or what somebody has written since, has none that fits.
        """
        for one in entry.files:
            path = self._folder / one.path
            found = disk.plain(path)
            if found is None or found.st_size != one.bytes:
                return False
            try:
                digest = disk.known_digest(path) or await asyncio.to_thread(disk.digest_of, path)
            except OSError:
                return False
            if digest != one.sha256:
                return False
        return bool(entry.files) or family_of(entry.family).makes == "record"

    def _changed(self, row: Row, entry: Entry, error: Exception | None = None) -> Outcome:
        tell(self._on_change, entry)
        return self._outcome(row, entry, error)

    def _outcome(self, row: Row, entry: Entry, error: Exception | None = None) -> Outcome:
        there = error is None and entry.state is State.DONE
        paths = tuple(self._folder / file.path for file in entry.files) if there else ()
        return Outcome(row=row, entry=entry, paths=paths, error=error)


async def _ours(job: Job[Result]) -> Result:
    """Wait for a job that nobody else waits for: who stops waiting lets go of it, and its tag is free again."""
    try:
        return await job
    except asyncio.CancelledError:
        job.detach()
        raise


def planned(row: Row) -> Entry:
    """Give the entry of a row of which nothing is known."""
    return Entry(id=row.id, family=row.family.name, fields=row.kept(), planned_at=time.time())
