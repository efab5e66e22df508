"""What the lines of a run come to: medians, and ratios taken within one round."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

from benchmarks.contestants import BATCH, CONTESTANTS, OURS, PEERS

Line = dict[str, Any]

MEDIANS = (
    "cpu",
    "seconds",
    "requests",
    "peak",
    "peak_polls",
    "delay",
    "delay_p50",
    "delay_p95",
    "memory",
    "lost",
    "server_cpu",
)
CROWD = 1_000
BESIDE_BATCH = 1.5
BESIDE_PEERS = 1 / 15
BESIDE_STARTS = 1.5


def medians(lines: Iterable[Line]) -> dict[int, dict[str, Line]]:
    """Give the median figures of each client by number of jobs; `most_lost` is what the worst round lost."""
    runs: dict[int, dict[str, list[Line]]] = {}
    for line in lines:
        if line["line"] == "run":
            runs.setdefault(line["jobs"], {}).setdefault(line["contestant"], []).append(line)
    return {jobs: {name: _median(done) for name, done in by_name.items()} for jobs, by_name in runs.items()}


def _median(runs: list[Line]) -> Line:
    figures = {name: statistics.median(one[name] for one in runs) for name in MEDIANS}
    why = {kind: count for one in runs for kind, count in one["why"].items()}
    most = max(one["lost"] for one in runs)
    facts = {"jobs": runs[0]["jobs"], "rounds": len(runs), "versions": runs[0]["versions"]}
    return {**figures, **facts, "most_lost": most, "why": why}


def figures(lines: list[Line]) -> list[Line]:
    """Give the ratios that are promised, each the median of those of the rounds."""
    found = [
        _figure("CPU a job, ours / batch poller by hand", beside_batch(lines), BESIDE_BATCH),
        _figure("CPU a job, ours / best peer that lost nothing", beside_peers(lines), BESIDE_PEERS),
        *[
            _figure(
                f"CPU of start and result, {line['manner']} / bare aiohttp",
                line["ratios"],
                BESIDE_STARTS if line["manner"] == "ours" else None,
            )
            for line in lines
            if line["line"] == "start" and line["manner"] != "bare"
        ],
    ]
    return [figure for figure in found if figure]


def _figure(name: str, ratios: list[float], at_most: float | None) -> Line | None:
    if not ratios:
        return None
    value = statistics.median(ratios)
    line = {"line": "figure", "figure": name, "value": round(value, 4), "ratios": [round(ratio, 4) for ratio in ratios]}
    return line if at_most is None else {**line, "at_most": round(at_most, 4), "ok": value <= at_most}


def _rounds(lines: list[Line]) -> list[dict[str, Line]]:
    rounds: dict[int, dict[str, Line]] = {}
    for line in lines:
        if line["line"] == "run" and line["jobs"] == CROWD:
            rounds.setdefault(line["round"], {})[line["contestant"]] = line
    return [by_name for by_name in rounds.values() if OURS in by_name]


def beside_batch(lines: list[Line]) -> list[float]:
    """Give, for each round of the crowd, our CPU over that of the batch poller by hand."""
    return [by_name[OURS]["cpu"] / by_name[BATCH]["cpu"] for by_name in _rounds(lines) if BATCH in by_name]


def beside_peers(lines: list[Line]) -> list[float]:
    """Give, for each round of the crowd, our CPU over that of the cheapest peer with its default transport.

    One that loses jobs is left out: what it would cost to make them is not known.
    """
    defaults = [name for name in PEERS if not CONTESTANTS[name].options.get("aiohttp_transport")]
    ratios = []
    for by_name in _rounds(lines):
        whole = [by_name[name]["cpu"] for name in defaults if name in by_name and not by_name[name]["lost"]]
        if whole:
            ratios.append(by_name[OURS]["cpu"] / min(whole))
    return ratios
