"""The tasks of one start that its answer does not name."""

from __future__ import annotations

import asyncio
from collections import Counter

import attrs
import pytest
from lost_starts import FOUR_VIDEOS, lose
from virtual_time import client, now, until, virtual

from a2e_async import Journal

COINS = 120


class Noting(Journal):
    """Notes what it is told of the tasks."""

    def __init__(self):
        self.told = []

    async def accepted(self, _tag, task_ids, coins):
        """Note the ids, and what they cost."""
        self.told.append((len(task_ids), coins))

    async def finished(self, _tag, records):
        """Note the end."""
        self.told.append(("finished", len(records)))


@virtual()
async def test_siblings_that_the_reply_does_not_name_are_collected(a2e, sim):
    """A reply that names the first of four videos leads to all four."""
    job = a2e.start(FOUR_VIDEOS)
    await job.accepted()
    assert job.task_ids == sim.world.book.starts[0].task_ids
    assert len((await job).urls) == 4


@pytest.mark.parametrize("lag", [0.4, 5, 20, 45, 58])
@pytest.mark.parametrize("seconds", [2, 30, 200])
def test_siblings_that_show_up_late_are_collected(lag, seconds):
    """Whenever the list shows them within the window, before or after the first has ended, the job has all four."""

    @virtual(list_lag=lag, task_seconds=seconds)
    async def story(a2e, sim):
        view, journal = a2e.with_options(), Noting()
        view._options = attrs.evolve(view._options, journal=journal)
        job = view.start(FOUR_VIDEOS)
        await job.accepted()
        assert now() < 2
        result = await job
        assert result.task_ids == sim.world.book.starts[0].task_ids
        assert len(result.urls) == 4
        assert (job.coins, a2e.spent) == (COINS, COINS)
        assert journal.told[0][0] == 1  # what is known is written down at once
        assert journal.told[-2:] == [(4, COINS), ("finished", 4)]

    story()


@virtual(list_lag=100, task_seconds=150)
async def test_siblings_that_show_up_after_the_window_are_found_when_the_job_ends(a2e, sim, caplog):
    """The list is asked once more at the end, and the job goes on with what it shows."""
    job = a2e.start(FOUR_VIDEOS)
    assert len((await job).urls) == 4
    assert a2e.spent == sim.world.book.spent == COINS
    assert "are known" not in caplog.text


@virtual(list_lag=100, task_seconds=10)
async def test_what_never_shows_is_said(a2e, sim, caplog):
    """A start of which fewer tasks are known than were asked for ends with those, and a warning names them."""
    job = a2e.start(FOUR_VIDEOS)
    result = await job
    assert result.task_ids == sim.world.book.starts[0].task_ids[:1]
    assert f"the start of tag {job.tag} asked for 4 tasks, and 1 are known: {result.task_ids[0]}" in caplog.text


@virtual(task_seconds=10)
async def test_a_list_that_fails_loses_no_sibling(a2e, sim, caplog):
    """Sweeps that fail are made again; at the end the words say what is not known."""
    sim.faults.add("image_to_video.list", "status", status=503, hits=3)
    assert len((await a2e.start(FOUR_VIDEOS)).urls) == 4
    sim.faults.add("image_to_video.list", "status", status=503, hits=None)
    job = a2e.start(FOUR_VIDEOS)
    assert len((await job).urls) == 1
    assert f"the siblings of tag {job.tag} could not be looked for" in caplog.text


