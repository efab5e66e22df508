"""500 webhooks a second for 10 s into the aiohttp.web receiver: none lost, memory flat, jobs finished soon after.

    python -m benchmarks.webhooks [--rate 500] [--seconds 10] [--polls 20]

The simulator runs in a process of its own and sends the webhooks itself, as its tasks end; this process is a web
application whose client watches all of them. It measures two modes: in "hints" the client looks at nothing of its own
accord, so each job is finished by a webhook; in "usual" it also polls as it does by default, under the same cap. `late`
is the time from the arrival of a task's first webhook to the end of its job.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import os
import resource
import socket
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from a2e_async import A2EClient, Cadence, Webhook
from a2e_async.simulator import serve
from a2e_async.web.aiohttp import setup
from benchmarks.common import figure, load

SECRET = "the secret of a benchmark"
LEAD = 6.0
"""Seconds that the client has for attaching all tasks before the first one ends."""


class Watching(A2EClient):
    """A client that notes when it was first hinted at each task."""

    hinted: dict[str, float]

    def hint(self, task_id: str) -> None:
        """Look at a task at once."""
        self.hinted.setdefault(task_id, time.perf_counter())
        super().hint(task_id)


async def simulate(hook: str, rate: int, seconds: int) -> None:
    """Be the service: tasks end at an even rate, and their webhooks are sent as they do."""
    async with serve(media="tiny", coins=10**9, task_seconds=lambda _family, body: body["seconds"]) as sim:
        began = sim.clock.now() + LEAD
        body = {"prompt": "a kite", "webhook_url": hook, "webhook_token": SECRET}
        ids = []
        for number in range(rate * seconds):
            left = began + number / rate - sim.clock.now()
            ids += [task.id for task in sim.world.start("text_to_image", {**body, "seconds": left})]
        print(json.dumps({"url": sim.url, "ids": ids}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        figures = {"webhooks": sim.webhooks, "peak": sim.peak("*.batch"), "polls": sim.counters["text_to_image.batch"]}
        print(json.dumps(figures), flush=True)


def memory() -> float:
    """Give what this process holds in memory, in MiB."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(mode: str, rate: int, seconds: int, polls: int) -> bool:
    """Be the web application, and tell how it went; gives whether all is within its target."""
    count = rate * seconds
    app = web.Application()
    runner = web.AppRunner(app, access_log=None)
    port = free_port()
    hook = f"http://127.0.0.1:{port}/a2e/webhook"
    words = sys.executable, "-m", "benchmarks.webhooks", "--serve", hook, "--rate", str(rate), "--seconds", str(seconds)
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, limit=2**24)
    assert child.stdin is not None
    assert child.stdout is not None
    told = json.loads(await child.stdout.readline())
    cadence = Cadence(delay=86_400 if mode == "hints" else 0.5, polls_per_second=polls)
    a2e = Watching("sk_simulator", base_url=told["url"], cadence=cadence, webhook=Webhook(hook, SECRET))
    a2e.hinted = {}
    setup(app, a2e)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ended: dict[str, float] = {}
    for task_id in told["ids"]:
        a2e.attach("text_to_image", task_id).on_end(lambda job: ended.setdefault(job.task_ids[0], time.perf_counter()))
    del told
    gc.collect()
    held = []
    until = time.perf_counter() + LEAD + seconds + 20
    while time.perf_counter() < until and (len(ended) < count or len(a2e.hinted) < count):
        await asyncio.sleep(0.5)
        if a2e.hinted:
            held.append(memory())
    child.stdin.write(b"\n")
    service = json.loads(await child.stdout.readline())
    await child.wait()
    await runner.cleanup()
    arrivals = sorted(a2e.hinted.values())
    late = sorted(max(0.0, at - a2e.hinted[task_id]) for task_id, at in ended.items() if task_id in a2e.hinted)
    finished = held[min(3, len(held) - 1)] if held else math.nan
    facts: dict[str, Any] = {
        "mode": mode,
        "sent": count,
        "delivered": service["webhooks"].get("delivered", 0),
        "per_second": round(len(arrivals) / max(1e-9, arrivals[-1] - arrivals[0])) if arrivals else 0,
        "late_p50": round(late[len(late) // 2], 4) if late else None,
        "late_max": round(late[-1], 4) if late else None,
        "polls": service["polls"],
        "memory_mib": round(finished, 1),
    }
    p99 = late[int(len(late) * 0.99)] if late else math.inf
    growth = max(held, default=math.inf) - finished
    return all(
        [
            figure("late_p99", p99, "s", at_most=0.3, **facts, **load()),
            figure("webhooks_lost", count - len(arrivals), "webhooks", at_most=0, mode=mode),
            figure("jobs_unsettled", count - len(ended), "jobs", at_most=0, mode=mode),
            figure("polls_peak", service["peak"], "polls/s", at_most=polls + 1, mode=mode),
            figure("memory_growth", growth, "MiB", at_most=10, mode=mode),
        ]
    )


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def main() -> None:
    """Run both modes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=500, help="webhooks a second")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--polls", type=int, default=20, help="most polls a second")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(simulate(chosen.serve, chosen.rate, chosen.seconds))
        return
    within = [asyncio.run(measure(mode, chosen.rate, chosen.seconds, chosen.polls)) for mode in ("hints", "usual")]
    sys.exit(not all(within))


if __name__ == "__main__":
    main()
