"""A million rows planned into a store: how long, how much memory, and how many shards; one JSON line.

python -m benchmarks.plan_a_million --rows 1000000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from a2e_async.batch.sources import read_rows
from a2e_async.batch.spool import Spool
from a2e_async.fleet.planning import counts_of, plan
from a2e_async.fleet.terms import Terms
from a2e_async.store.opening import open_store

_MOST_MB, _MOST_SECONDS = 300, 60


def main() -> int:
    """Plan, and say what it took; exit code 1 when it was more than is allowed."""
    asked = argparse.ArgumentParser(description="Plan rows into a store, and measure it.")
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--store", help="Its address (default: SQLite in a temporary folder).")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="a2e-plan-") as folder:
        path = Path(folder) / "rows.csv"
        _write(path, given.rows)
        figures = asyncio.run(_plan(path, given.store or f"sqlite:///{folder}/fleet.sqlite"))
    print(json.dumps({"figure": "plan a million", "rows": given.rows, **figures}))
    return int(figures["mb"] > _MOST_MB or figures["cpu_seconds"] > _MOST_SECONDS)


async def _plan(path: Path, url: str) -> dict[str, float]:
    store = open_store(url)
    await store.open()
    try:
        began, cpu = time.monotonic(), time.process_time()
        spool = Spool.of(read_rows(path))
        read = time.process_time() - cpu
        shards = await plan(store, "million", spool, Terms())
        figures = {
            "shards": shards,
            "cpu_seconds": round(time.process_time() - cpu, 1),
            "read_cpu_seconds": round(read, 1),
        }
        figures["seconds"] = round(time.monotonic() - began, 1)
        figures["planned"] = sum((await counts_of(store, "million")).values())
        spool.close()
    finally:
        await store.aclose()
    figures["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform == "darwin" else 1024)
    return figures


def _write(path: Path, count: int) -> None:
    """Write a table in which every tenth row takes the image of the one before it."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,family,prompt,negative_prompt,image_from\n")
        for number in range(count):
            if number % 10 == 9:  # noqa: PLR2004 - a tenth
                file.write(f"row-{number},image_to_video,the kite climbs and dips {number},blurry,row-{number - 1}\n")
            else:
                file.write(f"row-{number},text_to_image,a red kite over the dunes {number} with thin clouds,,\n")


if __name__ == "__main__":
    sys.exit(main())
