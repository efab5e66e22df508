"""What goes on beside the jobs: nothing of it ends while the client lives, whatever the store answers."""

from __future__ import annotations

import asyncio
import logging

import pytest
from durable import KITE, durable, ended

from a2e_async import FencedError, JobDetachedError, LedgerError
from a2e_async.engine.durable.holdings import Holdings


class Away:
    """Puts a function in the place of one of a store, which fails so often before it works again."""

    def __init__(self, of, name, error, times=1):
        self._real, self._error, self.left = getattr(of, name), error, times
        setattr(of, name, self)

    def __call__(self, *what, **more):
        """Fail, or do the real thing."""
        if self.left:
            self.left -= 1
            raise self._error
        return self._real(*what, **more)


def durable_of(a2e):
    """Give what a client has of the store."""
    return a2e._shared.opened.durable


@durable(task_seconds=2)
async def test_a_store_that_is_away_for_a_turn_costs_the_takeover_a_turn(world, caplog):
    """It is said once, and what the dead have left is taken over at the next turn."""
    dead, heir = await world.process(), await world.process()
    job = dead.start(KITE, key="one")
    await job.accepted()
    away = Away(durable_of(heir)._holdings._store, "open_shards", LedgerError("it is away"), times=2)
    await world.kill(dead)
    await ended(heir, "one")
    assert away.left == 0
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert told.count("the store cannot be used at the moment: it is away") == 2
    assert world.starts == 1


@durable(task_seconds=2)
async def test_a_fault_of_ours_beside_the_jobs_ends_none_of_it(world, caplog):
    """It is said with where it happened, so that it can be reported; the next turn does its work."""
    dead, heir = await world.process(), await world.process()
    job = dead.start(KITE, key="one")
    await job.accepted()
    Away(durable_of(heir)._holdings._store, "open_shards", KeyError("odd"))
    await world.kill(dead)
    await ended(heir, "one")
    (fault,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "internal error in" in fault.getMessage()
    assert fault.exc_info[0] is KeyError


@pytest.mark.parametrize("error", [LedgerError("it is away"), FencedError("the lease is gone")])
@durable(task_seconds=0.5)
async def test_a_store_that_is_away_leaves_the_shared_limits_as_they_are(world, caplog, error):
    """The places of the last answer go on; the next answer counts again."""
    caplog.set_level(logging.DEBUG, "a2e_async")
    a2e = await world.process(max_running=3)
    away = Away(durable_of(a2e)._sharing._store, "share", error, times=3)
    await asyncio.sleep(0.6)
    assert away.left == 0
    assert a2e._shared.opened.engine.starter.places.limit == 3
    assert len([one for one in caplog.records if "limits" in one.getMessage()]) == 3
    assert (await a2e.start(KITE)).urls


@durable(task_seconds=3)
async def test_a_store_that_is_away_ends_no_job_that_is_followed(world, caplog):
    """How it goes on is asked again in a while, and it comes to its end."""
    caplog.set_level(logging.DEBUG, "a2e_async")
    owner, other = await world.process(), await world.process()
    job = owner.start(KITE, key="one")
    await job.accepted()
    followed = other.start(KITE, key="one")
    await followed.accepted()
    away = Away(durable_of(other)._holdings.own, "known", LedgerError("it is away"), times=2)
    assert (await followed).urls == (await job).urls
    assert away.left == 0
    assert len([one for one in caplog.records if "how jobs go on: it is away" in one.getMessage()]) == 2


@durable(task_seconds=60)
async def test_a_followed_job_that_was_let_go_of_is_asked_about_no_more(world):
    """Its row goes on with the process that has it; this one asks the store nothing for it."""
    owner, other = await world.process(), await world.process()
    job = owner.start(KITE, key="one")
    await job.accepted()
    followed = other.start(KITE, key="one")
    await followed.accepted()
    followed.detach()
    with pytest.raises(JobDetachedError):
        await followed
    await asyncio.sleep(5)
    assert len(durable_of(other)._followed) == 0
    asked = Away(durable_of(other)._holdings.own, "known", AssertionError("nobody is followed"))
    await asyncio.sleep(5)
    assert asked.left == 1
    assert not job.done()


@durable(task_seconds=60)
async def test_a_job_that_is_let_go_of_as_its_row_is_read_is_not_followed(world):
    """It has ended by the time that the store says who has its row."""
    owner, other = await world.process(), await world.process()
    await owner.start(KITE, key="one").accepted()
    followed = other.start(KITE, key="one")
    await asyncio.sleep(0.001)  # half as long as the store takes
    followed.detach()
    await asyncio.sleep(5)
    assert len(durable_of(other)._followed) == 0
    assert other.jobs() == []
    assert followed.done()


@durable(task_seconds=600)
async def test_a_hint_about_a_job_of_this_process_costs_the_store_nothing(world):
    """Its own poller hears of it at once; nobody else has to."""
    a2e = await world.process()
    told = Away(durable_of(a2e)._store, "hint", AssertionError("nobody else has the job"), times=1)
    job = a2e.start(KITE, key="one")
    await job.accepted()
    world.sim.world.finish(job.task_ids[0])
    a2e.hint(job.task_ids[0])
    assert (await job).urls
    assert told.left == 1


@durable()
async def test_a_hint_that_the_store_cannot_take_is_nobodys_trouble(world):
    """Hints make things faster, and nothing depends on them."""
    owner, receiver = await world.process(), await world.process()
    away = Away(durable_of(receiver)._store, "hint", LedgerError("it is away"))
    job = owner.start(KITE, key="one")
    await job.accepted()
    receiver.hint(job.task_ids[0])
    assert (await job).urls
    assert away.left == 0


@durable()
async def test_what_was_left_can_write_nothing_more(world):
    """A process that has given everything back has neither lease nor shard, and says so."""
    holdings = Holdings(world.store, 1.0)
    await holdings.renew()
    assert holdings.own.shard is not None
    await holdings.leave()
    with pytest.raises(FencedError, match="no lease of the store"):
        _ = holdings.lease
    with pytest.raises(FencedError, match="no shard of the store"):
        _ = holdings.own


@durable()
async def test_two_that_begin_a_batch_at_once_are_not_both_let_in(world):
    """Both saw that nobody has it; the shard that was made first decides, and the other one leaves nothing behind."""
    first, second = await world.process(), await world.process()
    store = durable_of(second)._store
    join = store.join

    async def late(*what):
        store.join = join
        async with first.held_batch("kites"):
            return await join(*what)

    store.join = late
    with pytest.raises(LedgerError, match="the batch 'kites' in memory: is open in another process"):
        await second.held_batch("kites").__aenter__()
    async with second.held_batch("kites") as (ledger, _lease):
        assert ledger.shard == 0


@durable(task_seconds=60)
async def test_an_end_that_cannot_be_written_down_is_told_and_ends_its_job_all_the_same(world, caplog):
    """Whoever awaits it hears its own error; its row stays open, and is gone on with by the next process."""
    a2e = await world.process(max_running=1)
    first, second = a2e.start(KITE, key="one"), a2e.start(KITE, key="two")
    await first.accepted()
    away = Away(durable_of(a2e)._holdings.own, "ended", LedgerError("it is away"))
    second.detach()
    with pytest.raises(JobDetachedError):
        await second
    await asyncio.sleep(1)
    assert away.left == 0
    assert any("could not write down how a job ended" in one.getMessage() for one in caplog.records)
    assert (await a2e.find_job("two")).state == "planned"
