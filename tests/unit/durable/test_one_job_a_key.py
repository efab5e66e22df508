"""One key has one job in a process, whoever asks for it and however many do so in the same moment."""

from __future__ import annotations

import asyncio

import pytest
from durable import KITE, durable, ended

from a2e_async import ClientClosedError, ImageToVideo, JobTimeoutError, StartUnknownError, TextToImage

VIDEO = {"prompt": "it climbs", "negative_prompt": "blurry"}


async def left_on_the_wire(world, a2e):
    """Let a start end as one that nobody can look for; its row is this process's own to go on with."""
    world.sim.faults.add("text_to_image.start", "reset")
    world.sim.faults.add("text_to_image.list", "status", hits=None)
    with pytest.raises(StartUnknownError):
        await a2e.start(KITE, key="one")
    world.sim.faults.clear()
    assert (await a2e.find_job("one")).state == "intended"


@durable()
async def test_a_key_that_is_asked_for_twice_at_once_is_gone_on_with_once(world):
    """Two browsers ask for a job whose start ended with an error of the service: it is sent once more, not twice."""
    a2e = await world.process()
    await left_on_the_wire(world, a2e)
    first, second = await asyncio.gather(a2e.job_with("one"), a2e.job_with("one"))
    assert first is second
    assert (await first).urls
    assert world.starts == 1


@durable()
async def test_a_key_that_is_started_while_it_is_asked_for_is_started_once(world):
    """Whoever gives the request and whoever gives only the key have the same job."""
    a2e = await world.process()
    await left_on_the_wire(world, a2e)
    asking = asyncio.create_task(a2e.job_with("one"))
    await asyncio.sleep(0)
    started = a2e.start(KITE, key="one")
    assert await asking is started
    assert (await started).urls
    assert world.starts == 1


@durable()
async def test_a_row_that_is_taken_over_while_its_key_is_started_is_started_once(world):
    """The heir reads what the row takes, which takes a while; meanwhile its caller gives the request anew."""
    dead = await world.process(max_running=1)
    image = dead.start(KITE, key="image")
    video = dead.start(ImageToVideo(image, **VIDEO), key="video")
    await image
    await video.accepted()
    await world.kill(dead)
    heir = await world.process(lease=3600)
    assert await heir.start(ImageToVideo(heir.start(KITE, key="image"), **VIDEO), key="video")
    await ended(heir, "video")
    assert world.starts == 2


@durable(task_seconds=5)
async def test_a_job_that_was_given_up_is_watched_anew_when_its_key_is_asked_for(world):
    """Its row is still this process's own: no request is needed, and nothing is paid for again."""
    a2e = await world.process()
    job = a2e.start(KITE, key="one", timeout=1)
    with pytest.raises(JobTimeoutError):
        await job
    again = await a2e.job_with("one")
    assert again is not job
    assert again.task_ids == job.task_ids
    assert again.options.timeout == 1
    with pytest.raises(JobTimeoutError):
        await again
    assert world.starts == 1


@durable(task_seconds=3)
async def test_a_key_that_another_process_has_is_followed_without_its_request(world):
    """Whoever asks by the key alone gets the same result; nothing is sent for it here, then and later."""
    owner, other = await world.process(), await world.process()
    job = owner.start(KITE, key="one")
    await job.accepted()
    followed = await other.job_with("one")
    assert followed.task_ids == job.task_ids
    assert await followed == await job
    assert await (await other.job_with("one")) == await job
    assert other.wire.sent == []
    assert await other.job_with("two") is None


@durable()
async def test_what_was_read_of_a_key_before_its_process_ended_is_read_again(world):
    """It ran when it was read; by the time that this process has its shard it has ended, and it ends here as it did."""
    owner, other = await world.process(max_running=1), await world.process()
    job, rest = owner.start(KITE, key="one"), owner.start(TextToImage("a boat"), key="rest")
    await job.accepted()
    store, released = other._shared.opened.durable._store, asyncio.Event()
    find = store.find

    async def late(key):
        found = await find(key)
        await released.wait()
        return found

    store.find = late
    asking = asyncio.create_task(other.job_with("one"))
    result = await job
    store.find = find
    await owner.aclose()
    with pytest.raises(ClientClosedError):
        await rest
    await ended(other, "rest")
    released.set()
    assert await (await asking) == result
    assert world.starts == 2
