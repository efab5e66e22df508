"""A simulator alone in its process, which reports on each line of its standard input and ends with it."""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import accumulate

from a2e_async.simulator import Simulator, serve


async def main() -> None:
    """Serve until standard input ends."""
    async with serve(**json.loads(sys.argv[1])) as sim:
        print(json.dumps({"url": sim.url, "token": sim.token}), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            report = {
                "counters": dict(sim.counters),
                "polls_peak": max(sim.peak("*.batch"), sim.peak("*.detail")),
                "starts_peak": sim.peak("*.start"),
                "running_peak": _most_at_once(sim),
                "starts": len(sim.book.starts),
                "spent": sim.book.spent,
                "tags_billed_twice": sum(times > 1 for times in sim.book.bills_by_tag().values()),
            }
            print(json.dumps(report), flush=True)


def _most_at_once(sim: Simulator) -> int:
    """Give the most tasks that ran at once, by when each began and ended."""
    moments = sorted((at, step) for task in sim.world.tasks for at, step in ((task.created, 1), (task.ends, -1)))
    return max(accumulate(step for _at, step in moments), default=0)


if __name__ == "__main__":
    asyncio.run(main())
