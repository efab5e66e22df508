"""The poller: few looks for many tasks, and nothing believed too soon."""

from __future__ import annotations

import asyncio
import logging

import pytest
from virtual_time import IMAGE, VIDEO, caught, now, until, virtual

from a2e_async import Cadence, NotFoundError, Status, TextToImage

GRACE = 300


def polls(sim):
    """Count all looks so far."""
    return sum(times for route, times in sim.counters.items() if route.endswith((".batch", ".detail")))


def named(count):
    """Make requests that can be told apart."""
    return [TextToImage(f"kite {number}") for number in range(count)]


@virtual(task_seconds=20)
async def test_one_look_is_for_a_hundred_tasks(a2e, sim):
    """A hundred running tasks cost one request a second, none of them for a single task."""
    await a2e.gather(named(100))
    assert 18 <= sim.counters["text_to_image.batch"] <= 28
    assert sim.counters["text_to_image.detail"] == 0


@virtual(task_seconds=20)
async def test_tasks_that_began_apart_are_looked_at_together(a2e, sim):
    """Starts that are spread over a second share their polls all the same."""
    jobs = []
    for request in named(50):
        jobs.append(a2e.start(request))
        await asyncio.sleep(0.02)
    await asyncio.gather(*jobs)
    assert polls(sim) <= 29


@virtual(task_seconds=20)
async def test_each_family_has_looks_of_its_own(a2e, sim):
    """Images and videos are asked for on their own routes, 250 tasks in three requests."""
    await asyncio.gather(a2e.gather([IMAGE] * 250, max_running=250), a2e.gather([VIDEO] * 20))
    assert sim.counters["text_to_image.batch"] <= 3 * 29
    assert sim.counters["image_to_video.batch"] <= 29
    assert sim.counters["text_to_image.detail"] == sim.counters["image_to_video.detail"] == 0


@virtual(task_seconds=30)
async def test_looks_are_capped(a2e, sim):
    """With more tasks than the cap has room for, polls come no denser; the interval grows instead."""
    await a2e.gather(named(2500), max_running=2500)
    assert sim.log.peak("*.batch") <= 12
    assert now() < 45


@virtual(task_seconds=lambda _family, body: 5 + int(body["prompt"].split()[1]) % 10)
async def test_rows_are_matched_by_id(a2e, sim):
    """The service gives rows in any order; each job gets its own."""
    results = await a2e.gather(named(60))
    assert [result.records[0].name for result in results] == [request.prompt for request in named(60)]


@virtual(task_seconds=20)
async def test_without_a_batch_route_tasks_are_asked_for_alone(a2e, sim):
    """One HTML 404 on the batch route is enough to go over to details, for this family only."""
    sim.faults.add("image_to_video.batch", "no_route", hits=None)
    videos, images = await asyncio.gather(a2e.gather([VIDEO] * 3), a2e.gather([IMAGE] * 3))
    assert all(result.url for result in videos + images)
    assert sim.counters["image_to_video.batch"] <= 3
    assert sim.counters["image_to_video.detail"] >= 3
    assert sim.counters["text_to_image.detail"] == 0


@virtual(task_seconds=20)
async def test_a_row_that_is_missing_once_means_nothing(a2e, sim):
    """A batch that leaves a task out, now and then, ends no job and costs no detail."""
    sim.faults.add("*.batch", "missing_id", every=2)
    assert len(await a2e.gather(named(10))) == 10
    assert sim.counters["text_to_image.detail"] == 0


