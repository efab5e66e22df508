"""Deadlines, cancel, detach and drain: how a job ends without its task's end."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, until, virtual

from a2e_async import Cadence, JobCancelledError, JobDetachedError, JobTimeoutError, Status, UsageError

ONE_AT_A_TIME = {"max_starts": 1}


@virtual(options=ONE_AT_A_TIME, latency=5, task_seconds=600)
async def test_a_deadline_counts_from_acceptance(a2e, sim):
    """Waiting in the queue never eats a job's time; the task goes on, and its id is in the error."""
    jobs = [a2e.start(IMAGE, timeout=8) for _ in range(3)]
    for number, job in enumerate(jobs, start=1):
        error = await caught(job)
        assert isinstance(error, JobTimeoutError)
        assert error.task_ids == job.task_ids
        assert "8 s" in str(error)
        assert now() == pytest.approx(5 * number + 8)
    assert all(task.ends > sim.world.clock.now() for task in sim.world.tasks)


@virtual(options={"cadence": Cadence(delay=200)}, task_seconds=40_000)
async def test_no_deadline_is_no_deadline(a2e, sim):
    """By default a job gives up after the three hours of its family; with `timeout=None` it never does."""
    patient, usual = a2e.start(IMAGE, timeout=None), a2e.start(IMAGE)
    assert isinstance(await caught(usual), JobTimeoutError)
    assert now() == pytest.approx(3 * 3600, abs=1)
    assert (await patient).url
    assert now() > 40_000


@virtual(task_seconds=600)
async def test_an_early_deadline_is_kept_among_later_ones(a2e, sim):
    """Deadlines are kept whatever the order in which jobs were started, to the second."""
    jobs = {seconds: a2e.start(IMAGE, timeout=seconds) for seconds in (50, 10, 30, 0)}
    for seconds in sorted(jobs):
        assert isinstance(await caught(jobs[seconds]), JobTimeoutError)
        assert now() == pytest.approx(seconds + 0.05)


@virtual(options=ONE_AT_A_TIME, latency=5)
async def test_cancelling_a_queued_job_sends_nothing(a2e, sim):
    """A job that waits for its turn is taken back at once and for free."""
    first, queued = a2e.start(IMAGE), a2e.start(VIDEO)
    await asyncio.sleep(1)
    assert await queued.cancel() is True
    assert now() == 1
    error = await caught(queued)
    assert isinstance(error, JobCancelledError)
    assert (error.refunded, error.task_ids, error.tag) == (True, (), queued.tag)
    assert await queued.cancel() is True
    await first
    assert sim.counters["image_to_video.start"] == 0


@virtual(latency=2, task_seconds=100)
async def test_cancelling_a_start_on_the_wire_waits_for_its_answer(a2e, sim):
    """The start is answered first; then its task is polled, deleted and refunded."""
    job = a2e.start(IMAGE)
    await asyncio.sleep(1)
    assert await job.cancel() is True
    assert isinstance(job.error, JobCancelledError)
    assert job.error.task_ids == job.task_ids == tuple(sim.world.book.tasks)
    assert (sim.world.book.charged, sim.world.book.spent) == (10, 0)


@virtual(task_seconds=100)
async def test_cancelling_an_unbegun_job_deletes_and_refunds(a2e, sim):
    """While the task is `initialized` it is deleted and refunded, all tasks of a start alike."""
    job = a2e.text_to_image("three kites", max_images=3)
    await job.accepted()
    waiting = asyncio.create_task(caught(job))
    assert await job.cancel() is True
    assert isinstance(await waiting, JobCancelledError)
    assert (job.error.refunded, job.error.task_ids) == (True, job.task_ids)
    assert (sim.world.book.refunded, sim.world.book.spent, a2e.spent) == (30, 0, 0)
    assert all(task.deleted for task in sim.world.tasks)
    assert sim.counters["text_to_image.delete"] == 3


@pytest.mark.parametrize("status", [Status.SENT, Status.PENDING, Status.PROCESSING])
@virtual(task_seconds=100)
async def test_cancelling_a_running_job_is_too_late(a2e, sim, status):
    """From `sent` on nothing is deleted: False, and the job goes on to its result."""
    job = a2e.start(IMAGE)
    await until(lambda: job.status is status)
    assert await job.cancel() is False
    assert not job.done()
    assert (await job).url
    assert sim.counters["text_to_image.delete"] == 0


@virtual(task_seconds=100)
async def test_what_counts_is_the_look_not_what_was_known(a2e, sim):
    """A task that the job still takes for unbegun, but that has begun, is not deleted."""
    job = a2e.start(IMAGE)
    await asyncio.sleep(2)
    sim.world.task(job.task_ids[0]).skips_initialized = True
    assert job.status is Status.INITIALIZED
    assert await job.cancel() is False
    assert sim.counters["text_to_image.delete"] == 0
    await job


