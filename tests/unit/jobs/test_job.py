"""A job as its users hold it: awaited by many, for ever, with the same outcome."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import pickle
import threading
import traceback
import weakref

import pytest
from virtual_time import IMAGE, VIDEO, caught, now, virtual

from a2e_async import A2EError, Job, JobFailedError, StartUnknownError, Status, TextToImage, TransportError, UsageError

FAILING = TextToImage("a kite [fail:nsfw]")


@virtual()
async def test_a_job_gives_the_same_result_to_everybody(a2e, sim):
    """Many awaiters at once and any number of later ones get one and the same result."""
    job = a2e.start(IMAGE)
    first, *others = await asyncio.gather(*(job.wait() for _ in range(50)))
    assert all(other is first for other in others)
    assert await job is first
    assert await job.wait(timeout=1) is first
    assert first.task_ids == job.task_ids
    assert first.url.startswith("http")
    assert job.done()


@virtual(task_seconds=20)
async def test_a_cancelled_await_leaves_the_job_alone(a2e, sim):
    """Cancelling one awaiter, or all of them, cancels neither the job nor the other awaiters."""
    job = a2e.start(IMAGE)
    waiting = [asyncio.create_task(job.wait()) for _ in range(3)]
    await asyncio.sleep(1)
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert not job.done()
    assert await waiting[1] is await waiting[2] is await job
    assert job._waiters is None


@virtual(task_seconds=20)
async def test_waiting_may_have_an_end(a2e, sim):
    """`wait(timeout=...)` raises TimeoutError after just that time, and the job goes on to its result."""
    job = a2e.start(IMAGE)
    with pytest.raises(TimeoutError):
        await job.wait(timeout=3)
    assert now() == pytest.approx(3)
    assert not job.done()
    with pytest.raises(TimeoutError):
        await job.wait(timeout=0)
    assert not job._waiters
    assert (await job.wait(timeout=60)).url


@virtual()
async def test_a_failed_job_raises_its_own_error_each_time(a2e, sim):
    """The error is one object, and its traceback does not grow with the number of those who see it."""
    job = a2e.start(FAILING)
    errors, lengths = [], []
    for _ in range(5):
        errors.append(await caught(job))
        lengths.append(len(traceback.extract_tb(errors[-1].__traceback__)))
    assert len(set(map(id, errors))) == 1
    assert len(set(lengths)) == 1
    assert isinstance(job.error, JobFailedError)
    assert (job.error.code, job.error.task_ids, job.error.tag) == ("nsfw", job.task_ids, job.tag)
    assert job.error.request is FAILING


@virtual()
async def test_an_error_keeps_its_first_traceback(a2e, sim):
    """A start that was refused still shows where in the engine it was, however late it is awaited."""
    job = a2e.start(TextToImage("a kite [blocked]"))
    await asyncio.sleep(5)
    for _ in range(2):
        error = await caught(job)
        assert any(frame.name == "_post" for frame in traceback.extract_tb(error.__traceback__))


@pytest.mark.parametrize("request_", [IMAGE, FAILING, TextToImage("a kite [blocked]")], ids=["good", "failed", "no"])
@virtual()
async def test_a_job_is_let_go_of_when_it_has_ended(a2e, sim, request_):
    """Nothing but its user holds a job that has ended, and it is in no cycle: it goes without the collector."""
    slow = a2e.start(VIDEO, timeout=60)  # its deadline comes before that of the other job
    await slow.accepted()
    job = a2e.start(request_)
    gc.disable()
    try:
        with contextlib.suppress(A2EError):
            await job
        gone = weakref.ref(job)
        del job
        assert gone() is None
    finally:
        gc.enable()


@virtual()
async def test_a_lost_start_is_let_go_of_too(a2e, sim):
    """Not even the failure behind a StartUnknownError holds the job, awaited or not."""
    gc.disable()
    try:
        for awaited in (True, False):
            sim.faults.add("*.start", "reset")
            job = a2e.start(IMAGE, on_unknown="raise")
            with contextlib.suppress(StartUnknownError):
                await (job if awaited else a2e.drain())
            await asyncio.sleep(1)
            assert isinstance(job.error.__cause__, TransportError)
            gone = weakref.ref(job)
            del job
            assert gone() is None
    finally:
        gc.enable()


@virtual()
async def test_a_job_cannot_be_copied_into_another_process(a2e, sim):
    """Pickling and copying say what to keep instead."""
    job = a2e.start(IMAGE)
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"attach\(family, \*task_ids\)"):
            copied(job)


@virtual()
async def test_a_job_belongs_to_its_event_loop(a2e, sim):
    """Awaiting, listening and giving up are refused from another loop and from a thread without one."""
    job = a2e.start(IMAGE)
    errors = []

    async def first_update():
        await anext(aiter(job.updates()))

    def elsewhere():
        for use in (job.wait, job.accepted, job.cancel, first_update):
            try:
                asyncio.run(use())
            except UsageError as error:
                errors.append(str(error))
        try:
            job.detach()
        except UsageError as error:
            errors.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(errors) == 5
    assert all("another loop or thread" in words for words in errors)
    assert not job.done()
    await job


@virtual()
async def test_jobs_are_told_apart_by_identity(a2e, sim):
    """Two jobs of one request are two jobs, and can be keys."""
    one, other = a2e.start(IMAGE), a2e.start(IMAGE)
    assert one != other
    assert one == one  # noqa: PLR0124 - that is the point
    assert len({one: 1, other: 2}) == 2


@virtual()
async def test_a_repr_tells_what_one_wants_to_know(a2e, sim):
    """Family, stage, status, ids and tag are in it; the token is not."""
    job = a2e.start(FAILING)
    assert repr(job) == f"<Job text_to_image queued tag {job.tag}>"
    await job.accepted()
    assert repr(job) == f"<Job text_to_image running initialized task {job.task_ids[0]} tag {job.tag}>"
    await caught(job)
    assert repr(job) == f"<Job text_to_image done failed task {job.task_ids[0]} tag {job.tag} JobFailedError>"
    assert "sk_simulator" not in repr(job) + repr(a2e) + repr(job.error)


@virtual()
async def test_accepted_wakes_when_the_service_has_taken_the_start(a2e, sim):
    """Ids and coins are known then, long before the end; any number may wait for it, and again afterwards."""
    job = a2e.start(VIDEO)
    assert (job.status, job.task_ids, job.coins) == (None, (), None)
    await asyncio.gather(job.accepted(), job.accepted())
    assert now() == pytest.approx(0.05)
    assert (job.status, job.task_ids, job.coins) == (Status.INITIALIZED, tuple(sim.world.book.tasks), 30)
    await job.accepted()
    assert not job.done()
    assert (await job).coins == 30


@virtual()
async def test_accepted_raises_why_a_start_was_refused(a2e, sim):
    """Those who wait for acceptance get the refusal itself; a task that fails later had been accepted."""
    refused, failing = a2e.start(TextToImage("a kite [blocked]")), a2e.start(FAILING)
    assert await caught(refused.accepted()) is await caught(refused)
    await failing.accepted()
    await caught(failing)
    await failing.accepted()


@virtual(task_seconds=lambda _family, _body: 10)
async def test_several_tasks_settle_together(a2e, sim):
    """The links of four images come in the order of the reply, when the last one is ready."""
    job = a2e.text_to_image("four kites", max_images=4)
    await job.accepted()
    ids = job.task_ids
    for place, task_id in enumerate(reversed(ids)):
        sim.world.task(task_id).ends += 3 * place
    result = await job
    assert len(ids) == 4
    assert result.task_ids == ids
    assert list(result.urls) == [record.urls[0] for record in result.records]
    assert result.coins == job.coins == 40
    assert now() > 19


@virtual(task_seconds=10)
async def test_the_status_is_that_of_the_task_that_is_least_far(a2e, sim):
    """A job of two tasks is as far as the slower one; a failure shows when both have ended."""
    job = a2e.text_to_image("two kites", max_images=2)
    await job.accepted()
    slow, quick = map(sim.world.task, job.task_ids)
    slow.pace, slow.ends = 1000, slow.ends + 990
    await asyncio.sleep(7)
    assert {record.id: record.status for record in job.records} == {
        quick.id: Status.PROCESSING,
        slow.id: Status.INITIALIZED,
    }
    assert job.status is Status.INITIALIZED
    sim.world.finish(quick.id, failed=True)
    await asyncio.sleep(2)
    assert job.status is Status.INITIALIZED
    await caught(job)
    assert job.status is Status.FAILED


@virtual(task_seconds=10)
async def test_a_partial_failure_gives_what_was_made(a2e, sim):
    """Two of four images fail: the error has the result of the other two, and the records of all."""
    job = a2e.text_to_image("four kites", max_images=4)
    await job.accepted()
    for task_id in job.task_ids[1:3]:
        sim.world.finish(task_id, failed=True, code="nsfw")
    error = await caught(job)
    assert isinstance(error, JobFailedError)
    assert error.result.task_ids == (job.task_ids[0], job.task_ids[3])
    assert len(error.result.urls) == 2
    assert [record.status for record in error.records] == [
        Status.COMPLETED, Status.FAILED, Status.FAILED, Status.COMPLETED,
    ]  # fmt: skip
    assert str(error).startswith("2 of 4 tasks failed: ")
    assert pickle.loads(pickle.dumps(error)).result == error.result


@virtual()
async def test_a_start_of_which_all_fails_has_no_result(a2e, sim):
    """With nothing made the error's result is None."""
    error = await caught(a2e.text_to_image("two kites [fail]", max_images=2))
    assert error.result is None
    assert len(error.records) == 2


@virtual(task_seconds=5)
async def test_what_is_offered_of_a_job_is_what_its_users_may_use(a2e, sim):
    """A notebook completes the names of the public class, and none of those by which the engine moves a job."""
    job = a2e.start(IMAGE)
    assert dir(job) == dir(Job)
    assert not {"take", "grow", "drop", "end", "begin"} & set(dir(job))
    await job
    assert job.known(job.task_ids[0]).status is Status.COMPLETED
    assert job.known("nobody") is None
