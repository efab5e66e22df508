"""Files as inputs: examined before anything is sent, uploaded once by their content, shared by all who need them."""

from __future__ import annotations

import asyncio
import io

import pytest
from given import OTHER, PNG, WORDS, sent
from uploading import client, service

from a2e_async import (
    ImageToVideo,
    InputFailedError,
    InvalidRequestError,
    TransportError,
    Uploaded,
)
from a2e_async.requests import WanVideo


async def test_every_kind_of_file_is_an_input(photo):
    """A path, bytes, an open file and one in memory of one content are one upload, and nothing is left open."""
    async with service() as sim, client(sim) as a2e:
        with photo.open("rb") as file:
            of_file = a2e.image_to_video(file, **WORDS)
            assert file.tell() == 0
        memory = io.BytesIO(b"skipped" + PNG)
        memory.seek(7)
        given = [photo, PNG, memory, io.BufferedReader(io.BytesIO(PNG))]
        jobs = [of_file, *(a2e.image_to_video(one, **WORDS) for one in given)]
        memory.seek(0)
        memory.write(OTHER)  # what a start was given it keeps
        await asyncio.gather(*jobs)
        assert sent(sim) == (1, 1)
        assert sim.counters["image_to_video.start"] == 5
        assert jobs[1].request.image_url == photo
        link = await a2e.upload(photo)
        assert sent(sim) == (1, 1)
        assert (await a2e.download(link, photo.parent / "back"))[0].read_bytes() == PNG


async def test_the_same_content_at_once_is_one_upload(tmp_path):
    """Ten photos in five hundred requests are ten uploads, whatever their names are, and all five asked for at once."""
    async with service(coins=100_000) as sim, client(sim) as a2e:
        same = await asyncio.gather(*(a2e.upload(PNG) for _ in range(5)))
        assert len(set(same)) == 1
        assert sent(sim) == (1, 1)
        for number in range(10):
            (tmp_path / f"{number}.png").write_bytes(PNG + bytes([number]))
        photos = [tmp_path / f"{number % 10}.png" for number in range(500)]
        await a2e.gather([ImageToVideo(photo, **WORDS) for photo in photos])
        assert sent(sim) == (11, 11)
        assert sim.counters["image_to_video.start"] == 500


async def test_uploads_are_told_once_with_their_facts(photo):
    """The event has what was uploaded; what was there before is not told of again, and a failure is."""
    async with service() as sim, client(sim) as a2e:
        events = a2e.events()
        await a2e.image_to_video(photo, **WORDS)
        await a2e.image_to_video(PNG, **WORDS)
        sim.faults.add("upload", "status", status=403, hits=None)
        with pytest.raises(InputFailedError):
            await a2e.image_to_video(OTHER, **WORDS)
    told = [event async for event in events if isinstance(event, Uploaded)]
    assert [(event.name, event.size, event.kind, bool(event.url)) for event in told] == [
        (str(photo), len(PNG), "image/png", True),
        (f"{len(OTHER):,} bytes", len(OTHER), "image/png", False),
    ]
    assert told[0].error is None
    assert isinstance(told[1].error, TransportError)
    assert len(told[0].digest) == 64
    assert told[0].began <= told[0].at


async def test_files_and_jobs_stand_side_by_side(photo):
    """One list may hold a path, a job, bytes and a URL; each comes in its place."""
    async with service() as sim, client(sim) as a2e:
        job = a2e.text_to_image("a dress")
        worn = a2e.virtual_try_on([photo, job, OTHER, "https://f.example/shoes.png"])
        await worn
        urls = sim.world.task(worn.task_ids[0]).fields["image_urls"]
        assert urls[1] == (await job).url
        assert urls[3] == "https://f.example/shoes.png"
        assert [url.rpartition("-")[2] for url in (urls[0], urls[2])] == ["you.png", "file.png"]
        assert worn.request.image_urls[0] == photo
        assert worn.request.image_urls[1] == urls[1]


async def test_files_inside_objects_are_uploaded(photo):
    """Also where the URL stands in an object in a list."""
    async with service() as sim, client(sim) as a2e:
        references = [{"type": "reference_image", "url": photo}]
        request = WanVideo(
            model="wan2.7-i2v", task_type="reference_image", reference_media=references, duration=5, **WORDS
        )
        job = a2e.start(request)
        await job
        assert sim.world.task(job.task_ids[0]).fields["reference_media"][0]["url"].endswith("-me-and-you.png")
        assert sent(sim) == (1, 1)


async def test_a_file_that_changes_between_starts_is_another(photo):
    """Its content counts, not its name."""
    async with service() as sim, client(sim) as a2e:
        await a2e.image_to_video(photo, **WORDS)
        photo.write_bytes(OTHER[:-1] + b"x")
        await a2e.image_to_video(photo, **WORDS)
        assert sent(sim) == (2, 2)


async def test_files_wait_for_jobs_before_they_are_sent(photo):
    """A start whose job fails has uploaded nothing; a file's fault is told without waiting for the job."""
    async with service(fails=lambda family, _body: family == "text_to_image") as sim, client(sim) as a2e:
        image = a2e.text_to_image("a red kite")
        bad = a2e.image_to_video(image, end_image_url=photo.with_name("none.png"), **WORDS)
        with pytest.raises(InvalidRequestError, match="end_image_url"):
            await bad
        assert not image.done()
        with pytest.raises(InputFailedError, match="image_url"):
            await a2e.image_to_video(image, end_image_url=photo, **WORDS)
        assert sent(sim) == (0, 0)
