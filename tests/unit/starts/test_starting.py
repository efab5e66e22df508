"""From a request to accepted tasks: how many starts at once, which path, how many tasks."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, virtual

from a2e_async import ImageToVideo, JobTimeoutError, Status, TextToImage
from a2e_async.simulator.virtual import DirectTransport

THREE = ImageToVideo("http://example.com/a.png", prompt="it climbs", negative_prompt="blurry", number_of_images=3)
NEWER = TextToImage("a red kite", model_type="a2e")


class _Counting(DirectTransport):
    """Counts the starts that wait for their answer."""

    def __init__(self, sim, latency):
        super().__init__(sim, latency)
        self.starts = self.most = 0

    async def send(self, request, headers):
        self.starts += request.start
        self.most = max(self.most, self.starts)
        try:
            return await super().send(request, headers)
        finally:
            self.starts -= request.start


@pytest.mark.parametrize("max_starts", [1, 5, 32])
@virtual(opened=False, task_seconds=600)
async def test_max_starts_bounds_the_starts_in_flight(sim, max_starts):
    """So many starts wait for an answer and no more; running tasks are not bounded by it."""
    transport = _Counting(sim, latency=1)
    async with client(sim, http=transport, max_starts=max_starts) as a2e:
        jobs = [a2e.start(IMAGE) for _ in range(64)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        assert transport.most == max_starts
        assert now() == pytest.approx(-(-64 // max_starts))
        assert sum(task.ends > sim.world.clock.now() for task in sim.world.tasks) == 64
        for job in jobs:
            job.detach()


@virtual(options={"max_starts": 1}, latency=1)
async def test_starts_leave_in_the_order_they_were_asked_for(a2e, sim):
    """First come, first sent."""
    await a2e.gather([TextToImage(f"kite {number}") for number in range(10)])
    assert [start.name.split(" ~")[0] for start in sim.world.book.starts] == [f"kite {number}" for number in range(10)]


@virtual()
async def test_a_start_is_sent_without_being_awaited(a2e, sim):
    """Starting is immediate: the request leaves in the next turn of the loop, awaited or not."""
    a2e.start(IMAGE)
    assert not sim.counters
    await asyncio.sleep(0.001)
    assert sim.counters["text_to_image.start"] == 1
    await a2e.drain()


@virtual(instant_old_form=True)
async def test_a_start_that_answers_with_the_end_needs_no_poll(a2e, sim):
    """The older text-to-image may answer with the finished image: no poll at all."""
    job = a2e.start(IMAGE)
    assert [record.status async for record in job.updates()] == [Status.COMPLETED]
    assert (await job).url
    assert now() == pytest.approx(0.05, abs=0.01)
    assert set(sim.counters) == {"text_to_image.start"}


@pytest.mark.parametrize("in_reply", [True, False])
@virtual(task_seconds=10)
async def test_three_videos_of_one_start_are_one_job(a2e, sim, in_reply):
    """The siblings are found by the tag when the reply shows only the first, in the order they were made."""
    sim.world.change(siblings_in_reply=in_reply)
    other = a2e.start(THREE)
    job = a2e.start(THREE)
    result = await job
    start = next(start for start in sim.world.book.starts if start.tag == job.tag)
    assert job.task_ids == result.task_ids == start.task_ids
    assert (len(result.urls), result.coins, job.coins) == (3, 90, 90)
    assert sim.counters["image_to_video.list"] == (0 if in_reply else 1)  # one answer serves both
    assert not set((await other).task_ids) & set(job.task_ids)


@virtual(task_seconds=10, list_lag=1_000)
async def test_siblings_that_never_show_are_waited_for_as_long_as_a_lost_start(a2e, sim, caplog):
    """A service that shows one of three videos gives the job of that one, and a word of the others."""
    job = a2e.start(THREE)
    await job.accepted()
    assert now() < 1
    assert len((await job).urls) == 1
    assert 60 < now() < 62
    assert f"the start of tag {job.tag} asked for 3 tasks, and 1 are known" in caplog.text


@pytest.mark.parametrize("casings", ["old", "new", "both"])
@virtual(task_seconds=10)
async def test_either_spelling_of_a_path_works_and_is_remembered(a2e, sim, casings):
    """Each route costs at most one HTML 404 in a client's life; then its right spelling is known."""
    sim.world.change(casings=casings)
    routes = 0
    for _ in range(3):
        await a2e.start(IMAGE)
        await a2e.start(NEWER)
        await a2e.record(TextToImage, (await a2e.start(NEWER)).task_ids[0])
        assert [record async for record in a2e.records(TextToImage, limit=1)]
        routes = routes or sim.counters["unknown"]
    assert sim.counters["unknown"] == routes <= {"old": 4, "new": 1, "both": 0}[casings]
    assert sim.counters["text_to_image.start"] == 9
    assert len(sim.world.book.starts) == 9


@virtual(casings="old", task_seconds=10)
async def test_many_first_starts_find_the_spelling_together(a2e, sim):
    """A burst of starts on the wrong spelling loses none, and later bursts lose no time."""
    assert len(await a2e.gather([NEWER] * 40)) == 40
    before = sim.counters["unknown"]
    assert before <= 32 + 8
    assert len(await a2e.gather([NEWER] * 40)) == 40
    assert sim.counters["unknown"] == before


@virtual(task_seconds=600)
async def test_a_view_shares_all_but_its_options(a2e, sim):
    """`with_options` gives another default for its own starts; budget, poller and jobs are the client's."""
    view = a2e.with_options(timeout=5, tagging=False)
    job = view.image_to_video("http://example.com/a.png", prompt="it climbs", negative_prompt="blurry")
    usual = a2e.start(VIDEO)
    assert job.tag is None
    assert isinstance(await caught(job), JobTimeoutError)
    assert not usual.done()
    assert usual.tag is not None
    assert view.spent == a2e.spent == 60
    assert [bill.name.count("~") for bill in sim.world.book.tasks.values()] == [0, 1]
    deeper = view.with_options(on_unknown="raise")
    assert (deeper._options.timeout, deeper._options.tagging, deeper._options.on_unknown) == (5, False, "raise")
    assert view.with_options(timeout=None)._options.timeout is None
    sim.world.finish(usual.task_ids[0])
    await view.drain()
    assert (await usual).url


@virtual(options={"rate": 2}, task_seconds=3)
async def test_a_rate_holds_for_starts(a2e, sim):
    """Two requests a second are two requests a second, and of five turns polls get one at most."""
    jobs = [a2e.start(IMAGE) for _ in range(20)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    assert sim.log.peak("*") <= 3
    assert 9 <= now() <= 12.5
    await asyncio.gather(*jobs)
