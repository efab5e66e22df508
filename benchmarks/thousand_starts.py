"""A thousand starts a second offered to one store by four processes: how many its ledger carries, without any service.

python -m benchmarks.thousand_starts --store sqlite
python -m benchmarks.thousand_starts --store postgresql://a2e@db/a2e

Each start is the whole course of a row: intended, sending, accepted, finished, done, each on the disk before the next.
They come at their times whether those before have been written or not, as the starts of an open stream do. What is
carried is how many courses end in a second between the first tenth of them and the last one: where the ledger falls
behind, they end more slowly than they come.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from a2e_async.store.entries import Entry
from a2e_async.store.opening import open_store
from a2e_async.store.ports import Lease, Ledger, Store
from benchmarks.common import figure, load, percentile

LEAST = 950
_BATCH = "starts"
_SHARD = 500
_AHEAD = 3.0  # seconds until the first start, so that every process is there


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Store]:
    store = open_store(url)
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()


async def _plan(url: str, rows: int) -> None:
    async with _opened(url) as store:
        for first in range(0, rows, _SHARD):
            await store.add_shard(_BATCH, [_entry(number) for number in range(first, first + _SHARD)])
        await store.open_purse(_BATCH, 100 * rows)


def _entry(number: int) -> Entry:
    return Entry(id=f"row-{number}", family="text_to_image", fields={"prompt": f"a red kite {number}"})


async def _worker(url: str, at: int, rate: float, rows: int, workers: int) -> None:
    """Offer a share of the starts at their times, and print how long they took."""
    async with _opened(url) as store:
        await store.open_purse(_BATCH, 100 * rows)
        lease = await store.lease(30)
        mine = [no for no in range(rows // _SHARD) if no % workers == at]
        books = {no: await _claimed(store, no, lease) for no in mine}
        print("ready", flush=True)
        begin = float(await asyncio.to_thread(sys.stdin.readline))
        cpu, waits, ends = time.process_time(), list[float](), list[float]()
        offered = [(no * _SHARD + number, books[no]) for no in mine for number in range(_SHARD)]
        async with asyncio.TaskGroup() as group:
            for turn, (number, book) in enumerate(offered):
                await asyncio.sleep(max(0.0, begin + turn / rate - time.time()))
                group.create_task(_course(book, lease, f"row-{number}", waits, ends))
        told = {"ends": ends, "cpu": time.process_time() - cpu, "waits": waits}
        print(json.dumps(told), flush=True)


async def _claimed(store: Store, no: int, lease: Lease) -> Ledger:
    book = await store.claim(_BATCH, no, lease)
    assert book is not None
    return book


async def _course(book: Ledger, lease: Lease, row_id: str, waits: list[float], ends: list[float]) -> None:
    asked = time.perf_counter()
    await book.intended(row_id, f"{row_id:>12}".replace(" ", "a")[-12:].replace("-", "b"), 1, 10)
    await lease.fresh()
    await book.sending(row_id, "a", time.time())
    waits.append(time.perf_counter() - asked)  # from here on the service would be asked
    await book.accepted(row_id, (f"task-{row_id}",), 10)
    await book.finished(row_id, coins=10)
    await book.downloaded(row_id, ())
    ends.append(time.time())


def measure(url: str, rate: float, seconds: float, workers: int) -> bool:
    """Let processes offer starts, and say how many were carried."""
    rows = int(rate * seconds) // _SHARD * _SHARD
    asyncio.run(_plan(url, rows))
    words = [sys.executable, "-m", "benchmarks.thousand_starts", "--store", url, "--rows", str(rows)]
    words += ["--rate", str(rate / workers), "--workers", str(workers)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children: list[Any] = [subprocess.Popen([*words, "--as", str(at)], **pipes) for at in range(workers)]  # type: ignore[call-overload]
    for child in children:
        assert child.stdout.readline().strip() == "ready"
    begin = time.time() + _AHEAD
    for child in children:
        child.stdin.write(f"{begin}\n")
        child.stdin.flush()
    told = [json.loads(child.stdout.readline()) for child in children]
    for child in children:
        child.communicate()
    waits = [wait for one in told for wait in one["waits"]]
    ends = sorted(end for one in told for end in one["ends"])
    first, last = len(ends) // 10, len(ends) * 9 // 10
    carried = (last - first) / (ends[last] - ends[first])
    facts = {
        "offered": rate,
        "rows": rows,
        "intended_and_sending_p50_ms": round(percentile(waits, 0.5) * 1000, 1),
        "p99_ms": round(percentile(waits, 0.99) * 1000, 1),
        "client_cpu_ms_a_row": round(sum(one["cpu"] for one in told) * 1000 / rows, 3),
    }
    least = LEAST * rate / 1000
    figure("starts carried a second", carried, "starts/s", at_least=least, **facts, **load())
    return carried >= least and len(waits) == rows


def main() -> int:
    """Measure, or be one of the processes."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--store", default="sqlite", help="sqlite for a file in a temporary folder, or an address.")
    asked.add_argument("--rate", type=float, default=1000)
    asked.add_argument("--seconds", type=float, default=15)
    asked.add_argument("--workers", type=int, default=4)
    asked.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    asked.add_argument("--as", dest="number", type=int, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.number is not None:
        asyncio.run(_worker(given.store, given.number, given.rate, given.rows, given.workers))
        return 0
    with tempfile.TemporaryDirectory(prefix="a2e-starts-") as folder:
        url = f"sqlite:///{Path(folder) / 'f.sqlite'}" if given.store == "sqlite" else given.store
        return int(not measure(url, given.rate, given.seconds, given.workers))


if __name__ == "__main__":
    sys.exit(main())
