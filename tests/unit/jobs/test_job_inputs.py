"""Jobs, results and records as inputs: a start waits for what it takes, and holds nothing while it does."""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
import re
import tracemalloc

import attrs
import pytest
from given import FAILS, SHOES, WORDS, body_of, starts
from virtual_time import IMAGE, LATENCY, caught, now, virtual

from a2e_async import (
    A2EClient,
    BudgetExceededError,
    ClientClosedError,
    ImageToVideo,
    InputFailedError,
    InvalidRequestError,
    JobCancelledError,
    JobDetachedError,
    JobFailedError,
)
from a2e_async.core.status import Stage
from a2e_async.simulator.virtual import DirectTransport


@virtual(task_seconds=5)
async def test_a_pipeline_is_an_expression(a2e, sim):
    """A video of an image that is still being made is one line, and it gets the image's URL."""
    image = a2e.text_to_image("a red kite")
    video = a2e.image_to_video(image, **WORDS)
    await video
    assert body_of(sim, video)["image_url"] == (await image).url
    assert starts(sim) == {"text_to_image": 1, "image_to_video": 1}


@virtual(task_seconds=5)
async def test_four_steps_are_one_expression(a2e, sim):
    """Text to image to video to upscaled video without captions."""
    made = await a2e.caption_removal(a2e.upscale(a2e.image_to_video(a2e.text_to_image("a red kite"), **WORDS)))
    assert made.url
    assert set(starts(sim).values()) == {1}
    assert len(starts(sim)) == 4


@virtual(task_seconds=5)
async def test_two_jobs_meet_in_one_list(a2e, sim):
    """A list takes jobs, results and URLs side by side, each in its place."""
    one, other = a2e.text_to_image("a dress"), a2e.text_to_image("a person")
    done = await a2e.text_to_image("a hat")
    worn = a2e.virtual_try_on([one, other, done, "https://f.example/shoes.png"])
    await worn
    assert body_of(sim, worn)["image_urls"] == [one.records[0].urls[0], other.records[0].urls[0], done.url, SHOES]


@virtual(task_seconds=lambda _family, body: 30 if body.get("prompt") == "a person" else 5)
async def test_the_slowest_job_is_waited_for(a2e, sim):
    """A start that takes two jobs is sent when both are done, whichever ends first."""
    quick, slow = a2e.text_to_image("a dress"), a2e.text_to_image("a person")
    worn = a2e.virtual_try_on([slow, quick, slow])
    await quick
    await asyncio.sleep(5)
    assert worn.stage is Stage.QUEUED
    await worn
    urls = [job.records[0].urls[0] for job in (slow, quick)]
    assert body_of(sim, worn)["image_urls"] == [*urls, urls[0]]


@virtual(task_seconds=5)
async def test_one_job_may_stand_in_two_fields(a2e, sim):
    """It is waited for once, and both fields get its output."""
    image = a2e.text_to_image("a red kite")
    video = a2e.image_to_video(image, end_image_url=image, **WORDS)
    await video
    body = body_of(sim, video)
    assert body["image_url"] == body["end_image_url"] == image.records[0].urls[0]


@virtual(task_seconds=5)
async def test_what_has_ended_is_an_input(a2e, sim):
    """A result, its second output, a record, a finished job and an attached one give URLs like one that runs."""
    pair = a2e.text_to_image("two kites", max_images=2)
    result = await pair
    attached = a2e.attach("text_to_image", *result.task_ids)
    given = [result, result.urls[1], result.records[1], pair, attached]
    videos = [a2e.image_to_video(one, **WORDS) for one in given]
    await asyncio.gather(*videos)
    first, second = result.urls
    assert [body_of(sim, video)["image_url"] for video in videos] == [first, second, second, first, first]


