"""The counts that a change must not spoil: `python -m benchmarks.gates`, less than half a minute.

Only counts are gated, as they are the same on every machine: requests, lost jobs, modules, bytes. Times are not. The
first line that says "ok": false names the gate that failed; standard error names them all.
"""

from __future__ import annotations

import asyncio
import pstats
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common import figure
from benchmarks.contestants import OURS
from benchmarks.hundred_thousand_jobs import weigh
from benchmarks.running import Server, environment, run, server
from benchmarks.start_cost import IN_FLIGHT

CROWD, INSTANT, WEIGHED = 1_000, 1_000, 5_000
MOST_CALLS = 490
MOST_MODULES = 104

# What is counted, and the most that it may be.
GATES: dict[str, float] = {
    "crowd: jobs lost": 0,
    "crowd: starts beyond one a job": 0,
    "crowd: status requests a job": 0.1,
    "crowd: most polls in a second": 12,
    "instant: jobs lost": 0,
    "instant: requests beyond one a job": 0,
    # Of every call, those of aiohttp and asyncio too, of which bare aiohttp has 340: what a start and its result cost,
    # counted where a clock would tell what else the machine did. The most is for the oldest Python; others have fewer.
    "instant: calls a job": MOST_CALLS,
    # With what the process has for all of them, such as 64 connections; of 20,000 jobs each costs 0.15 KB less.
    "running: bytes a job": 1536,
    "running: asyncio tasks": 8,
    # One subject a module, and all that a first job needs: starts and polling are loaded with the client so that no
    # first request waits for them. What it does not need is not among them: files, inputs, stores, calls, events,
    # batches, web, the command line, the simulator, anyio; cattrs comes with the client.
    "import: modules beyond aiohttp, attrs, cattrs and families": MOST_MODULES,
}

_MODULES = """
import sys, aiohttp, attrs, cattrs
before = set(sys.modules)
import a2e_async
print(sum(not name.startswith("a2e_async.families.") for name in set(sys.modules) - before))
"""


def crowd(served: Server) -> dict[str, float]:
    """Count what a thousand videos of 1 to 6 s take."""
    done = run(served, OURS, CROWD, shortest=1, longest=6, warm_up=0)
    return {
        "crowd: jobs lost": done.lost,
        "crowd: starts beyond one a job": abs(done.starts - CROWD),
        "crowd: status requests a job": done.requests - done.starts / CROWD,
        "crowd: most polls in a second": done.peak_polls,
    }


def instant(served: Server) -> dict[str, float]:
    """Count what a thousand videos take that end at once."""
    done = run(served, OURS, INSTANT, shortest=0, longest=0, warm_up=0)
    beyond = abs(round(done.requests * INSTANT) - INSTANT)
    return {
        "instant: jobs lost": done.lost,
        "instant: requests beyond one a job": beyond,
        "instant: calls a job": calls(served),
    }


def calls(served: Server) -> float:
    """Count the calls of a start and its result."""
    with tempfile.TemporaryDirectory() as folder:
        profile = str(Path(folder) / "calls")
        run(served, OURS, INSTANT, shortest=0, longest=0, warm_up=100, in_flight=IN_FLIGHT, profile=profile)
        return float(pstats.Stats(profile).total_calls) / INSTANT  # type: ignore[attr-defined]  # it has no stub


def running(served: Server) -> dict[str, float]:
    """Weigh running jobs."""
    weight = asyncio.run(weigh(served, WEIGHED))
    return {"running: bytes a job": weight.each, "running: asyncio tasks": weight.tasks}


def imported() -> dict[str, float]:
    """Count the modules that a user of aiohttp, attrs and cattrs gets on top; families are data, and may be many."""
    ran = subprocess.run([sys.executable, "-c", _MODULES], check=True, stdout=subprocess.PIPE, env=environment())
    return {"import: modules beyond aiohttp, attrs, cattrs and families": int(ran.stdout)}


def counted() -> dict[str, float]:
    """Count everything."""
    with server() as served:
        return {**crowd(served), **instant(served), **running(served), **imported()}


def main() -> int:
    """Count, print, and say which gates failed."""
    counts = counted()
    failed = [name for name, limit in GATES.items() if not figure(name, counts[name], "count", at_most=limit)]
    for name in failed:
        print(f"gate failed: {name}: {counts[name]:g}, at most {GATES[name]:g}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
