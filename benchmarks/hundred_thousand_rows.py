"""A ledger of 100,000 rows that are done: how long it takes to open, to resume and to report, and what it holds.

Each step runs in a process of its own; its memory is what it holds above a process that does the same for no row.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from a2e_async import A2EClient, UsageError
from a2e_async.batch import Batch, Row, read_file
from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.report import write_report
from a2e_async.batch.stored import read_entries
from benchmarks.common import figure, load

MOST_SECONDS, MOST_MB = 20, 200
_BEGAN = 1_795_230_608.0
_PROMPT = "A red kite above dunes at sunrise, seen from far below, take {}"


def fill(folder: Path, count: int) -> None:
    """Make the row file, the ledger and the files of a finished batch."""
    asyncio.run(_begin(folder))
    with (folder / "rows.csv").open("w", encoding="utf-8") as rows:
        rows.write("id,family,prompt,width,height\n")
        for n in range(count):
            rows.write(f"row-{n:06d},text_to_image,{json.dumps(_PROMPT.format(n))},1024,768\n")
    files = folder / "files"
    files.mkdir()
    with closing(sqlite3.connect(folder / FILE_NAME)) as ledger:
        ledger.executemany(
            "INSERT INTO rows VALUES (?, ?, 'text_to_image', ?, 'done', 1, ?, ?, 10, 0, '', ?, ?, ?, ?, ?, ?)",
            (_row(files, n) for n in range(count)),
        )
        ledger.commit()


async def _begin(folder: Path) -> None:
    await (await FolderLedger.open(folder)).aclose()


def _row(files: Path, n: int) -> tuple[object, ...]:
    path, start = files / f"row-{n:06d}.png", _BEGAN + n / 20
    path.write_bytes(b"image")
    fields = {"prompt": _PROMPT.format(n), "width": 1024, "height": 768}
    file = {"path": f"files/{path.name}", "bytes": 7, "sha256": f"{n:064x}"}
    times = (_BEGAN, start, start + 0.4, start + 9.1, start + 9.6)
    return (n + 1, f"row-{n:06d}", json.dumps(fields), f"{n:012x}", f'["{n:024x}"]', *times, json.dumps([file]))


async def opening(folder: Path) -> int:
    """Open the ledger and close it."""
    ledger = await FolderLedger.open(folder)
    rows = sum((await ledger.counts()).values())
    await ledger.aclose()
    return rows


async def resuming(folder: Path) -> int:
    """Run over all rows of the file, of which none is to be done."""
    given: tuple[Row, ...] = ()
    with suppress(UsageError):  # a file without rows
        given = read_file(folder / "rows.csv").rows
    rows = 0
    async with A2EClient("sk_nobody", base_url="http://127.0.0.1:1") as a2e, Batch.open(folder, a2e) as batch:
        async for outcome in batch.run(given):
            assert outcome.error is None
            assert outcome.paths
            rows += 1
    return rows


async def reporting(folder: Path) -> int:
    """Write the report of all rows."""
    write_report(folder, read_entries(folder / FILE_NAME))
    with (folder / "manifest.jsonl").open(encoding="utf-8") as manifest:
        return sum(1 for _line in manifest)


STEPS: dict[str, Callable[[Path], object]] = {step.__name__: step for step in (opening, resuming, reporting)}


def take(step: str, folder: Path) -> None:
    """Take one step in this process, and say what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    rows = asyncio.run(STEPS[step](folder))  # type: ignore[arg-type]
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu": cpu, "peak": _peak_mb()}))


def _peak_mb() -> float:
    """Give the most memory this process has held; Linux counts that of its parent into `ru_maxrss`."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def measure(count: int) -> bool:
    """Take every step with so many rows, and with none."""
    with tempfile.TemporaryDirectory() as folder:
        full, empty = Path(folder) / "full", Path(folder) / "empty"
        for where, rows in ((full, count), (empty, 0)):
            where.mkdir()
            fill(where, rows)
        results = [_step(step, full, empty, count) for step in STEPS]
        return all(results)


def _step(step: str, full: Path, empty: Path, count: int) -> bool:
    taken, nothing = (_child(step, folder) for folder in (full, empty))
    assert taken["rows"] == count, taken
    facts = {"rows": count, "cpu_seconds": round(taken["cpu"], 2), **load()}
    return all(
        [
            figure(f"{step}, time", taken["seconds"], "s", at_most=MOST_SECONDS, **facts),
            figure(f"{step}, memory", taken["peak"] - nothing["peak"], "MB", at_most=MOST_MB, peak=taken["peak"]),
        ]
    )


def _child(step: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.hundred_thousand_rows", "--step", step, "--folder", str(folder)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    took: dict[str, float] = json.loads(ran.stdout)
    return took


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        take(options.step, options.folder)
    else:
        sys.exit(not measure(options.rows))
