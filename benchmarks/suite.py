"""Every client beside every other, in one run: what `python -m benchmarks` measures, as lines.

A line is a dict whose key "line" says what it is: "machine", "skipped", "failed", "run" or "figure". Rounds are
interleaved: each goes once through all clients, with the same videos.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from benchmarks import costs, start_cost
from benchmarks.contestants import BATCH, CONTESTANTS, OURS
from benchmarks.running import Run, Server, machine, missing, run, server

SHORTEST, LONGEST = 1.0, 6.0

Line = dict[str, Any]
_Key = tuple[str, int, int]
"""A client, its number of jobs, and the round."""


@attrs.frozen(kw_only=True)
class Plan:
    """What is measured, and how often.

    Attributes:
        rounds: How many rounds for each number of jobs.
        start_rounds: How many rounds of start and result at 64 in flight.
        import_times: How many imports of each package.
        contestants: Which clients.
        patience: After so many seconds what still runs is lost.
    """

    rounds: dict[int, int]
    start_rounds: int = 5
    import_times: int = 5
    contestants: Sequence[str] = tuple(CONTESTANTS)
    patience: float = 120.0


QUICK = Plan(rounds={100: 1}, start_rounds=1, import_times=1)
USUAL = Plan(rounds={100: 1, 1_000: 5, 5_000: 1})
FULL = Plan(rounds={100: 5, 1_000: 5, 5_000: 3, 20_000: 3, 100_000: 1}, patience=600.0)


def measure(plan: Plan, done: Sequence[Line] = ()) -> Iterator[Line]:
    """Measure everything, and give each line as soon as it is known.

    Args:
        plan: What is measured.
        done: The lines of an earlier run that was ended before its end; what they have is not measured again.
    """
    runs = {(line["contestant"], line["jobs"], line["round"]): line for line in done if line["line"] == "run"}
    parts = {line["line"] for line in done}
    yield {"line": "machine", **machine()}
    there = []
    for name in plan.contestants:
        if lacking := missing(name):
            yield {"line": "skipped", "contestant": name, "missing": lacking}
        else:
            there.append(name)
    yield {"line": "plan", "shortest": SHORTEST, "longest": LONGEST, "patience": plan.patience}
    with server() as served:
        for jobs, rounds in plan.rounds.items():
            for number in range(1, rounds + 1):
                yield from _round(served, there, jobs, number, patience=plan.patience, runs=runs)
        if OURS in there and plan.start_rounds and "start" not in parts:
            yield from _starts(served, plan.start_rounds)
    if "cost" not in parts and plan.import_times:
        yield from costs.measure(there, plan.import_times)
    yield {"line": "machine", **machine()}


def _round(
    served: Server, names: Sequence[str], jobs: int, number: int, *, patience: float, runs: Mapping[_Key, Line]
) -> Iterator[Line]:
    """Let each client make the same videos; the batch poller by hand gets an interval that gives it our mean delay."""
    interval = 1.0
    for name in names:
        if jobs > CONTESTANTS[name].most:
            continue
        if known := runs.get((name, jobs, number)):
            interval = 2 * known["delay"] if name == OURS and known["delay"] else interval
            continue
        options = {"options": {"interval": interval}} if name == BATCH else {}
        try:
            done = run(
                served, name, jobs, shortest=SHORTEST, longest=LONGEST, seed=number, patience=patience, **options
            )
        except subprocess.SubprocessError as error:
            yield {"line": "failed", "contestant": name, "jobs": jobs, "round": number, "why": type(error).__name__}
            continue
        if name == OURS and done.delay:
            interval = 2 * done.delay
        yield run_line(done, number)


def run_line(done: Run, number: int) -> Line:
    """Write down one run."""
    facts = {key: round(value, 4) if isinstance(value, float) else value for key, value in attrs.asdict(done).items()}
    return {"line": "run", "round": number, "load": machine()["load"], **facts}


def _starts(served: Server, rounds: int) -> Iterator[Line]:
    runs = start_cost.rounds(served, 5_000, rounds, list(start_cost.MANNERS))
    for manner, done in runs.items():
        ratios = [one.cpu / bare.cpu for one, bare in zip(done, runs["bare"], strict=True)]
        values = [round(one.cpu, 4) for one in done]
        yield {"line": "start", "manner": manner, "cpu": values, "ratios": [round(ratio, 3) for ratio in ratios]}