@virtual(task_seconds=5)
async def test_a_finished_task_is_never_deleted_by_cancel(a2e, sim):
    """The service would delete it without a refund: so not one DELETE, known to be finished or not."""
    job = a2e.start(IMAGE)
    await job
    assert await job.cancel() is False
    other = a2e.start(IMAGE)
    await other.accepted()
    sim.world.finish(other.task_ids[0])
    assert await other.cancel() is False
    assert (await other).url
    assert sim.counters["text_to_image.delete"] == 0


@virtual(task_seconds=100)
async def test_a_refused_delete_leaves_the_job_running(a2e, sim):
    """When the task begins between look and DELETE, the service refuses and the job goes on."""
    sim.faults.add("*.delete", "status", status=400)
    job = a2e.start(IMAGE)
    await job.accepted()
    assert await job.cancel() is False
    assert (await job).url


@pytest.mark.parametrize("gap", [0, 0.04, 0.06, 0.11])
@virtual(task_seconds=100)
async def test_cancelling_twice_is_cancelling_once(a2e, sim, gap):
    """Two that cancel the same job, at once or one after the other, both hear that it is cancelled; one refund."""
    job = a2e.start(IMAGE)
    await job.accepted()

    async def later():
        await asyncio.sleep(gap)
        return await job.cancel()

    assert await asyncio.gather(job.cancel(), later()) == [True, True]
    assert (job.error.refunded, sim.world.book.spent, a2e.spent) == (True, 0, 0)


@virtual(task_seconds=100)
async def test_a_cancelled_cancel_leaves_a_job_that_is_whole(a2e, sim):
    """Who gives up waiting for `cancel()` leaves the job either running or cancelled, never in between."""
    job = a2e.start(IMAGE)
    await job.accepted()
    cancelling = asyncio.create_task(job.cancel())
    await asyncio.sleep(0.01)
    cancelling.cancel()
    await asyncio.wait([cancelling])
    assert cancelling.cancelled()
    assert not job.done()
    assert (await job).url


@virtual(task_seconds=10)
async def test_a_detached_task_goes_on(a2e, sim):
    """Everybody who waits gets the ids, the task runs to its end, and a second `detach()` does nothing."""
    job = a2e.start(IMAGE)
    await job.accepted()
    waiting = [asyncio.create_task(caught(job)) for _ in range(3)]
    await asyncio.sleep(0)
    job.detach()
    job.detach()
    for error in await asyncio.gather(*waiting):
        assert isinstance(error, JobDetachedError)
        assert error.task_ids == job.task_ids
        assert job.task_ids[0] in str(error)
    await asyncio.sleep(10)
    assert sim.world.status(job.task_ids[0]) == "completed"
    assert (await a2e.attach("text_to_image", *job.task_ids)).url


@virtual(options=ONE_AT_A_TIME, latency=5)
async def test_a_queued_job_that_is_let_go_of_is_never_sent(a2e, sim):
    """There is no task to go on: nothing is sent, and the error has no ids."""
    first, queued = a2e.start(IMAGE), a2e.start(VIDEO)
    queued.detach()
    error = await caught(queued)
    assert (type(error), error.task_ids) == (JobDetachedError, ())
    await first
    assert sim.counters["image_to_video.start"] == 0


@virtual(task_seconds=600)
async def test_detaching_a_job_that_has_ended_changes_nothing(a2e, sim):
    """Its result stays its result."""
    job = a2e.start(IMAGE)
    await job.accepted()
    sim.world.finish(job.task_ids[0])
    result = await job
    job.detach()
    assert await job is result


@virtual(task_seconds=10)
async def test_drain_waits_for_every_job(a2e, sim):
    """It ends with the last job, jobs that are started meanwhile included, and at once when there is none."""
    await a2e.drain()
    assert now() == 0
    jobs = [a2e.start(IMAGE) for _ in range(5)]
    draining = asyncio.create_task(a2e.drain())
    await asyncio.sleep(8)
    jobs.append(a2e.start(VIDEO))
    await draining
    assert now() == pytest.approx(19, abs=1)
    assert all(job.done() for job in jobs)


@virtual(task_seconds=60)
async def test_drain_may_have_an_end(a2e, sim):
    """After its timeout the jobs go on, and it can be waited for them again."""
    job = a2e.start(IMAGE)
    with pytest.raises(TimeoutError):
        await a2e.drain(timeout=5)
    assert now() == 5
    assert not job.done()
    await a2e.drain(timeout=100)
    assert (await job).url


@virtual(task_seconds=10)
async def test_closing_ends_a_drain(a2e, sim):
    """Who still drains when another task closes the client is not left hanging."""
    other = await client(sim).open()
    other.start(IMAGE)
    draining = asyncio.create_task(other.drain())
    await asyncio.sleep(2)
    await other.aclose()
    await draining
    assert now() == pytest.approx(2)
    with pytest.raises(UsageError):
        await other.drain()
