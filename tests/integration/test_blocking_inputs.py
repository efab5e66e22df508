"""Files, results and jobs as inputs of the front that blocks."""

from __future__ import annotations

from given import PNG, WORDS

import a2e_async
from a2e_async import Cadence, ImageToVideo, TextToImage, simulator
from a2e_async.blocking.portal import in_a_thread

IMAGE = TextToImage("a red kite")


def test_inputs_are_files_and_jobs(tmp_path):
    """A photo, a result and a job that still runs are inputs, and so is the first step of a pair."""
    (tmp_path / "me.png").write_bytes(PNG)
    serving = simulator.serve(media="tiny", speed=50, task_seconds=1)
    with in_a_thread() as portal, portal.wrap_async_context_manager(serving) as sim:
        quick = Cadence(delay=0.02)
        with a2e_async.blocking(sim.token, base_url=sim.url, cadence=quick) as a2e:
            image = a2e.start(IMAGE)
            video = a2e.start(ImageToVideo(image, end_image_url=tmp_path / "me.png", **WORDS))
            assert "BlockingJob" in repr(ImageToVideo(image, **WORDS))
            assert video.result().url
            assert a2e.image_to_video(image.result(), **WORDS).url
            (pair,) = a2e.gather([IMAGE], then=lambda image: ImageToVideo(image, **WORDS))
            assert pair.records[0].family == "image_to_video"
            (job,) = a2e.as_completed([IMAGE], then=lambda image: ImageToVideo(image, **WORDS))
            assert job.result().url
