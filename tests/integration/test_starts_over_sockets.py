"""Starts over real sockets through a proxy that breaks connections: one bill each, the job handed back."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from fault_proxy import fault_proxy

from a2e_async import A2EClient, Cadence, Retry, StartUnknownError, TextToImage
from a2e_async.core import wire
from a2e_async.simulator import serve

IMAGE = TextToImage("a red kite")
FOUR = TextToImage("four red kites", max_images=4)
WAYS = ["reset before", "reset after", "cut head", "cut body", "stall", "slow", "garbage"]


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    """Let a request that is not answered count as lost after a moment."""
    monkeypatch.setattr(wire, "START_SECONDS", 0.4)
    monkeypatch.setattr(wire, "LOOK_SECONDS", 0.4)


@asynccontextmanager
async def both(speed=100):
    """Run a simulator and the proxy before it."""
    async with serve(speed=speed, media="tiny", task_seconds=5) as sim, fault_proxy(sim.url) as proxy:
        yield sim, proxy


def client(proxy, sim):
    """Make a client whose requests go through the proxy."""
    return A2EClient(
        sim.token, base_url=proxy.url, cadence=Cadence(delay=0.05), retry=Retry(unknown_window=0.5, first_wait=0.02)
    )


@pytest.mark.parametrize("request_", [IMAGE, FOUR])
@pytest.mark.parametrize("way", WAYS)
async def test_a_broken_connection_leads_to_one_bill_and_the_job(way, request_):
    """Whatever breaks on the wire, a start is billed once and its job ends with its result."""
    async with both() as (sim, proxy):
        async with client(proxy, sim) as a2e:
            proxy.script = [way]
            result = await a2e.start(request_)
        (start,) = sim.book.starts
        assert result.task_ids == start.task_ids
        posts = [line for line in proxy.seen if line.startswith("POST") and "/start" in line]
        assert len(posts) == (2 if way == "reset before" else 1)


@pytest.mark.parametrize("way", ["reset after", "cut body", "stall"])
async def test_connections_that_break_at_every_start_lead_to_one_bill_each(way):
    """Two starts in a row whose connections all break are all found."""
    async with both() as (sim, proxy):
        async with client(proxy, sim) as a2e:
            for _ in range(2):
                proxy.script = [way]
                await a2e.start(IMAGE)
        assert len(sim.book.starts) == 2
        assert set(sim.book.bills_by_tag().values()) == {1}


async def test_a_start_that_cannot_be_settled_is_said():
    """When the list breaks as well the caller gets StartUnknownError with the tag, and one bill at most."""
    async with both() as (sim, proxy), client(proxy, sim) as a2e:
        proxy.script = ["reset after"] * 100
        job = a2e.start(IMAGE)
        with pytest.raises(StartUnknownError, match=job.tag):
            await job
        assert len(sim.book.starts) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_looks_over_broken_connections_lose_no_job(way):
    """Each way to break a poll leaves the job as it is."""
    async with both(speed=20) as (sim, proxy), client(proxy, sim) as a2e:
        job = a2e.start(IMAGE)
        await job.accepted()
        proxy.script = [way]
        await job
