"""Tasks that are shown as completed before their URLs are there: a job that was paid for ends with its file."""

from __future__ import annotations

import json
import math

import attrs
import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, virtual

from a2e_async import ImageToVideo, InputFailedError, Status
from a2e_async.simulator.virtual import DirectTransport


class Bare(DirectTransport):
    """Shows completed tasks without their URLs until a moment."""

    def __init__(self, app, until, empty):
        super().__init__(app, 0.05)
        self._until, self._empty = until, empty

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        if now() >= self._until or request.start:
            return reply
        return attrs.evolve(reply, body=json.dumps(self._without(json.loads(reply.body))).encode())

    def _without(self, value):
        if isinstance(value, list):
            return [self._without(one) for one in value]
        if isinstance(value, dict):
            shown = {key: self._without(one) for key, one in value.items() if key not in ("image_urls", "result_url")}
            return shown | ({} if self._empty is None else {"image_urls": self._empty, "result_url": self._empty})
        return value


@pytest.mark.parametrize("empty", [None, "", [], [None]])
@pytest.mark.parametrize("made", [IMAGE, VIDEO])
@pytest.mark.parametrize("late", [1, 5, 20])
def test_urls_that_come_late_are_waited_for(made, late, empty):
    """Missing, empty or null for some seconds: the result has them all the same, as soon as they are there."""

    @virtual(opened=False, task_seconds=20)
    async def story(sim):
        async with client(sim, http=Bare(sim, 20 + late, empty)) as a2e:
            job = a2e.start(made)
            result = await job
            assert result.urls
            assert 20 + late <= now() < 20 + late + 12

    story()


@virtual(opened=False, task_seconds=20)
async def test_a_task_without_urls_ends_all_the_same(sim):
    """After half a minute it is what it is: completed, and without a URL."""
    async with client(sim, http=Bare(sim, 10_000, "")) as a2e:
        result = await a2e.start(VIDEO)
        assert (result.urls, result.records[0].status) == ((), Status.COMPLETED)
        assert 50 <= now() < 75


@virtual(opened=False, task_seconds=20)
async def test_a_job_without_an_output_is_no_input(sim):
    """Whatever takes it ends with words that name the field and the job, and nothing is sent for it."""
    async with client(sim, http=Bare(sim, math.inf, None)) as a2e:
        image = a2e.start(IMAGE)
        video = a2e.start(ImageToVideo(image, prompt="it climbs", negative_prompt="blurry"))
        error = await caught(video)
        assert isinstance(error, InputFailedError)
        assert error.field == "image_url"
        assert "image_url: the job that it takes has ended without an output (<Job text_to_image done" in error.message
        assert image.task_ids[0] in error.message
        assert not (await image).urls
        assert sim.counters["image_to_video.start"] == 0
