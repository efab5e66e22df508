"""The durable jobs of one client: what it starts, finds and follows by keys, and what it takes over from the dead."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from a2e_async.core.family import Family, Request
from a2e_async.core.hooks import Posted
from a2e_async.core.records import Result
from a2e_async.core.rules import kind_of
from a2e_async.engine.durable import kept
from a2e_async.engine.durable.following import Followed
from a2e_async.engine.durable.holdings import OPEN, Holdings
from a2e_async.engine.durable.journal import JobJournal
from a2e_async.engine.durable.limits import SharedLimits, Sharing
from a2e_async.engine.durable.making import job_of, stored, tag_for
from a2e_async.engine.durable.planning import Planner, Wanted, conflict_of
from a2e_async.engine.engine import Engine
from a2e_async.engine.jobs.background import BackgroundTasks
from a2e_async.engine.jobs.job import AnyJob, Job
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.jobs.stored import StoredJob
from a2e_async.errors import ClientClosedError, FencedError, InvalidRequestError, LedgerError
from a2e_async.store.entries import Entry
from a2e_async.store.ports import Ledger, Store

R = TypeVar("R", bound=Result)

_log = logging.getLogger("a2e_async")

LONGEST_KEY: Final = 100
_SWEEPS = 3  # in the time of a lease


def check_key(key: object) -> str:
    """Give back a key that a caller may give.

    Raises:
        InvalidRequestError: It is no printable text of 1 to 100 characters.
    """
    if not isinstance(key, str) or not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
        rule = f"must be printable text of 1 to {LONGEST_KEY} characters"
        raise InvalidRequestError(f"key: {rule}, not {kind_of(key)}", field="key", rule=rule)
    return key


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
            self._holdings, take_over=self._take_over, go=self._go, follow=self._follow, end=self._ended_there
        )
        self._sharing = Sharing(engine, store, limits, lambda: self._holdings.lease)
        self._jobs: dict[str, AnyJob] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._hinting = BackgroundTasks("a2e hint")
        self._ttl = ttl
        self._is_own = own

    async def open(self) -> None:
        """Take a lease, take over what the dead have left, and go on doing so."""
        await self._holdings.renew()
        await self._sharing.begin()
        await self._sweep()
        runs = (self._planner.run, self._followed.run, self._sharing.run, self._sweep_again, self._watch_lease)
        self._tasks = [asyncio.create_task(self._lasting(run), name=f"a2e store {run.__name__}") for run in runs]
        self._tasks.append(asyncio.create_task(self._lasting(self._listen), name="a2e store hints"))

    async def stop(self) -> None:
        """Start and take over nothing more; what nobody has written down yet was never started."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
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
        fields = {name: kept.as_json(value) for name, value in kept.fields_in(request).items()}
        chosen = kept.options_in(options, tag)
        entry = Entry(id=key, family=family.name, fields=fields | ({kept.OPTIONS: chosen} if chosen else {}))
        known = self._jobs.get(key)
        if known is not None and not known.done():
            self._refuse_another(known, entry)
            return known
        journal = JobJournal(key, self._engine.service.server_time)
        tag = tag or tag_for(self._holdings.own.batch_id, key, 1, options)
        job = self._engine.take_in(family, request, attrs.evolve(options, journal=journal), tag)
        self._keep(key, job)
        self._planner.put(Wanted(job, journal, entry))
        return job

    async def find(self, key: str) -> StoredJob | None:
        """Give what the store has of a key, None if nothing."""
        entry = await self._store.find(check_key(key))
        return None if entry is None else stored(entry)

    async def job_with(self, key: str) -> AnyJob | None:
        """Give a job for a key, whichever process has it: of this client, or one that follows; None: no such key."""
        known = self._jobs.get(check_key(key))
        if known is not None and not known.done():
            return known
        entry = await self._store.find(key)
        if entry is None:
            return None
        job = self._made(entry)
        if job is not None:
            self._go_on(job, entry)
        return job

    def hint(self, task_id: str) -> None:
        """Tell the process that watches a task, which is not this one, that something has happened to it."""
        if self._engine.poller.job_of(task_id) is None:
            self._hinting.run(self._tell(task_id))
            self._followed.hurry()

    async def _tell(self, task_id: str) -> None:
        with contextlib.suppress(LedgerError):  # hints make things faster, nothing depends on them
            await self._store.hint(task_id)

    # From a row to a job, and on.

    def _made(self, entry: Entry) -> AnyJob | None:
        job = job_of(self._engine, entry, self._holdings.own.batch_id)
        if job is not None:
            self._keep(entry.id, job)
        return job

    def _keep(self, key: str, job: AnyJob) -> None:
        self._jobs[key] = job
        job.on_end(lambda ended: self._forget(key, ended))

    def _forget(self, key: str, job: AnyJob) -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]
        self._followed.take(key)

    def _refuse_another(self, job: AnyJob, entry: Entry) -> None:
        held = job.request
        fields = {} if held is None else {name: kept.as_json(value) for name, value in kept.fields_in(held).items()}
        known = attrs.evolve(entry, family=job.family.name, fields=fields)
        if held is not None and not kept.is_same(known, entry):
            raise conflict_of(entry.id, kept.intent_of(known), kept.intent_of(entry))

    def _go(self, job: AnyJob, ledger: Ledger, entry: Entry) -> None:
        """Go on with a job whose row is ours, from where the row stands."""
        journal = job.options.journal
        assert isinstance(journal, JobJournal)  # noqa: S101 - every durable job has one
        journal.put(ledger, self._holdings.lease, entry)
        self._engine.live.retag(job, entry.tag or job.tag)
        if entry.task_ids:
            self._engine.starter.places.take(job)
            self._engine.ends.resumed(job, entry.task_ids, entry.coins)
            return
        if entry.letters:
            posted = Posted(first=entry.sent_first, last=entry.sent_last, letters=entry.letters)
            job.options = attrs.evolve(job.options, find_first=True, sent_before=posted)
        self._engine.send(job)

    def _follow(self, job: AnyJob, entry: Entry) -> None:
        self._followed.add(entry.id, job, entry)
        if entry.task_ids:
            self._engine.ends.resumed(job, entry.task_ids, entry.coins, watched=False)

    def _go_on(self, job: AnyJob, entry: Entry) -> None:
        """Do for a row whose job was made just now what its state asks for."""
        ledger = self._holdings.ledger_of(entry)
        if entry.state.final:
            self._ended_there(job, entry)
        elif ledger is not None:
            self._go(job, ledger, entry)
        else:
            self._follow(job, entry)

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
            return
        result, error = kept.outcome_of(end)
        if end.task_ids and not job.task_ids:
            self._engine.ends.resumed(job, end.task_ids, end.coins, watched=False)
        self._engine.ends.follow(job, result, error)

    # What dead processes have left.

    async def _take_over(self, shard: int) -> Ledger | None:
        ledger = await self._holdings.claim(shard)
        if ledger is not None:
            self._adopt(ledger, await ledger.in_states(OPEN))
        return ledger

    async def _sweep(self) -> None:
        async for ledger, rows in self._holdings.orphans():
            self._adopt(ledger, rows)

    def _adopt(self, ledger: Ledger, rows: list[Entry]) -> None:
        for entry in rows:
            job = self._followed.take(entry.id)
            if job is None and entry.id in self._jobs:  # it is being planned just now, and goes on from there
                continue
            job = job or self._made(entry)
            if job is None:
                _log.warning("the job of key %s cannot be gone on with by this version", entry.id)
            else:
                self._go(job, ledger, entry)

    async def _sweep_again(self) -> None:
        while True:
            await asyncio.sleep(self._ttl / _SWEEPS)
            with contextlib.suppress(FencedError):
                await self._sweep()

    async def _watch_lease(self) -> None:
        """Let go of everything when the lease is gone: it is another process's now; then begin anew."""
        while True:
            lease = self._holdings.lease
            await lease.gone()
            held = [job for job in self._engine.live.jobs if _is_held(job)]
            _log.warning(
                "the lease of this process is gone, and another one may hold its %d jobs; they end here", len(held)
            )
            for job in held:
                journal = job.options.journal
                if isinstance(journal, JobJournal):
                    journal.forsake()
                words = f"another process holds the job of key {job.key} now; a2e.find_job({job.key!r}) tells how it is"
                self._engine.ends.fail(job, FencedError(words))
            await self._holdings.renew()
            await self._sharing.ask()

    async def _listen(self) -> None:
        while True:
            async for task_id in self._store.hints(self._holdings.lease):
                self._engine.poller.hint(task_id)
                self._followed.hurry()
            await asyncio.sleep(1)  # the lease is gone, and there is another one soon

    async def _lasting(self, run: Callable[[], Any]) -> None:
        """Run what must not end: a store that is away, or a fault of ours, costs a turn and is said."""
        while True:
            try:
                await run()
            except LedgerError as error:
                _log.warning("the store cannot be used at the moment: %s", error)
            except Exception:  # noqa: BLE001 - the others go on, and this one does in a while
                _log.exception("internal error in %s (please report)", run)
            await asyncio.sleep(self._ttl / _SWEEPS)


def _is_held(job: AnyJob) -> bool:
    journal = job.options.journal
    return isinstance(journal, JobJournal) and journal.held
