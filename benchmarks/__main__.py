"""Ours beside its peers: `python -m benchmarks`.

Runs each client in its own process against one fast server on loopback, and prints a JSON line for each run and each
figure. Peers that are not installed are skipped. By default: 100 jobs once, 1,000 jobs five times, 5,000 jobs once,
which takes about 25 minutes with all peers; `--quick` takes about two, `--full` some hours.

A long run can be made in parts: `--out FOLDER` writes each line as it comes, and the same command with `--resume` goes
on where it was ended, or, with other `--jobs`, `--only` and `--rounds`, measures another part into the same folder.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from pathlib import Path

import attrs

from benchmarks import suite, summary, tables
from benchmarks.contestants import CONTESTANTS

_PEERS = "pip install --group bench"


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one round of 100 jobs")
    size.add_argument("--full", action="store_true", help="more rounds, and 20,000 and 100,000 jobs for ours and bare")
    parser.add_argument("--jobs", type=int, nargs="+", help="these numbers of jobs, one round each unless --rounds")
    parser.add_argument("--rounds", type=int, help="so many rounds of each number of jobs")
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, metavar="CLIENT", help=", ".join(CONTESTANTS))
    parser.add_argument("--read", type=Path, metavar="LINES", help="measure nothing, read the lines of an earlier run")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables instead of JSON lines")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="also write lines.jsonl and table.md there")
    parser.add_argument("--resume", action="store_true", help="with --out: only what is not there yet")
    parser.add_argument("--costs", action=argparse.BooleanOptionalAction, default=True, help="starts, imports")
    parser.add_argument("--XX")
    parser.add_argument("--plots", action="store_true", help="with --out: also images (PNG)")
    given = parser.parse_args()
    if given.resume and not given.out:
        parser.error("--resume goes on with what lies in a folder: name it with --out")
    return given


def planned(given: argparse.Namespace) -> suite.Plan:
    """Make the plan that was asked for."""
    plan = suite.QUICK if given.quick else suite.FULL if given.full else suite.USUAL
    rounds = dict.fromkeys(given.jobs, 1) if given.jobs else plan.rounds
    if given.rounds:
        rounds = dict.fromkeys(rounds, given.rounds)
    plan = plan if given.costs else attrs.evolve(plan, start_rounds=0, import_times=0)
    return attrs.evolve(plan, rounds=rounds, contestants=given.only or plan.contestants)


def measured(given: argparse.Namespace) -> list[suite.Line]:
    """Measure, and tell of each line as it comes."""
    lines = kept(given.out) if given.resume else []
    began = time.monotonic()
    for line in suite.measure(planned(given), lines[:]):
        lines.append(line)
        if given.out:
            keep(lines, given.out)
        about = " ".join(str(line[key]) for key in ("contestant", "jobs", "manner", "module", "cost") if key in line)
        print(f"{time.monotonic() - began:6.0f} s  {line['line']} {about}", file=sys.stderr, flush=True)
        if not given.markdown:
            print(json.dumps(line), flush=True)
    if any(line["line"] == "skipped" for line in lines):
        print(f"Some peers are not installed; they come with: {_PEERS}", file=sys.stderr)
    return lines


def kept(folder: Path) -> list[suite.Line]:
    """Give the lines that an earlier run has left; none where there was none."""
    file = folder / "lines.jsonl"
    return read(file) if file.exists() else []


def read(file: Path) -> list[suite.Line]:
    """Read the lines of a run, without the figures that are made of them."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["line"] != "figure"]


def keep(lines: list[suite.Line], folder: Path) -> None:
    """Write the lines down as they are now, so that a run which is ended has lost at most the last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lines.part").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "lines.part").replace(folder / "lines.jsonl")


def write(lines: list[suite.Line], folder: Path, *, plots: bool) -> None:
    """Write the lines, the tables and the images into a folder."""
    keep(lines, folder)
    (folder / "table.md").write_text(tables.markdown(lines), encoding="utf-8")
    if plots and importlib.util.find_spec("matplotlib") is None:
        print(f"Images need matplotlib: {_PEERS}", file=sys.stderr)
    elif plots:
        from benchmarks.plots import draw  # noqa: PLC0415 - matplotlib is not always there

        draw(lines, folder)


def main() -> int:
    """Measure or read, then print and write."""
    given = parsed()
    lines = read(given.read) if given.read else measured(given)
    figures = summary.figures(lines)
    if given.markdown:
        print(tables.markdown(lines), end="")
    else:
        for figure in figures:
            print(json.dumps(figure), flush=True)
    if given.out:
        write([*lines, *figures], given.out, plots=given.plots)
    return 0 if all(figure.get("ok", True) for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
