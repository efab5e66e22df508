"""How late the end of a task was noticed: by the service's record of it, and only where that can be so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from virtual_time import IMAGE, caught, virtual

from a2e_async import Cadence, Finished, JobTimeoutError, Record, Status, TextToImage
from a2e_async.engine.jobs.delays import delay_of

NOW = 1_800_000_000.0


def iso(at):
    """Write a time as the service does."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def ended(at, created=NOW - 100):
    """Give the record of a task that ended at a time, or says something else."""
    raw = {"updatedAt": iso(at) if isinstance(at, float) else at}
    return Record(id="65f0", status=Status.COMPLETED, created_at=datetime.fromtimestamp(created, UTC), raw=raw)


@pytest.mark.parametrize(
    ("records", "delay"),
    [
        ([ended(NOW - 2.5)], 2.5),
        ([ended(NOW - 2.5), ended(NOW - 0.5), ended(NOW - 30)], 0.5),
        ([ended(NOW - 2.5), ended(None)], None),
        ([ended(NOW + 0.4)], 0.0),
        ([ended(NOW + 5)], None),
        ([ended(NOW - 61.5)], None),
        ([ended(NOW - 10, created=NOW - 10)], None),
        ([ended("soon")], None),
        ([ended(7.5)], None),
        ([Record(id="65f0", status=Status.COMPLETED, raw={"updatedAt": iso(NOW - 1)})], None),
        ([Record(id="65f0")], None),
        ([], None),
    ],
    ids=["plain", "last of several", "one unsaid", "clocks", "future", "before", "never changed", "word", "number",
         "no beginning", "unknown", "none"],
)  # fmt: skip
def test_what_records_say(records, delay):
    """The last end counts, and only one that lies within the time for which the tasks were watched."""
    assert delay_of(records, 60.0, NOW, None) == (None if delay is None else pytest.approx(delay, abs=0.001))


@pytest.mark.parametrize(
    ("here", "there", "delay"),
    [(NOW, NOW - 0.9, 4), (NOW, NOW + 1.4, 4), (NOW - 3600, NOW - 0.5, 4), (NOW + 3600, NOW - 0.5, 4)],
)
def test_a_clock_that_is_wrong(here, there, delay):
    """This machine's clock is taken where the service's agrees with it, otherwise the service's."""
    assert delay_of([ended(NOW - 4)], 60.0, here, there) == pytest.approx(delay, abs=0.001)


def finished(stream):
    """Give the last event, which must tell the end of a job."""
    event = stream._unread[-1]
    assert isinstance(event, Finished)
    return event


@virtual(options={"cadence": Cadence(delay=2)}, task_seconds=20)
async def test_a_job_tells_how_late_it_was(a2e, sim):
    """The event at the end of a job has it, to a second, and none where nobody can know."""
    events = a2e.events()
    await a2e.start(IMAGE)
    assert 0 <= finished(events).delay <= 5
    await caught(a2e.start(TextToImage("[fail]")))
    assert 0 <= finished(events).delay <= 5
    job = a2e.start(IMAGE, timeout=3)
    assert isinstance(await caught(job), JobTimeoutError)
    assert finished(events).delay is None
    result = await a2e.start(IMAGE)
    await asyncio.sleep(60)
    await a2e.attach("text_to_image", *result.task_ids)
    assert finished(events).delay is None
