"""A thousand videos of 5 to 20 s at once: what watching them costs, and how soon their ends are noticed."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from datetime import datetime

from a2e_async import A2EClient, ImageToVideo
from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job
from benchmarks.common import Simulator, figure, lag, load, percentile, simulator


async def measure(sim: Simulator, count: int) -> bool:
    """Start so many videos and wait for all of them."""

    async def noticed(job: Job[Result]) -> float:
        result = await job
        ended = datetime.fromisoformat(str(result.records[0].raw["updatedAt"]))
        return time.time() - ended.timestamp()

    async with A2EClient(sim.token, base_url=sim.url) as a2e:
        await a2e.balance()
        cpu, began = time.process_time(), time.perf_counter()
        async with lag() as held:
            jobs = [
                a2e.start(ImageToVideo(f"http://example.com/{i}.png", prompt=f"video {i}", negative_prompt="blurry"))
                for i in range(count)
            ]
            queued = time.perf_counter() - began
            delays = await asyncio.gather(*map(noticed, jobs))
        cpu, seconds = time.process_time() - cpu, time.perf_counter() - began
    report = sim.report()
    polls = sum(times for route, times in report["counters"].items() if route.endswith((".batch", ".detail", ".list")))
    return all(
        [
            figure("jobs that ended well", len(delays), "jobs", seconds=round(seconds, 2), **load()),
            figure("starts billed beyond one per job", report["starts"] - count, "starts", at_most=0),
            figure("status requests a job", polls / count, "requests", at_most=0.25, counters=report["counters"]),
            figure("polls in the densest second", report["polls_peak"], "requests", at_most=12),
            figure("delay from end to awaited, mean", statistics.fmean(delays), "s", at_most=0.6),
            figure("delay from end to awaited, p95", percentile(delays, 0.95), "s", at_most=1.1),
            figure("delay from end to awaited, longest", max(delays), "s"),
            figure("event loop held, longest", held.longest * 1000, "ms", at_most=100, **load()),
            figure("event loop held, longest in CPU time", held.longest_cpu * 1000, "ms", at_most=30),
            figure("time to make all jobs", queued * 1000, "ms"),
            figure("CPU of the client a job", cpu * 1000 / count, "ms"),
        ]
    )


def main() -> int:
    """Measure with a simulator in another process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    given = parser.parse_args()
    with simulator(coins=100 * given.jobs, media="tiny", seed=1) as sim:
        return 0 if asyncio.run(measure(sim, given.jobs)) else 1


if __name__ == "__main__":
    sys.exit(main())
