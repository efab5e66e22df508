"""Processes of this machine: replaced when they die, not when they leave, and never left behind."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from a2e_async.fleet.local import FENCED, LocalWorkers

WAITS = "import sys; print('up', flush=True); sys.stdin.read()"


def workers(code, *, count=1, progress=lambda: 0):
    """Make workers that run this program, and give them with what they say."""
    told = {"lines": [], "words": [], "news": []}
    made = LocalWorkers(
        count,
        [sys.executable, "-c", code],
        {"SECRET": "of the environment"},
        on_line=told["lines"].append,
        on_words=lambda number, line: told["words"].append((number, line)),
        on_news=told["news"].append,
        progress=progress,
    )
    return made, told


@pytest.mark.parametrize("code", [0, 1, 4])
async def test_who_leaves_is_not_replaced(code):
    """It has said why, and another one would say the same."""
    made, told = workers(f"import sys; print('x'); print('why', file=sys.stderr); sys.exit({code})", count=2)
    assert await made.run() == [code, code]
    assert sorted(told["lines"]) == ["x", "x"]
    assert sorted(told["words"]) == [(1, "why"), (2, "why")]
    assert [one.lives for one in made.workers] == [1, 1]
    assert not told["news"]


async def test_who_is_killed_or_fenced_is_replaced():
    """Each place goes on until its process leaves by itself; what happened is told."""
    grows = iter(range(100))
    made, told = workers("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", progress=lambda: next(grows))
    running = asyncio.create_task(made.run())
    while made.workers[0].lives < 2:  # noqa: ASYNC110 - it does not tell
        await asyncio.sleep(0.01)
    made.stop()
    await running
    assert "worker 1 was killed (SIGKILL): another one is begun" in told["news"][0]
    fenced, told = workers(f"import sys; sys.exit({FENCED})", progress=lambda: next(grows))
    running = asyncio.create_task(fenced.run())
    while fenced.workers[0].lives < 2:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    fenced.stop()
    await running
    assert "worker 1 lost its lease or the store" in told["news"][0]


async def test_a_kill_is_told_by_its_number():
    """`kill` gives the process's id, and None for one that is not there."""
    made, told = workers(WAITS)
    running = asyncio.create_task(made.run())
    while not told["lines"]:  # noqa: ASYNC110 - it prints when it is up
        await asyncio.sleep(0.01)
    assert made.kill(1) > 0
    made._stopping = True
    await running
    assert made.kill(1) is None
    assert made.alive == 0


async def test_cancelled_it_leaves_nobody_behind():
    """Their standard input ends, and who does not listen is signalled."""
    made, told = workers(WAITS, count=2)
    running = asyncio.create_task(made.run())
    while len(told["lines"]) < 2:  # noqa: ASYNC110 - they print when they are up
        await asyncio.sleep(0.01)
    pids = [one.process.pid for one in made.workers]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
