"""What goes wrong with the uploads of starts: lost answers, budgets, cancelling, closing, and what is remembered."""

from __future__ import annotations

import asyncio
import pickle

import attrs
import pytest
from given import OTHER, PNG, WORDS, sent
from photos import png
from uploading import client, service
from virtual_time import until

from a2e_async import (
    A2EError,
    BudgetExceededError,
    ClientClosedError,
    ImageToVideo,
    InputFailedError,
    JobCancelledError,
    StartUnknownError,
    Transfers,
)
from a2e_async.core.inputs import UploadMemory
from a2e_async.engine.jobs.options import Options

DAY = 86_400.0


async def test_a_put_that_fails_for_a_moment_is_tried_again(photo):
    """The URL is asked for once, the file is put until it is there."""
    async with service() as sim, client(sim) as a2e:
        sim.faults.add("upload", "status", status=503, hits=2)
        await a2e.image_to_video(photo, **WORDS)
        assert sent(sim) == (1, 3)


async def test_a_lost_answer_with_the_url_is_not_asked_for_again(photo):
    """It may have been charged: all who wanted this upload by then hear so, none is started; a new start asks anew."""
    async with service() as sim, client(sim) as a2e:
        sim.faults.add("presign", "reset", when="after", hits=1)
        jobs = [a2e.image_to_video(photo, **WORDS) for _ in range(3)]
        for job in jobs:
            with pytest.raises(InputFailedError, match=r"image_url: .*me and you\.png could not be uploaded") as failed:
                await job
            assert isinstance(failed.value.cause, StartUnknownError)
            assert failed.value.field == "image_url"
            assert pickle.loads(pickle.dumps(failed.value)).request.image_url == photo
        assert sent(sim) == (1, 0)
        assert sim.counters["image_to_video.start"] == 0
        await a2e.image_to_video(photo, **WORDS)
        assert sent(sim) == (2, 1)


async def test_a_start_that_was_waiting_when_the_answer_was_lost_asks_for_no_other_one(photo):
    """It wanted the same upload, whose URL may have been charged; that it came to it later changes nothing."""
    async with service() as sim, client(sim) as a2e:
        sim.faults.add("presign", "reset", when="after", hits=1)
        waiting = a2e.virtual_try_on([a2e.text_to_image("a red kite"), photo])
        with pytest.raises(InputFailedError):
            await a2e.image_to_video(photo, **WORDS)
        with pytest.raises(InputFailedError, match="could not be uploaded"):
            await waiting
        assert sent(sim) == (1, 0)


class SlowMemory(UploadMemory):
    """A ledger whose disk is slow; the first write fails where that is wanted."""

    def __init__(self, *, fails=False):
        self.kept = {}
        self.free = asyncio.Event()
        self.fails = fails

    async def remember(self, content, upload):
        """Keep an upload, when the disk is free."""
        await self.free.wait()
        if self.fails:
            self.fails = False
            raise A2EError("the disk is full")
        self.kept[content] = upload


async def test_no_more_uploads_are_unremembered_than_are_sent_at_once():
    """What a process loses that is killed at any moment is as many uploads as there are places for them."""
    memory = SlowMemory()
    async with service() as sim, client(sim, transfers=Transfers(per_host=3)) as a2e:
        asked = [asyncio.create_task(a2e.upload(png(number), memory=memory)) for number in range(10)]
        await until(lambda: sim.counters["upload"] == 3)
        await asyncio.sleep(0.3)
        assert sent(sim) == (3, 3)
        memory.free.set()
        await asyncio.gather(*asked)
        assert len(memory.kept) == 10
        assert sent(sim) == (10, 10)


async def test_a_write_that_fails_while_an_upload_has_its_place_is_made_once_more():
    """The upload is not sent again for it."""
    memory = SlowMemory(fails=True)
    memory.free.set()
    async with service() as sim, client(sim) as a2e:
        await a2e.upload(PNG, memory=memory)
        assert (len(memory.kept), sent(sim)) == (1, (1, 1))


async def test_a_refused_token_is_told_as_such(photo):
    """What concerns the account ends a start as itself, so that a batch stops for it."""
    async with service() as sim, client(sim) as a2e:
        sim.faults.add("presign", "status", status=401, hits=None)
        with pytest.raises(A2EError) as refused:
            await a2e.image_to_video(photo, **WORDS)
        assert type(refused.value).__name__ == "AuthenticationError"
        assert sim.counters["image_to_video.start"] == 0


async def test_uploads_count_in_the_budget(tmp_path):
    """The price of an upload is held before it and spent after it; what it would pass is not sent."""
    async with (
        service(prices={"upload": 2}) as sim,
        client(sim, budget=65, transfers=Transfers(upload_price=2)) as a2e,
    ):
        await asyncio.gather(a2e.image_to_video(PNG, **WORDS), a2e.image_to_video(PNG, **WORDS))
        assert a2e.spent == 62
        assert a2e.reserved == 0
        job = a2e.image_to_video(OTHER, **WORDS)
        with pytest.raises(BudgetExceededError, match="30 coins"):
            await job
        assert await a2e.upload(OTHER)
        assert a2e.spent == 64
        with pytest.raises(BudgetExceededError, match="the upload of"):
            await a2e.upload(OTHER + b"x")
        assert sent(sim) == (2, 2)
        assert sim.counters["image_to_video.start"] == 2
        assert sum(movement.coins for movement in sim.book.movements if movement.family == "upload") == -4


