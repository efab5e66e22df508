"""Whatever a service's clocks, names, ids, lists and bodies are like, a start whose answer is lost is billed once."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from odd_services import ODD, Odd
from virtual_time import IMAGE, client, virtual

from a2e_async import Result, StartUnknownError, TransportError
from a2e_async.errors import UsageError


@pytest.mark.parametrize("way", ODD)
@virtual(opened=False, task_seconds=150)
async def test_a_lost_start_is_billed_once(sim, way):
    """It is recovered, or it is said that nobody knows; and no other job comes to harm."""
    async with client(sim, http=Odd(sim, ODD[way], lost={3})) as a2e:
        jobs = []
        for _ in range(3):
            jobs.append(a2e.start(IMAGE))
            await asyncio.sleep(3)
        outcomes = await asyncio.gather(*(job.wait(10_000) for job in jobs), return_exceptions=True)
    assert set(Counter(start.tag for start in sim.world.book.starts).values()) == {1}
    assert not [one for one in outcomes if not isinstance(one, Result | StartUnknownError)]


@pytest.mark.parametrize("way", ["clocks: a date before all clocks", "clocks: no date", "clocks: a date that is none"])
@virtual(opened=False, task_seconds=150)
async def test_a_time_that_nobody_has_leads_to_no_other_error(sim, way):
    """The service's time is then not known, and a start that was lost is looked for as usual."""
    async with client(sim, http=Odd(sim, ODD[way], lost={1})) as a2e:
        job = a2e.start(IMAGE)
        assert (await job).task_ids == sim.world.book.starts[0].task_ids
        assert not isinstance(job.error, UsageError | TransportError)
