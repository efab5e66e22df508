"""The report of a large batch: how long its manifests and its page take, and what they hold in memory."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from a2e_async.batch.report import write_report
from a2e_async.store.entries import Entry, FileEntry, State
from benchmarks.common import figure, load

MOST_SECONDS, MOST_MB = 20, 150
_BEGAN = 1_795_230_608.0


def entries(count: int) -> Iterator[Entry]:
    """Make rows as a ledger gives them, one at a time."""
    for n in range(count):
        start, bad = _BEGAN + n / 20, n % 250 == 0
        file = FileEntry(path=f"row-{n:06d}.png", bytes=100_000 + n, sha256=f"{n:064x}")
        yield Entry(
            id=f"row-{n:06d}",
            family="text_to_image",
            fields={"prompt": f"A red kite above dunes at sunrise, take {n}", "width": 1024, "height": 768},
            state=State.FAILED if bad else State.DONE,
            tag="k7f3q9x2m4pda",
            task_ids=(f"{n:024x}",),
            coins=0.0 if bad else 5.0,
            error="moderation refused the prompt (code 1003)" if bad else "",
            planned_at=_BEGAN,
            intended_at=start,
            accepted_at=start + 0.4,
            finished_at=start + 9.1,
            done_at=None if bad else start + 9.6,
            files=() if bad else (file,),
        )


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def measure(count: int) -> bool:
    """Write one report into a folder that goes."""
    before, began, worked = _peak_mb(), time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        page = write_report(Path(folder), entries(count))
        seconds, page_mb = time.perf_counter() - began, page.stat().st_size / 1e6
    peak, cpu = round(_peak_mb(), 1), round(time.process_time() - worked, 2)
    facts = {
        "rows": count,
        "cpu_seconds": cpu,
        "peak_mb": peak,
        "grown_mb": round(peak - before, 1),
        "page_mb": round(page_mb, 1),
    }
    return figure("report", seconds, "s", at_most=MOST_SECONDS, **facts, **load()) and peak <= MOST_MB


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    sys.exit(not measure(parser.parse_args().rows))
