"""Ten thousand rows of a durable batch over loopback, with their files: what the ledger costs and how it commits."""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from a2e_async import A2EClient, TextToImage
from a2e_async.batch import Batch, State
from a2e_async.batch.ledger import FolderLedger
from benchmarks.common import Simulator, figure, lag, load, simulator

MOST_SHARE = 0.15
MOST_COMMITS = 1 / 5
MOST_SWITCHES = 40


def requests(count: int) -> Iterator[TextToImage]:
    """Make rows."""
    return (TextToImage(f"a red kite above dunes at sunrise, take {n}", width=256, height=256) for n in range(count))


def thread_seconds(ledger: FolderLedger) -> float:
    """Give the CPU time of a ledger's thread, which must be running."""
    thread = ledger._writer._thread  # noqa: SLF001 - nobody else asks
    assert thread is not None
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def switches() -> int:
    """Count how often a thread of this process has gone to sleep until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def files_in(folder: str) -> int:
    """Count the images of a folder."""
    return sum(1 for _path in Path(folder).glob("*.png"))


async def measure(sim: Simulator, count: int, at_once: int) -> bool:
    """Run one batch to its end."""
    states: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with A2EClient(sim.token, base_url=sim.url) as a2e:
            await a2e.balance()
            cpu, began, waits = time.process_time(), time.perf_counter(), switches()
            async with Batch.open(folder, a2e, max_running=at_once) as batch, lag() as held:
                async for outcome in batch.run(requests(count)):
                    states[outcome.entry.state.value] = states.get(outcome.entry.state.value, 0) + 1
                writing, counters = thread_seconds(batch.ledger), batch.ledger.counters
            cpu, seconds = time.process_time() - cpu, time.perf_counter() - began
            waits = switches() - waits
        files = files_in(folder)
    report = sim.report()
    facts = {"rows": count, "at_once": at_once}
    return all(
        [
            figure("rows that are not done", count - states.get(State.DONE.value, 0), "rows", at_most=0, **facts),
            figure("files that are missing", count - files, "files", at_most=0),
            figure("starts billed beyond one a row", report["starts"] - count, "starts", at_most=0),
            figure("rows a second", count / seconds, "rows/s", seconds=round(seconds, 1), **load()),
            figure("CPU a row", cpu * 1000 / count, "ms", **load()),
            figure("voluntary context switches a row", waits / count, "switches", at_most=MOST_SWITCHES),
            figure("ledger's share of CPU", writing / cpu, "", at_most=MOST_SHARE, seconds=round(writing, 2)),
            figure(
                "commits a write",
                counters.commits / counters.writes,
                "commits",
                at_most=MOST_COMMITS,
                writes=counters.writes,
                commits=counters.commits,
            ),
            figure("peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB"),
            figure("event loop held, longest in CPU time", held.longest_cpu * 1000, "ms"),
        ]
    )


def main() -> int:
    """Measure with a simulator in another process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=50)
    options = parser.parse_args()
    with simulator(coins=options.rows * 100, media="tiny", task_seconds=0.5) as sim:
        return int(not asyncio.run(measure(sim, options.rows, options.at_once)))


if __name__ == "__main__":
    sys.exit(main())
