"""Tasks that are there already: attach, find, look, records, delete."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, virtual

from a2e_async import ImageToVideo, JobFailedError, NotFoundError, RejectedRequestError, Status, TextToImage, UsageError


@virtual(opened=False, task_seconds=20)
async def test_another_client_goes_on_where_one_has_ended(sim):
    """The ids of a start are enough to wait for its result in another client."""
    async with client(sim) as first:
        job = first.start(IMAGE)
        await job.accepted()
    async with client(sim) as second:
        again = second.attach("text_to_image", *job.task_ids)
        assert (again.task_ids, again.request, again.status) == (job.task_ids, None, Status.UNKNOWN)
        await again.accepted()
        result = await again
        assert (result.task_ids, result.coins) == (job.task_ids, 10)
        assert sim.counters["text_to_image.start"] == 1


@pytest.mark.parametrize("family", ["text_to_image", "text-to-image", TextToImage])
@virtual(task_seconds=10)
async def test_a_family_has_several_names(a2e, sim, family):
    """A family is named by its name, with dashes as on the command line, or by its request class."""
    job = a2e.start(IMAGE)
    await job.accepted()
    assert (await a2e.attach(family, *job.task_ids)).url


@virtual(task_seconds=10)
async def test_two_jobs_may_watch_one_task_from_the_beginning(a2e, sim):
    """Of a task that nobody has asked for yet the second job knows as little as the first; one poll tells both."""
    job = a2e.start(IMAGE)
    await job.accepted()
    job.detach()
    first, second = (a2e.attach("text_to_image", *job.task_ids) for _ in range(2))
    assert (first.status, second.status) == (Status.UNKNOWN, Status.UNKNOWN)
    assert await first == await second
    job = a2e.start(IMAGE)
    await asyncio.sleep(2)
    assert a2e.attach("text_to_image", *job.task_ids).status is job.status is not Status.UNKNOWN


@virtual(task_seconds=10)
async def test_many_ids_are_one_job(a2e, sim):
    """An attached job of 150 tasks settles with the last of them, results in the order of the ids."""
    jobs = [a2e.start(TextToImage(f"kite {number}")) for number in range(150)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    ids = [job.task_ids[0] for job in reversed(jobs)]
    for job in jobs:
        job.detach()
    job = a2e.attach("text_to_image", *ids, *ids[:5])
    result = await job
    assert list(job.task_ids) == ids
    assert [record.name for record in result.records] == [f"kite {number}" for number in reversed(range(150))]
    assert sim.counters["text_to_image.detail"] == 0


@virtual(task_seconds=3)
async def test_attaching_to_a_task_that_has_ended(a2e, sim):
    """A task that was over long ago gives its result, or its failure, after the first poll."""
    good, bad = a2e.start(IMAGE), a2e.start(TextToImage("a kite [fail]"))
    await a2e.drain()
    await caught(bad)
    await asyncio.sleep(3600)
    began = now()
    assert (await a2e.attach("text_to_image", *good.task_ids)).urls
    assert isinstance(await caught(a2e.attach("text_to_image", *bad.task_ids)), JobFailedError)
    assert now() - began < 3


@virtual()
async def test_attaching_to_a_task_that_is_not_there(a2e, sim):
    """An id that the service does not know is a NotFoundError after the time of grace, also one of another family."""
    video = a2e.start(VIDEO)
    await video.accepted()
    for task_id in ("f" * 24, *video.task_ids):
        error = await caught(a2e.attach("text_to_image", task_id))
        assert (type(error), error.task_ids) == (NotFoundError, (task_id,))
    assert (await video).url


@virtual(opened=False, task_seconds=20)
async def test_a_start_is_found_by_its_tag(sim):
    """`find` gives a job for all tasks with the tag, None when there are none; two finds are no double."""
    async with client(sim) as first:
        job = first.start(TextToImage("two kites", max_images=2), tag="myownmark")
        await job.accepted()
    async with client(sim) as a2e:
        assert await a2e.find(TextToImage, "nobodysmark") is None
        assert await a2e.find(ImageToVideo, "myownmark") is None
        found = await a2e.find("text_to_image", "myownmark")
        assert sorted(found.task_ids) == sorted(job.task_ids)
        assert found.tag == "myownmark"
        assert len((await found).urls) == 2
        with pytest.raises(UsageError, match=r"^tag: must be 8 to 24"):
            await a2e.find("text_to_image", "My Own Mark")


@virtual(task_seconds=20)
async def test_looking_at_one_task(a2e, sim):
    """`look` gives the record of the moment; its name comes without the tag, which stands beside it."""
    job = a2e.start(IMAGE)
    await job.accepted()
    record = await a2e.record(TextToImage, job.task_ids[0])
    assert (record.id, record.family, record.name) == (job.task_ids[0], "text_to_image", "a red kite")
    assert (record.tag, record.status, record.coins) == (job.tag, Status.INITIALIZED, 10)
    assert (record.raw, record.extra) == ({}, {})
    await job
    record = await a2e.record("text-to-image", job.task_ids[0])
    assert record.status is Status.COMPLETED
    assert record.raw["_id"] == record.id
    assert record.extra["width"] == 1024
    with pytest.raises(NotFoundError):
        await a2e.record(TextToImage, "f" * 24)


@virtual(task_seconds=5)
async def test_records_come_newest_first_over_all_pages(a2e, sim):
    """Every task of a family comes once, while new ones push the old to later pages; a limit reads no more pages."""
    await a2e.gather([TextToImage(f"kite {number}") for number in range(230)])
    names = []
    async for record in a2e.records("text_to_image"):
        names.append(record.name)
        if len(names) == 50:
            a2e.start(IMAGE)
            await asyncio.sleep(0.5)
    assert names == [f"kite {number}" for number in reversed(range(230))]
    before = sim.counters["text_to_image.list"]
    assert len([record async for record in a2e.records(TextToImage, limit=7)]) == 7
    assert sim.counters["text_to_image.list"] == before + 1
    assert [record async for record in a2e.records(ImageToVideo)] == []
    with pytest.raises(UsageError, match=r"^limit: must be a whole number"):
        await anext(a2e.records(TextToImage, limit=0))


@virtual(task_seconds=20)
async def test_deleting_is_the_users_own_will(a2e, sim):
    """`delete` deletes unbegun and finished tasks, and passes on the refusal for those that run."""
    unbegun, finished = a2e.start(IMAGE), a2e.start(IMAGE)
    await asyncio.gather(unbegun.accepted(), finished.accepted())
    await a2e.delete("text_to_image", unbegun.task_ids[0])
    assert sim.world.book.refunded == 10
    unbegun.detach()
    await asyncio.sleep(10)
    with pytest.raises(RejectedRequestError, match="cannot be deleted while it is processing"):
        await a2e.delete("text_to_image", finished.task_ids[0])
    await finished
    await a2e.delete("text_to_image", finished.task_ids[0])
    assert sim.world.book.refunded == 10
    with pytest.raises(NotFoundError):
        await a2e.delete("text_to_image", finished.task_ids[0])


@virtual(task_seconds=5)
async def test_two_jobs_share_a_task(a2e, sim):
    """Attaching to a task that another job of the client watches leaves both watched, and one poll serves both."""
    first = a2e.start(IMAGE)
    await first.accepted()
    second = a2e.attach("text_to_image", *first.task_ids)
    third = a2e.attach("text_to_image", *first.task_ids)
    polls = sim.counters["text_to_image.batch"]
    assert [(await job).url for job in (second, first, third)].count((await first).url) == 3
    assert sim.counters["text_to_image.batch"] - polls <= 7


@virtual(task_seconds=5)
async def test_letting_go_of_one_job_keeps_the_other(a2e, sim):
    """When the job that watches a task is let go of, another one that shares the task goes on."""
    first = a2e.start(IMAGE)
    await first.accepted()
    second, third = (a2e.attach("text_to_image", *first.task_ids) for _ in range(2))
    first.detach()
    third.detach()
    assert (await second).url
    assert not a2e._shared.opened.engine.poller._watches


@virtual(task_seconds=5)
async def test_jobs_that_share_a_missing_task_all_end(a2e, sim):
    """A task that the service does not know ends every job that waits for it, each with an error of its own."""
    jobs = [a2e.attach("text_to_image", "f" * 24) for _ in range(3)]
    errors = [await caught(job) for job in jobs]
    assert [type(error) for error in errors] == [NotFoundError] * 3
    assert len(set(map(id, errors))) == 3
    assert not a2e._shared.opened.engine.poller._watches
