"""What the benchmarks share: figures as JSON lines, and a simulator in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_SIMULATOR = Path(__file__).with_name("simulated.py")


def figure(name: str, value: float, unit: str, *, at_most: float | None = None, **facts: object) -> bool:
    """Print one figure as a JSON line, and say whether it is within its target.

    Args:
        name: What was measured.
        value: What it came to.
        unit: In which unit.
        at_most: The target, if there is one.
        **facts: What else belongs to it.
    """
    benchmark = Path(sys.argv[0]).stem
    line: dict[str, Any] = {"benchmark": benchmark, "figure": name, "value": round(value, 4), "unit": unit, **facts}
    fits = at_most is None or value <= at_most
    if at_most is not None:
        line |= {"at_most": at_most, "ok": fits}
    print(json.dumps(line), flush=True)
    return fits


def load() -> dict[str, float]:
    """Say how busy the machine is: a figure taken on a busy one counts for little."""
    return {"load": round(os.getloadavg()[0], 2), "cores": os.cpu_count() or 1}


class Simulator:
    """A simulator in another process.

    Attributes:
        url: Where it listens.
        token: The token it accepts.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        first = self._read()
        self.url: str = first["url"]
        self.token: str = first["token"]

    def report(self) -> dict[str, Any]:
        """Ask for its counters, its densest second of polls and its coins."""
        assert self._process.stdin is not None
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        read: dict[str, Any] = json.loads(self._process.stdout.readline())
        return read


@contextlib.contextmanager
def simulator(**switches: Any) -> Iterator[Simulator]:  # noqa: ANN401 - those of `simulator.serve`
    """Run a simulator in another process for the length of the block."""
    command = [sys.executable, str(_SIMULATOR), json.dumps(switches)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield Simulator(process)
        assert process.stdin is not None
        process.stdin.close()


class Lag:
    """The longest time for which somebody held the event loop.

    On a busy machine a long hold may only mean that the process did not run: then little of it is CPU time.

    Attributes:
        longest: In seconds.
        longest_cpu: Most CPU time of the loop's thread between two ticks, in seconds.
    """

    def __init__(self) -> None:
        self.longest = self.longest_cpu = 0.0

    async def watch(self, pause: float = 0.002) -> None:
        """Measure until cancelled."""
        while True:
            began, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(pause)
            self.longest = max(self.longest, time.perf_counter() - began - pause)
            self.longest_cpu = max(self.longest_cpu, time.thread_time() - cpu)


@asynccontextmanager
async def lag() -> AsyncIterator[Lag]:
    """Measure the lag of the event loop for the length of the block."""
    measured = Lag()
    watching = asyncio.create_task(measured.watch())
    try:
        yield measured
    finally:
        watching.cancel()


def percentile(values: list[float], share: float) -> float:
    """Give the value below which that share of all values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
