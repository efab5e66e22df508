"""Taking back a start of several tasks: what was deleted is told and counted, and nothing else is touched."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from virtual_time import IMAGE, caught, client, until, virtual

from a2e_async import JobCancelledError, JobFailedError, TextToImage, TransportError
from a2e_async.core.hooks import Journal
from a2e_async.engine.jobs.options import Options
from a2e_async.simulator.virtual import DirectTransport

THREE = TextToImage("three kites", max_images=3)


class Interfering(DirectTransport):
    """Lets something happen to the service right before its DELETE of this number is answered."""

    def __init__(self, sim, number, happens):
        super().__init__(sim, 0.05)
        self._number, self._happens, self.deletes = number, happens, 0

    async def send(self, request, headers):
        """Answer one request."""
        if request.method == "DELETE":
            self.deletes += 1
            if self.deletes == self._number:
                self._happens(self._sim_task(request))
        return await super().send(request, headers)

    def _sim_task(self, request):
        return request.path.rpartition("/")[2]


class Noted(Journal):
    """Remembers which tasks were accepted last."""

    def __init__(self, error=None):
        self.task_ids, self.error = [], error

    async def accepted(self, tag, task_ids, coins):
        """Note the ids."""
        if self.task_ids and self.error:
            raise self.error
        self.task_ids.append((task_ids, coins))


def begins(sim):
    """Give what lets a task begin."""

    def begin(task_id):
        sim.world.task(task_id).skips_initialized = True

    return begin


def fails(_task_id):
    """Let the DELETE get lost."""
    raise TransportError("reset")


async def started(a2e, **options):
    """Start three tasks and wait until they are accepted."""
    job = a2e.start(THREE, options=Options(**options))
    await job.accepted()
    assert len(job.task_ids) == 3
    return job


@pytest.mark.parametrize("number", [1, 2, 3])
@virtual(opened=False, task_seconds=50)
async def test_a_cancellation_stops_at_the_first_refusal(sim, number, caplog):
    """What was deleted before it is gone, refunded and told; the job goes on with the others and ends well."""
    async with client(sim, http=Interfering(sim, number, begins(sim)), budget=1000) as a2e:
        job, journal = None, Noted()
        job = await started(a2e, journal=journal)
        ids = job.task_ids
        assert await job.cancel() is False
        assert sum(task.deleted for task in sim.world.tasks) == number - 1
        assert job.task_ids == ids[number - 1 :]
        assert a2e.spent == sim.world.book.spent == 30 - 10 * (number - 1)
        assert ("cancelled only in part" in caplog.text) is (number > 1)
        if number > 1:
            assert journal.task_ids[-1] == (job.task_ids, 10 * len(job.task_ids))
        result = await job
        assert [record.id for record in result.records] == list(ids[number - 1 :])
        assert a2e.spent == sim.world.book.spent


@virtual(opened=False, task_seconds=50)
async def test_a_task_that_begins_between_two_deletes_is_left_alone(sim):
    """Each task is asked for once more right before its DELETE."""

    def next_begins(_task_id):
        sim.world.task(job.task_ids[1]).skips_initialized = True

    wire = Interfering(sim, 1, next_begins)
    async with client(sim, http=wire, budget=1000) as a2e:
        job = await started(a2e)
        assert await job.cancel() is False
        assert wire.deletes == 1
        assert a2e.spent == sim.world.book.spent == 20
        await job


@pytest.mark.parametrize("number", [1, 2, 3])
@virtual(opened=False, task_seconds=50)
async def test_a_delete_that_is_lost_is_raised_and_what_was_deleted_is_counted(sim, number):
    """Nobody knows what became of that one; the job goes on."""
    async with client(sim, http=Interfering(sim, number, fails), budget=1000) as a2e:
        job = await started(a2e)
        assert isinstance(await caught(job.cancel()), TransportError)
        assert not job.done()
        assert len(job.task_ids) == 4 - number
        assert a2e.spent == sim.world.book.spent
        assert len((await job).records) == 4 - number


@virtual(opened=False, task_seconds=50)
async def test_whoever_gives_up_in_the_middle_leaves_a_job_that_is_whole(sim):
    """The tasks that were deleted by then are off the job."""
    async with client(sim, budget=1000, latency=0.5) as a2e:
        job = await started(a2e)
        cancelling = asyncio.ensure_future(job.cancel())
        await until(lambda: any(task.deleted for task in sim.world.tasks))
        await asyncio.sleep(0.4)
        cancelling.cancel()
        await asyncio.wait([cancelling])
        await caught(asyncio.wait_for(job.wait(), 1000)) if not job.done() else None
        gone = sum(task.deleted for task in sim.world.tasks)
        assert gone in (1, 2)
        assert a2e.spent <= 30


@virtual(opened=False, task_seconds=50)
async def test_a_journal_that_cannot_note_a_part_cancels_nothing_back(sim, caplog):
    """The deletion stands and is logged; the job goes on."""
    async with client(sim, http=Interfering(sim, 2, begins(sim))) as a2e:
        job = await started(a2e, journal=Noted(OSError("the disk is full")))
        assert await job.cancel() is False
        assert "could not write down" in caplog.text
        assert len((await job).records) == 2


class Between(DirectTransport):
    """Lets something happen before the poll between two DELETEs is answered."""

    happens = None

    def __init__(self, sim):
        super().__init__(sim, 0.05)
        self.deletes = 0

    async def send(self, request, headers):
        """Answer one request."""
        self.deletes += request.method == "DELETE"
        if self.deletes == 1 and request.method == "GET" and self.happens:
            self.happens()
        return await super().send(request, headers)


@virtual(opened=False, task_seconds=50)
async def test_a_job_that_is_let_go_of_between_two_deletes_keeps_its_other_tasks(sim):
    """Nothing more is deleted, and what was deleted by then is refunded."""
    wire = Between(sim)
    async with client(sim, http=wire, budget=1000) as a2e:
        job = await started(a2e)
        wire.happens = job.detach
        assert await job.cancel() is False
        assert wire.deletes == 1
        assert a2e.spent == sim.world.book.spent == 20


@virtual(opened=False, task_seconds=50)
async def test_of_a_task_that_somebody_else_deleted_no_refund_is_claimed(sim):
    """Between our poll and our DELETE the task has gone: whether its coins came back nobody tells us."""

    def goes(task_id):
        if task_id == job.task_ids[1]:
            sim.world.delete("text_to_image", task_id)

    wire = Interfering(sim, 2, goes)
    async with client(sim, http=wire, budget=1000) as a2e:
        job = await started(a2e)
        assert await job.cancel() is True
        error = await caught(job.wait())
        assert isinstance(error, JobCancelledError)
        assert error.refunded is None
        assert a2e.spent == 10


@virtual(options={"budget": 1000}, task_seconds=50)
async def test_all_three_are_taken_back(a2e, sim):
    """The error names every id, and all coins are there again."""
    job = await started(a2e)
    ids = job.task_ids
    assert await job.cancel() is True
    error = await caught(job.wait())
    assert isinstance(error, JobCancelledError)
    assert (error.task_ids, error.refunded) == (ids, True)
    assert a2e.spent == sim.world.book.spent == 0


@virtual(options={"budget": 1000}, task_seconds=50)
async def test_a_job_ends_when_the_tasks_that_are_left_have_ended(a2e, sim):
    """Those that were taken off it are waited for no more, also when the others have ended already."""
    job = await started(a2e)
    ids = job.task_ids
    for task_id in ids[1:]:
        sim.world.finish(task_id, failed=False)
    await asyncio.sleep(3)
    ends = a2e._shared.opened.engine.ends
    await ends.drop(job, {ids[0]: True})
    assert len((await job).records) == 2
    await ends.drop(job, {ids[1]: False})


@virtual(options={"budget": 1000}, task_seconds=50)
async def test_a_part_that_fails_is_refunded_alone(a2e, sim):
    """The coins of each task are its own."""
    job = await started(a2e)
    job.family = attrs.evolve(job.family, refunds=True)
    sim.world.finish(job.task_ids[0], failed=True)
    error = await caught(job.wait())
    assert isinstance(error, JobFailedError)
    assert len(error.result.records) == 2
    assert a2e.spent == 20


@virtual(task_seconds=50)
async def test_a_family_without_deletion_takes_nothing_back(a2e, sim):
    """Nothing is asked for nothing."""
    job = a2e.start(IMAGE)
    await job.accepted()
    job.family = attrs.evolve(job.family, delete=None)
    before = sim.counters["text_to_image.detail"]
    assert await job.cancel() is False
    assert sim.counters["text_to_image.detail"] == before
    job.detach()
