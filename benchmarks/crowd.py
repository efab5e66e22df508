"""A thousand videos of 1 to 6 s at once: ours beside a batch poller written by hand on bare aiohttp, for CPU time.

The hand-written poller's interval is chosen in each round so that both notice ends equally soon. `python -m
benchmarks.crowd`; `--profile FOLDER` writes a cProfile file for each instead of a ratio.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.common import figure
from benchmarks.contestants import BATCH, OURS
from benchmarks.running import Run, Server, machine, median, run, server

SHORTEST, LONGEST = 1.0, 6.0
AT_MOST = 1.4
_SHOWN = ("cpu", "seconds", "requests", "delay", "delay_p50", "delay_p95", "memory", "server_cpu")


def once(served: Server, contestant: str, jobs: int, seed: int, **order: Any) -> Run:  # noqa: ANN401 - of an `Order`
    """Make so many videos of 1 to 6 s."""
    return run(served, contestant, jobs, shortest=SHORTEST, longest=LONGEST, seed=seed, **order)


def batch_beside(served: Server, ours: Run, jobs: int, seed: int) -> Run:
    """Run the hand-written poller with the interval at which its mean delay is that of ours."""
    interval = 2 * ours.delay
    return once(served, BATCH, jobs, seed, options={"interval": interval})


def rounds(served: Server, jobs: int, times: int) -> list[tuple[Run, Run]]:
    """Measure both by turns."""
    pairs = []
    for seed in range(1, times + 1):
        ours = once(served, OURS, jobs, seed)
        pairs.append((ours, batch_beside(served, ours, jobs, seed)))
    return pairs


def show(pairs: list[tuple[Run, Run]]) -> bool:
    """Print what both did, and the ratio."""
    for runs in zip(*pairs, strict=True):
        shown: dict[str, float] = {name: round(median(list(runs), name), 4) for name in _SHOWN}
        shown |= {"lost": sum(one.lost for one in runs), "peak": max(one.peak for one in runs)}
        figure(f"CPU of {runs[0].contestant}", shown.pop("cpu"), "ms a job", jobs=runs[0].jobs, **shown)
    ratios = [ours.cpu / batch.cpu for ours, batch in pairs]
    shown_ratios = [round(ratio, 2) for ratio in ratios]
    return figure("ours / batch by hand", statistics.median(ratios), "times", at_most=AT_MOST, ratios=shown_ratios)


def main() -> int:
    """Measure, or profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    with server() as served:
        if given.profile:
            for contestant in (OURS, BATCH):
                once(served, contestant, given.jobs, 1, profile=str(given.profile / f"{contestant}.prof"))
            return 0
        pairs = rounds(served, given.jobs, given.rounds)
    fits = show(pairs)
    figure("machine", machine()["load"], "load", **machine())
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
