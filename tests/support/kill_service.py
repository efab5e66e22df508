"""A simulator in a process of its own that loses answers of starts.

Run as a script this file is that simulator: it prints where it is, and its book for every line it is sent.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

_COINS = 100_000


@attrs.frozen
class Service:
    """The simulator's process."""

    child: subprocess.Popen[str]
    env: dict[str, str]

    def book(self) -> dict[str, Any]:
        """Ask for its book."""
        assert self.child.stdin is not None
        self.child.stdin.write("book\n")
        self.child.stdin.flush()
        return _told(self.child)


@contextmanager
def simulator_in_a_process(seed: int, script: str = __file__) -> Iterator[Service]:
    """Start it, or another service that speaks as it does; leave nothing of it behind."""
    usual = {k: v for k, v in os.environ.items() if not k.startswith("A2E_") and not k.upper().endswith("_PROXY")}
    with subprocess.Popen(
        [sys.executable, script, str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=usual
    ) as child:
        try:
            told = _told(child)
            yield Service(child, usual | {"A2E_BASE_URL": told["url"], "A2E_API_KEY": told["token"]})
        finally:
            child.kill()


def _told(child: subprocess.Popen[str]) -> dict[str, Any]:
    assert child.stdout is not None
    told: dict[str, Any] = json.loads(child.stdout.readline())
    return told


async def _serve(seed: int) -> None:
    """Be the simulator: every ninth start is lost after the work, every thirtieth before it."""
    from a2e_async import simulator  # noqa: PLC0415 - only its own process needs it

    async with simulator.serve(task_seconds=(0.2, 1.0), media="tiny", coins=_COINS, seed=seed) as sim:
        sim.faults.add("text_to_image.start", "reset", every=9, when="after")
        sim.faults.add("text_to_image.start", "reset", every=30)
        peak = [0]
        watching = asyncio.create_task(_watch(sim, peak))
        _say({"url": sim.url, "token": sim.token})
        while await asyncio.to_thread(sys.stdin.readline):
            book = sim.book
            _say({"bills": book.bills_by_tag(), "starts": len(book.starts), "peak": peak[0], "coins": book.spent})
        watching.cancel()


async def _watch(sim: Any, peak: list[int]) -> None:
    """Keep the most tasks that ran at once."""
    while True:
        now = sim.world.clock.now()
        peak[0] = max(peak[0], sum(task.ends > now for task in sim.world.tasks))
        await asyncio.sleep(0.02)


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