@virtual(task_seconds=20)
async def test_a_task_that_spoils_its_batch_is_singled_out(a2e, sim):
    """The batch is halved until the one that is refused stands alone; it ends well, and the others lose nothing."""
    jobs = [a2e.start(request) for request in named(64)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    sim.faults.add("*.batch", "poison", id=jobs[17].task_ids[0], hits=None)
    await asyncio.gather(*jobs)
    assert now() < 25
    assert sim.faults.taken["text_to_image.batch", "poison"] <= 8
    assert 15 <= sim.counters["text_to_image.detail"] <= 30


@virtual(task_seconds=3600)
async def test_a_task_that_is_gone_ends_its_job_after_a_while(a2e, sim):
    """A task that the service does not know any more is a NotFoundError, but only after the time of grace."""
    job, other = a2e.start(IMAGE), a2e.start(IMAGE)
    await asyncio.sleep(3)
    sim.world.task(job.task_ids[0]).deleted = True
    gone = now()
    error = await caught(job)
    assert isinstance(error, NotFoundError)
    assert (error.task_ids, error.tag, error.request) == (job.task_ids, job.tag, IMAGE)
    assert GRACE <= now() - gone <= GRACE + 4
    assert not other.done()
    other.detach()


@virtual(task_seconds=60)
async def test_a_task_that_comes_back_was_never_gone(a2e, sim):
    """A task that is unknown for less than the time of grace, and again later, loses nothing."""
    job = a2e.start(IMAGE)
    await job.accepted()
    for _ in range(3):
        sim.world.task(job.task_ids[0]).deleted = True
        await asyncio.sleep(GRACE - 3)
        sim.world.task(job.task_ids[0]).deleted = False
        await asyncio.sleep(3)
    assert (await job).url


@pytest.mark.parametrize("how", ["404", "null"])
@pytest.mark.parametrize("family", [IMAGE, VIDEO], ids=["image", "video"])
@pytest.mark.parametrize("has_batch", [True, False])
@virtual(detail_lag=6, task_seconds=20)
async def test_a_new_task_may_be_unknown_at_first(a2e, sim, how, family, has_batch):
    """Right after the start the service may deny a task, with a 404 or without words; the job goes on."""
    sim.world.change(detail_lag_as=how)
    if not has_batch:
        sim.faults.add("*.batch", "no_route", hits=None)
    assert (await a2e.start(family)).url
    assert now() < 23


@virtual(detail_lag=60, detail_lag_as="null", task_seconds=90)
async def test_an_answer_without_words_is_no_denial(a2e, sim):
    """`data: null` never ends a job, however long it lasts."""
    assert (await a2e.start(IMAGE)).url


@virtual(task_seconds=20)
async def test_an_unknown_status_is_still_running(a2e, sim, caplog):
    """A new word for a status ends nothing, takes nothing back, and is told once however often it comes."""
    job, other = a2e.start(IMAGE), a2e.start(IMAGE)
    await until(lambda: other.status is Status.PENDING)
    sim.faults.add("*.batch", "unknown_status", status="daydreaming", hits=5)
    assert [record.status async for record in job.updates()][-2:] == [Status.PROCESSING, Status.COMPLETED]
    assert (await other).url
    told = [record for record in caplog.records if "daydreaming" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.WARNING]


@virtual(task_seconds=5)
async def test_the_poller_sleeps_when_there_is_nothing_to_watch(a2e, sim):
    """Not one request in an idle hour, before the first job and after the last; a new job is watched at once."""
    for _ in range(2):
        before = sum(sim.counters.values())
        await asyncio.sleep(3600)
        assert sum(sim.counters.values()) == before
        began = now()
        await a2e.start(IMAGE)
        assert now() - began <= 5 + 1.2


@virtual(task_seconds=5)
async def test_nobody_looks_at_jobs_that_were_let_go_of(a2e, sim):
    """After the last running job was detached, polls end too."""
    job = a2e.start(IMAGE)
    await asyncio.sleep(2)
    job.detach()
    await caught(job)
    await asyncio.sleep(1)
    before = polls(sim)
    await asyncio.sleep(60)
    assert polls(sim) == before


@virtual(options={"cadence": Cadence(delay=30)}, task_seconds=10)
async def test_a_hint_looks_at_once(a2e, sim):
    """Whoever says that a task has ended makes its job settle within two tenths of a second."""
    jobs = [a2e.start(IMAGE) for _ in range(3)]
    await asyncio.sleep(12)
    a2e.hint("f" * 24)
    await asyncio.sleep(1)
    before = polls(sim)
    assert before <= 1
    a2e.hint(jobs[1].task_ids[0])
    await jobs[1]
    assert now() == pytest.approx(13, abs=0.2)
    assert polls(sim) == before + 1
    assert not jobs[0].done()
    await asyncio.gather(*jobs)


@virtual(options={"cadence": Cadence(delay=30)}, task_seconds=100)
async def test_a_hint_that_comes_too_soon_changes_nothing(a2e, sim):
    """A hint for a task that has not ended costs one poll; the job goes on by its cadence."""
    job = a2e.start(IMAGE)
    await asyncio.sleep(5)
    for _ in range(3):
        a2e.hint(job.task_ids[0])
    await asyncio.sleep(1)
    assert polls(sim) == 1
    await job
    assert polls(sim) <= 4


@virtual(task_seconds=lambda _family, _body: 20)
async def test_an_older_answer_takes_nothing_back(a2e, sim):
    """A poll that is answered late, after a newer one, does not turn the status back."""
    job = a2e.start(IMAGE)
    heard = []

    async def listen():
        heard.extend([record.status.rank async for record in job.updates()])

    listening = asyncio.create_task(listen())
    await asyncio.sleep(3)
    sim.faults.add("*.batch", "delay", seconds=7, hits=1)
    for second in range(6):
        await asyncio.sleep(1)
        if second % 2:
            a2e.hint(job.task_ids[0])
    await listening
    assert heard == sorted(heard)
