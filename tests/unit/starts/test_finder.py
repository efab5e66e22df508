"""What a finder remembers, and what it says of starts that it cannot judge."""

from __future__ import annotations

import attrs
from lost_starts import lose, resumed
from virtual_time import IMAGE, caught, client, now, virtual

from a2e_async import StartUnknownError
from a2e_async.core.family import family_of
from a2e_async.simulator.virtual import DirectTransport

IDS = [f"{number:024x}" for number in range(2_001)]


class Timeless(DirectTransport):
    """A service behind something that takes the header Date out."""

    async def send(self, request, headers):
        """Answer one request."""
        return attrs.evolve(await super().send(request, headers), date=None)


@virtual(opened=False)
async def test_without_the_services_time_nothing_is_sent_again(sim):
    """A start of an earlier process whose age nobody can tell may be found later, and is not sent."""
    async with client(sim, http=Timeless(sim, 0.05)) as a2e:
        error = await caught(resumed(a2e, sent_before=1_750_000_000.0).start(IMAGE, tag="findable").wait())
    assert isinstance(error, StartUnknownError)
    assert error.search_again
    assert sim.counters["text_to_image.start"] == 0


@virtual()
async def test_the_newest_two_thousand_tasks_are_known(a2e, sim):
    """A client that runs for months does not keep every id that it was ever answered."""
    finder = a2e._parts().engine.sender.finder(family_of(IMAGE))
    for task_id in IDS:
        finder.learn({"_id": task_id}, "x", None)
    assert not finder.knows(IDS[0])
    assert finder.knows(IDS[1])
    assert finder.knows(IDS[-1])
    assert not sim.counters


@virtual()
async def test_the_newest_lost_starts_are_remembered(a2e, sim, monkeypatch):
    """A start under a tag that was lost is looked for first, for as many tags as are kept."""
    monkeypatch.setattr("a2e_async.engine.starts.sender._LOST_KEPT", 1)
    for tag in ("forgotten", "remembered"):
        lose(sim, IMAGE, when="before")
        assert isinstance(await caught(a2e.start(IMAGE, tag=tag, on_unknown="raise").wait()), StartUnknownError)
    began = now()
    await a2e.start(IMAGE, tag="forgotten").accepted()
    assert now() - began < 1
    assert isinstance(await caught(a2e.start(IMAGE, tag="remembered", on_unknown="raise").wait()), StartUnknownError)
    assert now() - began > 60
