"""What a client tells of itself: events, numbers, the log."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys

import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, virtual

from a2e_async import (
    Accepted,
    Cadence,
    Changed,
    ClientClosedError,
    Downloaded,
    Finished,
    HealthChanged,
    JobDetachedError,
    JobFailedError,
    Record,
    Recovered,
    Result,
    Retried,
    Started,
    Status,
    TextToImage,
    UsageError,
)


def heard(stream):
    """Give the kinds of the events that have come, and the events."""
    events = list(stream._unread)
    return [type(event) for event in events], events


def engine(a2e):
    """Give the engine of an open client."""
    return a2e._shared.opened.engine


@virtual(task_seconds=5)
async def test_life_of_a_job(a2e, sim):
    """One job is started, accepted, changed and finished, in this order and at the right times."""
    events = a2e.events()
    job = a2e.start(IMAGE)
    await job
    kinds, told = heard(events)
    assert kinds[:2] == [Started, Accepted]
    assert set(kinds[2:-1]) == {Changed}
    assert kinds[-1] is Finished
    assert all(event.job is job for event in told)
    assert told[-2].record.status is Status.COMPLETED
    assert 5 <= told[-1].at - told[0].at < 7


@virtual()
async def test_stream_is_iterated_and_ends_with_the_client(a2e, sim):
    """A reader gets each event as it comes; the stream ends when the client has closed, after all that was heard."""
    events, kinds = a2e.events(), []

    async def read():
        kinds.extend([type(event) async for event in events])

    reader = asyncio.create_task(read())
    await a2e.start(IMAGE)
    left = a2e.start(VIDEO)
    await left.accepted()
    await a2e.aclose()
    await reader
    assert [kinds.count(kind) for kind in (Started, Accepted, Finished)] == [2, 2, 2]
    assert isinstance(await caught(left), JobDetachedError)
    with pytest.raises(ClientClosedError):
        a2e.events()


@virtual()
async def test_nothing_is_made_without_a_listener(a2e, sim, monkeypatch):
    """Nobody hears, nothing is made; a stream that was left or closed counts no more."""
    monkeypatch.setattr("a2e_async.engine.jobs.listeners.Events.tell", None)
    news = engine(a2e).service.events
    assert not news.heard
    await a2e.start(IMAGE)
    stream = a2e.events()
    assert news.heard
    del stream
    gc.collect()
    assert not news.heard
    await a2e.start(IMAGE)


@virtual()
async def test_closed_stream_hears_no_more(a2e, sim):
    """After close() what was heard can be read, then the stream ends; other streams go on."""
    one, other = a2e.events(), a2e.events()
    a2e.start(IMAGE)
    one.close()
    await a2e.drain()
    assert [type(event) async for event in one] == [Started]
    assert heard(other)[0][-1] is Finished
    other.close()
    await a2e.start(IMAGE)
    assert not engine(a2e).service.events.heard


@virtual()
async def test_slow_reader_loses_the_oldest(a2e, sim):
    """A stream is bounded; what it lost is counted."""
    events = a2e.events(limit=3)
    await asyncio.gather(*(a2e.text_to_image(f"kite {number}") for number in range(5)))
    assert len(heard(events)[0]) == 3
    assert events.dropped > 5
    assert heard(events)[0][-1] is Finished


@virtual()
async def test_one_reader(a2e, sim):
    """Two readers of one stream are refused, and a cancelled reader makes room."""
    events = a2e.events()
    reader = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    with pytest.raises(UsageError, match="one reader"):
        await anext(events)
    reader.cancel()
    await asyncio.wait([reader])
    a2e.start(IMAGE)
    assert type(await anext(events)) is Started
    await a2e.drain()
    for wrong in (0, 1.5, None, "x"):
        with pytest.raises(UsageError, match="limit"):
            a2e.events(wrong)


@virtual()
async def test_adopted(a2e, sim):
    """A start whose answer was lost is told as recovered before it is accepted."""
    sim.faults.add("text_to_image.start", "reset", when="after")
    events = a2e.events()
    await a2e.start(IMAGE)
    kinds, _events = heard(events)
    assert kinds[:3] == [Started, Recovered, Accepted]
    assert a2e.stats().recovered == 1


@virtual()
async def test_retried(a2e, sim):
    """A request that is sent again is told with its failure and its wait."""
    sim.faults.add("text_to_image.start", "status", status=429, retry_after=3)
    events = a2e.events()
    await a2e.start(IMAGE)
    (retried,) = (event for event in heard(events)[1] if isinstance(event, Retried))
    assert (retried.failures, retried.wait, retried.error.status) == (1, 3, 429)
    assert a2e.stats().retries == 1


@virtual(task_seconds=60)
async def test_health(a2e, sim):
    """An outage is told when it begins and when it is over, with its length; the numbers know it too."""
    events = a2e.events()
    job = a2e.start(IMAGE)
    await job.accepted()
    faults = [sim.faults.add(route, "status", status=503, hits=None) for route in ("*.batch", "*.detail")]
    begun = now()
    await asyncio.sleep(20)
    stats = a2e.stats()
    assert not stats.healthy
    assert 15 < stats.outage == stats.outage_seconds < 20
    for fault in faults:
        fault.hits = 0
    await job
    ill, well = (event for event in heard(events)[1] if isinstance(event, HealthChanged))
    assert (ill.well, ill.outage, well.well) == (False, 0, True)
    assert 15 < well.outage < now() - begun
    assert a2e.stats().healthy
    assert a2e.stats().outage_seconds == well.outage


@virtual()
async def test_failed_job(a2e, sim):
    """A failed job is finished with its error."""
    events = a2e.events()
    assert isinstance(await caught(a2e.text_to_image("a kite [fail]")), JobFailedError)
    finished = heard(events)[1][-1]
    assert isinstance(finished, Finished)
    assert isinstance(finished.job.error, JobFailedError)


@virtual(task_seconds=5)
async def test_attached(a2e, sim):
    """A job that was attached is started and accepted at once."""
    job = a2e.start(IMAGE)
    await job.accepted()
    events = a2e.events()
    await a2e.attach("text_to_image", *job.task_ids)
    assert heard(events)[0][:2] == [Started, Accepted]


@virtual()
async def test_download_that_fails(a2e, sim, tmp_path):
    """A download is told with its tasks and what became of it."""
    record = Record(id="65f0", urls=("ftp://x.example/a.png",))
    events = a2e.events()
    for what, ids in ((record, ("65f0",)), (Result((record, record)), ("65f0", "65f0")), (record.urls[0], ())):
        error = await caught(a2e.download(what, tmp_path))
        event = await anext(events)
        assert (type(event), event.task_ids, event.paths, event.error) == (Downloaded, ids, (), error)


@virtual(opened=False, task_seconds=30)
async def test_stats(sim):
    """The numbers tell how many jobs stand where, what was sent, and what it cost; also after the end."""
    async with client(sim, max_starts=2, budget=1000, cadence=Cadence(delay=5)) as a2e:
        assert (a2e.stats().queued, a2e.stats().requests, a2e.stats().healthy) == (0, 0, True)
        jobs = [a2e.start(TextToImage(f"kite {number}"), price=10) for number in range(10)]
        await asyncio.sleep(0.01)
        stats = a2e.stats()
        assert (stats.queued, stats.starting, stats.running, stats.reserved) == (8, 2, 0, 20)
        await asyncio.gather(*(job.accepted() for job in jobs))
        assert (a2e.stats().running, a2e.stats().spent) == (10, 100)
        failing = a2e.start(TextToImage("[fail]"), price=10)
        await caught(failing)
        await a2e.drain()
        stats = a2e.stats()
        assert (stats.queued, stats.starting, stats.running, stats.finished, stats.failed) == (0, 0, 0, 11, 1)
        assert (stats.spent, stats.reserved, stats.retries) == (110, 0, 0)
        assert stats.requests == sum(sim.counters.values()) == stats.polls + 11
        assert stats.polls == sim.counters["text_to_image.batch"] < 11
    assert a2e.stats() == stats
    with pytest.raises(UsageError, match="not open"):
        client(sim).stats()


def test_logger_has_no_handler_of_its_own():
    """No module of the package, the command line aside, adds a handler, sets a level or stops propagation."""
    code = (
        "import logging, a2e_async, a2e_async.batch, a2e_async.otel, a2e_async.testing, a2e_async.web\n"
        "names = [name for name in logging.root.manager.loggerDict if name.startswith('a2e_async')]\n"
        "loggers = [logging.getLogger(name) for name in names]\n"
        "assert 'a2e_async' in names and not any(logger.handlers or logger.level for logger in loggers)\n"
        "assert all(logger.propagate for logger in loggers) and not logging.root.handlers\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@virtual(task_seconds=60)
async def test_log_records_carry_facts(a2e, sim, caplog):
    """What the log says in words is there as data as well."""
    caplog.set_level(logging.INFO, logger="a2e_async")
    sim.faults.add("text_to_image.start", "reset", when="after")
    job = a2e.start(IMAGE)
    await job.accepted()
    sim.faults.add("*.batch", "status", status=503)
    await asyncio.sleep(5)
    await a2e.aclose()
    recovered, failed, closed = (record for record in caplog.records if record.name == "a2e_async")
    assert (recovered.tag, recovered.family) == (job.tag, "text_to_image")
    assert failed.failures == 1
    assert (closed.levelname, closed.task_ids, closed.tags, closed.queued) == ("WARNING", list(job.task_ids), [], 0)
