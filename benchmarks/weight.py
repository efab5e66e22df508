"""What a job costs in memory, and how many asyncio tasks there are, with 20,000 of them in flight."""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import logging
import sys
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from a2e_async import A2EClient, ImageToVideo
from a2e_async.core.http import HttpReply, HttpRequest
from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job
from benchmarks.common import figure

MOST_BYTES = 4096
STARTS = 32


class Endless:
    """A service that takes every start it is allowed to answer, and whose tasks never end."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self._numbers = itertools.count()

    async def send(self, request: HttpRequest, _headers: Mapping[str, str]) -> HttpReply:
        """Answer as the service does, fields that nobody needs included."""
        await self.answers.wait()
        await asyncio.sleep(0)
        body = request.body or {}
        data: Any = (
            self._row(f"{next(self._numbers):024x}", "initialized", str(body["name"]))
            if request.start
            else [self._row(task_id, "processing", "") for task_id in body["ids"]]
        )
        return HttpReply(status=200, body=json.dumps({"code": 0, "data": data}).encode())

    @staticmethod
    def _row(task_id: str, status: str, name: str) -> dict[str, Any]:
        row = {"_id": task_id, "current_status": status, "coins": 30, "createdAt": "2026-01-01T00:00:00.000Z"}
        return {**row, "name": name, "prompt": "a long prompt " * 20, "result_url": "", "failed_message": ""}


async def weigh(
    make: Callable[[], list[Job[Result]]], wait: Callable[[list[Job[Result]]], Awaitable[object]]
) -> tuple[float, int]:
    """Give the bytes that a job costs, and the number of asyncio tasks while all are in flight."""
    gc.collect()
    tracemalloc.start()
    try:
        jobs = make()
        await wait(jobs)
        gc.collect()
        weight = tracemalloc.get_traced_memory()[0] / len(jobs)
    finally:
        tracemalloc.stop()
    tasks = len(asyncio.all_tasks())
    for job in jobs:
        job.detach()
    return weight, tasks


async def measure(count: int) -> bool:
    """Weigh queued jobs, then running ones."""
    requests = [ImageToVideo("http://e.com/a.png", prompt=f"video {i}", negative_prompt="blurry") for i in range(count)]
    service = Endless()
    fits = []
    async with A2EClient("sk_example", base_url="http://127.0.0.1:1", http=service, max_starts=STARTS) as a2e:

        def start_all() -> list[Job[Result]]:
            return [a2e.start(request) for request in requests]

        for stage, wait in (("queued", _a_moment), ("running", _all_accepted)):
            if stage == "running":
                service.answers.set()
            weight, tasks = await weigh(start_all, wait)
            fits += [
                figure(f"memory of a {stage} job", weight, "bytes", at_most=MOST_BYTES, jobs=count),
                figure(f"asyncio tasks with {stage} jobs", tasks, "tasks", at_most=STARTS + 16, jobs=count),
            ]
    return all(fits)


async def _a_moment(_jobs: list[Job[Result]]) -> None:
    await asyncio.sleep(0.1)


async def _all_accepted(jobs: list[Job[Result]]) -> None:
    for job in jobs:
        await job.accepted()
    await _a_moment(jobs)  # for the starters to go home


def main() -> int:
    """Measure in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    logging.getLogger("a2e_async").setLevel(logging.ERROR)  # it tells of starts that are let go of on the wire
    return 0 if asyncio.run(measure(parser.parse_args().jobs)) else 1


if __name__ == "__main__":
    sys.exit(main())
