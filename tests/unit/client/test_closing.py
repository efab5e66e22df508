"""Leaving a client: what is waited for, what is let go of, and what is said about it."""

from __future__ import annotations

import asyncio
import logging
import pickle

import pytest
from virtual_time import IMAGE, VIDEO, caught, client, no_task_is_left, now, play_out, virtual

from a2e_async import ClientClosedError, JobDetachedError, StartUnknownError, TextToImage
from a2e_async.simulator.virtual import virtual_app

LIMITS = {"max_starts": 2, "close_timeout": 10}


def warnings_in(caplog):
    """Give the warnings of the client."""
    return [record for record in caplog.records if record.name == "a2e_async" and record.levelno == logging.WARNING]


@virtual(opened=False, task_seconds=600)
async def test_leaving_waits_for_starts_on_the_wire_only(sim, caplog):
    """Starts on the wire are answered, queued ones never sent, running ones let go of; one warning tells of all."""
    async with client(sim, latency=4, **LIMITS) as a2e:
        running = a2e.start(VIDEO)
        await running.accepted()
        on_wire = [a2e.start(IMAGE) for _ in range(2)]
        queued = [a2e.start(IMAGE) for _ in range(3)]
        await asyncio.sleep(1)
        left_at = now()
    assert now() == pytest.approx(left_at + 3)
    assert sim.counters["text_to_image.start"] == 2
    for job in [running, *on_wire]:
        error = await caught(job)
        assert isinstance(error, JobDetachedError)
        assert error.task_ids == job.task_ids
        assert job.task_ids[0] in sim.world.book.tasks
        assert job.task_ids[0] in str(error)
    for job in queued:
        error = await caught(job)
        assert isinstance(error, ClientClosedError)
        assert (error.request, error.tag) == (IMAGE, job.tag)
    (warning,) = warnings_in(caplog)
    assert warning.task_ids == [job.task_ids[0] for job in [running, *on_wire]]
    assert (warning.tags, warning.queued) == ([], 3)
    assert "3 jobs running" in warning.getMessage()
    assert "3 never sent" in warning.getMessage()
    assert not warnings_in(caplog)[1:]


@pytest.mark.parametrize("when", ["before", "after"])
@virtual(opened=False)
async def test_a_start_without_an_answer_is_given_up_in_the_end(sim, caplog, when):
    """After `close_timeout` the tag of a silent start is all that is left: in the error and in the warning."""
    sim.faults.add("text_to_image.start", "stall", when=when)
    async with client(sim, close_timeout=7) as a2e:
        job = a2e.start(IMAGE)
        await asyncio.sleep(1)
    assert now() == pytest.approx(8)
    error = await caught(job)
    assert isinstance(error, StartUnknownError)
    assert error.tag == job.tag
    (warning,) = warnings_in(caplog)
    assert (warning.task_ids, warning.tags, warning.queued) == ([], [job.tag], 0)
    assert job.tag in warning.getMessage()


@virtual(opened=False, task_seconds=600)
async def test_the_text_names_twenty_and_the_record_all(sim, caplog):
    """Twenty ids are enough for people; programs find all in the log record's extras."""
    async with client(sim) as a2e:
        jobs = [a2e.start(IMAGE) for _ in range(25)]
        await asyncio.gather(*(job.accepted() for job in jobs))
    (warning,) = warnings_in(caplog)
    ids = [job.task_ids[0] for job in jobs]
    assert warning.task_ids == ids
    assert [task_id for task_id in ids if task_id in warning.getMessage()] == ids[:20]
    assert "and 5 more" in warning.getMessage()


@virtual(opened=False)
async def test_a_client_with_nothing_left_says_nothing(sim, caplog):
    """Results that were fetched, failures that were seen and jobs that were given up need no warning."""
    async with client(sim) as a2e:
        await a2e.start(IMAGE)
        await caught(a2e.start(TextToImage("a kite [fail]")))
        detached = a2e.start(IMAGE)
        await detached.accepted()
        detached.detach()
        assert await a2e.start(IMAGE).cancel()
    assert warnings_in(caplog) == []


