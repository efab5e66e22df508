"""A second send whose first was taken after all: the first that is known is kept, the other reported."""

from __future__ import annotations

import asyncio

import pytest
from lost_starts import FOUR_IMAGES, FOUR_VIDEOS, lose
from virtual_time import VIDEO, until, virtual


async def doubled(a2e, sim, request=VIDEO, *, seconds, unseen=0):
    """Let both sends of a start be taken and be seen when the second one is looked for."""
    sim.world.change(list_lag=1_000, task_seconds=seconds)
    lose(sim, request, hits=2)
    job = a2e.start(request)
    await until(lambda: len(sim.world.book.starts) == 2)
    await asyncio.sleep(unseen)
    sim.world.change(list_lag=0)
    await job.accepted()
    return job


@virtual(list_lag=300, task_seconds=3_600)
async def test_with_a_longer_lag_the_second_bill_is_found_and_refunded(a2e, sim, caplog):
    """A start that shows up only after the window is sent twice, and its double is deleted while it has not begun."""
    sim.world.change(task_seconds=6_000)
    lose(sim, VIDEO)
    job = a2e.start(VIDEO, timeout=None)
    await job
    first, second = sim.world.book.starts
    assert first.tag == second.tag == job.tag
    assert job.task_ids == second.task_ids
    assert (first.refunded, second.refunded) == (0, 0)  # the first had run for long when the list showed it
    assert f"tag {job.tag} was taken twice: {second.task_ids[0]} is kept, {first.task_ids[0]} is" in caplog.text


@virtual()
async def test_of_two_sends_that_are_seen_the_first_is_kept_and_the_other_refunded(a2e, sim, caplog):
    """Both sends visible: the first is watched, the second deleted while it is initialized, and its coins come back."""
    job = await doubled(a2e, sim, seconds=2_000)
    first, second = sim.world.book.starts
    assert job.task_ids == first.task_ids
    await job
    assert (first.refunded, second.refunded) == (0, second.coins)
    assert a2e.spent == first.coins
    assert (
        f"tag {job.tag} was taken twice: {first.task_ids[0]} is kept, {second.task_ids[0]} was deleted" in caplog.text
    )


@virtual()
async def test_a_double_of_four_is_cleared_task_by_task(a2e, sim):
    """Each task of the second send is deleted, also when one deletion fails at first."""
    sim.faults.add("text_to_image.delete", "status", status=500, hits=1)
    job = await doubled(a2e, sim, FOUR_IMAGES, seconds=2_000)
    first, second = sim.world.book.starts
    await job
    assert job.task_ids == first.task_ids
    assert (first.refunded, second.refunded) == (0, second.coins)


@virtual()
async def test_a_double_that_has_ended_is_reported_and_never_deleted(a2e, sim, caplog):
    """A finished double stays: deleting it would lose the video and refund nothing."""
    job = await doubled(a2e, sim, seconds=5, unseen=20)
    await job
    _first, second = sim.world.book.starts
    assert f"{second.task_ids[0]} is completed and was left alone" in caplog.text
    assert sim.counters["image_to_video.delete"] == 0
    assert a2e.spent == sim.world.book.spent


@pytest.mark.parametrize(
    "case",
    [
        ("detail", {"kind": "status", "status": 404}, "could not be deleted"),
        ("delete", {"kind": "status", "status": 400}, "could not be deleted"),
        ("delete", {"kind": "status", "status": 404}, "is gone"),
        ("delete", {"kind": "reset", "when": "after", "hits": 1}, "is gone, after a deletion without an answer"),
        ("delete", {"kind": "status", "status": 500}, "could not be deleted"),
    ],
)
@virtual()
async def test_what_became_of_a_double_is_said_and_counted(a2e, sim, caplog, case):
    """Coins of a double count as charged unless its deletion was granted: nobody knows what any other one refunded."""
    route, fault, said = case
    sim.faults.add(f"image_to_video.{route}", **{"hits": None, **fault})
    job = await doubled(a2e, sim, seconds=2_000)
    first, second = sim.world.book.starts
    await asyncio.sleep(300)
    assert f"{first.task_ids[0]} is kept, {second.task_ids[0]} {said}" in caplog.text
    assert a2e.spent == first.coins + second.coins
    job.detach()


@virtual(list_lag=90)
async def test_a_double_that_shows_up_only_when_the_job_settles_is_reported(a2e, sim, caplog):
    """The list is polled once more at the end, so a late first send does not go unnoticed."""
    sim.world.change(task_seconds=1_000)
    lose(sim, VIDEO)
    job = a2e.start(VIDEO)
    await job.accepted()
    assert "taken twice" not in caplog.text
    await job
    first, second = sim.world.book.starts
    assert job.task_ids == second.task_ids
    assert f"{second.task_ids[0]} is kept, {first.task_ids[0]} is completed and was left alone" in caplog.text
    assert a2e.spent == sim.world.book.spent == 60


@virtual()
async def test_a_list_that_fails_when_doubles_are_looked_for_is_said(a2e, sim, caplog):
    """A job still settles when the list fails at the end, and the log says what is not known."""
    lose(sim, VIDEO, when="before")
    job = a2e.start(VIDEO)
    await job.accepted()
    sim.faults.add("image_to_video.list", "status", status=503, hits=None)
    await job
    assert f"tag {job.tag} was sent twice, and the list cannot be checked" in caplog.text


@pytest.mark.parametrize(("lag", "seconds"), [(0, 5), (20, 5), *((0.5 + late / 20, 2_000) for late in range(8))])
def test_siblings_of_the_second_send_are_no_doubles(lag, seconds, caplog):
    """The first send was never taken, the answer to the second names one of four: the others are not deleted."""

    @virtual(list_lag=lag, task_seconds=seconds)
    async def story(a2e, sim):
        lose(sim, FOUR_VIDEOS, when="before")
        result = await a2e.start(FOUR_VIDEOS)
        (start,) = sim.world.book.starts
        assert start.name.endswith("b")
        assert set(result.task_ids) == set(start.task_ids)
        assert start.refunded == 0
        assert a2e.spent == start.coins
        assert "taken twice" not in caplog.text

    story()
