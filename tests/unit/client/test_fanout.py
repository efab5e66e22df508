"""Many requests with a bound: `as_completed` and `gather` over every kind of source."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from virtual_time import IMAGE, caught, now, virtual

from a2e_async import JobFailedError, TextToImage, UsageError

SECONDS = {"task_seconds": lambda _family, body: float(body["prompt"].split()[0])}


def request(seconds, words=""):
    """Make a request whose task runs for so many seconds."""
    return TextToImage(f"{seconds} {words}".strip())


def as_list(requests):
    """Give a list."""
    return list(requests)


def as_generator(requests):
    """Give a generator."""
    yield from requests


async def as_async_generator(requests):
    """Give an async generator that takes a moment for each request."""
    for one in requests:
        await asyncio.sleep(0.01)
        yield one


class _AsyncIterable:
    """An async iterable that is no generator."""

    def __init__(self, requests):
        self._requests = iter(requests)

    def __aiter__(self):
        return self

    async def __anext__(self):
        for one in self._requests:
            return one
        raise StopAsyncIteration


SOURCES = [as_list, as_generator, as_async_generator, _AsyncIterable]


class _Watched:
    """A source, endless by default, that counts what was taken from it, and notes when it is closed."""

    def __init__(self, requests=None):
        self.taken = 0
        self.closed = False
        self._requests = map(request, itertools.count(5, 5)) if requests is None else requests

    def generator(self):
        try:
            for one in self._requests:
                self.taken += 1
                yield one
        finally:
            self.closed = True

    async def async_generator(self, pause=0.0):
        try:
            for one in self._requests:
                await asyncio.sleep(pause)
                self.taken += 1
                yield one
        finally:
            self.closed = True


def running(sim):
    """Count the tasks that have not ended."""
    return sum(sim.world.status(task) not in ("completed", "failed") for task in sim.world.tasks)


@pytest.mark.parametrize("source", SOURCES)
@virtual(**SECONDS)
async def test_jobs_come_as_they_end(a2e, sim, source):
    """Whatever the source is, each job is given once, ended, the quickest first."""
    seconds = [30, 10, 40, 20]
    jobs = [job async for job in a2e.as_completed(source(map(request, seconds)))]
    assert all(job.done() for job in jobs)
    assert [job.request.prompt for job in jobs] == ["10", "20", "30", "40"]
    assert now() < 45


@pytest.mark.parametrize("source", SOURCES)
@virtual(**SECONDS)
async def test_gather_keeps_the_order(a2e, sim, source):
    """`gather` gives the results in the order of the requests, however they end."""
    seconds = [30, 10, 40, 20]
    results = await a2e.gather(source(map(request, seconds)), max_running=2)
    assert [result.records[0].name for result in results] == ["30", "10", "40", "20"]


@pytest.mark.parametrize("source", SOURCES)
@virtual(**SECONDS)
async def test_an_empty_source_is_no_work(a2e, sim, source):
    """Nothing in, nothing out."""
    assert [job async for job in a2e.as_completed(source([]))] == []
    assert await a2e.gather(source([])) == []


@pytest.mark.parametrize("kind", ["generator", "async_generator"])
@virtual(**SECONDS)
async def test_never_more_than_max_running(a2e, sim, kind):
    """At no moment are there more unfinished tasks than allowed, and no request is taken before it can start."""
    source = _Watched([request(number % 7 + 1) for number in range(60)])
    given = 0
    async for _job in a2e.as_completed(getattr(source, kind)(), max_running=8):
        given += 1
        assert source.taken <= given + 8
    assert (given, source.taken, source.closed) == (60, 60, True)
    tasks = sim.world.tasks
    most = max(sum(other.created <= one.created < other.ends for other in tasks) for one in tasks)
    assert most == 8


@virtual(**SECONDS)
async def test_a_slow_reader_holds_up_the_source(a2e, sim):
    """Who takes long over each job gets no more started than `max_running`, ended ones not yet given included."""
    source = _Watched()
    given = 0
    async for _job in a2e.as_completed(source.generator(), max_running=4):
        given += 1
        await asyncio.sleep(30)
        assert source.taken <= given + 4
        if given == 10:
            break


@virtual(**SECONDS)
async def test_ended_jobs_do_not_wait_for_a_slow_source(a2e, sim):
    """While the source takes an hour for its next request, jobs are given as soon as they end."""
    source = _Watched([request(5), request(5), request(5)])
    times = [now() async for _job in a2e.as_completed(source.async_generator(pause=3600))]
    assert times == pytest.approx([3606, 7206, 10806], abs=1.5)


@virtual(**SECONDS)
async def test_a_source_that_waits_for_its_own_jobs_does_not_hang(a2e, sim):
    """A source may make its next request from a result of the same loop."""
    results = asyncio.Queue()

    async def chain():
        for _ in range(3):
            yield request(5)
            await results.get()

    async for job in a2e.as_completed(chain()):
        results.put_nowait(await job)
    assert sim.counters["text_to_image.start"] == 3


@pytest.mark.parametrize("kind", ["generator", "async_generator"])
@virtual(**SECONDS)
async def test_leaving_closes_the_source_and_keeps_running_jobs(a2e, sim, kind):
    """After a break nothing more is taken from an endless source; what runs is watched to its end."""
    source = _Watched()
    async for _job in a2e.as_completed(getattr(source, kind)(), max_running=5):
        break
    taken = source.taken
    await asyncio.sleep(1)
    assert source.closed
    assert running(sim) >= 4
    await a2e.drain()
    assert (source.taken, running(sim)) == (taken, 0)


@virtual(**SECONDS)
async def test_a_cancelled_loop_closes_the_source_and_keeps_running_jobs(a2e, sim):
    """Cancelling who iterates, while an async source thinks, leaves no step of it behind and no job cancelled."""
    source = _Watched()

    async def iterate():
        async for _job in a2e.as_completed(source.async_generator(pause=2), max_running=5):
            pass

    iterating = asyncio.create_task(iterate())
    await asyncio.sleep(5)
    iterating.cancel()
    await asyncio.wait([iterating])
    assert iterating.cancelled()
    await asyncio.sleep(0)
    assert (source.closed, source.taken) == (True, 2)
    await a2e.drain()
    assert running(sim) == 0


@virtual(**SECONDS)
async def test_a_failure_stops_the_taking_and_waits_for_what_runs(a2e, sim):
    """`gather` raises the first failure in order, not in time, when the running jobs have ended; no more is taken."""
    requests = [request(8), request(30, "[fail:first]"), request(4, "[fail:second]"), request(20), request(50)]
    source = _Watched(requests)
    error = await caught(a2e.gather(source.generator(), max_running=4))
    assert isinstance(error, JobFailedError)
    assert (error.code, error.request) == ("first", requests[1])
    assert now() == pytest.approx(31, abs=1.5)
    assert (source.taken, source.closed) == (4, True)
    assert running(sim) == 0


@virtual(**SECONDS)
async def test_exceptions_are_given_in_their_places(a2e, sim):
    """With `return_exceptions` every request gets its outcome, failures and refusals included."""
    requests = [request(8), request(3, "[fail]"), request(2, "[blocked]"), request(1)]
    outcomes = await a2e.gather(requests, max_running=1, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["Result", "JobFailedError", "ModerationError", "Result"]


@pytest.mark.parametrize("kind", ["generator", "async_generator"])
@virtual(**SECONDS)
async def test_a_source_that_raises_ends_the_loop_with_its_error(a2e, sim, kind):
    """The source's own error comes out as itself; jobs that run are watched on."""

    def broken():
        yield request(5)
        yield request(10)
        raise ZeroDivisionError("the source broke")

    source = _Watched(broken())
    for consume in (a2e.gather, _listed(a2e.as_completed)):
        with pytest.raises(ZeroDivisionError, match="the source broke"):
            await consume(getattr(source, kind)())
        source = _Watched(broken())
    await a2e.drain()
    assert running(sim) == 0


