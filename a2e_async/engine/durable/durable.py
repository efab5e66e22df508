"""The durable jobs of one client: what it starts, finds and follows by keys, and what it takes over from the dead."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

import attrs

from a2e_async.core.family import Family, Request
from a2e_async.core.hooks import Posted
from a2e_async.core.records import Result
from a2e_async.engine.durable import kept
from a2e_async.engine.durable.batches import held_batch
from a2e_async.engine.durable.following import Followed
from a2e_async.engine.durable.holdings import OPEN, Holdings
from a2e_async.engine.durable.journal import JobJournal
from a2e_async.engine.durable.limits import SharedLimits, Sharing
from a2e_async.engine.durable.making import check_key, in_words, job_of, request_of, stored, tag_for
from a2e_async.engine.durable.planning import Planner, Wanted, refuse_another
from a2e_async.engine.durable.row_inputs import RowInputs, StoreUploads, Taken, among
from a2e_async.engine.durable.upkeep import Upkeep
from a2e_async.engine.engine import Engine
from a2e_async.engine.jobs.background import BackgroundTasks
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.jobs.stored import StoredJob
from a2e_async.errors import A2EError, ClientClosedError, LedgerError
from a2e_async.store.entries import Entry
from a2e_async.store.ports import JOBS, Lease, Ledger, Store

R = TypeVar("R", bound=Result)

_log = logging.getLogger("a2e_async")


class DurableJobs:
    """The durable jobs of one open client.

    Args:
        engine: What starts, watches and ends jobs.
        store: Where they are written down, open.
        ttl: Seconds after which a process without a beat is taken for dead.
        limits: What all processes share.
        own: Whether the store was opened for this client, and is closed with it.
    """

    def __init__(self, engine: Engine, store: Store, ttl: float, limits: SharedLimits, *, own: bool) -> None:
        self._engine = engine
        self._store = store
        self._holdings = Holdings(store, ttl)
        self._followed = Followed(lambda: self._holdings.own, self._changed)
        self._planner = Planner(
            self._holdings,
            take_over=self._take_over,
            start=self._go,
            go_on=self._go_on,
            follow=self._follow,
            end=self._ended_there,
        )
        self._sharing = Sharing(
            engine,
            store,
            limits,
            lease=lambda: self._holdings.lease,
            demand=lambda: len(engine.live.jobs) - len(self._followed),
        )
        self._jobs: dict[str, AnyJob] = {}
        self._intents: dict[str, Entry] = {}
        self._lacking: dict[str, A2EError] = {}
        self._uploads = StoreUploads(store)
        self._inputs = RowInputs(engine, self._uploads, self.job_with)
        self._hinting = BackgroundTasks("a2e hint")
        self._upkeep = Upkeep(
            engine, store, self._holdings, sharing=self._sharing, followed=self._followed, sweep=self._sweep, ttl=ttl
        )
        self._is_own = own
        self._ttl = ttl

    async def open(self) -> None:
        """Take a lease, take over what the dead have left, and go on doing so."""
        await self._holdings.renew()
        await self._sharing.begin()
        await self._sweep()
        self._upkeep.begin(self._planner.run)

    async def stop(self) -> None:
        """Start and take over nothing more; what nobody has written down yet was never started."""
        await self._upkeep.aclose()
        words = "the client was closed before this start was written down or sent"
        self._planner.close(lambda: ClientClosedError(words))
        await self._hinting.aclose()

    async def aclose(self) -> None:
        """Give everything back; the jobs have ended here by now, or were let go of."""
        try:
            await self._holdings.leave()
        finally:
            if self._is_own:
                await self._store.aclose()

    # What a client asks for.

    def start(self, family: Family, request: Request[R], options: Options, tag: str | None, key: str | None) -> Job[R]:
        """Start a request under a key, or give the job that this process has for it.

        Raises:
            InvalidRequestError: The key is none.
            KeyConflictError: The key belongs to another request that runs here; the store may know of one, too, and
                then the job ends with it.
        """
        key = f"job-{secrets.token_hex(12)}" if key is None else check_key(key)
        fields, chosen = kept.fields_in(request), kept.options_in(options, tag)
        entry = Entry(id=key, family=family.name, fields=fields | ({kept.OPTIONS: chosen} if chosen else {}))
        known = self._alive(key)
        if known is not None:
            refuse_another(self._intents.get(key, entry), entry)
            return known
        journal = JobJournal(key, self._engine.service.server_time)
        tag = tag or tag_for(self._holdings.batch_id, key, 1, options)
        job = self._engine.take_in(family, request, attrs.evolve(options, journal=journal, uploads=self._uploads), tag)
        self._keep(entry, job)
        self._planner.put(Wanted(job, journal, entry))
        return job

    async def find(self, key: str) -> StoredJob | None:
        """Give what the store has of a key, None if nothing."""
        entry = await self._store.find(check_key(key))
        return None if entry is None else stored(entry)

    async def all(self) -> AsyncIterator[StoredJob]:
        """Give all jobs of the store."""
        async for entry in self._store.entries(JOBS):
            yield stored(entry)

    async def job_with(self, key: str) -> AnyJob | None:
        """Give a job for a key, whichever process has it: of this client, or one that follows; None: no such key."""
        known = self._alive(check_key(key))
        entry = None if known is not None else await self._store.find(key)
        if entry is None:
            return known
        inputs = await self._inputs.of_row(entry)
        known = self._alive(key)  # somebody else may have asked for it meanwhile: one key, one job
        return known or await self._joined(entry, inputs)

    async def _joined(self, entry: Entry, inputs: Taken) -> AnyJob | None:
        job, ledger = self._made(entry, inputs), self._holdings.ledger_of(entry)
        if job is not None and entry.state.final:
            self._ended_there(job, entry)
        elif job is not None and ledger is not None:
            await self._go_on(job, ledger, entry.id)
        elif job is not None:
            self._follow(job, entry)
        return job

    def _alive(self, key: str) -> AnyJob | None:
        """Give the job that this process has for a key and that has not ended."""
        known = self._jobs.get(key)
        return None if known is None or known.done() else known

    def batch(self, name: str) -> AbstractAsyncContextManager[tuple[Ledger, Lease]]:
        """Hold a batch of the store for a block; gives its ledger and lease."""
        return held_batch(self._store, name, self._ttl)

    def hint(self, task_id: str) -> None:
        """Tell the process that watches a task, which is not this one, that something has happened to it."""
        if self._engine.poller.job_of(task_id) is None:
            self._hinting.run(self._tell(task_id))
            self._followed.hurry()

    async def _tell(self, task_id: str) -> None:
        with contextlib.suppress(LedgerError):  # hints make things faster, nothing depends on them
            await self._store.hint(task_id)

    # From a row to a job, and on.

    def _made(self, entry: Entry, inputs: Taken) -> AnyJob | None:
        """Make a job for a row that has none here, with all that its request takes; None where this version cannot.

        Nothing is awaited from the look whether there is one to where the new one can be seen.
        """
        found = inputs if isinstance(inputs, list) else None
        request = request_of(entry, in_words if found is None else partial(among, found))
        job = job_of(self._engine, entry, self._holdings.batch_id, request, self._uploads, lacks_inputs=found is None)
        if job is not None:
            self._keep(entry, job)
            if isinstance(inputs, A2EError):
                self._lacking[entry.id] = inputs
        return job

    def _keep(self, entry: Entry, job: AnyJob) -> None:
        self._jobs[entry.id], self._intents[entry.id] = job, entry
        job.on_end(lambda ended: self._forget(entry.id, ended))

    def _forget(self, key: str, job: AnyJob) -> None:
        if self._jobs.get(key) is job:  # pragma: no branch - one key has one job, which is forgotten as it ends
            del self._jobs[key], self._intents[key]
        self._followed.take(key)

    def _go(self, job: AnyJob, ledger: Ledger, entry: Entry) -> None:
        """Go on with a job whose row is ours, from where the row stands."""
        journal = job.options.journal
        assert isinstance(journal, JobJournal)  # noqa: S101 - every durable job has one
        journal.put(ledger, self._holdings.lease, entry)
        self._engine.live.retag(job, entry.tag or job.tag)
        if entry.task_ids:
            self._engine.starter.places.take(job)
            self._engine.resume(job, entry.task_ids, entry.coins)
            return
        if entry.letters:
            posted = Posted(first=entry.sent_first, last=entry.sent_last, letters=entry.letters)
            job.options = attrs.evolve(job.options, find_first=True, sent_before=posted)
        elif ledger.copied:
            job.options = attrs.evolve(job.options, find_first=True)
        lacking = self._lacking.pop(entry.id, None)
        if lacking is not None:
            self._engine.ends.fail(job, lacking)
        else:
            self._engine.send(job)

    def _follow(self, job: AnyJob, entry: Entry) -> None:
        self._followed.add(entry.id, job, entry)
        if entry.task_ids:
            self._engine.ends.resumed(job, entry.task_ids, entry.coins, watched=False)

    async def _go_on(self, job: AnyJob, ledger: Ledger, key: str) -> None:
        """Go on with a job whose row was another process's, or was written a while ago.

        The row is read once more, now that nobody else writes it: what was read before may be older than a POST.
        """
        entry = (await ledger.known([key]))[key]
        if entry.state.final:
            self._ended_there(job, entry)
        else:
            self._go(job, ledger, entry)

    async def _changed(self, job: AnyJob, entry: Entry) -> None:
        """Hear how the row of a followed job goes on."""
        if entry.state.final:
            self._ended_there(job, entry)
        elif entry.task_ids and job.task_ids != entry.task_ids:
            self._engine.ends.resumed(job, entry.task_ids, entry.coins, watched=False)

    def _ended_there(self, job: AnyJob, end: Entry | Exception) -> None:
        """End a job as its row says, or with an error of ours; nothing is to be written."""
        self._followed.take(job.key or "")
        if isinstance(end, Exception):
            self._engine.ends.follow(job, None, end)
            self._engine.live.seen(job)  # at closing its words would be logged, and they name both requests
            return
        result, error = kept.outcome_of(end)
        if end.task_ids and not job.task_ids:
            self._engine.ends.resumed(job, end.task_ids, end.coins, watched=False)
        for record in getattr(result or error, "records", ()):
            job.change(record)  # whatever takes this job as its input takes its URLs
        self._engine.ends.follow(job, result, error)

    # What dead processes have left.

    async def _take_over(self, shard: int) -> Ledger | None:
        ledger = await self._holdings.claim(shard)
        if ledger is not None:
            await self._adopt(ledger, await ledger.in_states(OPEN))
        return ledger

    async def _sweep(self) -> None:
        async for ledger, rows in self._holdings.orphans():
            await self._adopt(ledger, rows)

    async def _adopt(self, ledger: Ledger, rows: list[Entry]) -> None:
        for entry in rows:
            try:
                await self._take(ledger, entry)
            except A2EError as error:  # one row that cannot be gone on with keeps no other from it
                _log.warning("the job of key %s cannot be gone on with: %s", entry.id, type(error).__name__)

    async def _take(self, ledger: Ledger, entry: Entry) -> None:
        job = self._followed.take(entry.id)
        inputs = None if job is not None else await self._inputs.of_row(entry)
        if job is None and self._alive(entry.id):  # it is planned or asked for just now, and goes on from there
            return
        job = job or self._made(entry, inputs)
        if job is None:
            _log.warning("the job of key %s cannot be gone on with by this version", entry.id)
        else:
            await self._go_on(job, ledger, entry.id)
