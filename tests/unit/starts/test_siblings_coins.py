"""What the tasks of one start cost that its answer does not name: all were charged, whatever is known of them."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from lost_starts import FOUR_VIDEOS
from virtual_time import VIDEO, caught, client, until, virtual

from a2e_async import BudgetExceededError, Journal
from a2e_async.simulator.virtual import DirectTransport


@pytest.mark.parametrize("tagging", [True, False])
@virtual(options={"budget": 145}, list_names="drop", task_seconds=500)
async def test_what_no_answer_names_stays_reserved(a2e, sim, tagging):
    """Of four videos three are never heard of; their 90 coins are given to no other start, also at the end."""
    job = a2e.with_options(tagging=tagging).start(FOUR_VIDEOS)
    await job.accepted()
    assert (a2e.spent, a2e.reserved) == (30, 90)
    assert isinstance(await caught(a2e.start(VIDEO).wait()), BudgetExceededError)
    await job
    assert (a2e.spent, a2e.reserved) == (30, 90)
    assert sim.world.book.spent == 120


@pytest.mark.parametrize("lag", [0, 20, 100])
def test_what_shows_up_late_is_spent_and_reserved_no_more(lag):
    """Each task that the list shows turns its part of what is reserved into spent coins, also after the window."""

    @virtual(options={"budget": 145}, list_lag=lag, task_seconds=150)
    async def story(a2e, _sim):
        job = a2e.start(FOUR_VIDEOS)
        await job.accepted()
        assert a2e.spent + a2e.reserved == 120
        await job
        assert (a2e.spent, a2e.reserved) == (120, 0)

    story()


class MakingThree(DirectTransport):
    """A service that makes three videos where four are asked for."""

    async def send(self, request, headers):
        """Answer one request."""
        if request.start:
            request = attrs.evolve(request, body={**request.body, "number_of_images": 3})
        return await super().send(request, headers)


@virtual(opened=False, task_seconds=100)
async def test_what_was_never_made_is_given_back_at_the_end(sim):
    """A list that shows the other tasks of the start and not the fourth, after the window, is evidence enough."""
    async with client(sim, http=MakingThree(sim, 0.05), budget=145) as a2e:
        job = a2e.start(FOUR_VIDEOS)
        await asyncio.sleep(90)
        assert (a2e.spent, a2e.reserved) == (90, 30)
        assert len((await job).urls) == 3
        assert (a2e.spent, a2e.reserved) == (90, 0)


@virtual(opened=False, list_lag=100, task_seconds=500)
async def test_of_an_unknown_price_equal_parts_are_held(sim):
    """Where nobody quotes, the tasks that are missing are taken to cost as much as the one that is known."""
    sim.faults.add("quote", "html", hits=None)
    async with client(sim, budget=200) as a2e:
        await a2e.start(FOUR_VIDEOS).accepted()
        assert (a2e.spent, a2e.reserved) == (30, 90)


@virtual(opened=False, list_lag=10, task_seconds=500)
async def test_a_client_that_closes_meanwhile_has_counted_what_was_named(sim):
    """The answer is a fact, also when nobody waits for the others any more."""
    async with client(sim, budget=145) as a2e:
        coins = a2e._parts().engine.coins
        a2e.start(FOUR_VIDEOS)
        await asyncio.sleep(0.3)
    assert (coins.spent, coins.reserved) == (30, 90)


@virtual(list_lag=100, task_seconds=150)
async def test_what_shows_up_for_a_job_that_was_let_go_of_is_counted(a2e, sim, caplog):
    """A job is let go of while the list is asked for the last time: what it shows was paid for, and is named."""
    job = a2e.start(FOUR_VIDEOS)
    await job.accepted()
    await asyncio.sleep(149)
    await until(job.all_final, step=0.01)
    job.detach()
    await asyncio.sleep(1)
    assert a2e.spent == sim.world.book.spent == 120
    assert all(one in caplog.text for one in sim.world.book.starts[0].task_ids)


@virtual(opened=False, list_names="drop", task_seconds=500)
async def test_a_part_of_the_tasks_teaches_no_price(sim):
    """Where nobody quotes, 30 coins for one of four videos are not the price of four: the next start holds for four."""
    sim.faults.add("quote", "html", hits=None)
    async with client(sim, budget=250) as a2e:
        for number in (1, 2):
            await a2e.start(FOUR_VIDEOS).accepted()
            assert (a2e.spent, a2e.reserved) == (30 * number, 90 * number)
    assert sim.world.book.spent == 240


class Full(Journal):
    """Cannot write down any answer."""

    async def accepted(self, _tag, _task_ids, _coins):
        """Fail."""
        raise OSError("the disk is full")


@virtual(options={"budget": 145}, task_seconds=500)
async def test_an_answer_that_cannot_be_written_down_gives_no_coins_back(a2e, sim):
    """The start was taken and charged for four videos, though its job ends with the journal's error."""
    view = a2e.with_options()
    view._options = attrs.evolve(view._options, journal=Full())
    job = view.start(FOUR_VIDEOS)
    assert isinstance(await caught(job.wait()), OSError)
    assert (len(job.task_ids), sim.world.book.spent) == (1, 120)
    assert (a2e.spent, a2e.reserved) == (30, 90)
    assert isinstance(await caught(a2e.start(VIDEO).wait()), BudgetExceededError)
