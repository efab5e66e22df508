"""Processes that are killed in mid-write, and machines whose clocks are wrong: nothing that was told is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from pathlib import Path

import pytest
from ledgers import running

from a2e_async.store.entries import State
from a2e_async.store.ports import JOBS

WRITER = """
import asyncio, random
from ledgers import entry
from a2e_async.store.opening import open_store
from a2e_async.store.ports import JOBS
async def write(url, life, ttl):
    store, chance = open_store(url), random.Random(life)
    await store.open()
    book = await store.join(JOBS, await store.lease(ttl))
    print("shard", book.shard, flush=True)
    async def row(n):
        name = f"{life}-{n}"
        await book.plan([entry(name)])
        print("planned", name, flush=True)
        await book.intended(name, "abcdefgh", 1, 5.0)
        print("intended", name, flush=True)
        await asyncio.sleep(chance.random() / 100)
        await book.accepted(name, [f"task-{name}"], 10)
        print("accepted", name, flush=True)
    for first in range(0, 1_000_000, 20):
        await asyncio.gather(*(row(n) for n in range(first, first + 20)))
asyncio.run(write(sys.argv[1], sys.argv[2], float(sys.argv[3])))
"""

_AT_ONCE = 3


def _url(views, tmp_path, request):
    if views.kind == "memory":
        pytest.skip("it dies with its process")
    return (
        request.getfixturevalue("server").url if views.kind == "postgres" else f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    )


async def _life_and_death(url, life, seconds):
    """Kill a writer in mid-write; gives what it was told, by row."""
    with running(WRITER, url, life, 30) as process:
        first = await asyncio.to_thread(process.stdout.readline)
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        lines = await asyncio.to_thread(process.stdout.readlines)
    assert first.startswith("shard"), "it never began to write"
    return dict(reversed(line.split()) for line in lines if line.endswith("\n"))


async def _lives_and_deaths(views, url, lives, seed):
    """Kill writers, some of which write at the same time; gives what they were told, and looks for it from outside."""
    chance, told = random.Random(seed), {}
    store = await views.another()
    for life in range(0, lives, _AT_ONCE):
        some = [_life_and_death(url, life + n, chance.uniform(0.05, 0.3)) for n in range(_AT_ONCE)]
        for one in await asyncio.gather(*some):
            told |= one
    known = {one.id: one async for one in store.entries(JOBS)}
    order = [state.value for state in State]
    lost = [
        row for row, state in told.items() if row not in known or order.index(state) > order.index(known[row].state)
    ]
    assert lost == []
    assert all(one.task_ids == (f"task-{row}",) for row, one in known.items() if one.state is State.ACCEPTED)
    return told


async def test_what_was_told_is_there_after_sigkill(views, tmp_path, request):
    """Some deaths in mid-write: every write that was acknowledged is in the store."""
    assert len(await _lives_and_deaths(views, _url(views, tmp_path, request), 3, seed=1)) > 6


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_what_was_told_is_there_after_sixty_deaths(views, tmp_path, request):
    """The same, sixty times."""
    assert len(await _lives_and_deaths(views, _url(views, tmp_path, request), 60, seed=2)) > 200


@contextlib.asynccontextmanager
async def _writer(url, ttl, **options):
    """Start a writer for a block; gives the number of its shard once it has rows, and its process."""
    with running(WRITER, url, "w", ttl, **options) as process:
        lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(3)]
        yield int(lines[0].split()[1]), process


async def _claimed(store, shard, lease):
    """Claim a shard as soon as its holder is dead."""
    for _ in range(80):
        await asyncio.sleep(0.1)
        if (book := await store.claim(JOBS, shard, lease)) is not None:
            return book
    raise AssertionError("its holder is still alive")


@pytest.mark.parametrize("ahead", [pytest.param(-300, marks=pytest.mark.slow), 300])
async def test_a_wrong_clock_neither_keeps_nor_loses_a_lease(views, tmp_path, request, ahead):
    """A machine five minutes off is alive while it beats, and dead when it does not: no wall clock is asked."""
    url = _url(views, tmp_path, request)
    store = await views.another()
    mine = await store.lease()
    clock = str(Path(__file__).parents[1] / "support" / "wrong_clock")
    env = {**os.environ, "WRONG_CLOCK": str(ahead), "PYTHONPATH": clock}
    async with _writer(url, 1.2, env=env) as (shard, process):
        for _ in range(8):
            await asyncio.sleep(0.2)
            assert await store.claim(JOBS, shard, mine) is None
        process.send_signal(signal.SIGKILL)
        assert await (await _claimed(store, shard, mine)).in_states(list(State))


async def test_a_process_that_slept_past_its_lease_writes_nothing_more(views, tmp_path, request):
    """Stopped in mid-write, taken over and woken, it ends with FencedError, and the rows stand as they stood."""
    url = _url(views, tmp_path, request)
    store = await views.another()
    mine = await store.lease()
    async with _writer(url, 0.8) as (shard, process):
        process.send_signal(signal.SIGSTOP)
        book = await _claimed(store, shard, mine)
        seen = await book.in_states(list(State))
        process.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(process.wait, 20) == 1
        assert "FencedError" in process.stderr.read()
        assert await book.in_states(list(State)) == seen
