"""A process that is killed in mid-write loses nothing that was told."""

from __future__ import annotations

import asyncio
import random
import signal

import pytest
from ledgers import opened, running

from a2e_async.store.entries import State

KILLED = """
import asyncio, pathlib, random
from ledgers import entry, opened
async def write(folder, life):
    chance = random.Random(life)
    async with opened(folder) as book:
        async def row(n):
            name = f"{life}-{n}"
            await book.plan([entry(name)])
            print("planned", name, flush=True)
            await book.intended(name, "abcdefgh", 1)
            print("intended", name, flush=True)
            await asyncio.sleep(chance.random() / 100)
            await book.accepted(name, [f"task-{name}"], 10)
            print("accepted", name, flush=True)
        for first in range(0, 1_000_000, 30):
            await asyncio.gather(*(row(n) for n in range(first, first + 30)))
asyncio.run(write(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
"""


async def lives_and_deaths(folder, lives, seed):
    """Kill one writer after the other in the middle of writing; gives what they were told, by row."""
    chance = random.Random(seed)
    told = {}
    for life in range(lives):
        with running(KILLED, folder, life) as process:
            first = await asyncio.to_thread(process.stdout.readline)
            await asyncio.sleep(chance.uniform(0.01, 0.25))
            process.send_signal(signal.SIGKILL)
            rest = await asyncio.to_thread(process.stdout.readlines)
        assert first
        for line in (first, *rest):
            if line.endswith("\n"):
                state, row = line.split()
                told[row] = state
        async with opened(folder) as book:
            assert await book._ask("PRAGMA integrity_check") == [("ok",)]
            known = await book.known(sorted(told))
        order = [state.value for state in State]
        lost = [
            row
            for row, state in told.items()
            if row not in known or order.index(state) > order.index(known[row].state.value)
        ]
        assert lost == []
        assert all(one.task_ids == (f"task-{row}",) for row, one in known.items() if one.state is State.ACCEPTED)
    return told


async def test_sigkill_in_mid_write_loses_nothing_that_was_told(tmp_path):
    """Five deaths: every row that was acknowledged is there, and the file is sound."""
    assert len(await lives_and_deaths(tmp_path, 5, seed=1)) > 100


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_sigkill_in_mid_write_loses_nothing_that_was_told_in_sixty_lives(tmp_path):
    """Sixty deaths: the same."""
    assert len(await lives_and_deaths(tmp_path, 60, seed=2)) > 1000