def _listed(as_completed):
    async def consume(*arguments):
        return [job async for job in as_completed(*arguments)]

    return consume


@virtual(**SECONDS)
async def test_an_error_of_a_source_that_was_left_is_not_lost_loudly(a2e, sim):
    """A source that breaks while its reader is busy with a job, and leaves then, makes no noise."""

    async def source():
        yield request(1)
        await asyncio.sleep(3)
        raise ZeroDivisionError("nobody asked for this request any more")

    async for _job in a2e.as_completed(source(), max_running=5):
        await asyncio.sleep(10)
        break


@pytest.mark.parametrize("max_running", [0, -1, 1.5, True, "8", None])
@virtual()
async def test_a_bad_bound_is_refused(a2e, sim, max_running):
    """`max_running` must be a whole number of at least 1; nothing is taken otherwise."""
    source = _Watched()
    for consume in (a2e.gather, _listed(a2e.as_completed)):
        with pytest.raises(UsageError, match=r"^max_running: must be a whole number of at least 1"):
            await consume(source.generator(), max_running)
    assert source.taken == 0


@pytest.mark.parametrize("kind", ["generator", "async_generator"])
@virtual(**SECONDS)
async def test_a_bad_element_is_named(a2e, sim, kind):
    """What is no request ends the loop with an error that says so; jobs before it go on."""
    source = _Watched([request(5), "a kite", request(5)])
    with pytest.raises(UsageError, match="a request such as TextToImage"):
        await a2e.gather(getattr(source, kind)())
    await asyncio.sleep(0)
    assert source.closed
    await a2e.drain()
    assert sim.counters["text_to_image.start"] == 1


@virtual()
async def test_a_source_that_is_none_is_refused(a2e, sim):
    """A single request, or anything that cannot be iterated, is refused with words that help."""
    for source in (IMAGE, 5, None):
        with pytest.raises(UsageError, match=r"^requests: must be an iterable"):
            await a2e.gather(source)


@virtual(**SECONDS)
async def test_views_have_their_options_in_fan_outs_too(a2e, sim):
    """`with_options(...)` holds for the jobs that a fan-out starts."""
    view = a2e.with_options(tagging=False)
    async for job in view.as_completed([request(1)]):
        assert job.tag is None


@virtual(**SECONDS)
async def test_no_task_of_a_fan_out_is_kept_for_each_job(a2e, sim):
    """A fan-out of 500 running jobs has a handful of tasks, not 500."""
    async with asyncio.TaskGroup() as group:
        gathering = group.create_task(a2e.gather([request(50) for _ in range(500)], max_running=500))
        await asyncio.sleep(20)
        assert running(sim) == 500
        assert len(asyncio.all_tasks()) < 10
    assert len(gathering.result()) == 500