@virtual(task_seconds=60)
async def test_many_starts_that_lack_siblings_share_the_sweeps(a2e, sim):
    """400 starts of four videos whose answers name the first alone cost a few dozen list requests together."""
    jobs = [a2e.start(FOUR_VIDEOS) for _ in range(400)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    assert Counter(len(job.task_ids) for job in jobs) == {4: 400}
    assert sim.counters["image_to_video.list"] <= 40


@virtual(list_lag=20, task_seconds=500)
async def test_a_lost_start_collects_its_siblings_too(a2e, sim):
    """A recovered start of which the list shows one task waits for the others like any other."""
    lose(sim, FOUR_VIDEOS)
    job = a2e.start(FOUR_VIDEOS)
    await job.accepted()
    await until(lambda: len(job.task_ids) == 4)
    assert job.task_ids == sim.world.book.starts[0].task_ids


@pytest.mark.parametrize("lost", [None, "before", "after"])
@pytest.mark.parametrize("lag", [0, 100])
def test_tasks_of_an_earlier_start_under_the_same_tag_are_no_siblings(lost, lag):
    """A tag that is used again names two starts: each job has its own four tasks, also when an answer is lost."""

    @virtual(task_seconds=150)
    async def story(a2e, sim):
        sim.world.change(list_lag=lag)
        await a2e.start(FOUR_VIDEOS, tag="usedtwice")
        sim.world.change(list_lag=0)
        if lost:
            lose(sim, FOUR_VIDEOS, when=lost)
        second = await a2e.start(FOUR_VIDEOS, tag="usedtwice")
        assert second.task_ids == sim.world.book.starts[1].task_ids
        assert (len(sim.world.book.starts), a2e.spent) == (2, 2 * COINS)

    story()


@virtual(list_lag=100, task_seconds=500)
async def test_tasks_of_the_other_send_are_no_siblings(a2e, sim):
    """The first send shows up while the second one's tasks are gathered: the job has the four tasks of the second."""
    lose(sim, FOUR_VIDEOS)
    result = await a2e.start(FOUR_VIDEOS)
    first, second = sim.world.book.starts
    assert (first.name[-1], second.name[-1]) == ("a", "b")
    assert result.task_ids == second.task_ids


@pytest.mark.parametrize("how", ["detach", "cancel"])
@pytest.mark.parametrize("wait", [0.02, 0.2, 0.6, 3.0, 30.0])
@virtual(list_lag=10, task_seconds=1_000)
async def test_a_job_that_lacks_siblings_can_be_let_go_of(a2e, sim, how, wait):
    """At any moment it ends, its coins are counted, and no task of ours is left behind."""
    job = a2e.start(FOUR_VIDEOS)
    await asyncio.sleep(wait)
    if how == "detach":
        job.detach()
    else:
        await job.cancel()
    await asyncio.sleep(100)
    job.detach()
    assert a2e.reserved == 0
    assert a2e.spent <= COINS


@virtual(opened=False, list_lag=10, task_seconds=5)
async def test_a_client_that_closes_names_what_is_known(sim, caplog):
    """Closing while siblings are gathered waits for none of them, and says which task goes on."""
    async with client(sim, close_timeout=1) as a2e:
        a2e.start(FOUR_VIDEOS)
        await asyncio.sleep(3)
    assert now() < 5
    assert sim.world.book.starts[0].task_ids[0] in caplog.text


class Failing(Noting):
    """Cannot write down the answer of so many times."""

    def __init__(self, at):
        super().__init__()
        self._at = at

    async def accepted(self, tag, task_ids, coins):
        """Note the ids, or fail."""
        await super().accepted(tag, task_ids, coins)
        if len(self.told) == self._at:
            raise OSError("the disk is full")


@pytest.mark.parametrize("at", [1, 2, 3])
@virtual(list_lag=30, task_seconds=500)
async def test_a_journal_that_fails_ends_the_job_with_its_ids(a2e, sim, at):
    """Whoever cannot write down what shows up late is told so, with the tasks that are known."""
    view = a2e.with_options()
    view._options = attrs.evolve(view._options, journal=Failing(at))
    job = view.start(FOUR_VIDEOS)
    with pytest.raises(OSError, match="disk is full"):
        await job
    assert job.task_ids
    assert set(job.task_ids) <= set(sim.world.book.starts[0].task_ids)
    assert a2e.reserved == 0
