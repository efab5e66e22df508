"""Time limits of many requests with one timer."""

from __future__ import annotations

import asyncio
import contextlib

from virtual_time import now, virtual

from a2e_async.engine.http.limits import Limits


async def under(limits, seconds, takes):
    """Sleep under a limit; gives "done" or "late", and when."""
    task = asyncio.current_task()
    cancelling = task.cancelling()
    limits.begin(task, seconds)
    try:
        await asyncio.sleep(takes)
    except asyncio.CancelledError:
        if not limits.has_passed(task, cancelling):
            raise
        return "late", now()
    finally:
        limits.end(task)
    return "done", now()


@virtual(opened=False)
async def test_each_task_has_its_own_limit(sim):
    """Of tasks that began at once each is ended at its own time, and none that was quicker."""
    limits, began = Limits(), now()
    ends = await asyncio.gather(under(limits, 30, 99), under(limits, 5, 99), under(limits, 20, 3), under(limits, 9, 99))
    assert [(how, at - began) for how, at in ends] == [("late", 30), ("late", 5), ("done", 3), ("late", 9)]


@virtual(opened=False)
async def test_a_limit_holds_after_others_have_rung(sim):
    """The timer goes on for those that began before and after it rang."""
    limits, began = Limits(), now()
    assert await under(limits, 2, 99) == ("late", began + 2)
    assert await under(limits, 2, 1) == ("done", began + 3)
    assert await under(limits, 2, 99) == ("late", began + 5)


@virtual(opened=False)
async def test_a_task_that_was_late_can_go_on(sim):
    """Passing a limit leaves no cancellation behind."""
    task = asyncio.create_task(under(Limits(), 1, 9))
    assert (await task)[0] == "late"
    assert task.cancelling() == 0


@virtual(opened=False)
async def test_a_cancellation_by_somebody_else_stays_one(sim):
    """Whoever cancels a task under a limit sees it cancelled, also at the very moment of the limit."""
    limits = Limits()
    tasks = [asyncio.create_task(under(limits, 5, 9)) for _ in range(2)]
    await asyncio.sleep(1)
    tasks[0].cancel()
    asyncio.get_running_loop().call_at(now() + 4, tasks[1].cancel)
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert [task.cancelled() for task in tasks] == [True, True]


@virtual(opened=False)
async def test_a_closed_timer_ends_nobody(sim):
    """After `close` nothing is cancelled any more."""
    limits = Limits()
    task = asyncio.create_task(under(limits, 1, 9))
    await asyncio.sleep(0)
    limits.close()
    assert (await task)[0] == "done"
