"""Keys: each is one job, in this process and in all that share the store.

    start(key) ── known here, alive ────────────── the same job
        │
        └─ written down, or found, in the store
              new here ─────────────────────────── it is started
              of another request ───────────────── KeyConflictError
              ended ────────────────────────────── its end, without any request
              ended unsent, not by the request ─── started anew, as another attempt, whoever has it
              of a dead process, or ours ───────── gone on with, from where it stands
              of a live process ────────────────── followed

Law of this file: whoever comes first is decided by the store, in the statement that writes the row. Rows that are
wanted in one turn of the loop are written together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs

from a2e_async.core.secrets import is_secret
from a2e_async.engine.durable import kept
from a2e_async.engine.durable.holdings import Holdings
from a2e_async.engine.durable.journal import JobJournal
from a2e_async.engine.durable.references import digested, has_paths
from a2e_async.engine.durable.verdicts import RETRIABLE
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.errors import A2EError, FencedError, KeyConflictError, again
from a2e_async.store.entries import Entry, State
from a2e_async.store.ports import Ledger

_AT_ONCE = 500
_SHOWN = 100


@attrs.frozen
class Wanted:
    """A start whose row is to be written.

    Attributes:
        job: Its job.
        journal: The journal of the job.
        entry: The row as it is wanted.
    """

    job: AnyJob
    journal: JobJournal
    entry: Entry


class Planner:
    """Writes rows down, and says what is to be done for each.

    Args:
        holdings: What this process holds.
        take_over: Takes a shard whose holder is dead, with all that is in it; gives None while it lives.
        start: Starts a job whose row was written here just now.
        go_on: Goes on with a job whose row has come to be this process's own, from where the row stands by then.
        follow: Follows a job whose row another process has.
        end: Ends a job as its row says, or with an error.
    """

    def __init__(
        self,
        holdings: Holdings,
        *,
        take_over: Callable[[int], Awaitable[Ledger | None]],
        start: Callable[[AnyJob, Ledger, Entry], None],
        go_on: Callable[[AnyJob, Ledger, str], Awaitable[None]],
        follow: Callable[[AnyJob, Entry], None],
        end: Callable[[AnyJob, Entry | Exception], None],
    ) -> None:
        self._holdings = holdings
        self._take_over = take_over
        self._start = start
        self._go_on = go_on
        self._follow = follow
        self._end = end
        self._wanted: list[Wanted] = []
        self._some = asyncio.Event()

    def put(self, wanted: Wanted) -> None:
        """Have a row written in the next turn."""
        wanted.journal.will_be_placed()
        self._wanted.append(wanted)
        self._some.set()

    def close(self, error: Callable[[], Exception]) -> None:
        """End what was not written yet; it was never started."""
        wanted, self._wanted = self._wanted, []
        for one in wanted:
            one.journal.is_placed()
            self._end(one.job, error())

    async def run(self) -> None:
        """Write rows, until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._wanted:
                now, self._wanted = self._wanted[:_AT_ONCE], self._wanted[_AT_ONCE:]
                await self._plan(now)

    async def _plan(self, wanted: Sequence[Wanted]) -> None:
        """Write rows and place their jobs; what goes wrong ends those that were not placed yet, and only those.

        One that was placed may be on its way to the service, or paid for: it must hear nothing of the others.
        """
        left = deque(wanted)
        try:
            todo = [await _with_contents(one) for one in self._alive(wanted)]
            if todo:
                rows = await self._while_fenced(lambda ledger: ledger.plan([one.entry for one in todo]))
                left = deque(todo)
                while left:
                    await self._place(left[0], rows[left[0].entry.id])
                    left.popleft()
        except asyncio.CancelledError:
            self._wanted = [*left, *self._wanted]  # `close` ends them
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits these jobs
            for one in left:
                one.journal.is_placed()
                self._end(one.job, _own(error))

    @staticmethod
    def _alive(wanted: Sequence[Wanted]) -> list[Wanted]:
        """Leave out the jobs that were let go of before there was a row: there will be none."""
        for one in wanted:
            if one.job.done():
                one.journal.is_placed()
        return [one for one in wanted if not one.job.done()]

    async def _while_fenced(self, write: Callable[[Ledger], Awaitable[dict[str, Entry]]]) -> dict[str, Entry]:
        """Write into this process's own shard; where that is gone, into the one that it takes next."""
        while True:
            ledger = await self._holdings.own_when_there()
            try:
                return await write(ledger)
            except FencedError:
                await self._holdings.replaced(ledger)

    async def _place(self, wanted: Wanted, entry: Entry) -> None:
        """Do what is to be done for one start, now that it is known who has its row, and how far it is."""
        job = wanted.job
        try:
            refuse_another(entry, wanted.entry)
        except KeyConflictError as error:
            wanted.journal.is_placed()
            self._end(job, error)
            return
        ledger = self._holdings.ledger_of(entry)
        if ledger is None and entry.shard is not None and (not entry.state.final or _is_retriable(entry)):
            ledger = await self._take_over(entry.shard)
            entry = (await self._holdings.own.known([entry.id])).get(entry.id, entry)
        if ledger is not None and _is_retriable(entry) and await ledger.again([entry.id], {State.REFUSED}):
            entry = (await ledger.known([entry.id]))[entry.id]
        if ledger is None and _is_retriable(entry):  # of a live process, where nobody works on it any more
            ledger = self._holdings.own
            await ledger.adopt(entry)
            entry = (await ledger.known([entry.id]))[entry.id]
            ledger = self._holdings.ledger_of(entry)
        if entry.state.final:
            wanted.journal.is_placed()
            self._end(job, entry)
        elif ledger is not None and ledger is self._holdings.own and entry.state is State.PLANNED:
            self._start(job, ledger, entry)
        elif ledger is not None:
            await self._go_on(job, ledger, entry.id)
        else:
            wanted.journal.is_placed()
            self._follow(job, entry)


async def _with_contents(wanted: Wanted) -> Wanted:
    """Put the content of files in the place of their paths."""
    if not has_paths(wanted.entry):
        return wanted
    return attrs.evolve(wanted, entry=await asyncio.to_thread(digested, wanted.entry))


def _is_retriable(entry: Entry) -> bool:
    return entry.state is State.REFUSED and kept.kind_of(entry) in RETRIABLE


def refuse_another(known: Entry, given: Entry) -> None:
    """Refuse a key that is given for another request than its own.

    Raises:
        KeyConflictError: It is; it names what differs.
    """
    if kept.is_same(known, given):
        return
    if has_paths(known) or has_paths(given):  # one was given by its path, the other as bytes, or before a restart
        known, given = digested(known), digested(given)
    if not kept.is_same(known, given):
        raise _conflict(known.id, kept.intent_of(known), kept.intent_of(given))


def _conflict(key: str, known: dict[str, Any], given: dict[str, Any]) -> KeyConflictError:
    names = [name for name in {**known, **given} if known.get(name) != given.get(name)]
    told = "; ".join(
        f"{name}: {_short(known.get(name))} and {_short(given.get(name))}" for name in names if not is_secret(name)
    )
    words = f"key: {key[:_SHOWN]!r} belongs to another request, nothing was sent ({told})"
    return KeyConflictError(words, key=key, other=known)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _own(error: Exception) -> Exception:
    """Give an error of its own to each job."""
    return again(error) if isinstance(error, A2EError) else error
