"""The lines of a run as Markdown, for the README."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import summary
from benchmarks.contestants import CONTESTANTS, OURS

Line = dict[str, Any]

_HEAD = (
    "client",
    "CPU ms a job",
    "requests a job",
    "most requests a second",
    "delay p50 / p95, s",
    "wall, s",
    "memory KiB a job",
    "jobs lost",
)

_BUSY = 2.5  # a client and the server keep two cores busy


def markdown(lines: list[Line]) -> str:
    """Write every table, and what they were measured on."""
    found = summary.medians(lines)
    parts = [_setting(lines)]
    if found:
        crowd = summary.CROWD if summary.CROWD in found else max(found)
        parts += [f"{crowd:,} videos of 1 to 6 s, all asked for at once:", _side_by_side(found[crowd])]
    if len(found) > 1:
        parts += ["CPU time in ms for each job that ended well, and jobs lost, by the number of jobs:", _by_size(found)]
    parts += [text for text in (_ratios(lines), _others(lines), _skipped(lines)) if text]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write one table; all columns but the first are figures."""
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ruler, *rows))


def _setting(lines: list[Line]) -> str:
    machine = next(line for line in lines if line["line"] == "machine")
    versions: dict[str, str] = {}
    rounds: dict[int, int] = {}
    for line in lines:
        if line["line"] == "run":
            versions |= line["versions"]
            rounds[line["jobs"]] = max(rounds.get(line["jobs"], 0), line["round"])
    packages = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    times = ", ".join(f"{count} of {jobs:,} jobs" for jobs, count in rounds.items())
    load = max((line["load"] for line in lines if line["line"] == "run"), default=0.0)
    busy = f" The machine was busy with other things (load up to {load:.1f})." if load > _BUSY else ""
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"
    plan = next((line for line in lines if line["line"] == "plan"), {})
    given_up = f" What had not ended after {plan['patience']:.0f} s is lost (unfinished)." if plan else ""
    return f"Measured on {where}; rounds: {times}; figures are medians.{given_up}{busy} {packages}."


def _side_by_side(by_name: dict[str, Line]) -> str:
    return table(_HEAD, [_row(name, by_name[name]) for name in CONTESTANTS if name in by_name])


def _row(name: str, line: Line) -> tuple[str, ...]:
    shown = f"**{name}**" if name == OURS else name
    return (
        f"{shown}: {CONTESTANTS[name].manner}",
        f"{line['cpu']:.2f}",
        f"{line['requests']:.2f}",
        f"{line['peak']:,.0f}",
        f"{line['delay_p50']:.2f} / {line['delay_p95']:.2f}",
        f"{line['seconds']:.1f}",
        f"{line['memory'] / 1024:.1f}",
        _lost(line),
    )


def _lost(line: Line) -> str:
    kinds = ", ".join(sorted(line["why"]))
    worst = f", at most {line['most_lost']:,}" if line["most_lost"] > line["lost"] else ""
    return f"{line['lost']:,.0f}{worst} ({kinds})" if line["most_lost"] else "0"


def _by_size(found: dict[int, dict[str, Line]]) -> str:
    sizes = sorted(found)
    rows = []
    for name in CONTESTANTS:
        cells = [found[size].get(name) for size in sizes]
        if any(cells):
            rows.append([name, *("" if cell is None else _cell(cell) for cell in cells)])
    return table(["client", *(f"{size:,}" for size in sizes)], rows)


def _cell(line: Line) -> str:
    """Give the CPU time, unless so few jobs ended well that it says nothing about a job."""
    cpu = f"{line['cpu']:.2f}" if line["lost"] * 10 <= line["jobs"] else "-"
    return f"{cpu}; {line['lost']:,.0f} lost" if line["lost"] else cpu


def _ratios(lines: list[Line]) -> str:
    rows = [
        (
            line["figure"],
            f"{line['value']:.3f}" if line["value"] < 1 else f"{line['value']:.2f}",
            f"{min(line['ratios']):.3f} to {max(line['ratios']):.3f}",
        )
        for line in summary.figures(lines)
    ]
    return table(("ratio, the median of those of the rounds", "times", "from, to"), rows) if rows else ""


def _others(lines: list[Line]) -> str:
    imports = [(f"`import {line['module']}`", f"{line['wall']:.0f} ms") for line in lines if line["line"] == "import"]
    costs = {line["cost"]: line for line in lines if line["line"] == "cost"}
    rows = [*imports]
    if ledger := costs.get("ledger"):
        rows.append(("ledger: the whole course of a row, 50 at a time", f"{ledger['cpu']:.3f} ms of CPU"))
    if reading := costs.get("reading"):
        ours = f"{reading['ours']:.1f} µs (`json.loads` alone {reading['json']:.1f} µs)"
        rows.append(("reading a row of a poll's reply", ours))
    return table(("other costs", "each"), rows) if rows else ""


def _skipped(lines: list[Line]) -> str:
    names = [line["contestant"] for line in lines if line["line"] == "skipped"]
    failed = [f"{line['contestant']} ({line['jobs']:,} jobs)" for line in lines if line["line"] == "failed"]
    said = [f"Not installed: {', '.join(names)}."] if names else []
    said += [f"Did not end: {', '.join(failed)}."] if failed else []
    return " ".join(said)
