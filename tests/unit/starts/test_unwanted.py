"""Starts that nobody wants any more while they are doubted: nothing more is sent, and nothing is called taken back."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from lost_starts import FOUR_VIDEOS, lose, resumed
from virtual_time import IMAGE, VIDEO, caught, client, no_task_is_left, now, until, virtual

from a2e_async import ClientClosedError, JobDetachedError, StartUnknownError, UsageError
from a2e_async.core.hooks import Journal
from a2e_async.families.head_swap import HeadSwap
from a2e_async.simulator.virtual import DirectTransport

SWAP = HeadSwap("https://files.example.net/head.png", target_image_url="https://files.example.net/dance.mp4")


class Noting(Journal):
    """Notes each step of a start, and takes its time for the one before a POST."""

    def __init__(self, seconds=0.0):
        self.steps, self._seconds = [], seconds

    async def intended(self, _tag, _request):
        """Note it."""
        self.steps.append("intended")

    async def sending(self, _tag, letter, _at):
        """Note it."""
        self.steps.append(f"sending {letter}")
        await asyncio.sleep(self._seconds)

    async def accepted(self, _tag, _task_ids, _coins):
        """Note it."""
        self.steps.append("accepted")

    async def finished(self, _tag, _records):
        """Note it."""
        self.steps.append("finished")


def noting(a2e, journal):
    """Give a view of a client whose jobs are written down here."""
    view = a2e.with_options()
    view._options = attrs.evolve(view._options, journal=journal)
    return view


async def proven(a2e):
    """Wait until the absence of the lost start is proven and its second send waits for its turn, for minutes."""
    attempts = a2e._parts().engine.starter._attempts
    await until(lambda: any(attempt.doubted and not attempt.lost for attempt in attempts.values()))


def let_go(job, how):
    """Detach a job, or begin to cancel it."""
    if how == "detach":
        job.detach()
        return None
    return asyncio.ensure_future(job.cancel())


@pytest.mark.parametrize("how", ["detach", "cancel"])
@pytest.mark.parametrize("moment", ["while it is looked for", "while its second send waits"])
@virtual(options={"rate": 1 / 200, "budget": 100})
async def test_a_doubted_start_that_is_let_go_of_is_not_sent_again(a2e, sim, how, moment):
    """Its absence is proven and still no answer: one POST left, its coins stay held, and nothing was "taken back"."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE)
    await until(lambda: sim.counters["text_to_image.start"])
    await (proven(a2e) if moment == "while its second send waits" else asyncio.sleep(20))
    assert sim.counters["text_to_image.start"] == 1
    cancelling = let_go(job, how)
    await asyncio.sleep(500)
    assert sim.counters["text_to_image.start"] == 1
    assert (a2e.spent, a2e.reserved) == (0, 10)
    if cancelling is None:
        assert isinstance(await caught(job.wait()), JobDetachedError)
    else:
        assert await cancelling is False
        assert isinstance(await caught(job.wait()), StartUnknownError)


