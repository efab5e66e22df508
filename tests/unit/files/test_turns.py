"""Threads that work on files take turns, and whoever takes long holds up nobody."""

from __future__ import annotations

import asyncio

from virtual_time import play_out

from a2e_async.engine.files.turns import Turns


def test_one_at_a_time():
    """Nobody begins while another one is at work."""

    async def play():
        turns, at_work, most = Turns(), 0, 0

        async def work():
            nonlocal at_work, most
            async with turns.turn():
                at_work += 1
                most = max(most, at_work)
                await asyncio.sleep(0.001)
                at_work -= 1

        await asyncio.gather(*(work() for _ in range(20)))
        assert most == 1

    play_out(play())


def test_whoever_takes_long_holds_up_nobody():
    """A disk that hangs has its turn for ever, and the others go on beside it."""

    async def play():
        turns, hangs, done = Turns(), asyncio.Event(), 0

        async def hang():
            async with turns.turn():
                await hangs.wait()

        async def work():
            nonlocal done
            async with turns.turn():
                done += 1

        slow = [asyncio.create_task(hang()) for _ in range(3)]
        await asyncio.gather(*(work() for _ in range(5)))
        assert done == 5
        hangs.set()
        await asyncio.gather(*slow)
        async with turns.turn():
            assert turns._free.locked()

    play_out(play())
