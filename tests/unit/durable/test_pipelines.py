"""Jobs that take jobs, and jobs that take files, go on after their process has died."""

from __future__ import annotations

import asyncio

import pytest
from durable import KITE, durable, ended

from a2e_async import ImageToVideo, InputFailedError, KeyConflictError, TextToImage

VIDEO = {"prompt": "it climbs", "negative_prompt": "blurry"}


@durable()
async def test_a_pipeline_goes_on_in_another_process(world):
    """The image runs when its process dies; the other one makes the video of it, and each was billed once."""
    dead = await world.process()
    image = dead.start(KITE, key="image")
    dead.start(ImageToVideo(image, **VIDEO), key="video")
    await image.accepted()
    await asyncio.sleep(0.05)
    await world.kill(dead)
    heir = await world.process()
    (video,) = await ended(heir, "video")
    assert video.state == "done"
    made = await heir.find_job("image")
    assert list(world.sim.world.tasks)[-1].fields["image_url"] == made.urls[0]
    assert world.starts == 2


@durable(task_seconds=1)
async def test_a_pipeline_goes_on_when_its_second_step_runs(world):
    """The video runs when its process dies: the other one needs nothing of the image to finish it."""
    dead = await world.process()
    video = dead.start(ImageToVideo(dead.start(KITE, key="image"), **VIDEO), key="video")
    await video.accepted()
    await world.kill(dead)
    heir = await world.process()
    (found,) = await ended(heir, "video")
    assert (found.state, found.task_ids) == ("done", video.task_ids)
    assert world.starts == 2


@durable()
async def test_a_pipeline_whose_image_is_done_needs_no_request_for_it(world):
    """What the image is, is read from the store, also in the same process under another key of the same chain."""
    first = await world.process()
    result = await first.start(KITE, key="image")
    second = await world.process()
    again = second.start(KITE, key="image")
    await second.start(ImageToVideo(again, **VIDEO), key="video")
    assert list(world.sim.world.tasks)[-1].fields["image_url"] == result.url
    assert world.starts == 2


@durable()
async def test_a_chain_under_other_keys_is_another_intent(world):
    """The same key with the job of another key is a conflict; with the same one it is the same job."""
    a2e = await world.process()
    images = [a2e.start(TextToImage(f"kite {n}"), key=f"image-{n}") for n in range(2)]
    video = a2e.start(ImageToVideo(images[0], **VIDEO), key="video")
    assert a2e.start(ImageToVideo(images[0], **VIDEO), key="video") is video
    with pytest.raises(KeyConflictError, match="image_url"):
        a2e.start(ImageToVideo(images[1], **VIDEO), key="video")
    await video


@durable()
async def test_a_failed_image_ends_its_video(world):
    """Nothing was sent for the video, here and in the process that is asked for the same key later."""
    a2e = await world.process()
    image = a2e.start(TextToImage("a kite [fail]"), key="image")
    with pytest.raises(InputFailedError, match="image_url"):
        await a2e.start(ImageToVideo(image, **VIDEO), key="video")
    (found,) = await ended(a2e, "video")
    assert (found.state, found.task_ids) == ("refused", ())
    assert isinstance(found.error, InputFailedError)
    assert world.starts == 1


@durable()
async def test_a_result_and_its_url_are_one_intent(world):
    """What a job has made stands in the row as its URL, however it was given."""
    a2e = await world.process()
    made = await a2e.start(KITE, key="image")
    video = await a2e.start(ImageToVideo(made, **VIDEO), key="video")
    assert (await a2e.find_job("video")).fields["image_url"] == made.url
    assert await a2e.start(ImageToVideo(made.url, **VIDEO), key="video") == video
    assert world.starts == 2