@virtual(task_seconds=10, options={"max_starts": 1})
async def test_a_waiting_start_holds_no_place(a2e, sim):
    """With one place for starts, others pass those that wait for their images."""
    videos = [a2e.image_to_video(a2e.text_to_image(f"kite {number}"), **WORDS) for number in range(5)]
    other = a2e.text_to_image("another")
    await other.accepted()
    assert now() < 5
    assert {video.stage for video in videos} == {Stage.QUEUED}
    assert all(video.task_ids == () for video in videos)
    await asyncio.gather(*videos)


@virtual(task_seconds=10, options={"max_running": 1})
async def test_a_waiting_job_takes_no_place_among_those_that_run(a2e, sim):
    """With one running job allowed, a pair comes through: its second job takes the place that the first gives back."""
    await a2e.image_to_video(a2e.text_to_image("a red kite"), **WORDS)
    assert sum(starts(sim).values()) == 2


@virtual(task_seconds=5, **FAILS)
async def test_what_fails_upstream_ends_what_depends_on_it(a2e, sim, caplog):
    """The error names the field and the cause, nothing was sent, and nobody is told that the cause was not seen."""
    image = a2e.text_to_image("a red kite")
    video = a2e.image_to_video("https://f.example/a.png", end_image_url=image, **WORDS)
    error = await caught(video)
    assert type(error) is InputFailedError
    assert error.field == "end_image_url"
    assert isinstance(error.cause, JobFailedError)
    assert error.__cause__ is error.cause
    assert error.cause is not image.error
    assert "end_image_url" in str(error)
    assert image.task_ids[0] in str(error)
    assert "nothing was sent" in str(error)
    assert "image_to_video" not in starts(sim)
    again = pickle.loads(pickle.dumps(error))
    assert (again.field, str(again), type(again.__cause__)) == (error.field, str(error), JobFailedError)
    await a2e.aclose()
    assert "never awaited" not in caplog.text


@pytest.mark.parametrize("how", ["cancel", "detach"])
def test_what_is_given_up_upstream_ends_what_depends_on_it(how):
    """A job that was cancelled or detached has no output that could be waited for."""

    @virtual(task_seconds=50)
    async def play(a2e, sim):
        image = a2e.text_to_image("a red kite")
        video = a2e.image_to_video(image, **WORDS)
        await image.accepted()
        if how == "cancel":
            await image.cancel()
        else:
            image.detach()
        error = await caught(video)
        assert type(error) is InputFailedError
        assert isinstance(error.cause, JobCancelledError | JobDetachedError)
        assert "image_to_video" not in starts(sim)

    play()


@virtual(task_seconds=5)
async def test_a_job_that_ended_badly_is_no_input(a2e, sim):
    """One that was detached long ago is found out at once."""
    image = a2e.text_to_image("a red kite")
    await image.accepted()
    image.detach()
    error = await caught(a2e.image_to_video(image, **WORDS))
    assert isinstance(error.cause, JobDetachedError)


@virtual(task_seconds=5, **FAILS)
async def test_a_chain_of_hundreds_ends_one_by_one(a2e, sim):
    """A long chain ends without one deep call, and each link names the one before it."""
    job = a2e.text_to_image("a red kite")
    for _ in range(400):
        job = a2e.virtual_try_on([job, SHOES])
    error = await caught(job)
    depth = 0
    while isinstance(error, InputFailedError):
        error, depth = error.cause, depth + 1
    assert isinstance(error, JobFailedError)
    assert depth > 1


@virtual(task_seconds=20)
async def test_a_waiting_job_is_cancelled_for_nothing(a2e, sim):
    """Nothing was sent for it, so it is taken back at once; what it waited for goes on."""
    image = a2e.text_to_image("a red kite")
    video = a2e.image_to_video(image, **WORDS)
    await image.accepted()
    assert await video.cancel()
    error = await caught(video)
    assert (type(error), error.refunded) == (JobCancelledError, True)
    await image
    await asyncio.sleep(1)
    assert "image_to_video" not in starts(sim)


