"""Bad polls of every kind, outages and poisoned ids: jobs started and jobs lost, one JSON line per way.

python -m benchmarks.bad_polls
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from a2e_async import A2EClient, ImageToVideo, TextToImage
from a2e_async.simulator.answers.app import App
from a2e_async.simulator.virtual import DirectTransport, run_virtually, virtual_app

REQUESTS = (
    TextToImage("a red kite"),
    ImageToVideo("http://example.com/a.png", prompt="it climbs", negative_prompt="blurry"),
)
JOBS = 100
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    **{str(status): ("status", {"status": status}) for status in (500, 502, 503, 504, 429)},
    "429 with Retry-After": ("status", {"status": 429, "retry_after": 2}),
    "reset": ("reset", {}),
    "timeout": ("stall", {}),
    "HTML": ("html", {}),
    "cut JSON": ("cut_json", {}),
    "null": ("null", {}),
    "code != 0": ("code", {"code": 1}),
    "unknown status": ("unknown_status", {}),
    "missing id": ("missing_id", {}),
    "404": ("status", {"status": 404}),
}
FOUR = ("500", "503", "429", "reset", "HTML")
OUTAGES = ("503", "reset")
POISONS = (400, 403, 500)


async def look_badly(way: str) -> tuple[int, int]:
    """Start jobs, spoil their polls, and give how many were started and how many were lost."""
    what, _, how = way.partition(": ")
    app = virtual_app(coins=1_000_000, detail_lag=1.0 if how == "404 for the first second" else 0.0)
    async with A2EClient("sk_simulator", base_url="http://127.0.0.1:1", http=DirectTransport(app, 0.05)) as a2e:
        jobs = [a2e.start(REQUESTS[number % 2]) for number in range(JOBS)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        seconds = script(app, what, how, jobs[JOBS // 3].task_ids[0])
        await asyncio.sleep(seconds)
        if seconds:
            app.faults.clear()
        await a2e.drain(timeout=3_600)
        return len(jobs), sum(job.error is not None for job in jobs)


def script(app: App, what: str, how: str, poisoned: str) -> float:
    """Add the faults of a way, and give after how many seconds they end; 0: by themselves."""
    if what in ("one bad poll", "four bad polls in a row"):
        kind, details = KINDS[how]
        app.faults.add("*.batch", kind, hits=1 if what == "one bad poll" else 4, **details)
    elif what.startswith("outage"):
        kind, details = KINDS[how]
        for route in ("batch", "detail"):
            app.faults.add(f"*.{route}", kind, hits=None, **details)
        return float(what.split()[2])
    elif what == "poisoned id":
        app.faults.add("*.batch", "poison", id=poisoned, status=int(how), hits=None)
    elif how == "no batchDetail":
        app.faults.add("*.batch", "no_route", hits=None)
    return 0.0


def main() -> int:
    """Print the figures; end with 1 when a job was lost."""
    ways = [f"one bad poll: {kind}" for kind in KINDS]
    ways += [f"four bad polls in a row: {kind}" for kind in FOUR]
    ways += [f"outage of {seconds} s: {kind}" for seconds in (60, 600) for kind in OUTAGES]
    ways += [f"poisoned id: {status}" for status in POISONS]
    ways += ["service: no batchDetail", "service: 404 for the first second"]
    good = True
    for way in ways:
        started, lost = run_virtually(look_badly(way))
        good &= not lost
        print(json.dumps({"benchmark": "bad_polls", "way": way, "started": started, "lost": lost, "ok": not lost}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
