"""Jobs among the tools that people already use: asyncio's own, task groups, anyio."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from virtual_time import IMAGE, VIDEO, now, virtual

from a2e_async import JobFailedError, TextToImage

FAILING = TextToImage("a kite [fail]")


def videos_are_slow(family, _body):
    """A minute for a video, ten seconds for an image."""
    return 60 if family == "image_to_video" else 10


@virtual()
async def test_gather_takes_jobs(a2e, sim):
    """`asyncio.gather(*jobs)` gives the results in order."""
    jobs = [a2e.start(TextToImage(f"kite {number}")) for number in range(20)]
    results = await asyncio.gather(*jobs)
    assert [result.records[0].name for result in results] == [f"kite {number}" for number in range(20)]


@virtual(task_seconds=videos_are_slow)
async def test_gather_raises_the_first_failure_and_cancels_no_job(a2e, sim):
    """A failure among gathered jobs comes out as itself; the other jobs go on, also when the gather is cancelled."""
    good, bad, slow = a2e.start(IMAGE), a2e.start(FAILING), a2e.start(VIDEO)
    with pytest.raises(JobFailedError):
        await asyncio.gather(good, bad, slow)
    assert not slow.done()
    gathering = asyncio.gather(good, slow)
    await asyncio.sleep(1)
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    outcomes = await asyncio.gather(good, bad, slow, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["Result", "JobFailedError", "Result"]


@virtual(task_seconds=10)
async def test_wait_for_takes_a_job(a2e, sim):
    """`asyncio.wait_for(job, ...)` gives its result in time, and a TimeoutError that leaves it alone."""
    job = a2e.start(IMAGE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(job, 4)
    assert now() == pytest.approx(4)
    assert (await asyncio.wait_for(job, 60)).url


@virtual(task_seconds=lambda _family, body: int(body["prompt"]))
async def test_asyncio_as_completed_takes_jobs(a2e, sim):
    """`asyncio.as_completed(jobs)` gives the quickest first; leaving it early cancels no job."""
    jobs = [a2e.start(TextToImage(seconds)) for seconds in ("30", "10", "20")]
    names = [(await ended).records[0].name for ended in asyncio.as_completed(jobs)]
    assert names == ["10", "20", "30"]
    more = [a2e.start(TextToImage(seconds)) for seconds in ("30", "10")]
    first, second = asyncio.as_completed(more, timeout=15)
    assert (await first).records[0].name == "10"
    with pytest.raises(TimeoutError):
        await second
    assert (await more[0]).url


@virtual(task_seconds=10)
async def test_a_task_of_a_wait_can_be_cancelled(a2e, sim):
    """`create_task(job.wait())` is a task like any other; cancelling it leaves the job alone."""
    job = a2e.start(IMAGE)
    kept, cancelled = asyncio.create_task(job.wait()), asyncio.create_task(job.wait())
    await asyncio.sleep(2)
    cancelled.cancel()
    assert (await kept).url
    assert cancelled.cancelled()


@virtual(task_seconds=videos_are_slow)
async def test_asyncio_wait_takes_waits(a2e, sim):
    """`asyncio.wait` on tasks of `job.wait()` returns at the first end; the rest go on."""
    quick, slow = a2e.start(IMAGE), a2e.start(VIDEO)
    tasks = [asyncio.create_task(job.wait()) for job in (quick, slow)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert (done, pending) == ({tasks[0]}, {tasks[1]})
    done, pending = await asyncio.wait(tasks, timeout=1)
    assert pending == {tasks[1]}
    assert (await tasks[1]).url


@virtual(task_seconds=videos_are_slow)
async def test_a_failure_cancels_siblings_in_a_task_group_but_no_job(a2e, sim):
    """A TaskGroup cancels its other tasks at a failure; what they waited for goes on and can be awaited."""
    bad, slow = a2e.start(FAILING), a2e.start(VIDEO)
    with pytest.raises(ExceptionGroup) as raised:  # noqa: PT012 - the group is the statement
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(slow.wait())
            group.create_task(bad.wait())
    assert raised.value.exceptions == (bad.error,)
    assert waiting.cancelled()
    assert not slow.done()
    assert (await slow).url


@virtual(task_seconds=10)
async def test_a_task_group_collects_results(a2e, sim):
    """Tasks of a TaskGroup and of anyio's give the results of jobs started inside."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(a2e.start(IMAGE).wait()) for _ in range(5)]
    results = [task.result() for task in tasks]

    async def collect(job):
        results.append(await job)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(collect, a2e.start(IMAGE))
    assert len({result.url for result in results}) == 10


@virtual(task_seconds=10)
async def test_cancelling_a_scope_of_anyio_leaves_jobs_alone(a2e, sim):
    """A cancelled anyio task group ends at once; its jobs go on."""
    jobs = [a2e.start(IMAGE) for _ in range(3)]
    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(job.wait)
        await anyio.sleep(2)
        group.cancel_scope.cancel()
    assert now() == pytest.approx(2)
    assert not any(job.done() for job in jobs)
    assert len(await asyncio.gather(*jobs)) == 3


@virtual(task_seconds=10)
async def test_time_limits_of_anyio_and_asyncio_hold(a2e, sim):
    """`anyio.fail_after`, `anyio.move_on_after` and `asyncio.timeout` end the waiting in time, never the job."""
    job = a2e.start(IMAGE)
    with pytest.raises(TimeoutError), anyio.fail_after(2):
        await job.wait()
    with anyio.move_on_after(2) as scope:
        await job
    assert scope.cancelled_caught
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await job
    assert now() == pytest.approx(6)
    with anyio.fail_after(60):
        assert (await job.wait()).url


@virtual(task_seconds=10)
async def test_a_shielded_wait_goes_on(a2e, sim):
    """`asyncio.shield(job)` takes a job as it takes any awaitable."""
    job = a2e.start(IMAGE)
    shielded = asyncio.shield(job)
    await asyncio.sleep(1)
    shielded.cancel()
    await asyncio.wait([shielded])
    assert shielded.cancelled()
    assert (await asyncio.shield(job)).url
