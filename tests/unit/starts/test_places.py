"""Places of jobs that run, and starts that are ready and go first: how many there are, and who is woken."""

from __future__ import annotations

import asyncio
import itertools

from a2e_async.engine.starts.places import Places
from a2e_async.engine.starts.ready import Ready


class Job:
    """A job that ends when it is told to."""

    numbers = itertools.count()

    def __init__(self):
        self.number, self.request, self._heard = next(self.numbers), object(), []

    def on_end(self, callback):
        """Note who wants to hear of its end."""
        self._heard.append(callback)

    def end(self):
        """End."""
        for callback in self._heard:
            callback(self)


def test_a_place_is_taken_once_and_given_back_at_the_end():
    """A job that comes again, as with more of its tasks, holds one place; its end lets one start begin."""
    freed = []
    places, jobs = Places(2, freed.append), [Job(), Job()]
    for job in (*jobs, jobs[0]):
        places.take(job)
    assert (places.limit, places.taken, places.free) == (2, 2, False)
    jobs[0].end()
    assert (places.taken, places.free, freed) == (1, True, [1])


def test_a_new_limit_lets_as_many_begin_as_have_a_place_now():
    """A lower one lets nobody begin until enough have ended; without one nobody waits or is counted."""
    freed = []
    places, jobs = Places(3, freed.append), [Job() for _ in range(3)]
    for job in jobs:
        places.take(job)
    places.limit = 5
    assert freed == [2]
    places.limit = 1
    jobs[0].end()
    jobs[1].end()
    assert (freed, places.free) == ([2], False)
    jobs[2].end()
    assert (freed, places.free, places.taken) == ([2, 1], True, 0)
    places.limit = None
    places.take(Job())
    assert (places.free, places.taken, freed[-1] > 1000) == (True, 0, True)


async def test_what_is_ready_makes_room_when_a_worker_takes_it():
    """Whoever waits for room goes on then; a start that was not prepared is sent as it is, and makes none."""
    ready, job, other, sent = Ready(1), Job(), Job(), object()
    await ready.room()
    ready.requests[job] = sent
    waiting = asyncio.create_task(ready.room())
    await asyncio.sleep(0)
    assert ready.take(other) is other.request
    await asyncio.sleep(0)
    assert not waiting.done()
    assert ready.take(job) is sent
    await waiting
    assert ready.requests == {}
