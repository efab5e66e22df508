"""Opening and closing one client in any order: the order asked for counts, and nothing is left."""

from __future__ import annotations

import asyncio

import pytest
from scripted import Scripted, yes
from virtual_time import IMAGE, caught, client, no_task_is_left, now, play_out, virtual

from a2e_async import A2EClient, ClientClosedError, UsageError


@virtual(opened=False, task_seconds=2)
async def test_a_life_begins_when_the_last_one_has_ended(sim):
    """Who opens a client that is being closed waits for the answers it still waits for; then all is as new."""
    a2e = await client(sim, latency=3).open()
    lost = a2e.start(IMAGE)
    await asyncio.sleep(1)
    closing = asyncio.ensure_future(a2e.aclose())
    await asyncio.sleep(0)
    await a2e.open()
    assert now() == pytest.approx(3, abs=0.5)
    assert closing.done()
    assert lost.task_ids
    await a2e.start(IMAGE)
    await a2e.aclose()
    assert repr(a2e).endswith("closed>")


@pytest.mark.parametrize("order", ["co", "coc", "ocoo", "cooc", "cccoc", "ocococ", "coococco", "oooo", "cccc"])
@pytest.mark.parametrize("pause", [0, 0.5])
@virtual(opened=False)
async def test_the_last_wish_counts(sim, order, pause):
    """However openings and closings are mixed, the client is what the last of them asked for."""
    a2e = await client(sim, latency=3).open()
    a2e.start(IMAGE)
    await asyncio.sleep(1)
    wishes = []
    for wish in order:
        wishes.append(asyncio.ensure_future(a2e.open() if wish == "o" else a2e.aclose()))
        await asyncio.sleep(pause)
    ended = await asyncio.gather(*wishes, return_exceptions=True)
    assert {type(end) for end in ended if isinstance(end, BaseException)} <= {ClientClosedError}
    is_open = repr(a2e).endswith("open>")
    assert is_open is (order[-1] == "o")
    await a2e.aclose()


@virtual(opened=False)
async def test_whoever_gives_up_waiting_for_a_closing_leaves_the_client_closed(sim):
    """An opening that is cancelled opens nothing later."""
    a2e = await client(sim, latency=5).open()
    a2e.start(IMAGE)
    await asyncio.sleep(1)
    closing, opening = asyncio.ensure_future(a2e.aclose()), asyncio.ensure_future(a2e.open())
    await asyncio.sleep(1)
    opening.cancel()
    await asyncio.wait([closing, opening])
    assert repr(a2e).endswith("closed>")


def test_a_client_that_is_closed_on_one_loop_opens_on_another():
    """Each life has a loop of its own, and says so while one is still there."""
    lives, a2e = [], A2EClient("sk_simulator", base_url="http://127.0.0.1:1", http=Scripted(yes({"coins": 5})))

    async def live():
        async with a2e:
            lives.append(await a2e.balance())
        await no_task_is_left()

    play_out(live())
    play_out(live())
    assert [balance.coins for balance in lives] == [5, 5]

    other = asyncio.new_event_loop()

    async def come():
        a2e._shared._closing = other.create_future()  # as of a closing that is under way there
        assert isinstance(await caught(a2e.open()), UsageError)
        other.close()  # in its middle: nobody will ever end it
        await live()

    play_out(come())
    assert [balance.coins for balance in lives] == [5, 5, 5]