async def test_a_start_that_is_too_dear_uploads_nothing(photo):
    """What the budget refuses anyway costs no upload."""
    async with service() as sim, client(sim, budget=20) as a2e:
        with pytest.raises(BudgetExceededError):
            await a2e.image_to_video(photo, **WORDS)
        assert sent(sim) == (0, 0)


async def test_a_price_that_hangs_on_a_file_is_asked_for_with_its_url(photo):
    """It can be asked for only when the file is there; then the budget knows it like any other."""
    async with service() as sim, client(sim, budget=1000, on_unknown_price="refuse") as a2e:
        assert (await a2e.upscale(photo)).url
        assert a2e.spent > 0
        assert sent(sim) == (1, 1)
        assert sim.counters["quote"] == 1


async def test_a_lost_upload_keeps_its_coins(photo):
    """What may have been charged is not given away again."""
    async with service() as sim, client(sim, budget=100, transfers=Transfers(upload_price=5)) as a2e:
        sim.faults.add("presign", "html", when="after", hits=1)
        with pytest.raises(InputFailedError):
            await a2e.image_to_video(photo, **WORDS)
        assert (a2e.spent, a2e.reserved) == (0, 5)
        sim.faults.add("presign", "status", status=400, hits=1)
        with pytest.raises(InputFailedError):
            await a2e.image_to_video(photo, **WORDS)
        assert (a2e.spent, a2e.reserved) == (0, 5)


async def test_cancelling_while_the_file_is_sent(tmp_path):
    """Nothing is started for it; the upload ends and is there for the next who needs it."""
    async with service() as sim, client(sim) as a2e:
        sim.faults.add("presign", "delay", seconds=10, hits=1)
        job = a2e.image_to_video(PNG, **WORDS)
        await until(lambda: sim.counters["presign"], 0.01)
        assert await job.cancel()
        with pytest.raises(JobCancelledError):
            await job
        await a2e.image_to_video(PNG, **WORDS)
        assert sent(sim) == (1, 1)
        assert sim.counters["image_to_video.start"] == 1


async def test_closing_while_the_file_is_sent(tmp_path):
    """Closing does not wait for it; whoever waits hears that the client was closed, and no task is left."""
    async with service() as sim:
        a2e = await client(sim).open()
        sim.faults.add("upload", "stall", hits=None)
        jobs = [a2e.image_to_video(PNG + bytes([number]), **WORDS) for number in range(20)]
        await until(lambda: sim.counters["upload"], 0.01)
        async with asyncio.timeout(5):
            await a2e.aclose()
        for job in jobs:
            with pytest.raises(ClientClosedError):
                await job
        assert sim.counters["image_to_video.start"] == 0
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("a2e")]


class Kept(UploadMemory):
    """A memory in a dictionary, which notes what it was asked."""

    def __init__(self, known=None):
        self.known = dict(known or {})

    async def recall(self, content):
        """Give what is known."""
        return self.known.get(content)

    async def remember(self, content, upload):
        """Note it."""
        self.known[content] = upload


async def test_a_memory_outlives_the_client(photo):
    """What a store remembers is not uploaded again; a URL with less than a day to live is made anew."""
    kept = Kept()
    options = Options(uploads=kept)
    async with service() as sim:
        for _ in range(2):
            async with client(sim) as a2e:
                await a2e.start(ImageToVideo(photo, **WORDS), options=options)
        assert sent(sim) == (1, 1)
        (digest,) = kept.known
        upload = kept.known[digest]
        assert len(digest) == 64
        left = upload.expires - sim.world.clock.now()
        assert 2 * DAY < left <= 3 * DAY
        kept.known[digest] = attrs.evolve(upload, expires=upload.expires - left + DAY - 60)
        async with client(sim) as a2e:
            await a2e.start(ImageToVideo(photo, **WORDS), options=options)
        assert sent(sim) == (2, 2)
        assert kept.known[digest].expires > upload.expires - 3600


async def test_a_memory_is_filled_from_the_client(photo):
    """What this client has uploaded for somebody else is written down for a store, too."""
    kept = Kept()
    async with service() as sim, client(sim) as a2e:
        link = await a2e.upload(photo)
        await a2e.start(ImageToVideo(photo, **WORDS), options=Options(uploads=kept))
        assert [upload.url for upload in kept.known.values()] == [link]
        assert sent(sim) == (1, 1)


async def test_a_memory_that_fails_ends_the_start(photo):
    """What cannot be written down is not started: a later process would pay for it again."""

    class Full(UploadMemory):
        async def remember(self, content, upload):
            raise OSError("disk full")

    async with service() as sim, client(sim) as a2e:
        with pytest.raises(OSError, match="disk full"):
            await a2e.start(ImageToVideo(photo, **WORDS), options=Options(uploads=Full()))
        assert sim.counters["image_to_video.start"] == 0
