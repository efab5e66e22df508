"""What a proof of absence needs besides a list without the start: each of these alone forbids a second send."""

from __future__ import annotations

import asyncio

import pytest
from lost_starts import lose, resumed
from lying import Lie, Lying
from virtual_time import IMAGE, caught, client, now, until, virtual

from a2e_async import Retry, StartUnknownError
from a2e_async.core import tags
from a2e_async.simulator.virtual import DirectTransport

FOR_EVER = 10_000


class Hiding(DirectTransport):
    """A service whose lists hide every row while `hides` is set."""

    hides = False

    async def send(self, request, headers):
        """Answer one request."""
        if request.path.endswith("/allRecords"):
            self.app.world.change(list_lag=FOR_EVER if self.hides else 0)
        return await super().send(request, headers)


@virtual(opened=False)
async def test_one_reading_is_no_proof(sim):
    """Of a list that fails until the window is over, and then looks empty once, a second answer is asked for."""
    wire = Hiding(sim, 0.05)
    async with client(sim, http=wire) as a2e:
        lose(sim, IMAGE)
        down = sim.faults.add("text_to_image.list", "status", status=503, hits=None)
        job = a2e.start(IMAGE)
        await asyncio.sleep(55)
        down.hits, wire.hides = 0, True
        await until(lambda: now() > 60.3)
        wire.hides = False
        await job
    assert len(sim.world.book.starts) == 1


@virtual(opened=False)
async def test_readings_with_a_failure_between_are_no_proof(sim):
    """After a restart: an answer at once and one after the window, with none between, are not the last two."""
    wire = Hiding(sim, 0.05)
    async with client(sim, http=wire) as a2e:
        sim.world.start("text_to_image", {"prompt": "x", "name": tags.put("x", "findable", "a", 100)})
        wire.hides = True
        job = resumed(a2e, sim.world.clock.now()).start(IMAGE, tag="findable")
        await asyncio.sleep(0.4)
        down = sim.faults.add("text_to_image.list", "status", status=503, hits=None)
        await asyncio.sleep(54)
        down.hits = 0
        await until(lambda: now() > 60.3)
        wire.hides = False
        await job
    assert len(sim.world.book.starts) == 1


@virtual(options={"retry": Retry(proof_age=30)})
async def test_the_clock_of_this_machine_alone_can_make_a_start_too_old(a2e, sim):
    """The service's clock was set back meanwhile: by ours the list may have dropped the start."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE)
    await until(lambda: sim.counters["text_to_image.list"])
    sim.world.clock.start -= 50
    assert isinstance(await caught(job.wait()), StartUnknownError)


@virtual()
async def test_a_start_of_the_future_is_never_sent_again(a2e, sim):
    """Where the service's time is before that of the POST, its clock was set, and no row's time says anything."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE)
    await until(lambda: sim.counters["text_to_image.list"])
    sim.world.clock.start -= 3_600
    assert isinstance(await caught(job.wait()), StartUnknownError)


@pytest.mark.parametrize("learned", [False, True])
@virtual(opened=False)
async def test_clocks_that_differ_hide_no_changed_name(sim, learned):
    """A masked row is dated by a clock eleven minutes behind the POST's, whether that is learned meanwhile or not."""
    async with client(sim, http=Lying(sim, [Lie("masked", 0, FOR_EVER)], ahead=660)) as a2e:
        lose(sim, IMAGE)
        job = a2e.start(IMAGE, tag="lostlostlost")
        await asyncio.sleep(3)
        if learned:
            await a2e.start(IMAGE).accepted()
        assert isinstance(await caught(job.wait()), StartUnknownError)
    assert len([start for start in sim.world.book.starts if start.tag == "lostlostlost"]) == 1


@virtual()
async def test_the_task_of_an_earlier_start_under_the_tag_is_not_recovered(a2e, sim):
    """A tag may be given again when its job has ended: what the list shows of that one is known, and not this start."""
    first = a2e.start(IMAGE, tag="twicetwice")
    await first
    lose(sim, IMAGE, when="before")
    second = a2e.start(IMAGE, tag="twicetwice")
    await second
    assert {*first.task_ids, *second.task_ids} == {one for start in sim.world.book.starts for one in start.task_ids}
    assert len(sim.world.book.starts) == 2
