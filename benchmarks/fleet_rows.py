"""Rows over several workers of this machine, beside the same rows in one process: what a fleet costs on top.

python -m benchmarks.fleet_rows --rows 20000 --workers 4
python -m benchmarks.fleet_rows --rows 4000 --pairs 3

One process and the workers take turns, so that both meet the same machine. CPU time is that of a command with all of
its processes; the service runs in a process of its own, which is not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from benchmarks.common import Simulator, figure, load, simulator

MOST_WALL, MOST_CPU, MOST_GROWTH = 1.15, 1.3, 20.0
_PAGE = os.sysconf("SC_PAGE_SIZE") / 2**20
_COINS = 10  # that a row costs
_SETTLED = 0.1  # of the time, after which a worker's memory is taken for what it began with


@attrs.frozen(kw_only=True)
class Ran:
    """What a command has taken.

    Attributes:
        seconds: How long it ran.
        cpu: CPU time of all of its processes, in seconds.
        growth: By how many MiB the worker that grew most has grown.
        report: What the service says.
        files: How many files there are.
    """

    seconds: float
    cpu: float
    growth: float
    report: dict[str, int]
    files: int


def run(rows: int, workers: int, limit: int, *, store: str | None = None) -> Ran:
    """Bring rows to their files; one worker is the ordinary batch of one process."""
    switches = {"coins": 100 * rows, "media": "tiny", "task_seconds": 0.5}
    with tempfile.TemporaryDirectory(prefix="a2e-rows-") as folder, simulator(**switches) as sim:
        path = Path(folder) / "rows.csv"
        path.write_text("id,family,prompt\n" + "".join(f"r{n},text_to_image,kite {n}\n" for n in range(rows)))
        words = [sys.executable, "-m", "a2e_async", "batch", "run", str(path), "--out", f"{folder}/out", "--quiet"]
        words += ["--max-running", str(limit), "--max-coins", str(_COINS * rows), "--price", str(_COINS)]
        words += ["--workers", str(workers)] if workers > 1 else []
        words += ["--store", store] if store and workers > 1 else []
        began = time.monotonic()
        with _command(words, sim) as process, _growth(process.pid) as grown:
            _pid, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if process.returncode:
            raise SystemExit(f"the command has ended with {process.returncode}")
        files = sum(1 for _file in Path(folder, "out").glob("*.png"))
        cpu, report = usage.ru_utime + usage.ru_stime, sim.report()
        return Ran(seconds=seconds, cpu=cpu, growth=max(grown, default=0.0), report=report, files=files)


def _command(words: Sequence[str], sim: Simulator) -> subprocess.Popen[bytes]:
    usual = {name: value for name, value in os.environ.items() if not name.startswith("A2E_")}
    return subprocess.Popen(words, env={**usual, "A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token})


@contextlib.contextmanager
def _growth(pid: int) -> Iterator[list[float]]:
    """Watch the memory of a process's children; afterwards gives by how many MiB each has grown."""
    seen: dict[int, list[float]] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            for child in _children(pid):
                with contextlib.suppress(OSError, IndexError):
                    pages = int(Path(f"/proc/{child}/statm").read_text(encoding="ascii").split()[1])
                    seen.setdefault(child, []).append(pages * _PAGE)

    thread = threading.Thread(target=watch)
    thread.start()
    grown: list[float] = []
    try:
        yield grown
    finally:
        over.set()
        thread.join()
        grown += [max(sizes) - sizes[int(len(sizes) * _SETTLED)] for sizes in seen.values()]


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(word) for word in words.split()]
    return []


def tell(name: str, ran: Ran, rows: int, limit: int) -> bool:
    """Print what a run has taken, and say whether all rows were brought within their limits."""
    print_facts = {"cpu_ms_a_row": round(ran.cpu * 1000 / rows, 2), "seconds": round(ran.seconds, 1), **load()}
    return all(
        [
            figure(f"{name}: rows a second", rows / ran.seconds, "rows/s", **print_facts),
            figure(f"{name}: files that are missing", rows - ran.files, "files", at_most=0),
            figure(f"{name}: starts beyond one a row", ran.report["starts"] - rows, "starts", at_most=0),
            figure(f"{name}: most tasks at once", ran.report["running_peak"], "tasks", at_most=limit),
            figure(f"{name}: coins", ran.report["spent"], "coins", at_most=_COINS * rows),
            figure(f"{name}: memory that a worker grew by", ran.growth, "MiB", at_most=MOST_GROWTH),
        ]
    )


def main() -> int:
    """Measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=4000)
    asked.add_argument("--workers", type=int, default=4)
    asked.add_argument("--max-running", type=int, default=200)
    asked.add_argument("--pairs", type=int, default=1, help="How often both are run; 0: the workers alone, once.")
    asked.add_argument("--store", help="The workers' store (default: SQLite in the folder).")
    given = asked.parse_args()
    good, walls, cpus = True, [], []
    for _pair in range(max(1, given.pairs)):
        fleet = run(given.rows, given.workers, given.max_running, store=given.store)
        good &= tell(f"{given.workers} workers", fleet, given.rows, given.max_running)
        if given.pairs:
            one = run(given.rows, 1, given.max_running)
            good &= tell("one process", one, given.rows, given.max_running)
            walls.append(fleet.seconds / one.seconds)
            cpus.append(fleet.cpu / one.cpu)
    if walls:
        good &= figure("wall of workers / one process", statistics.median(walls), "", at_most=MOST_WALL, all=walls)
        good &= figure("CPU of workers / one process", statistics.median(cpus), "", at_most=MOST_CPU, all=cpus)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
