"""`job.updates()`: each change of each task's record, and a normal end."""

from __future__ import annotations

import asyncio
import itertools

from virtual_time import IMAGE, VIDEO, caught, no_task_is_left, virtual

from a2e_async import Status, TextToImage

LIFE = [Status.INITIALIZED, Status.SENT, Status.PENDING, Status.PROCESSING, Status.COMPLETED]


async def statuses(job):
    """Listen to a job until its end."""
    return [record.status async for record in job.updates()]


@virtual(task_seconds=20)
async def test_each_change_is_told_once(a2e, sim):
    """A listener hears of every status in order, the last one final, and then of the end."""
    job = a2e.start(IMAGE)
    heard = [record async for record in job.updates()]
    assert [record.status for record in heard] == LIFE
    assert heard[-1] == (await job).records[0]
    assert {record.id for record in heard} == set(job.task_ids)


@virtual(task_seconds=20)
async def test_a_failed_job_ends_its_updates_normally(a2e, sim):
    """The failure is a record like any other; nothing is raised."""
    job = a2e.start(TextToImage("a kite [fail:nsfw]"))
    heard = [record async for record in job.updates()]
    assert [record.status for record in heard] == [*LIFE[:-1], Status.FAILED]
    assert heard[-1].failed_code == "nsfw"
    await caught(job)


@virtual(task_seconds=20)
async def test_several_listeners_hear_the_same(a2e, sim):
    """Each listener has its own queue: a slow one misses nothing."""
    job = a2e.start(IMAGE)

    async def slowly():
        heard = []
        async for record in job.updates():
            heard.append(record.status)
            await asyncio.sleep(8)
        return heard

    assert await asyncio.gather(statuses(job), statuses(job), slowly()) == [LIFE, LIFE, LIFE]


@virtual(task_seconds=20)
async def test_a_late_listener_begins_with_what_is_known(a2e, sim):
    """Who comes in the middle hears of the present state first, who comes after the end of the final one."""
    job = a2e.start(IMAGE)
    await asyncio.sleep(6)
    assert await statuses(job) == LIFE[2:]
    assert await statuses(job) == LIFE[-1:]


@virtual(task_seconds=10)
async def test_every_task_of_a_start_is_told_of(a2e, sim):
    """A start of three images tells of the life of all three."""
    job = a2e.text_to_image("three kites", max_images=3)
    heard = [record async for record in job.updates()]
    for task_id in job.task_ids:
        told = [record.status for record in heard if record.id == task_id]
        assert [status for status, _records in itertools.groupby(told)] == LIFE


@virtual(task_seconds=20)
async def test_a_change_within_one_status_is_told_too(a2e, sim):
    """While somebody listens, a record that changes without a new status is a change."""
    job = a2e.start(VIDEO)
    names = []

    async def listen():
        names.extend([record.name async for record in job.updates()])

    listening = asyncio.create_task(listen())
    await asyncio.sleep(10)
    sim.world.task(job.task_ids[0]).name = "renamed"
    await listening
    assert names == ["it climbs"] * 4 + ["renamed"] * 2


@virtual(task_seconds=20)
async def test_leaving_the_loop_leaves_nothing_behind(a2e, sim):
    """After a break the job has no listener any more and goes on."""
    job = a2e.start(IMAGE)
    async for record in job.updates():
        if record.status is Status.SENT:
            break
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not job.watched
    await job


@virtual(task_seconds=20)
async def test_a_cancelled_listener_leaves_nothing_behind(a2e, sim):
    """Cancelling a task that listens takes it off the job, and leaves the job and the other listener alone."""
    job = a2e.start(IMAGE)
    cancelled, other = asyncio.create_task(statuses(job)), asyncio.create_task(statuses(job))
    await asyncio.sleep(5)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    assert cancelled.cancelled()
    assert len(job._listeners) == 1
    assert await other == LIFE
    assert not job.watched


@virtual(task_seconds=20)
async def test_updates_of_a_job_that_is_let_go_of_end(a2e, sim):
    """Detaching a job, queued or running, ends the updates of those who listen."""
    job = a2e.start(IMAGE)
    listening = asyncio.create_task(statuses(job))
    await asyncio.sleep(3)
    job.detach()
    assert await listening == LIFE[:2]
    queued = a2e.start(IMAGE)
    listening = asyncio.create_task(statuses(queued))
    await asyncio.sleep(0)
    queued.detach()
    assert await listening == []
    await caught(job)
    await caught(queued)


@virtual()
async def test_updates_of_a_refused_start_are_none(a2e, sim):
    """There is no record to tell of, and the end comes all the same."""
    job = a2e.start(TextToImage("a kite [blocked]"))
    assert await statuses(job) == []
    await caught(job)
    await no_task_is_left_but_the_poller()


async def no_task_is_left_but_the_poller():
    """Fail when a task of the listener still runs."""
    await asyncio.sleep(1)
    assert {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}} == {"a2e poller"}


@virtual(opened=False)
async def test_no_task_is_a_real_check(sim):
    """The check for tasks that are left over finds one."""
    left = asyncio.create_task(asyncio.sleep(5))
    assert isinstance(await assertion(no_task_is_left()), AssertionError)
    await left


async def assertion(awaitable):
    """Give the AssertionError of an awaitable."""
    try:
        await awaitable
    except AssertionError as error:
        return error
    return None
