"""Files as inputs of durable jobs: sent to the service once for all processes, and known by their content."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest

from a2e_async import A2EClient, ImageToVideo, InvalidRequestError, KeyConflictError, simulator

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xff\xff\xff"
    b"\x7f\0\t\xfb\x03\xfd\x05CE\xca\0\0\0\0IEND\xaeB`\x82"
)
VIDEO = {"prompt": "it climbs", "negative_prompt": "blurry"}


@contextlib.asynccontextmanager
async def two_processes(folder):
    """Give a simulator and two clients with one store."""
    async with simulator.serve(task_seconds=0.1, media="tiny") as sim:
        store = f"sqlite:///{folder}/jobs.sqlite"
        one, other = (A2EClient(sim.token, base_url=sim.url, store=store, lease=2) for _ in range(2))
        async with one, other:
            yield sim, one, other


async def test_a_file_is_uploaded_once_for_all_processes(tmp_path):
    """The same bytes, in another process and under another key, are not sent again."""
    async with two_processes(tmp_path) as (sim, first, second):
        await first.start(ImageToVideo(PNG, **VIDEO), key="one")
        await second.start(ImageToVideo(PNG, **VIDEO), key="two")
    assert sim.counters["upload"] == 1
    assert len(sim.book.starts) == 2


async def test_a_file_is_known_by_its_content(tmp_path):
    """Bytes and a path with the same content are one intent; another content under the key is a conflict."""
    kite, boat = tmp_path / "kite.png", tmp_path / "boat.png"
    kite.write_bytes(PNG)
    boat.write_bytes(PNG + b"!")
    async with two_processes(tmp_path) as (sim, first, second):
        made = await first.start(ImageToVideo(PNG, **VIDEO), key="one")
        assert (await second.start(ImageToVideo(kite, **VIDEO), key="one")).urls == made.urls
        with pytest.raises(KeyConflictError, match="image_url"):
            await second.start(ImageToVideo(boat, **VIDEO), key="one")
    assert len(sim.book.starts) == 1


async def test_a_key_is_given_again_however_its_file_is_given(tmp_path):
    """As a path, as bytes, and by a client that has taken the job over, which knows the content alone."""
    kite, copy, boat = (tmp_path / f"{name}.png" for name in ("kite", "copy", "boat"))
    for path, content in ((kite, PNG), (copy, PNG), (boat, PNG + b"!")):
        path.write_bytes(content)
    async with simulator.serve(task_seconds=0.5, media="tiny") as sim:
        new = {"base_url": sim.url, "store": f"sqlite:///{tmp_path}/jobs.sqlite"}
        async with A2EClient(sim.token, **new) as first:
            job = first.start(ImageToVideo(PNG, **VIDEO), key="one")
            assert first.start(ImageToVideo(kite, **VIDEO), key="one") is job
            await job.accepted()
        async with A2EClient(sim.token, **new) as second:
            again = [second.start(ImageToVideo(given, **VIDEO), key="one") for given in (kite, copy, PNG)]
            with pytest.raises(KeyConflictError, match="image_url"):
                second.start(ImageToVideo(boat, **VIDEO), key="one")
            assert len({(await one).url for one in again}) == 1
        assert (len(sim.book.starts), sim.counters["upload"]) == (1, 1)


@pytest.mark.skipif(os.name != "posix", reason="pipes")
async def test_a_pipe_under_a_key_is_refused_and_not_waited_for(tmp_path):
    """Nobody may ever write to it."""
    os.mkfifo(tmp_path / "pipe.png")
    async with two_processes(tmp_path) as (sim, first, _second):
        async with asyncio.timeout(5):
            with pytest.raises(InvalidRequestError, match="image_url: must be a plain file, not a pipe"):
                await first.start(ImageToVideo(tmp_path / "pipe.png", **VIDEO), key="one")
        assert not sim.book.starts
