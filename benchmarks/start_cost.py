"""What starting costs: instant videos, 64 in flight, ours beside bare aiohttp that sends the same and nothing else.

`python -m benchmarks.start_cost`; `--profile FOLDER` writes a cProfile file for each manner instead of a ratio.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.common import figure
from benchmarks.contestants import LOOPS, OURS
from benchmarks.running import Run, Server, machine, run, server

IN_FLIGHT = 64
AT_MOST = 1.35

# Bare aiohttp has one caller per request in flight. Ours is used in two manners: so many callers that await a job
# each, or all jobs started at once, of which the client keeps so many in flight.
MANNERS: dict[str, dict[str, Any]] = {
    "bare": {"contestant": LOOPS, "in_flight": IN_FLIGHT},
    "ours": {"contestant": OURS, "in_flight": IN_FLIGHT, "options": {"max_starts": IN_FLIGHT}},
    "ours, all at once": {"contestant": OURS, "options": {"max_starts": IN_FLIGHT}},
    "ours, untagged": {
        "contestant": OURS,
        "in_flight": IN_FLIGHT,
        "options": {"max_starts": IN_FLIGHT, "tagging": False},
    },
}


def once(served: Server, manner: str, jobs: int, **order: Any) -> Run:  # noqa: ANN401 - the rest of an `Order`
    """Make so many instant videos in one manner."""
    return run(served, jobs=jobs, shortest=0, longest=0, warm_up=500, **MANNERS[manner], **order)


def rounds(served: Server, jobs: int, times: int, manners: list[str]) -> dict[str, list[Run]]:
    """Measure every manner by turns."""
    runs: dict[str, list[Run]] = {manner: [] for manner in manners}
    for _ in range(times):
        for manner in manners:
            runs[manner].append(once(served, manner, jobs))
    return runs


def show(runs: dict[str, list[Run]]) -> bool:
    """Print a line per manner, and its ratio to bare aiohttp in the same round."""
    fits = True
    for manner, ours in runs.items():
        facts = {"rounds": len(ours), "jobs": ours[0].jobs, "server_cpu": round(ours[0].server_cpu, 3)}
        figure(f"CPU of start and result, {manner}", statistics.median(one.cpu for one in ours), "ms a job", **facts)
    for manner in runs.keys() - {"bare"} if "bare" in runs else ():
        ratios = [one.cpu / bare.cpu for one, bare in zip(runs[manner], runs["bare"], strict=True)]
        limit = AT_MOST if manner == "ours" else None
        all_ratios = [round(ratio, 2) for ratio in ratios]
        fits &= figure(f"{manner} / bare", statistics.median(ratios), "times", at_most=limit, ratios=all_ratios)
    return fits


def main() -> int:
    """Measure, or profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--manners", nargs="*", choices=MANNERS, default=list(MANNERS))
    parser.add_argument("--profile", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    with server() as served:
        if given.profile:
            for manner in given.manners:
                once(served, manner, given.jobs, profile=str(given.profile / f"{manner}.prof"))
            return 0
        runs = rounds(served, given.jobs, given.rounds, given.manners)
    fits = show(runs)
    figure("machine", machine()["load"], "load", **machine())
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
