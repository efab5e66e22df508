"""Results of tasks: links that have expired are asked for once more, several outputs come together."""

from __future__ import annotations

import asyncio

import pytest
from uploading import client
from videos import names

from a2e_async import (
    DownloadError,
    TextToImage,
)
from a2e_async.simulator import serve


async def test_an_expired_link_is_refreshed_exactly_once(tmp_path):
    """A link that lives no more is asked for at its task; the file comes, with one more look at the task."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        result = await a2e.text_to_image("a red kite")
        sim.faults.add("file", "status", status=403)
        polls = sim.counters["text_to_image.detail"]
        (path,) = await a2e.download(result, tmp_path)
        assert path.read_bytes().startswith(b"\x89PNG")
        assert sim.counters["text_to_image.detail"] == polls + 1
        assert sim.counters["file"] == 2


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_link_that_stays_expired_is_said(tmp_path, status):
    """When the fresh link is refused too the error says so, and names the task."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        result = await a2e.text_to_image("a red kite")
        sim.faults.add("file", "status", status=status, hits=None)
        with pytest.raises(DownloadError, match="expired") as caught:
            await a2e.download(result, tmp_path)
        assert caught.value.expired
        assert caught.value.task_ids == result.task_ids
        assert sim.counters["file"] == 2


@pytest.mark.parametrize("kind", ["no_route", "null"])
async def test_a_task_that_is_gone_leaves_the_link_expired(tmp_path, kind):
    """When the task itself cannot be had any more the error is still that of the link."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        result = await a2e.text_to_image("a red kite")
        sim.faults.add("file", "status", status=404, hits=None)
        sim.faults.add("*.detail", kind, hits=None)
        with pytest.raises(DownloadError, match="expired") as caught:
            await a2e.download(result, tmp_path)
        assert caught.value.expired


async def test_results_expire_for_real(tmp_path):
    """A link of the simulator that has expired by its clock is refreshed."""
    async with serve(speed=2_000, media="tiny", task_seconds=1, file_ttl=600) as sim, client(sim) as a2e:
        result = await a2e.text_to_image("a red kite")
        await asyncio.sleep(0.5)  # a quarter of an hour over there
        assert len(await a2e.download(result, tmp_path)) == 1
        assert sim.counters["file"] == 2


async def test_images_of_one_start_are_downloaded_together(tmp_path):
    """The result of four images is four files."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        result = await a2e.start(TextToImage("four", max_images=4))
        paths = await a2e.download(result, tmp_path)
        assert len({path.name for path in paths}) == 4
        assert len(names(tmp_path)) == 4
