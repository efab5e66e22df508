"""A job that is let go of before its POST has left is not sent, at whichever of the waits before it that happens."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from virtual_time import IMAGE, client, no_task_is_left

from a2e_async import JobCancelledError, JobDetachedError, Journal
from a2e_async.simulator.virtual import DirectTransport, run_virtually, virtual_app

TURNS = range(3)
MOMENTS = [step / 20 for step in range(1, 62, 6)]


class SlowJournal(Journal):
    """A journal that takes its time for each step, and knows what it was asked."""

    def __init__(self):
        self.steps = []

    async def intended(self, _tag, _request):
        """Take a while."""
        await self._step("intended")

    async def sending(self, _tag, letter, _at):
        """Take a while."""
        await self._step(f"sending {letter}")

    async def accepted(self, _tag, _task_ids, _coins):
        """Take a while."""
        await self._step("accepted")

    async def finished(self, _tag, _records):
        """Take a while."""
        await self._step("finished")

    async def _step(self, step):
        self.steps.append(step)
        await asyncio.sleep(0.5)


async def slow_token():
    """Give a token after a while."""
    await asyncio.sleep(1)
    return "sk_simulator"


def paced(_sim):
    """Let starts wait for their turn."""
    return {"rate": 0.4}


def refused(sim):
    """Let the first attempts be refused before work, so that the start rests between them."""
    sim.faults.add("text_to_image.start", "status", status=429, retry_after=1, hits=3)
    return {}


def unreachable(sim):
    """Let the service ask for a pause of all requests."""
    sim.faults.add("text_to_image.start", "status", status=503, retry_after=2, hits=2)
    return {}


def quoted(sim):
    """Let the price take its time."""
    sim.faults.add("quote", "delay", seconds=1.5)
    return {"budget": 1_000}


def waiting_for_a_token(_sim):
    """Let the token take its time."""
    return {"token": slow_token}


def crowded(_sim):
    """Let one start hold the only place."""
    return {"max_starts": 1}


WAYS = [paced, refused, unreachable, quoted, waiting_for_a_token, crowded]


class Counting(DirectTransport):
    """Notes the names of the starts that leave, refused ones too."""

    def __init__(self, app):
        super().__init__(app, 0.05)
        self.names = []

    async def send(self, request, headers):
        """Note a start."""
        if request.start:
            self.names.append(request.body["name"])
        return await super().send(request, headers)

    def posts(self, job):
        """How many POSTs of a job have left."""
        return sum(job.tag in name for name in self.names)


async def let_go(way, how, moment, turns, *, journal=False):
    """Let go of a job at a moment, and check that nothing is sent for it from then on."""
    sim = virtual_app(coins=1_000, task_seconds=60)
    wire = Counting(sim)
    async with client(sim, http=wire, **way(sim)) as a2e:
        view = a2e.with_options()
        if journal:
            view._options = attrs.evolve(view._options, journal=SlowJournal())
        first, job = view.start(IMAGE), view.start(IMAGE)
        await asyncio.sleep(moment)
        for _ in range(turns):
            await asyncio.sleep(0)
        posts = wire.posts(job)
        said = job.detach() if how == "detach" else await job.cancel()
        first.detach()
        error = job.error
        await asyncio.sleep(30)
        bills = [start for start in sim.world.book.starts if start.tag == job.tag]
        if how == "detach" and error is not None:
            assert type(error) is JobDetachedError
        elif said:
            assert type(error) is JobCancelledError
            assert sum(start.coins - start.refunded for start in bills) == 0
        assert wire.posts(job) == posts
        assert said is not False or bills
        assert a2e.reserved == 0
    await no_task_is_left()


@pytest.mark.parametrize("journal", [False, True])
@pytest.mark.parametrize("how", ["detach", "cancel"])
@pytest.mark.parametrize("way", WAYS)
def test_what_has_not_left_is_not_sent(way, how, journal):
    """At any moment and any turn of the loop: nothing is sent for a job that was let go of, and cancel() says True."""

    async def story():
        for moment in MOMENTS:
            for turns in TURNS:
                await let_go(way, how, moment, turns, journal=journal)

    run_virtually(story())