@virtual(opened=False)
async def test_failures_that_nobody_saw_are_told_once(sim, caplog):
    """At close one warning names the failed jobs whose error nobody has seen, and no other."""
    async with client(sim) as a2e:
        seen = a2e.start(TextToImage("seen [fail]"))
        for _ in range(2):
            a2e.start(TextToImage("unseen [fail]"))
        a2e.start(TextToImage("refused [blocked]"))
        await caught(seen)
        await a2e.drain()
        await a2e.drain()
    (warning,) = warnings_in(caplog)
    assert "3 failed jobs were never awaited" in warning.getMessage()
    assert seen.task_ids[0] not in warning.getMessage()
    assert len(warning.failures) == 3


@virtual(opened=False)
async def test_a_refusal_during_the_closing_is_told_too(sim, caplog):
    """A start that is refused while the client closes has failed, and nobody else could tell."""
    async with client(sim, latency=3) as a2e:
        a2e.start(TextToImage("refused [blocked]"))
        await asyncio.sleep(1)
    (warning,) = warnings_in(caplog)
    assert "1 failed job was never awaited: ModerationError" in warning.getMessage()


@virtual(opened=False)
async def test_a_failure_that_is_about_to_be_seen_is_not_told(sim, caplog):
    """A task that begins to await a failed job right before the closing still counts as having seen it."""
    async with client(sim) as a2e:
        job = a2e.start(TextToImage("a kite [fail]"))
        await a2e.drain()
        waiting = asyncio.create_task(caught(job))
    assert await waiting is job.error
    assert warnings_in(caplog) == []


class _OwnError(Exception):
    """An error of the caller's."""


@pytest.mark.parametrize("error", [_OwnError("mine"), asyncio.CancelledError("mine"), KeyboardInterrupt("mine")])
def test_an_error_of_the_caller_comes_out_as_itself(error, caplog):
    """What was raised inside leaves the block as the very same object, and the client is closed all the same."""
    seen = {}

    async def story():
        seen["sim"] = sim = virtual_app(task_seconds=600)
        try:
            async with client(sim, latency=2, **LIMITS) as a2e:
                seen["jobs"] = [a2e.start(IMAGE) for _ in range(3)]
                await asyncio.sleep(1)
                raise error  # noqa: TRY301 - this is what the test is about
        except BaseException as caught_error:
            seen["error"], seen["time"] = caught_error, now()
            raise

    with pytest.raises(type(error)):
        play_out(story())
    assert seen["error"] is error
    assert seen["time"] == pytest.approx(2)
    assert [type(job.error) for job in seen["jobs"]] == [JobDetachedError, JobDetachedError, ClientClosedError]
    assert seen["sim"].counters["text_to_image.start"] == 2
    assert len(warnings_in(caplog)) == 1


@virtual(opened=False, task_seconds=600)
async def test_closing_is_not_cut_short(sim):
    """Who is cancelled while closing, even twice, still closes fully, is cancelled then, and may open again."""
    a2e = client(sim, latency=5)

    async def block():
        async with a2e:
            jobs.append(a2e.start(IMAGE))
            await asyncio.sleep(1)

    for _ in range(2):
        jobs, began = [], now()
        leaving = asyncio.create_task(block())
        for seconds in (2, 1):
            await asyncio.sleep(seconds)
            leaving.cancel()
        await asyncio.wait([leaving])
        assert leaving.cancelled()
        assert now() == pytest.approx(began + 5)
        assert isinstance(jobs[0].error, JobDetachedError)
        assert jobs[0].error.task_ids[0] in sim.world.book.tasks
        await no_task_is_left()


