"""Those who wait for a job are woken once, and what one of them does wrong concerns nobody else."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import IMAGE, client, virtual

from a2e_async import InvalidRequestError, UsageError
from a2e_async.engine.jobs.live import _DELETED_KEPT, LiveJobs
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.jobs.waiting import wait_among, wake, within


@virtual(task_seconds=5)
async def test_callbacks_hear_of_the_end_also_when_one_raises_or_comes_late(a2e, sim, caplog):
    """A callback that raises stops neither the others nor the job; one that comes after the end is called at once."""
    heard = []

    def fails(_job):
        raise KeyError("not ours")

    job = a2e.start(IMAGE)
    job.on_end(fails)
    job.on_end(heard.append)
    await job
    job.on_end(heard.append)
    assert heard == [job, job]
    assert "a callback raised at the end of a job" in caplog.text


@virtual(opened=False)
async def test_a_waiter_that_was_cancelled_is_not_woken(sim):
    """Also when both happen in one turn of the loop."""
    loop, waiters = asyncio.get_running_loop(), []
    tasks = [asyncio.create_task(wait_among(loop, waiters)) for _ in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    wake(waiters)
    wake(waiters)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ended] == [asyncio.CancelledError, type(None)]


@virtual(opened=False)
async def test_a_time_limit_of_what_is_waited_for_stays_its_own(sim):
    """Its TimeoutError is raised as it is; ours says what goes on."""

    async def late():
        raise TimeoutError("of somebody else")

    with pytest.raises(TimeoutError, match=r"^of somebody else$"):
        await within(5, late(), str)
    with pytest.raises(TimeoutError, match=r"^timed out after 5 s; the job goes on$"):
        await within(5, asyncio.sleep(9), lambda: "the job goes on")


def test_options_refuse_what_is_no_post():
    """What was sent before is a value of its own kind."""
    with pytest.raises(InvalidRequestError, match="sent_before: must be a Posted or None"):
        Options(sent_before=5.0)


def test_deleted_tasks_do_not_pile_up():
    """The oldest go first."""
    live = LiveJobs()
    for number in range(_DELETED_KEPT + 2):
        live.was_deleted(str(number))
    assert len(live.deleted) == _DELETED_KEPT
    assert "1" not in live.deleted


@virtual(task_seconds=5)
async def test_a_running_job_is_found_by_its_task(a2e, sim):
    """Until it has ended."""
    job = a2e.start(IMAGE)
    await job.accepted()
    assert a2e.job_of(job.task_ids[0]) is job
    await job
    assert a2e.job_of(job.task_ids[0]) is None


@virtual(opened=False)
async def test_a_token_callable_that_gives_nothing_is_refused(sim):
    """Before anything is sent."""
    async with client(sim, token=lambda: None) as a2e:
        with pytest.raises(UsageError, match="is empty"):
            await a2e.balance()
