"""A hundred thousand running jobs in one process: tasks of 600 s, 1,000 starts a second, at most 50 polls a second.

Two passes, as tracing memory distorts time: one weighs running jobs (fewer of them, against tasks that do not end),
the other watches the event loop, the caps and the end of every job. The whole takes about 13 minutes of real time;
`--seconds 120` shortens the tasks, `--jobs 10000 --seconds 15` everything. With fewer seconds than jobs / 1,000 not
all jobs run at once.

Python's garbage collector goes through all objects of a process at once, the caller's requests among them, and holds
the event loop for 0.4 s at this size. A process that has so many jobs switches it off, as this script does: jobs leave
no reference cycles, which is counted at the end. `--gc` leaves it on, and tells its longest run. `--freeze 2` leaves it
on and calls `gc.freeze()` every 2 seconds, after which it goes through what has come since, and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import logging
import sys
import time
import tracemalloc
from typing import Any

import attrs

from a2e_async import A2EClient, Cadence, ImageToVideo, Job, Result
from benchmarks.common import figure, lag, load, percentile
from benchmarks.contestants import IMAGE, NEGATIVE
from benchmarks.running import Server, machine, server

STARTS, POLLS = 1_000, 50
MOST_BYTES, MOST_HELD = 3 * 1024, 100.0
_JITTER = 1.02  # what left the client evenly can arrive a little denser
_ENDLESS = 3600.0


def request(words: str) -> ImageToVideo:
    """Make the request for one video."""
    return ImageToVideo(IMAGE, prompt=words, negative_prompt=NEGATIVE)


def client(url: str, **options: Any) -> A2EClient:  # noqa: ANN401 - A2EClient's own
    """Make a client with the cap on polls."""
    return A2EClient("sk_example", base_url=url, cadence=Cadence(polls_per_second=POLLS), max_starts=64, **options)


@attrs.frozen(kw_only=True)
class Weight:
    """What running jobs weigh, without their requests and without callers that await them.

    Attributes:
        each: Traced bytes for each job.
        peak: The most that was traced at any moment, for each job.
        tasks: How many asyncio tasks there are.
    """

    each: float
    peak: float
    tasks: int


async def weigh(served: Server, count: int) -> Weight:
    """Weigh so many running jobs, all that the process traces included."""
    wanted = [request(f"video {number}") for number in range(count)]  # beforehand, as they are the caller's
    served.reset(_ENDLESS, _ENDLESS, 1)
    async with client(served.url) as a2e:
        await a2e.start(request("warm-up"))
        gc.collect()
        tracemalloc.start()
        try:
            jobs = [a2e.start(one) for one in wanted]
            for job in jobs:
                await job.accepted()
            await asyncio.sleep(2)  # so that polls have been taken
            gc.collect()
            each, peak = (size / count for size in tracemalloc.get_traced_memory())
        finally:
            tracemalloc.stop()
        tasks = len(asyncio.all_tasks())
        for job in jobs:
            job.detach()
    return Weight(each=each, peak=peak, tasks=tasks)


class Collector:
    """The longest run of Python's garbage collector, which holds the event loop as our own code does.

    Attributes:
        longest: In seconds.
    """

    def __init__(self) -> None:
        self.longest = self._began = 0.0

    def __call__(self, phase: str, _facts: dict[str, int]) -> None:
        """Take the time; to be added to `gc.callbacks`."""
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.longest = max(self.longest, time.perf_counter() - self._began)


async def freeze(pause: float) -> None:
    """Spare the collector whatever is there by now, again and again; what has ended goes without it."""
    while True:
        await asyncio.sleep(pause)
        gc.freeze()


async def watch(served: Server, count: int, pause: float | None) -> dict[str, Any]:
    """Start all jobs, and wait for all of them; gives what the client knows."""
    wanted = [request(f"video {number}") for number in range(count)]  # beforehand, as they are the caller's
    noticed: dict[str, float] = {}
    async with client(served.url, rate=STARTS) as a2e:
        await a2e.start(request("warm-up"))
        cpu, began = time.process_time(), time.monotonic()
        jobs = [a2e.start(one) for one in wanted]
        queued = time.monotonic() - began
        collector = Collector()
        gc.callbacks.append(collector)
        if pause:
            gc.freeze()
            freezing = asyncio.create_task(freeze(pause))
        async with lag() as held:
            for number, job in enumerate(jobs):
                job.on_end(functools.partial(_note, noticed, str(number)))
            await jobs[-1].accepted()
            running = a2e.stats().running
            started = time.monotonic() - began
            await a2e.drain()
        gc.callbacks.remove(collector)
        if pause:
            freezing.cancel()
            gc.unfreeze()
        cpu, seconds = time.process_time() - cpu, time.monotonic() - began
    failed = sum(not job.done() or job.error is not None for job in jobs)
    return {
        "noticed": noticed,
        "held": held,
        "collected": collector.longest,
        "cpu": cpu,
        "seconds": seconds,
        "queued": queued,
        "started": started,
        "running": running,
        "failed": failed,
    }


def _note(noticed: dict[str, float], number: str, _job: Job[Result]) -> None:
    noticed[number] = time.monotonic()


def show(told: dict[str, Any], report: dict[str, Any], count: int, task_seconds: float) -> bool:
    """Print what was seen, and say whether all is within its limit."""
    delays = [moment - report["ends"][number] for number, moment in told["noticed"].items()]
    held = told["held"]
    figure("jobs that ran when the last was accepted", told["running"], "jobs", jobs=count, task_seconds=task_seconds)
    figure("time to start all", told["started"], "s", queued_in=round(told["queued"], 3))
    figure("time to settle all", told["seconds"], "s", **load())
    figure("CPU of the client a job", told["cpu"] * 1000 / count, "ms")
    figure("status requests a job", report["requests"]["record"] / count, "requests")
    figure("delay from end to finished, p50", percentile(delays, 0.5), "s")
    figure("garbage collection, longest", told["collected"] * 1000, "ms")
    figure("delay from end to finished, p95", percentile(delays, 0.95), "s")
    return all(
        [
            figure("jobs that did not end well", told["failed"] + count - len(delays), "jobs", at_most=0),
            figure("starts beyond one per job", report["requests"]["start"] - 1 - count, "starts", at_most=0),
            figure("event loop held, longest", held.longest * 1000, "ms", at_most=MOST_HELD),
            figure("event loop held, longest in CPU time", held.longest_cpu * 1000, "ms", at_most=MOST_HELD),
            figure("starts in the densest second", report["peaks"]["start"], "requests", at_most=STARTS * _JITTER),
            figure("polls in the densest second", report["peaks"]["record"], "requests", at_most=POLLS * _JITTER),
        ]
    )


def main() -> int:
    """Weigh, then watch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long each task takes")
    parser.add_argument("--weighed", type=int, default=20_000, help="how many jobs are weighed; 0: none")
    parser.add_argument("--gc", action="store_true", help="leave Python's garbage collector on while watching")
    parser.add_argument(
        "--freeze", type=float, metavar="SECONDS", help="leave it on, and freeze so often what is there"
    )
    given = parser.parse_args()
    collects = given.gc or given.freeze
    logging.getLogger("a2e_async").setLevel(logging.ERROR)
    fits = True
    with server() as served:
        if given.weighed:
            weight = asyncio.run(weigh(served, given.weighed))
            facts = {"jobs": given.weighed, "peak": round(weight.peak), "tasks": weight.tasks}
            fits &= figure("memory of a running job", weight.each, "bytes", at_most=MOST_BYTES, **facts)
        gc.collect()
        served.reset(given.seconds, given.seconds, 1)
        if not collects:
            gc.disable()
        told = asyncio.run(watch(served, given.jobs, given.freeze))
        fits &= show(told, served.report(), given.jobs, given.seconds)
        if not collects:
            fits &= figure("objects in reference cycles", gc.collect() / given.jobs, "objects a job", at_most=0.01)
    figure("machine", machine()["load"], "load", **machine())
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