@virtual(opened=False, task_seconds=600)
async def test_closing_twice_is_closing_once(sim, caplog):
    """Two that close at once both wait for the end; one more time does nothing; one warning in all."""
    a2e = await client(sim, latency=5).open()
    job = a2e.start(IMAGE)
    await asyncio.sleep(1)
    first, second = asyncio.create_task(a2e.aclose()), asyncio.create_task(a2e.aclose())
    await asyncio.sleep(1)
    assert not first.done()
    assert not second.done()
    await asyncio.gather(first, second)
    assert now() == pytest.approx(5)
    await a2e.aclose()
    assert isinstance(job.error, JobDetachedError)
    assert len(warnings_in(caplog)) == 1


@virtual(opened=False, task_seconds=5)
async def test_a_closed_client_can_be_opened_again(sim):
    """Opening again gives a fresh client: new jobs run, old ones stay ended. Opening twice does nothing."""
    a2e = client(sim)
    async with a2e:
        old = a2e.start(IMAGE)
    async with a2e:
        assert await a2e.open() is a2e
        assert (await a2e.start(IMAGE)).url
        assert isinstance(await caught(old), JobDetachedError)
    with pytest.raises(ClientClosedError):
        a2e.start(IMAGE)


@virtual(opened=False, task_seconds=5)
async def test_opening_and_closing_may_be_in_different_tasks(sim):
    """Each step in a task of its own, and two clients closed in the order they were opened: nothing is tied."""
    one, other = client(sim), client(sim)
    await asyncio.create_task(one.open())
    await asyncio.create_task(other.open())
    jobs = [one.start(IMAGE), other.start(IMAGE)]
    assert (await asyncio.create_task(jobs[0].wait())).url
    await asyncio.create_task(one.aclose())
    assert (await jobs[1]).url
    assert other.start(IMAGE)
    await asyncio.create_task(other.aclose())
    await no_task_is_left()


@virtual(opened=False, task_seconds=5)
async def test_an_async_generator_may_hold_a_client(sim):
    """A generator that holds an open client can be closed by another task than the one that read from it."""

    async def results():
        async with client(sim) as a2e:
            while True:
                yield await a2e.start(IMAGE)

    generator = results()
    assert (await anext(generator)).url
    assert (await asyncio.create_task(_step(generator))).url
    await asyncio.create_task(generator.aclose())
    await no_task_is_left()


async def _step(generator):
    return await anext(generator)


@pytest.fixture
async def a2e_of_a_fixture():
    """An open client on the test's own, real event loop."""
    async with client(virtual_app(task_seconds=0), latency=0) as a2e:
        yield a2e


async def test_a_fixture_may_hold_a_client(a2e_of_a_fixture):
    """A client that a pytest fixture opened works in the test."""
    assert (await a2e_of_a_fixture.start(IMAGE)).url


@virtual(opened=False, task_seconds=600)
async def test_what_a_closed_client_has_said_pickles(sim):
    """The errors of closing can cross processes, with their ids and tags."""
    async with client(sim, max_starts=1) as a2e:
        jobs = [a2e.start(IMAGE) for _ in range(2)]
        await asyncio.sleep(0.01)
    for job in jobs:
        error = await caught(job)
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.task_ids, again.tag) == (type(error), job.task_ids, job.tag)


@virtual(opened=False, task_seconds=600)
async def test_a_start_is_not_repeated_while_closing(sim):
    """A start that is refused for being too many, and waits to be sent again, counts as queued when closing."""
    sim.faults.add("*.start", "status", status=429, retry_after=2, hits=None)
    async with client(sim) as a2e:
        job = a2e.start(IMAGE)
        await asyncio.sleep(1)
    assert now() == pytest.approx(1)
    assert isinstance(await caught(job), ClientClosedError)
    sends = sim.counters["text_to_image.start"]
    async with client(sim) as a2e:
        job = a2e.start(IMAGE)
        await asyncio.sleep(0.01)
    assert isinstance(await caught(job), ClientClosedError)
    assert sim.counters["text_to_image.start"] == sends + 1
