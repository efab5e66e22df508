"""A fault of our own costs a turn, a poll or a row, and never the watch of the other tasks."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import sys

import pytest
from virtual_time import IMAGE, VIDEO, caught, now, until, virtual

from a2e_async import A2EError
from a2e_async.engine.polling.deadlines import Alarm, Deadlines


def poller_of(a2e):
    """Give the poller of an open client."""
    return a2e._shared.opened.engine.poller


def faulty(times, whole):
    """Give a function that fails so many times and then does what it should."""
    left = [times]

    def call(*given, **named):
        if left[0] > 0:
            left[0] -= 1
            raise KeyError("a fault of our own")
        return whole(*given, **named)

    return call


@pytest.mark.parametrize("times", [1, 7])
@pytest.mark.parametrize("place", ["read", "running", "ended", "note"])
@virtual(task_seconds=20)
async def test_a_row_that_cannot_be_read_costs_its_task_a_poll(a2e, sim, times, place, caplog):
    """Wherever the reading of a row goes wrong, all jobs end well, and soon; it is in the log."""
    caplog.set_level(logging.CRITICAL, "a2e_async")
    jobs = [a2e.start(VIDEO) for _ in range(50)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    poller = poller_of(a2e)
    owner = {"read": poller._reader, "note": poller._absences}.get(place, poller._learned)
    name = "shown" if place == "note" else place
    setattr(owner, name, faulty(times, getattr(owner, name)))
    await asyncio.gather(*jobs)
    assert now() < 30


@pytest.mark.parametrize("place", ["_read", "_trouble", "_suspect"])
@virtual(task_seconds=20)
async def test_a_look_that_fails_by_our_own_fault_is_repeated(a2e, sim, place, caplog):
    """Its tasks are in the queue again."""
    jobs = [a2e.start(VIDEO) for _ in range(50)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    poller = poller_of(a2e)
    setattr(poller, place, faulty(2, getattr(poller, place)))
    sim.faults.add("*.batch", "html", hits=2)
    await asyncio.gather(*jobs)
    assert now() < 60
    assert "internal error in" in caplog.text


@virtual(task_seconds=20)
async def test_a_turn_that_fails_is_repeated(a2e, sim, caplog):
    """The poller goes on after a pause, and says so."""
    poller = poller_of(a2e)
    job = a2e.start(VIDEO)
    await job.accepted()
    poller._queue.take = faulty(5, poller._queue.take)
    await job
    assert "goes on" in caplog.text
    assert now() < 60


@virtual(task_seconds=20)
async def test_nothing_is_sent_once_the_poller_is_dead(a2e, sim):
    """Jobs end with its error and their ids, queued ones unsent; start and attach refuse, and closing works."""
    poller = poller_of(a2e)
    job = a2e.start(VIDEO)
    await job.accepted()
    poller._queue.take = faulty(10**9, poller._queue.take)
    error = await caught(job.wait())
    assert type(error) is A2EError
    assert error.task_ids == job.task_ids
    assert "the poller ended: KeyError" in str(error)
    before = len(sim.world.book.starts)
    for refused in (lambda: a2e.start(VIDEO), lambda: a2e.attach("sora", "0" * 24)):
        with pytest.raises(A2EError, match="not started"):
            refused()
    assert len(sim.world.book.starts) == before


@virtual(options={"max_starts": 1}, task_seconds=20)
async def test_what_is_queued_when_the_poller_dies_is_never_sent(a2e, sim):
    """Nobody would watch it."""
    poller = poller_of(a2e)
    running = a2e.start(VIDEO)
    await running.accepted()
    poller._turn = faulty(10**9, poller._turn)
    sim.faults.add("*.start", "delay", seconds=600)
    jobs = [a2e.start(IMAGE) for _ in range(5)]
    await caught(running.wait())
    await until(lambda: all(job.done() for job in jobs))
    await asyncio.sleep(1000)
    assert len(sim.world.book.starts) == 2  # the video, and the image that was on the wire


@virtual(task_seconds=30)
async def test_every_listener_hears_each_change(a2e, sim):
    """Whichever job of a task it listens to, and whether the others are listened to or not."""
    job = a2e.start(IMAGE)
    await job.accepted()
    same = [a2e.attach("text_to_image", *job.task_ids) for _ in range(3)]
    heard = {1: [], 2: []}

    async def listen(number):
        async for record in same[number].updates():
            heard[number].append(record.name)

    listening = [asyncio.ensure_future(listen(number)) for number in heard]
    await asyncio.sleep(10)
    next(iter(sim.world.tasks)).name = "renamed"
    await asyncio.sleep(5)
    assert all("renamed" in names for names in heard.values())
    await asyncio.gather(job, *same, *listening)


async def test_after_a_sleep_of_the_machine_nothing_gives_up_before_it_was_looked_at():
    """Time limits that passed while the machine stood still wait until the tasks were asked for once more."""
    deadlines = Deadlines()

    class Limited:
        number, accepted_at, family = 1, 0.0, None

        class options:  # noqa: N801 - as a job has them
            @staticmethod
            def seconds(_family):
                return 10.0

    job = Limited()
    deadlines.add(job)
    deadlines.add(job)
    deadlines.wait_until(500.0)
    assert (deadlines.next(), list(deadlines.passed(400.0))) == (500.0, [])
    assert list(deadlines.passed(500.0)) == [job]
    assert list(deadlines.passed(500.0)) == []


@virtual(task_seconds=5)
async def test_a_job_whose_task_ended_while_the_machine_slept_has_its_result(a2e, sim):
    """A time limit that passed in the sleep gives way to one more poll."""
    job = a2e.start(IMAGE, timeout=10)
    await job.accepted()
    await asyncio.sleep(1)
    asyncio.get_running_loop()._virtual.now += 3600
    assert (await job).task_ids == job.task_ids


def limited(number, seconds, accepted_at=0.0):
    """Give what time limits need of a job."""
    options = type("Options", (), {"seconds": staticmethod(lambda _family: seconds)})
    return type("Limited", (), {"number": number, "accepted_at": accepted_at, "family": None, "options": options})()


async def test_a_job_that_hangs_keeps_no_ended_ones_in_the_heap():
    """What has ended leaves the heap in time."""
    deadlines = Deadlines()
    jobs = [limited(number, 10.0 + number) for number in range(5_000)]
    for job in jobs:
        deadlines.add(job)
    for job in jobs[1:]:
        deadlines.drop(job)
    assert len(deadlines._heap) <= 1_002
    assert deadlines.next() == 10.0


@pytest.mark.parametrize("seed", range(20))
async def test_every_job_times_out_once_at_its_time_whatever_the_order(seed):
    """Jobs of few limits or of many, accepted in any order, some of which end before: each of the others, once."""
    dice, deadlines, left = random.Random(seed), Deadlines(), {}
    limits = [dice.uniform(5, 50) for _ in range(dice.choice((1, 3, 60)))]
    for number in range(300):
        early = number - dice.choice((0, 0, 0, 20))  # its journal took longer than those of others
        left[number] = job = limited(number, dice.choice(limits), early / 10)
        deadlines.add(job)
        deadlines.add(job)
    for number in dice.sample(sorted(left), 100):
        deadlines.drop(left.pop(number))
    for moment in range(90):
        due = {number for number, job in left.items() if job.accepted_at + job.options.seconds(None) <= moment}
        assert not due or deadlines.next() <= moment
        found = [job.number for job in deadlines.passed(moment)]
        assert sorted(found) == sorted(due)
        left = {number: job for number, job in left.items() if number not in due}
    assert not left
    assert (deadlines.next(), deadlines._lines, deadlines._jobs) == (math.inf, {}, {})


async def test_jobs_of_one_limit_cost_no_entry_in_the_heap():
    """100,000 of them are 100,000 places in a line."""
    deadlines = Deadlines()
    for number in range(100):
        deadlines.add(limited(number, 10.0, number))
    assert deadlines._heap == []
    assert deadlines.next() == 10.0


@virtual(task_seconds=20)
async def test_running_tasks_hold_one_text_of_their_status(a2e, sim):
    """Each reply brings a text of its own; of 100,000 tasks their copies would count."""
    jobs = [a2e.start(IMAGE) for _ in range(3)]
    await asyncio.gather(*[job.accepted() for job in jobs])
    await asyncio.sleep(10)
    spellings = [watch.spelling for watch in poller_of(a2e)._watches]
    assert len(spellings) == 3
    assert spellings[0] is spellings[1] is spellings[2] is sys.intern(str(spellings[0]))
    await asyncio.gather(*jobs)


async def test_an_alarm_says_how_late_it_woke():
    """Woken in time or before it, it was not late."""
    alarm = Alarm()
    alarm.wake()
    loop = asyncio.get_running_loop()
    loop.call_soon(alarm.wake)
    assert await alarm.sleep(loop.time() + 3600) < 0
    assert await alarm.sleep(loop.time() - 100) >= 100
