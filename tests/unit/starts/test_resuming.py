"""What an earlier process may have sent: it is looked for first, and found by hand."""

from __future__ import annotations

import pytest
from lost_starts import FOUR_IMAGES, crowd, lose, resumed
from virtual_time import IMAGE, caught, client, now, virtual

from a2e_async import (
    StartUnknownError,
    TextToImage,
    UsageError,
)
from a2e_async.core import tags


@virtual()
async def test_look_first_adopts_what_an_earlier_process_started(a2e, sim):
    """A resume takes over the task that is there and sends nothing."""
    earlier = a2e.start(IMAGE, tag="resumed1")
    await earlier
    async with client(sim) as other:
        job = other.start(IMAGE, tag="resumed1", find_first=True)
        assert (await job).task_ids == earlier.task_ids
    assert sim.counters["text_to_image.start"] == 1


@virtual()
async def test_look_first_starts_what_is_not_there(a2e, sim):
    """A resume of an intent that was never sent sends it, as a first send, after the window."""
    job = a2e.start(IMAGE, tag="resumed1", find_first=True)
    await job.accepted()
    assert 60 < now() < 62
    assert sim.world.book.starts[0].name == "a red kite ~resumed1a"


@virtual()
async def test_look_first_sends_the_second_letter_after_an_earlier_process(a2e, sim):
    """What another process may have sent an hour ago and is not there is sent once more, after the whole window."""
    view = resumed(a2e, sim.world.clock.now() - 3_600)
    await view.start(IMAGE, tag="resumed1").accepted()
    assert now() > 60  # no proof is ever hasty
    assert sim.world.book.starts[0].name == "a red kite ~resumed1b"


@pytest.mark.parametrize("sent_before", [True, False])
@virtual(list_lag=40)
async def test_look_first_waits_for_a_list_that_lags(a2e, sim, sent_before):
    """What another process sent a moment ago and the list does not show yet is recovered, not sent again."""
    name = tags.put("a red kite", "resumed1", "a", 100)
    (task,) = sim.world.start("text_to_image", {"prompt": "x", "name": name})
    view = resumed(a2e, sim.world.clock.now() if sent_before else None)
    assert (await view.start(IMAGE, tag="resumed1")).task_ids == (task.id,)
    assert sim.counters["text_to_image.start"] == 0


@pytest.mark.parametrize(("letters", "on_unknown"), [("ab", "resend"), ("b", "resend"), ("a", "raise")])
@virtual()
async def test_what_may_not_be_sent_again_is_not_after_a_restart(a2e, sim, letters, on_unknown):
    """Two sends of earlier processes are the most there are, and "raise" holds for them, too: proven absent or not."""
    view = resumed(a2e, sim.world.clock.now() - 3_600, letters)
    error = await caught(view.start(IMAGE, tag="resumed1", on_unknown=on_unknown).wait())
    assert isinstance(error, StartUnknownError)
    assert sim.counters["text_to_image.start"] == 0


