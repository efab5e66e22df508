"""Lists that lie while a lost start is looked for: none of them leads to a second bill."""

from __future__ import annotations

import asyncio

import pytest
from lost_starts import crowd, lose
from lying import LIES, Lie, Lying
from virtual_time import IMAGE, VIDEO, caught, client, now, until, virtual

from a2e_async import StartUnknownError, TextToImage
from a2e_async.core import tags
from a2e_async.simulator.virtual import DirectTransport, run_virtually, virtual_app

FOR_EVER = 10_000


def lost_once(sim, wire, *, crowded=0, known=0, **options):
    """Give a story in which a start is lost after its work while lists lie, and what it ended with."""

    async def story():
        async with client(sim, http=wire, **options) as a2e:
            for _ in range(known):
                await a2e.start(VIDEO).accepted()
            lose(sim, IMAGE)
            job = a2e.start(IMAGE, tag="lostlostlost")
            await until(lambda: sim.counters["text_to_image.start"])
            crowd(sim, crowded)
            end = (await asyncio.gather(job, return_exceptions=True))[0]
        bills = [start for start in sim.world.book.starts if start.tag == "lostlostlost"]
        assert len(bills) == 1
        assert isinstance(end, StartUnknownError) or end.task_ids == bills[0].task_ids
        return end

    return story()


@pytest.mark.parametrize("crowded", [0, 30, 150])
@pytest.mark.parametrize("kind", [kind for kind in LIES if kind != "empty"])
def test_a_list_that_lies_for_ever_never_leads_to_a_second_bill(kind, crowded):
    """Contradictions, another order, changed names and ids that cannot be read: the job, or StartUnknownError."""

    async def story():
        sim = virtual_app(coins=10_000)
        end = await lost_once(sim, Lying(sim, [Lie(kind, 0, FOR_EVER)]), crowded=crowded)
        if kind in ("shuffled", "oldest first"):
            assert not isinstance(end, StartUnknownError)  # the whole list is read then, and the start is on it

    run_virtually(story())


@pytest.mark.parametrize("kind", LIES)
def test_a_list_that_lies_for_a_moment_only_delays(kind):
    """As soon as a list is honest within the window the start is recovered: the last sweeps decide, not the first."""

    async def story():
        sim = virtual_app(coins=10_000)
        end = await lost_once(sim, Lying(sim, [Lie(kind, 0, 4)]))
        assert not isinstance(end, Exception)

    run_virtually(story())


class Hiding(DirectTransport):
    """A service whose lists hide rows from everybody, as many as `hides` says, from a moment on."""

    def __init__(self, app):
        super().__init__(app, 0.05)
        self.hides = None

    async def send(self, request, headers):
        """Answer one request."""
        if self.hides is not None and request.path.endswith("/allRecords"):
            self.app.world.change(list_lag=self.hides)
        reply = await super().send(request, headers)
        self.app.world.change(list_lag=0)
        return reply


@pytest.mark.parametrize("how", ["started", "attached"])
@virtual(opened=False, task_seconds=500)
async def test_a_list_without_the_tasks_that_this_client_knows_proves_nothing(sim, how):
    """An honest-looking list that lacks three running tasks may lack the lost one, too: nothing is sent again."""
    wire = Hiding(sim)
    async with client(sim) as other, client(sim, http=wire) as a2e:
        for _ in range(3):
            job = (a2e if how == "started" else other).start(IMAGE)
            await job.accepted()
            if how == "attached":
                a2e.attach("text_to_image", *job.task_ids)
        await asyncio.sleep(2)
        wire.hides = FOR_EVER
        lose(sim, IMAGE)
        assert isinstance(await caught(a2e.start(IMAGE).wait()), StartUnknownError)
        assert len(sim.world.book.starts) == 4


@virtual(task_seconds=500)
async def test_tasks_that_were_deleted_are_no_witnesses(a2e, sim):
    """A list that lacks what this client itself has deleted hides nothing: the start is sent again."""
    job = a2e.start(IMAGE)
    await job.accepted()
    assert await job.cancel()
    lose(sim, IMAGE, when="before")
    await a2e.start(IMAGE).accepted()
    assert len(sim.world.book.starts) == 2


@virtual()
async def test_a_row_of_somebody_without_a_tag_ends_the_proof(a2e, sim):
    """A task made meanwhile under a name without a tag may be ours, changed: nothing is sent again."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE)
    await until(lambda: sim.counters["text_to_image.start"])
    sim.world.start("text_to_image", {"prompt": "x", "name": "Untitled"})
    assert isinstance(await caught(job.wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 1


@virtual()
async def test_a_row_without_a_tag_of_long_before_matters_not(a2e, sim):
    """What is said of names by rows far older than the lost start is no word about it, also after a search by hand."""
    sim.world.start("text_to_image", {"prompt": "x", "name": ""})
    await asyncio.sleep(3_600)
    assert await a2e.find(TextToImage, "findable") is None
    lose(sim, IMAGE, when="before")
    await a2e.start(IMAGE).accepted()
    assert len(sim.world.book.starts) == 1 + 1


@virtual()
async def test_starts_of_others_with_tags_of_their_own_do_not_end_the_proof(a2e, sim):
    """Rows with whole tags belong to other starts; a start that was never taken is sent again beside them."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE, tag="lostlostlost")
    await until(lambda: sim.counters["text_to_image.start"])
    sim.world.start("text_to_image", {"prompt": "x", "name": tags.put("x", "k7f3q9x2m4pd", "a", 100)})
    await job.accepted()
    assert now() > 60
    assert sim.counters["text_to_image.start"] == 2


@pytest.mark.parametrize("ahead", [600, -600, 8 * 3_600, -8 * 3_600])
@pytest.mark.parametrize("known", [0, 1])
def test_two_clocks_of_the_service_hide_no_start(ahead, known):
    """The header Date and `createdAt` may be told by clocks that differ: a start under 150 newer rows is found."""

    async def story():
        sim = virtual_app(coins=10_000)
        end = await lost_once(sim, Lying(sim, ahead=ahead), crowded=150, known=known)
        assert not isinstance(end, Exception)

    run_virtually(story())


@pytest.mark.parametrize("known", [True, False])
@virtual(opened=False)
async def test_a_sleep_of_days_makes_a_start_too_old(sim, known):
    """A machine that slept while an answer was lost looks for a start that the list may have dropped."""
    wire = DirectTransport(sim, 0.05)
    async with client(sim, http=wire) as a2e:
        if known:
            await a2e.balance()
        lose(sim, IMAGE, when="before")
        job = a2e.start(IMAGE)
        await until(lambda: sim.counters["text_to_image.start"], step=0.01)
        sim.world.clock.start += 4 * 86_400 if known else 4 * 365 * 86_400  # behind our back: the loop stood still
        assert isinstance(await caught(job.wait()), StartUnknownError)
        assert sim.counters["text_to_image.start"] == 1


@virtual(opened=False, token="sk_one")
async def test_a_token_of_another_account_proves_nothing(sim):
    """The list of another account says nothing about a start that the first one sent, however full it is."""
    tokens = iter(["sk_one", *["sk_two"] * 10])
    lose(sim, IMAGE, when="before")
    async with client(sim, token=lambda: next(tokens)) as a2e:
        job = a2e.start(IMAGE)
        await until(lambda: sim.counters["text_to_image.start"])
        sim.world.change(token="sk_two")
        assert isinstance(await caught(job.wait()), StartUnknownError)
        assert len([reply async for reply in a2e.records(IMAGE)]) == 0  # it answers
        assert sim.counters["text_to_image.start"] == 1
