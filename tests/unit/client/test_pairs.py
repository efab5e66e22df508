"""Pairs: `gather` and `as_completed` with a second step, which is made of the job of the first."""

from __future__ import annotations

import asyncio

import pytest
from given import FAILS, WORDS, body_of, starts
from virtual_time import caught, virtual

from a2e_async import ImageToVideo, InputFailedError, TextToImage, UsageError


def to_video(image):
    """Give the second step of a pair."""
    return ImageToVideo(image, prompt=image.request.prompt, negative_prompt="blurry")


def kites(count):
    """Give so many first steps."""
    return [TextToImage(f"kite {number}") for number in range(count)]


@virtual(task_seconds=5)
async def test_results_are_those_of_the_second_step(a2e, sim):
    """In the order of the requests, each made of its own image, and with what the first step was asked for."""
    results = await a2e.gather(kites(7), then=to_video)
    assert [result.records[0].name for result in results] == [f"kite {number}" for number in range(7)]
    assert [result.records[0].family for result in results] == ["image_to_video"] * 7
    assert starts(sim) == {"text_to_image": 7, "image_to_video": 7}


@pytest.mark.parametrize("most", [1, 2, 5])
def test_a_pair_counts_once(most):
    """With room for one pair none waits for itself, and no request is taken before a pair has ended."""

    @virtual(task_seconds=5)
    async def play(a2e, sim):
        taken = 0
        ended = 0

        def source():
            nonlocal taken
            for request in kites(12):
                taken += 1
                assert taken - ended <= most
                yield request

        async for job in a2e.as_completed(source(), max_running=most, then=to_video):
            ended += 1
            assert job.family.name == "image_to_video"
            assert body_of(sim, job)["image_url"].startswith("http")
        assert (taken, ended) == (12, 12)

    play()


@virtual(task_seconds=5, **FAILS)
async def test_a_first_step_that_fails_is_the_outcome_of_its_pair(a2e, sim):
    """It stands in its place, and with `return_exceptions` the others go on."""
    outcomes = await a2e.gather(kites(3), then=to_video, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [InputFailedError] * 3
    error = await caught(a2e.gather(kites(3), max_running=1, then=to_video))
    assert type(error) is InputFailedError
    assert starts(sim) == {"text_to_image": 4}


@virtual(task_seconds=5)
async def test_a_second_step_that_cannot_be_made_is_told(a2e, sim):
    """With the item's number; its first step, which may have been paid for, runs on and counts as running."""
    running = []

    def broken(image):
        running.append(image)
        assert len([job for job in running if not job.done()]) <= 2
        raise ValueError("no such prompt")

    outcomes = await a2e.gather(kites(6), max_running=2, then=broken, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 6
    assert outcomes[3].__notes__ == ["item 4 of the requests"]
    assert all(job.done() for job in running)
    error = await caught(a2e.gather(kites(6), max_running=2, then=lambda _image: "a video"))
    assert type(error) is UsageError
    assert "item 1 of the requests" in str(error)
    assert starts(sim) == {"text_to_image": 7}


@virtual(task_seconds=5)
async def test_more_steps_are_written_into_the_second(a2e, sim):
    """A step between is started by the function itself; the pair ends with the last."""
    results = await a2e.gather(kites(2), max_running=1, then=lambda image: Removal(a2e.image_to_video(image, **WORDS)))
    assert [result.records[0].family for result in results] == ["caption_removal"] * 2
    assert set(starts(sim).values()) == {2}


def Removal(video):  # noqa: N802 - a request class, loaded when it is needed
    """Give the request of a third step."""
    from a2e_async import CaptionRemoval  # noqa: PLC0415 - loads its family

    return CaptionRemoval(video)


@virtual(task_seconds=5)
async def test_leaving_a_loop_of_pairs_leaves_both_jobs_watched(a2e, sim):
    """What runs goes on, and the second steps are still started when the first are done."""
    async for _job in a2e.as_completed(kites(4), max_running=4, then=to_video):
        break
    await a2e.drain()
    await asyncio.sleep(0)
    assert starts(sim) == {"text_to_image": 4, "image_to_video": 4}


@pytest.mark.parametrize("then", ["image_to_video", 5, ImageToVideo("https://f.example/a.png", **WORDS)])
def test_what_is_no_function_is_refused(then):
    """Before anything is started."""

    @virtual()
    async def play(a2e, sim):
        with pytest.raises(UsageError, match="then: must be a function"):
            await a2e.gather(kites(1), then=then)
        with pytest.raises(UsageError, match="then: must be a function"):
            a2e.as_completed(kites(1), then=then)
        assert not starts(sim)

    play()
