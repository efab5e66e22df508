"""Names that come back changed: they are never taken for absence."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from lost_starts import lose
from virtual_time import IMAGE, VIDEO, caught, client, play_out, virtual

from a2e_async import (
    InvalidRequestError,
    StartUnknownError,
    UsageError,
)
from a2e_async.core import tags
from a2e_async.simulator.virtual import virtual_app


@pytest.mark.parametrize("names", [0, 1, 10, 20, "drop"])
@pytest.mark.parametrize("where", ["names", "list_names"])
@pytest.mark.parametrize("hits", [1, None])
@pytest.mark.parametrize("when", ["before", "after"])
def test_names_that_do_not_come_back_never_lead_to_a_second_bill(names, where, hits, when):
    """A service that cuts or drops names gets one start; the caller gets the job or StartUnknownError."""

    async def story():
        sim = virtual_app(coins=10_000, **{where: names})
        lose(sim, IMAGE, hits=hits, when=when)
        async with client(sim) as a2e:
            job = a2e.start(IMAGE)
            (end,) = await asyncio.gather(job, return_exceptions=True)
            if isinstance(end, StartUnknownError):
                assert end.tag == job.tag
            else:
                assert end.task_ids == sim.world.book.starts[0].task_ids
            assert len(sim.world.book.starts) <= 1
            assert sim.counters["text_to_image.start"] == 1 or when == "before"

    play_out(story())


@pytest.mark.parametrize("cut", range(1, 15))
def test_a_tag_that_lost_its_end_is_never_taken_for_another_tag(cut):
    """A name cut within the tag withdraws the trust in names, also when what is left looks like a tag."""

    async def story():
        tag = "bababababababa"[: 12 + cut % 2]
        sent = tags.put("a red kite", tag, "a", 100)
        sim = virtual_app(coins=10_000, list_names=len(sent) - cut)
        lose(sim, IMAGE)
        async with client(sim) as a2e:
            assert isinstance(await caught(a2e.start(IMAGE, tag=tag).wait()), StartUnknownError)
            assert len(sim.world.book.starts) == 1

    play_out(story())


@virtual(names=20)
async def test_a_reply_with_a_cut_name_withdraws_the_trust_for_later_starts(a2e, sim):
    """Once a reply showed a cut name, a lost start is never sent again, although the list shows nothing at all."""
    await a2e.start(IMAGE)
    sim.world.change(list_lag=600)
    lose(sim, IMAGE)
    assert isinstance(await caught(a2e.start(IMAGE).wait()), StartUnknownError)
    assert len(sim.world.book.starts) == 2


@virtual()
async def test_a_tag_of_the_caller_stands_in_the_name(a2e, sim):
    """The name that is sent carries the caller's tag and the letter of the send."""
    job = a2e.start(attrs.evolve(VIDEO, name="n" * 100), tag="mytag123")
    await job.accepted()
    name = sim.world.book.starts[0].name
    assert name.endswith(" ~mytag123a")
    assert len(name) <= 100
    assert job.records[0].tag == "mytag123"
    assert job.records[0].name == "n" * 89


@virtual()
async def test_tags_of_the_client_are_all_different(a2e, sim):
    """Each start has a tag of its own, minted once."""
    jobs = [a2e.start(IMAGE) for _ in range(500)]
    assert len({job.tag for job in jobs}) == 500
    await asyncio.gather(*(job.accepted() for job in jobs))
    assert sim.world.book.bills_by_tag() == {job.tag: 1 for job in jobs}


@virtual()
async def test_a_tag_that_is_in_use_is_refused(a2e, sim):
    """Two live jobs with one tag would be one intent, so the second is refused; afterwards the tag is free."""
    job = a2e.start(IMAGE, tag="mytag123")
    with pytest.raises(UsageError, match="mytag123 names another job"):
        a2e.start(IMAGE, tag="mytag123")
    await job
    await a2e.start(IMAGE, tag="mytag123")


@pytest.mark.parametrize("tag", ["short", "x" * 25, "UPPERCASE", "with space", "with-dash", "", 12345678])
@virtual()
async def test_a_tag_of_another_shape_is_refused(a2e, sim, tag):
    """A tag is 8 to 24 of a-z0-9."""
    with pytest.raises(InvalidRequestError, match="8 to 24"):
        a2e.start(IMAGE, tag=tag)