@virtual(opened=False)
async def test_a_doubted_start_is_unknown_when_its_client_closes(sim):
    """Closing while the second send waits for its turn leaves an error that says how to look, not "never sent"."""
    lose(sim, IMAGE, when="before")
    async with client(sim, rate=1 / 200) as a2e:
        job = a2e.start(IMAGE)
        await proven(a2e)
    assert isinstance(await caught(job.wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 1


@virtual(opened=False)
async def test_a_start_that_is_refused_for_now_while_its_client_closes_is_not_sent_again(sim):
    """Closing waits for answers on the wire; one that says "later" ends its start, which surely was not taken."""
    sim.faults.add("text_to_image.start", "status", status=429, retry_after=1)
    async with client(sim, latency=2) as a2e:
        job = a2e.start(IMAGE)
        await asyncio.sleep(1)
    assert isinstance(await caught(job.wait()), ClientClosedError)
    assert sim.counters["text_to_image.start"] == 1


@virtual()
async def test_why_a_start_is_unknown_is_said_also_after_it_was_let_go_of(a2e, sim):
    """A cancellation waits for the search, and the error names what became of the answer."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE)
    await asyncio.sleep(5)
    assert await job.cancel() is False
    error = await caught(job.wait())
    assert isinstance(error, StartUnknownError)
    assert "reset" in str(error.__cause__)


@virtual()
async def test_a_start_that_stays_unknown_after_it_was_let_go_of_is_logged(a2e, sim, caplog):
    """Nobody awaits it any more: the tag that may have been paid for is named all the same."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE)
    await asyncio.sleep(5)
    job.detach()
    await asyncio.sleep(100)
    assert f"its start of tag {job.tag} may or may not have been taken" in caplog.text


@virtual()
async def test_every_post_is_written_down_before_it_leaves(a2e, sim):
    """The journal hears of each send with its letter, so that whoever resumes knows what may have been sent."""
    journal = Noting()
    await noting(a2e, journal).start(IMAGE)
    assert journal.steps == ["intended", "sending a", "accepted", "finished"]
    lose(sim, IMAGE, when="before")
    sim.faults.add("text_to_image.start", "status", status=429, retry_after=1)
    journal.steps.clear()
    await noting(a2e, journal).start(IMAGE)
    assert journal.steps == ["intended", "sending a", "sending b", "sending b", "accepted", "finished"]


@virtual(opened=False)
async def test_a_token_that_is_refused_while_a_start_is_written_down_is_not_sent(sim):
    """Another start's 401 takes the token away: this one asks for a new one, and is written down again, before it."""
    tokens = iter(["sk_older", "sk_old", *["sk_simulator"] * 9])

    async def token():
        await asyncio.sleep(1)
        return next(tokens)

    async with client(sim, token=token, latency=1) as a2e:
        await caught(a2e.balance())  # from which the service's time is known
        journal = Noting(1.0)
        first = a2e.start(IMAGE)
        await asyncio.sleep(1.5)
        second = noting(a2e, journal).start(VIDEO)
        await asyncio.gather(first, second)
    assert journal.steps.count("sending a") == 2
    assert sim.counters["image_to_video.start"] == 1


@virtual()
async def test_what_no_list_can_show_is_not_sent_again_by_another_process(a2e, sim):
    """A family without names: what an earlier process may have sent is unknown for good, and no search would help."""
    error = await caught(resumed(a2e, sent_before=1_750_000_000.0).start(SWAP, tag="withoutname").wait())
    assert isinstance(error, StartUnknownError)
    assert error.search_again is False
    assert not sim.counters


@virtual(opened=False)
async def test_closing_while_the_services_time_is_asked_leaves_nothing_behind(sim):
    """A start of an earlier process waits for the clock of the service when the client closes: unsent, and no task."""
    sim.faults.add("text_to_image.list", "delay", seconds=60)
    async with client(sim, close_timeout=1) as a2e:
        job = resumed(a2e, sent_before=1_750_000_000.0).start(IMAGE, tag="closedearly")
        await asyncio.sleep(1)
    assert isinstance(await caught(job.wait()), StartUnknownError | ClientClosedError)
    assert not sim.world.book.starts
    await no_task_is_left()


@virtual(opened=False)
async def test_closing_while_a_price_is_asked_leaves_nothing_behind(sim):
    """The quote is given up with the client, and its start was never sent."""
    sim.faults.add("quote", "delay", seconds=20)
    async with client(sim, budget=100) as a2e:
        job = a2e.start(IMAGE)
        await asyncio.sleep(1)
    assert isinstance(await caught(job.wait()), ClientClosedError)
    assert (sim.counters["text_to_image.start"], now() < 5) == (0, True)
    await no_task_is_left()


class Nonsense(DirectTransport):
    """Answers the first start with something that is no reply at all, after the service took it."""

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        return None if request.start and self.app.counters["image_to_video.start"] == 1 else reply


@virtual(opened=False)
async def test_a_transport_that_gives_no_reply_is_an_unknown_outcome(sim):
    """A transport of the user's that breaks its word: the start may have been taken, is found, and billed once."""
    async with client(sim, http=Nonsense(sim, 0.05)) as a2e:
        result = await a2e.start(FOUR_VIDEOS)
    assert [start.task_ids for start in sim.world.book.starts] == [result.task_ids]


@virtual()
async def test_whoever_waits_for_answers_waits_for_none_of_starts_that_are_looked_for(a2e, sim):
    """A batch that is left waits for what is on the wire, not for the minute of a search."""
    lose(sim, IMAGE, when="before")
    lost = a2e.start(IMAGE)
    await asyncio.sleep(5)
    sim.faults.add("image_to_video.start", "delay", seconds=3)
    sent = a2e.start(VIDEO)
    await asyncio.sleep(1)
    began = now()
    await a2e._parts().engine.starter.answered([lost, sent], 30)
    assert 1 < now() - began < 4
    assert (lost.task_ids, len(sent.task_ids)) == ((), 1)
    lost.detach()
    await sent


@virtual()
async def test_a_tag_in_use_is_refused(a2e, sim):
    """A second job under the tag of one that is still looked for is a mistake of the caller's."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE, tag="usedagain")
    await asyncio.sleep(5)
    with pytest.raises(UsageError, match="usedagain"):
        a2e.start(IMAGE, tag="usedagain")
    job.detach()
