"""Rows as dead processes leave them: what this version can go on with it does, the rest it says and leaves alone."""

from __future__ import annotations

import time

import pytest
from durable import durable, ended

from a2e_async import ImageToVideo, InputFailedError, JobTimeoutError
from a2e_async.store.entries import Entry
from a2e_async.store.ports import JOBS, KeptUpload

DAY = 86_400
SHA = "ab" * 32
OF_TOMORROW = Entry(id="odd", key="odd", family="of_tomorrow", fields={"prompt": "a kite"})


def kite(key, **fields):
    """Make the row of an image."""
    return Entry(id=key, key=key, family="text_to_image", fields={"prompt": "a kite", **fields})


def video(key, image_url):
    """Make the row of a video."""
    fields = {"prompt": "it climbs", "negative_prompt": "blurry", "image_url": image_url}
    return Entry(id=key, key=key, family="image_to_video", fields=fields)


async def leave(world, *rows, uploads=()):
    """Write rows down as a process does that ends before anything was sent."""
    view = world.store.another()
    await view.open()
    lease = await view.lease()
    await (await view.join(JOBS, lease)).plan(rows)
    for one in uploads:
        await view.keep_upload(one)
    await view.aclose()


def told(caplog):
    """Give the warnings."""
    return [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


@durable()
async def test_a_row_of_an_unknown_family_keeps_no_other_from_going_on(world, caplog):
    """It is said, it stays for a version that knows it, and the row behind it is started."""
    await leave(world, OF_TOMORROW, kite("one"))
    heir = await world.process()
    await ended(heir, "one")
    assert "the job of key odd cannot be gone on with by this version" in told(caplog)
    assert (await heir.find_job("odd")).state == "planned"
    assert (await heir.find_job("odd")).request is None
    assert await heir.job_with("odd") is None
    assert world.starts == 1


@durable()
async def test_a_row_with_a_field_of_another_version_is_left_to_it(world, caplog):
    """A start without that field would be another one than was asked for."""
    await leave(world, kite("odd", sparkle=3), kite("one"))
    heir = await world.process()
    await ended(heir, "one")
    assert any("the request of key odd cannot be made by this version" in one for one in told(caplog))
    assert (await heir.find_job("odd")).state == "planned"
    assert world.starts == 1


@durable()
async def test_a_row_whose_options_cannot_be_read_keeps_no_other_from_going_on(world, caplog):
    """The kind of the error is said; the row behind it is started."""
    await leave(world, kite("odd", **{"a2e.options": "none"}), kite("one"))
    heir = await world.process()
    await ended(heir, "one")
    assert "the job of key odd cannot be gone on with: UsageError" in told(caplog)
    assert world.starts == 1


@durable(task_seconds=60)
async def test_the_time_limit_that_was_chosen_holds_in_another_process(world):
    """A job with a limit of 5 s is given up after 5 s by whoever goes on with it, and its task goes on."""
    await leave(world, kite("one", **{"a2e.options": {"timeout": 5}}))
    heir = await world.process()
    job = await heir.job_with("one")
    with pytest.raises(JobTimeoutError):
        await job
    assert (await heir.find_job("one")).state == "accepted"


@durable()
async def test_a_file_that_died_with_its_process_is_asked_for_anew(world):
    """Nothing is sent, the words say what is lacking, and the same key may be given again."""
    await leave(world, video("one", {"a2e.file": SHA}))
    heir = await world.process()
    (found,) = await ended(heir, "one")
    assert found.state == "refused"
    assert isinstance(found.error, InputFailedError)
    assert "what it takes died with its process (file)" in found.error.message
    assert world.starts == 0


@pytest.mark.parametrize(("seconds", "starts"), [(3 * DAY, 1), (DAY / 2, 0)])
@durable()
async def test_a_file_that_was_uploaded_is_taken_from_where_it_lies(world, seconds, starts):
    """Its URL is sent while it has more than a day to live: a start may wait that long for its turn."""
    known = KeptUpload(sha256=SHA, url="http://example.com/kept.png", expires=time.time() + seconds)
    await leave(world, video("one", {"a2e.file": SHA}), uploads=[known])
    heir = await world.process()
    await ended(heir, "one")
    assert [task.fields["image_url"] for task in world.sim.world.tasks] == [known.url] * starts


@durable()
async def test_a_task_that_a_row_takes_is_watched_by_whoever_goes_on_with_it(world):
    """The job had no key: its family and ids stand in the row."""
    (task,) = world.sim.world.start("text_to_image", {"prompt": "a kite", "name": "a kite"})
    await leave(world, video("one", {"a2e.tasks": ["text_to_image", task.id]}))
    heir = await world.process()
    await ended(heir, "one")
    record = await heir.record("text_to_image", task.id)
    assert list(world.sim.world.tasks)[-1].fields["image_url"] == record.urls[0]


@durable()
async def test_a_start_that_takes_a_watched_task_keeps_its_ids(world):
    """Another process finds the same intent: the job that was attached has no key of its own."""
    (task,) = world.sim.world.start("text_to_image", {"prompt": "a kite", "name": "a kite"})
    a2e = await world.process()
    image = a2e.attach("text_to_image", task.id)
    await a2e.start(ImageToVideo(image, prompt="it climbs", negative_prompt="blurry"), key="one")
    assert (await a2e.find_job("one")).fields["image_url"] == {"a2e.tasks": ["text_to_image", task.id]}
