"""Starts on their way into the store: what goes wrong for one of them ends no other, and none is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from a2e_async import ClientClosedError, LedgerError
from a2e_async.engine.durable import planning
from a2e_async.engine.durable.journal import JobJournal
from a2e_async.engine.durable.planning import Planner, Wanted
from a2e_async.store.entries import Entry, State


class Job:
    """A job that has ended or not."""

    def __init__(self, *, over=False):
        self._over = over

    def done(self):
        """Say so."""
        return self._over


class Store:
    """What a process holds: one shard, in which rows of other shards can be found that somebody else has."""

    def __init__(self, foreign=(), error=None):
        self.own = self
        self._foreign, self._error = foreign, error

    async def own_when_there(self):
        """Give the shard."""
        return self

    async def plan(self, entries):
        """Write rows."""
        if self._error is not None:
            raise self._error
        return {
            one.id: Entry(id=one.id, family=one.family, fields=one.fields, shard=1 if one.id in self._foreign else 0)
            for one in entries
        }

    async def known(self, _ids):
        """Know nothing more."""
        return {}

    def ledger_of(self, entry):
        """Give the shard of its own rows."""
        return self if entry.shard == 0 else None


class Plans:
    """A planner that notes what it does for each job; shards are taken over by `take_over`."""

    def __init__(self, store, take_over):
        self.started, self.ended, self.jobs = [], [], []
        self.planner = Planner(
            store,
            take_over=take_over,
            start=lambda _job, _ledger, entry: self.started.append(entry.id),
            go_on=None,
            follow=lambda _job, entry: self.started.append(entry.id),
            end=lambda job, end: self.ended.append((self.jobs.index(job), end)),
        )

    def put(self, *keys, over=False, path=None):
        """Want starts."""
        fields = {"image_url": {"a2e.path": str(path)}} if path else {}
        for key in keys:
            self.jobs.append(Job(over=over))
            row = Entry(id=key, family="text_to_image", fields=fields)
            self.planner.put(Wanted(self.jobs[-1], JobJournal(key, lambda: None), row))

    @contextlib.asynccontextmanager
    async def running(self):
        """Write rows for the length of a block, then stop as a client does that closes."""
        task = asyncio.create_task(self.planner.run())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            self.planner.close(lambda: ClientClosedError("closed"))


async def away(_shard):
    """Fail to take a shard over."""
    raise LedgerError("the store is away")


async def never(_shard):
    """Wait for a store that does not answer."""
    await asyncio.Event().wait()


async def until(true):
    """Wait for something that is about to come."""
    while not true():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


async def test_a_store_that_goes_away_between_two_starts_ends_only_those_that_were_not_begun():
    """The first one runs, and may be paid for by then: it is not told that it failed."""
    plans = Plans(Store(foreign=("b",)), away)
    plans.put("a", "b", "c")
    async with plans.running():
        await until(lambda: plans.ended)
    assert plans.started == ["a"]
    assert sorted(at for at, _error in plans.ended) == [1, 2]
    assert all(isinstance(error, LedgerError) for _at, error in plans.ended)
    assert len({id(error) for _at, error in plans.ended}) == 2


async def test_a_client_that_closes_between_two_starts_ends_only_those_that_were_not_begun():
    """The words say that a start was never sent, which would be wrong of the first one."""
    plans = Plans(Store(foreign=("b",)), never)
    plans.put("a", "b", "c")
    async with plans.running():
        await until(lambda: plans.started)
    assert plans.started == ["a"]
    assert sorted(at for at, _error in plans.ended) == [1, 2]


async def test_a_client_that_closes_while_a_file_is_read_ends_its_start(tmp_path, monkeypatch):
    """Nobody waits for ever for a job whose row will never be written."""
    begun, go_on = threading.Event(), threading.Event()

    def slowly(entry):
        begun.set()
        go_on.wait(20)
        return entry

    monkeypatch.setattr(planning, "digested", slowly)
    plans = Plans(Store(), never)
    plans.put("a", path=tmp_path / "slow.png")
    async with plans.running():
        await asyncio.to_thread(begun.wait, 20)
    assert [(at, type(error)) for at, error in plans.ended] == [(0, ClientClosedError)]
    go_on.set()


async def test_a_path_that_no_system_takes_keeps_no_other_start_from_the_store():
    """Its own start says what is wrong with it, as soon as it is prepared."""
    plans = Plans(Store(), never)
    plans.put("a", path="a\0b.png")
    plans.put("b")
    async with plans.running():
        await until(lambda: plans.started or plans.ended)
    assert (plans.started, plans.ended) == (["a", "b"], [])


async def test_a_job_that_was_let_go_of_gets_no_row():
    """Nobody would ever end it; what was not planned is ended by closing."""
    plans = Plans(Store(error=AssertionError("no row is to be written")), never)
    plans.put("a", over=True)
    async with plans.running():
        await asyncio.sleep(0)
    assert (plans.started, plans.ended) == ([], [])


async def test_a_start_that_was_asked_for_as_the_client_closes_is_ended():
    """It was never written down."""
    plans = Plans(Store(), never)
    async with plans.running():
        plans.put("a")
    assert [type(error) for _at, error in plans.ended] == [ClientClosedError]
    assert State.PLANNED is Entry(id="a", family="x", fields={}).state


async def test_an_error_that_is_not_ours_reaches_whoever_waits():
    """It is no reason to leave a job without an end."""
    plans = Plans(Store(error=OSError("broken")), never)
    plans.put("a", "b")
    async with plans.running():
        await until(lambda: plans.ended)
    assert [type(error) for _at, error in plans.ended] == [OSError, OSError]
