"""Every family over loopback with real files, from its own example: start to file, and what may go wrong between."""

from __future__ import annotations

import asyncio
import wave
from contextlib import asynccontextmanager

import av
import pytest
from PIL import Image

from a2e_async import A2EClient, Cadence, JobFailedError, Retry, StartUnknownError, Status, families
from a2e_async.simulator import serve

NAMES = sorted(families())
QUICK = Cadence(delay=0.02, polls_per_second=200)
SHORT = Retry(unknown_window=0.3, first_wait=0.01)
WITHOUT_DETAIL = {"wan30"}  # nothing but its start is documented


def request_of(family_name, **fields):
    """Make the request of a family's example."""
    family = families()[family_name]
    return family.request(**{**family.example, **fields})


@asynccontextmanager
async def both(**switches):
    """Run a simulator whose tasks last a blink, and an open client of it."""
    how = {"speed": 200, "task_seconds": 4, "media": "tiny", "coins": 100_000, **switches}
    async with (
        serve(**how) as sim,
        A2EClient(sim.token, base_url=sim.url, cadence=QUICK, retry=SHORT) as a2e,
    ):
        yield sim, a2e


def check_file(path, makes):
    """Decode all of a file and say that it is of this kind."""
    if makes == "audio":
        with wave.open(str(path)) as sound:
            assert len(sound.readframes(sound.getnframes())) == 2 * sound.getnframes() > 1000
        with av.open(str(path)) as sound:
            assert sum(frame.samples for frame in sound.decode(audio=0)) > 1000
    elif makes == "video":
        with av.open(str(path)) as video:
            assert len(list(video.decode(video=0))) >= 2
    else:
        with Image.open(path) as image:
            image.load()
            assert image.format == "PNG"


@pytest.mark.parametrize("name", NAMES)
async def test_from_start_to_file(name, tmp_path):
    """A start is billed once, watched to its end, downloaded whole, listed under its name, and deleted."""
    family = families()[name]
    named = {"name": "my own"} if family.name_attribute == "name" else {"title": "my own"} if family.name_field else {}
    async with both() as (sim, a2e):
        request = request_of(name, **named)
        job = a2e.start(request)
        seen = [record.status async for record in job.updates()]
        result = await job
        assert seen[-1] is Status.COMPLETED
        assert Status.UNKNOWN not in seen

        (start,) = sim.book.starts
        assert result.task_ids == start.task_ids
        assert len(result.task_ids) == family.tasks_asked(request)
        assert result.coins == start.coins == sim.book.spent
        assert sim.world.coins == 100_000 - start.coins

        if result.urls:
            paths = await a2e.download(result, tmp_path)
            assert sorted(paths) == sorted(tmp_path.iterdir())
            for path in paths:
                check_file(path, family.makes)
        else:
            assert family.makes == "record"

        if family.listing is not None:
            listed = [record async for record in a2e.records(name)]
            assert {record.id for record in listed} == set(result.task_ids)
            assert {record.status for record in listed} == {Status.COMPLETED}
            if named:
                assert {record.name for record in listed} == {"my own"}
                assert {record.tag for record in listed} == {job.tag}

        if family.delete is not None:
            await a2e.delete(name, result.task_ids[0])
            assert sim.world.task(result.task_ids[0]).deleted
            if family.listing is not None:
                assert result.task_ids[0] not in [record.id async for record in a2e.records(name)]
        assert sim.counters["unknown"] == 0


@pytest.mark.parametrize("name", NAMES)
async def test_cancel_before_it_begins_pays_back(name):
    """A task that says it is initialized is deleted and paid back; one that begins later words goes on."""
    family = families()[name]
    async with both(speed=1, task_seconds=1000) as (sim, a2e):
        job = a2e.start(request_of(name))
        await job.accepted()
        could = job.status is Status.INITIALIZED and family.delete is not None and family.tasks_asked(job.request) == 1
        cancelled = await job.cancel()
        (start,) = sim.book.starts
        assert cancelled is could or family.tasks_asked(job.request) > 1
        assert start.refunded == (start.coins if cancelled else 0)
        job.detach()


@pytest.mark.parametrize("name", NAMES)
async def test_a_failure_has_the_words_of_its_family(name):
    """A task that fails raises JobFailedError with the service's words, and is paid back."""
    async with both(fails=lambda _family, _body: True) as (sim, a2e):
        with pytest.raises(JobFailedError) as caught:
            await a2e.start(request_of(name))
        assert {record.failed_message for record in caught.value.records} == {"The generation failed, please try again"}
        assert "The generation failed, please try again" in str(caught.value)
        assert sim.book.spent == 0
        assert len(sim.book.starts) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_a_lost_start_is_found_or_told(name):
    """A start whose answer is lost is recovered where it has a name; else it is told, and billed once all the same."""
    family = families()[name]
    async with both() as (sim, a2e):
        sim.faults.add(f"{name}.start", "reset", when="after")
        job = a2e.start(request_of(name))
        if family.is_findable:
            assert (await job).task_ids == sim.book.starts[0].task_ids
        else:
            with pytest.raises(StartUnknownError):
                await job
        assert len(sim.book.starts) == 1


@pytest.mark.parametrize("dialects", ["new", "old"])
@pytest.mark.parametrize("undocumented", [True, False])
async def test_all_side_by_side_in_either_dialect(dialects, undocumented):
    """One client runs a task of every family at once, with a service that knows one way of asking alone."""
    served = [name for name in NAMES if name not in WITHOUT_DETAIL or (undocumented and dialects == "new")]
    async with both(dialects=dialects, undocumented=undocumented) as (sim, a2e):
        results = await asyncio.gather(*(a2e.start(request_of(name)) for name in served))
        assert [result.task_ids for result in results] == [
            start.task_ids for name in served for start in sim.book.starts if start.family == name
        ]
        assert len(sim.book.starts) == len(served)
