"""Where a job ends: written down first, told last, once; and what goes wrong there concerns that job alone."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from virtual_time import IMAGE, VIDEO, caught, client, virtual

from a2e_async import JobDetachedError
from a2e_async.core.hooks import Journal
from a2e_async.engine.jobs.background import BackgroundTasks
from a2e_async.engine.jobs.options import Options


class Failing(Journal):
    """Cannot write at this step."""

    def __init__(self, step):
        self._step = step

    async def intended(self, tag, request):
        """Fail or do nothing."""
        self._at("intended")

    async def accepted(self, tag, task_ids, coins):
        """Fail or do nothing."""
        self._at("accepted")

    async def finished(self, tag, records):
        """Fail or do nothing."""
        self._at("finished")

    def _at(self, step):
        if step == self._step:
            raise OSError(f"the disk is full at {step}")


@pytest.mark.parametrize("step", ["intended", "accepted", "finished"])
@virtual(options={"budget": 100}, task_seconds=5)
async def test_a_journal_that_fails_ends_its_job_and_no_other(a2e, sim, step):
    """The job has the journal's own error, its coins are counted, and nothing keeps it alive."""
    gc.disable()
    try:
        good, bad = a2e.start(IMAGE), a2e.start(IMAGE, options=Options(journal=Failing(step)))
        error = await caught(bad.wait())
        assert isinstance(error, OSError)
        await good
        assert a2e.spent == sim.world.book.spent
        assert a2e.reserved == 0
        del error
        gone = weakref.ref(bad)
        del bad
        await asyncio.sleep(1)
        assert gone() is None
    finally:
        gc.enable()


class Slow(Journal):
    """Takes its time to write down an end."""

    async def finished(self, tag, records):
        """Wait."""
        await asyncio.sleep(10)


@virtual(task_seconds=5)
async def test_a_job_ends_once_however_many_ways_lead_there(a2e, sim):
    """What comes first counts; a job that is let go of while its end is written down stays let go of."""
    job = a2e.start(IMAGE, options=Options(journal=Slow()))
    await job.accepted()
    sim.world.finish(job.task_ids[0], failed=False)
    await asyncio.sleep(3)
    ends = a2e._shared.opened.engine.ends
    await ends.finish([job])  # it is being ended already
    assert not job.done()
    job.detach()
    job.detach()
    await asyncio.sleep(20)
    assert isinstance(await caught(job.wait()), JobDetachedError)
    assert a2e.stats().finished == 1


@virtual(task_seconds=5)
async def test_what_cannot_be_put_into_words_ends_that_job_alone(a2e, sim, monkeypatch):
    """A fault of our own while one end is told is that job's error."""
    jobs = [a2e.start(VIDEO) for _ in range(5)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    sim.world.finish(jobs[2].task_ids[0], failed=True)

    def broken(_family, _records):
        raise KeyError("no words")

    monkeypatch.setattr("a2e_async.engine.jobs.ends.failure_of", broken)
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(end).__name__ for end in ended] == ["Result", "Result", "KeyError", "Result", "Result"]


@virtual(opened=False, task_seconds=3)
async def test_background_work_that_fails_is_read_and_logged(sim, caplog):
    """No exception is lost until a collection finds it; closing waits for what runs."""
    done = []

    async def fails():
        raise KeyError("a fault of our own")

    async def lasts(seconds):
        await asyncio.sleep(seconds)
        done.append(seconds)

    work = BackgroundTasks("odd jobs", lambda: done.append("ended"))
    work.run(fails())
    await asyncio.sleep(1)
    assert "internal error in odd jobs" in caplog.text
    work.run(lasts(2))
    work.run(lasts(100))
    assert len(work) == 2
    await work.aclose(5)
    assert done == ["ended", 2, "ended", "ended"]
    await work.aclose()
    async with client(sim) as a2e:
        a2e._shared.opened.engine.ends._background.run(fails())
        await a2e.start(IMAGE)
    assert caplog.text.count("internal error in") == 2


@virtual(task_seconds=0)
async def test_a_job_that_ends_with_its_start_needs_no_poll_and_no_task_of_the_loop(a2e, sim):
    """It waits for nothing, and a task of its own would cost more than its end."""
    beside, ran = a2e._shared.opened.engine.ends._background, []
    run = beside.run
    beside.run = lambda work: (ran.append(work), run(work))
    await asyncio.gather(*(a2e.start(IMAGE) for _ in range(3)))
    assert (ran, a2e.stats().polls) == ([], 0)