@virtual(task_seconds=20)
async def test_a_waiting_job_is_detached_unsent(a2e, sim):
    """Whoever awaits it is told, and nothing is sent when the image is there."""
    image = a2e.text_to_image("a red kite")
    video = a2e.image_to_video(image, **WORDS)
    video.detach()
    assert type(await caught(video)) is JobDetachedError
    await image
    await asyncio.sleep(1)
    assert "image_to_video" not in starts(sim)


@virtual(task_seconds=20)
async def test_closing_ends_what_waits(a2e, sim, caplog):
    """Waiting starts are never sent, count as such, and their awaiters hear that the client was closed."""
    image = a2e.text_to_image("a red kite")
    videos = [a2e.image_to_video(image, **WORDS) for _ in range(3)]
    await image.accepted()
    with caplog.at_level(logging.WARNING, "a2e_async"):
        await a2e.aclose()
    for video in videos:
        assert type(await caught(video)) is ClientClosedError
    assert "3 never sent" in caplog.text
    assert "image_to_video" not in starts(sim)


@virtual(task_seconds=20, options={"budget": 40})
async def test_no_coins_are_held_while_a_job_waits(a2e, sim):
    """The budget of 40 covers both steps one after the other; a second pair is refused where it is due."""
    video = a2e.image_to_video(a2e.text_to_image("a red kite"), **WORDS)
    await asyncio.sleep(10)
    assert (a2e.spent, a2e.reserved) == (10, 0)
    await video
    assert a2e.spent == 40
    error = await caught(a2e.image_to_video(a2e.text_to_image("another"), **WORDS))
    assert type(error) is InputFailedError
    assert isinstance(error.cause, BudgetExceededError)
    assert a2e.spent == 40


@virtual(task_seconds=20)
async def test_a_time_limit_counts_from_acceptance(a2e, sim):
    """Waiting for an image costs nothing of the limit of the video."""
    image = a2e.text_to_image("a red kite")
    await a2e.start(ImageToVideo(image, **WORDS), timeout=30)
    assert now() > 35


@virtual(task_seconds=30, coins=10_000_000)
async def test_five_thousand_pairs_wait_cheaply(a2e, sim):
    """A start that waits for another costs less than 1 KiB, with its job and its request, and no task."""
    count = 5000
    gc.collect()
    images = [a2e.text_to_image(f"kite {number}") for number in range(count)]
    others = [a2e.image_to_video(SHOES, **WORDS) for _ in images]  # the tables of live jobs grow by leaps
    tracemalloc.start()
    tasks = len(asyncio.all_tasks())
    videos = [a2e.image_to_video(image, **WORDS) for image in images]
    each = tracemalloc.get_traced_memory()[0] / count
    tracemalloc.stop()
    assert len(asyncio.all_tasks()) == tasks
    assert each < 1024, each
    for job in (*videos, *others, *images):
        job.detach()
    assert a2e.stats().queued == 0


@virtual(opened=False, task_seconds=5)
async def test_an_output_inside_this_network_is_not_passed_on(sim):
    """A real service could not reach it, and is told nothing of it: the job that takes it ends, unsent."""
    a2e = A2EClient("sk_simulator", base_url="https://video.a2e.ai", http=Elsewhere(sim, LATENCY))
    async with a2e:
        image = a2e.start(IMAGE)
        error = await caught(a2e.start(ImageToVideo(image, prompt="it climbs", negative_prompt="blurry")))
        assert isinstance(error, InvalidRequestError)
        assert error.field == "image_url"
        assert (await image).url.startswith("http://127.0.0.1")
        assert sim.counters["image_to_video.start"] == 0


class Elsewhere(DirectTransport):
    """A service whose outputs lie in this network."""

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        body = re.sub(rb"https?://[^/\"]+/", b"http://127.0.0.1:1/", reply.body)
        return attrs.evolve(reply, body=body)
