"""A family whose list alone tells of its tasks is watched in the list, however many of them run."""

from __future__ import annotations

from virtual_time import virtual

from a2e_async.families.seedance import Seedance


def named(count):
    """Make requests that can be told apart."""
    return [Seedance(f"kite {number}") for number in range(count)]


@virtual(task_seconds=20, coins=100_000)
async def test_pages_are_turned_until_all_are_found(a2e, sim):
    """Tasks that fall off the first page of the list are seen to end all the same."""
    results = await a2e.gather(named(250), max_running=250)
    assert len({result.url for result in results}) == 250
    assert sim.counters["seedance.list"] <= 3 * 3 * 24


@virtual(task_seconds=20)
async def test_one_page_will_do(a2e, sim):
    """No page is turned when the first one tells of all tasks."""
    await a2e.gather(named(100), max_running=100)
    assert sim.counters["seedance.list"] <= 40


@virtual(task_seconds=20)
async def test_a_task_that_no_page_holds_costs_one_page_more(a2e, sim):
    """The page after the last one ends a poll."""
    strange = a2e.attach("seedance", "65f0000000000000000000ff", timeout=9)
    await a2e.gather(named(1))
    strange.detach()
    assert sim.counters["seedance.list"] <= 2 * 24


@virtual(task_seconds=20)
async def test_a_service_that_does_not_turn_pages(a2e, sim):
    """A second page that is the first one again ends a poll."""
    real = sim.world.page
    sim.world.page = lambda name, number, size: real(name, 1, size)
    strange = a2e.attach("seedance", "65f0000000000000000000ff", timeout=9)
    await a2e.gather(named(1))
    strange.detach()
    assert sim.counters["seedance.list"] <= 2 * 24