@virtual()
async def test_a_second_send_after_an_earlier_process_is_the_last(a2e, sim):
    """The send of a resume counts as the second: when it is lost and not found there is no third."""
    lose(sim, IMAGE, when="before", hits=None)
    view = resumed(a2e, sim.world.clock.now() - 3_600)
    assert isinstance(await caught(view.start(IMAGE, tag="resumed1").wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 1


@virtual(task_seconds=400)
async def test_a_double_of_an_earlier_process_is_reported_when_the_job_settles(a2e, sim, caplog):
    """The first send of another process that shows up late is found at the end."""
    name = tags.put("a red kite", "resumed1", "a", 100)
    (first,) = sim.world.start("text_to_image", {"prompt": "x", "name": name})
    sim.world.change(list_lag=300)
    await resumed(a2e, sim.world.clock.now()).start(IMAGE, tag="resumed1")
    assert f"tag resumed1 was taken twice: {sim.world.book.starts[1].task_ids[0]} is kept, {first.id}" in caplog.text


@pytest.mark.parametrize("hours", [48.1, 72, 1_000])
@virtual()
async def test_what_may_have_been_sent_too_long_ago_is_not_sent_again(a2e, sim, hours):
    """Lists drop what has expired, so absence proves nothing for an old start."""
    view = resumed(a2e, sim.world.clock.now() - hours * 3_600)
    job = view.start(IMAGE, tag="resumed1")
    assert isinstance(await caught(job.wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 0


@virtual()
async def test_an_old_start_is_not_sent_again_when_the_clock_is_not_known(a2e, sim):
    """While the service's time cannot be learned, the age of a start is not taken for zero."""
    sim.faults.add("text_to_image.list", "reset", hits=6)
    view = resumed(a2e, sim.world.clock.now() - 72 * 3_600)
    assert isinstance(await caught(view.start(IMAGE, tag="resumed1").wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 0


@virtual()
async def test_look_first_without_a_list_sends_nothing(a2e, sim):
    """While the list cannot be had a resume does not know, and so does not send."""
    sim.faults.add("text_to_image.list", "status", status=503, hits=None)
    job = a2e.start(IMAGE, tag="resumed1", find_first=True)
    assert isinstance(await caught(job.wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 0


@virtual()
async def test_find_gives_the_job_of_a_tag(a2e, sim):
    """The tasks of a tag are given as a job, in the order in which they were made."""
    await a2e.start(FOUR_IMAGES, tag="findable").accepted()
    async with client(sim) as other:
        job = await other.find(TextToImage, "findable")
        assert (await job).task_ids == sim.world.book.starts[0].task_ids


@virtual()
async def test_find_gives_none_for_a_tag_that_is_not_there(a2e, sim):
    """A list in full without the tag means None."""
    crowd(sim, 150)
    assert await a2e.find(TextToImage, "findable") is None


@virtual()
async def test_find_raises_when_the_list_cannot_be_had(a2e, sim):
    """None would invite the caller to pay twice, so a list that fails is an error."""
    sim.faults.add("text_to_image.list", "null", hits=None)
    assert type(await caught(a2e.find(TextToImage, "findable"))).__name__ == "ProtocolError"
    sim.faults.clear()
    sim.faults.add("text_to_image.list", "status", status=503, hits=None)
    assert type(await caught(a2e.find(TextToImage, "findable"))).__name__ == "ServiceError"


@virtual()
async def test_find_asks_a_list_that_fails_again(a2e, sim):
    """One bad answer of the list does not spoil a search."""
    await a2e.start(IMAGE, tag="findable").accepted()
    sim.faults.add("text_to_image.list", "status", status=503)
    assert await a2e.find("text_to_image", "findable") is not None


@pytest.mark.parametrize("family", ["head_swap", "face_swap_preview"])
@virtual()
async def test_find_refuses_a_family_without_names(a2e, sim, family):
    """None would say that no task has the tag, which the list of a family without names never shows."""
    with pytest.raises(UsageError, match="carry no name"):
        await a2e.find(family, "findable")
    assert not sim.counters


@virtual()
async def test_a_family_without_a_list_says_so(a2e, sim):
    """Where the service has no list nothing is sent to one that was made up."""
    with pytest.raises(UsageError, match="has no list"):
        [record async for record in a2e.records("face_swap_preview")]
    assert not sim.counters


@virtual(task_seconds=400)
async def test_both_sends_of_a_past_that_nobody_wrote_down_are_told_apart(a2e, sim, caplog):
    """Where a first look by the tag alone shows an "a" and a "b", the first is recovered and the other is a double."""
    for letter in "ab":
        sim.world.start("text_to_image", {"prompt": "x", "name": tags.put("a red kite", "resumed1", letter, 100)})
    result = await resumed(a2e, None).start(IMAGE, tag="resumed1")
    first, second = sim.world.book.starts
    assert result.task_ids == first.task_ids
    assert f"tag resumed1 was taken twice: {first.task_ids[0]} is kept, {second.task_ids[0]}" in caplog.text
