"""One bill per intent: whatever becomes of a start's answer, it is charged once and its job is handed back."""

from __future__ import annotations

import asyncio
import logging
import random

import attrs
import pytest
from lost_starts import FOUR_IMAGES, FOUR_VIDEOS, family, lose
from virtual_time import IMAGE, VIDEO, caught, client, now, play_out, virtual

from a2e_async import (
    JobFailedError,
    StartUnknownError,
)
from a2e_async.families.head_swap import HeadSwap
from a2e_async.simulator.virtual import virtual_app

REQUESTS = {"image": IMAGE, "video": VIDEO, "four images": FOUR_IMAGES, "four videos": FOUR_VIDEOS}


ONCE_AFTER = {
    "reset": ("reset", {}),
    "500": ("status", {"status": 500}),
    "502": ("status", {"status": 502, "body": "html"}),
    "503": ("status", {"status": 503}),
    "504": ("status", {"status": 504, "body": "html"}),
    "html": ("html", {}),
    "cut json": ("cut_json", {}),
    "null": ("null", {}),
}


ONCE_BEFORE = {
    "reset": ("reset", {}),
    "429": ("status", {"status": 429, "retry_after": 1}),
    "502": ("status", {"status": 502}),
    "503": ("status", {"status": 503, "retry_after": 1}),
}


WAYS = {
    **{f"after: {name}": (kind, {"when": "after", **details}) for name, (kind, details) in ONCE_AFTER.items()},
    **{f"before: {name}": (kind, {"when": "before", **details}) for name, (kind, details) in ONCE_BEFORE.items()},
    "always after: reset": ("reset", {"when": "after", "hits": None}),
}


UNCLEAR = {
    "408": ("status", {"status": 408}),
    "stall": ("stall", {}),
    "empty": ("empty", {}),
    "code 500": ("code", {"code": 500}),
    "code 408": ("code", {"code": 408}),
    "html 500": ("html", {"status": 500}),
}


async def starts_once(a2e, sim, request, way):
    """Start a request while its answer is spoilt in this way, and check that it is charged once and handed back."""
    kind, details = way
    sim.faults.add(f"{family(request)}.start", kind, **details)
    job = a2e.start(request)
    result = await job
    (start,) = sim.world.book.starts
    assert start.tag == job.tag
    assert result.task_ids == start.task_ids


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("way", [*WAYS, *UNCLEAR])
def test_a_spoilt_start_is_billed_once_and_handed_back(way, request_name):
    """Each way to spoil a start leads to one bill and to the job, with all its tasks in their order."""

    async def story():
        sim = virtual_app(coins=10_000, siblings_in_reply=True)
        async with client(sim) as a2e:
            await starts_once(a2e, sim, REQUESTS[request_name], {**WAYS, **UNCLEAR}[way])

    play_out(story())


@virtual()
async def test_raise_still_adopts_what_is_found(a2e, sim):
    """With on_unknown="raise" a lost start that the list shows is recovered."""
    lose(sim, VIDEO)
    await a2e.with_options(on_unknown="raise").start(VIDEO)
    assert len(sim.world.book.starts) == 1


@virtual()
async def test_without_tagging_a_lost_start_is_never_sent_again(a2e, sim):
    """Without a tag nothing can be found, so nothing is looked for and nothing is sent again."""
    lose(sim, IMAGE)
    job = a2e.with_options(tagging=False).start(IMAGE)
    assert isinstance(await caught(job.wait()), StartUnknownError)
    assert sim.world.book.starts[0].name == "a red kite"
    assert dict(sim.counters) == {"text_to_image.start": 1}


@virtual()
async def test_a_lost_start_of_a_family_without_names_is_never_sent_again(a2e, sim):
    """Where starts carry no name there is nothing to look for, and nothing is sent again."""
    sim.faults.add("head_swap.start", "reset", when="after", hits=None)
    swap = HeadSwap("https://files.example.net/head.png", target_image_url="https://files.example.net/dance.mp4")
    error = await caught(a2e.start(swap).wait())
    assert (type(error), error.search_again) == (StartUnknownError, False)
    assert dict(sim.counters) == {"head_swap.start": 1}


@virtual()
async def test_a_start_that_was_never_taken_is_sent_once_more_under_the_same_tag(a2e, sim):
    """A start lost before the work is sent a second time, with the letter b, once its absence is proven."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE)
    await job.accepted()
    assert now() > 60
    (start,) = sim.world.book.starts
    assert start.name == f"a red kite ~{job.tag}b"


@virtual()
async def test_a_second_send_that_is_lost_too_is_the_last(a2e, sim):
    """Two sends lost before the work lead to StartUnknownError, never to a third."""
    lose(sim, IMAGE, when="before", hits=None)
    assert isinstance(await caught(a2e.start(IMAGE).wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 2


@virtual()
async def test_a_second_send_that_was_lost_after_the_work_is_adopted(a2e, sim):
    """The second send is looked for like the first."""
    lose(sim, IMAGE, when="before")
    lose(sim, IMAGE, skip=1)
    job = a2e.start(IMAGE)
    await job
    assert [start.task_ids for start in sim.world.book.starts] == [job.task_ids]


@virtual()
async def test_a_lost_start_that_fails_is_a_failed_job(a2e, sim):
    """What was recovered behaves like any other job."""
    lose(sim, VIDEO)
    error = await caught(a2e.start(attrs.evolve(VIDEO, prompt="[fail]")).wait())
    assert isinstance(error, JobFailedError)
    assert len(sim.world.book.starts) == 1


@pytest.mark.parametrize("seed", range(5))
@virtual(coins=1_000_000)
async def test_a_storm_of_faults_bills_each_intent_once(a2e, sim, seed, caplog):
    """200 starts under faults of every kind: one bill each, no job lost."""
    caplog.set_level(logging.ERROR)
    dice = random.Random(seed)
    for kind, details in WAYS.values():
        once = {key: value for key, value in details.items() if key != "hits"}
        sim.faults.add("*.start", kind, every=dice.randint(5, 20), skip=dice.randint(0, 20), hits=20, **once)
    jobs = [a2e.start(dice.choice([IMAGE, VIDEO, FOUR_IMAGES])) for _ in range(200)]
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    lost = [job for job, end in zip(jobs, ended, strict=True) if isinstance(end, StartUnknownError)]
    bills = sim.world.book.bills_by_tag()
    assert set(bills.values()) == {1}
    assert set(bills) >= {job.tag for job in jobs} - {job.tag for job in lost}
    assert not any(isinstance(end, Exception) for end in ended if not isinstance(end, StartUnknownError))
