"""What else a client costs: to import it, to write its ledger, to read its replies."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from a2e_async import ImageToVideo
from a2e_async.batch.ledger import FolderLedger
from a2e_async.core import replies, wire
from a2e_async.core.family import family_of
from a2e_async.core.http import HttpReply
from a2e_async.store.entries import Entry
from benchmarks.contestants import CONTESTANTS
from benchmarks.imports import seconds

ROWS, REPLIES = 2_000, 200


def measure(contestants: Sequence[str], import_times: int) -> Iterator[dict[str, Any]]:
    """Give a line for each cost."""
    yield from imports(contestants, import_times)
    yield {"line": "cost", "cost": "ledger", **asyncio.run(ledger())}
    yield {"line": "cost", "cost": "reading", **reading()}


def imports(contestants: Sequence[str], times: int) -> Iterator[dict[str, Any]]:
    """Import each package by turns in fresh interpreters, from cached bytecode."""
    modules = list(dict.fromkeys(CONTESTANTS[name].imports[0] for name in contestants))
    with tempfile.TemporaryDirectory() as cache:
        runs = [{module: seconds(module, cache) for module in modules} for _ in range(times + 1)][1:]
    for module in modules:
        wall, cpu = (statistics.median(one[module][kind] for one in runs) for kind in (0, 1))
        yield {"line": "import", "module": module, "wall": round(wall * 1000, 1), "cpu": round(cpu * 1000, 1)}


async def ledger() -> dict[str, float]:
    """Write the course of each row of a batch, 50 at a time: intended, accepted, finished, done."""
    entries = [
        Entry(id=f"row-{number}", family="image_to_video", fields={"prompt": f"video {number}"})
        for number in range(ROWS)
    ]
    with tempfile.TemporaryDirectory() as folder:
        book = await FolderLedger.open(Path(folder))
        numbers = iter(range(ROWS))

        async def caller() -> None:
            for number in numbers:
                await _course(book, f"row-{number}", number)

        cpu, began = time.process_time(), time.perf_counter()
        await book.plan(entries)
        await asyncio.gather(*(caller() for _ in range(50)))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - began
        counters = book.counters
        await book.aclose()
    return {
        "cpu": round(cpu * 1000 / ROWS, 4),
        "rows_per_second": round(ROWS / wall, 1),
        "writes_per_commit": round(counters.writes / counters.commits, 1),
    }


async def _course(book: FolderLedger, row_id: str, number: int) -> None:
    await book.intended(row_id, f"{number:012x}", 1)
    await book.accepted(row_id, (f"{number:024x}",), 30)
    await book.finished(row_id, coins=30)
    await book.downloaded(row_id, ())


def reading() -> dict[str, float]:
    """Read the reply of a poll at a hundred videos, of which three have ended: ours, and `json.loads` alone."""
    family = family_of(ImageToVideo)
    row = {"coins": 30, "createdAt": "2026-01-01T00:00:00.000Z", "name": "video ~k7f3q9x2m4pda", "failed_message": ""}
    row |= {"prompt": "a red kite above dunes at sunrise", "image_url": "https://example.net/image.png"}
    ended = {"current_status": "completed", "result_url": "https://files.example.net/video.mp4"}
    running = {"current_status": "processing", "result_url": ""}
    rows = [{"_id": f"{n:024x}", **row, **(ended if n % 33 == 0 else running)} for n in range(100)]
    body = json.dumps({"code": 0, "data": rows}).encode()

    def ours() -> None:
        for one in replies.rows_of(replies.read(HttpReply(status=200, body=body))):
            wire.record(family, one)

    return {"ours": _timed(ours), "json": _timed(lambda: json.loads(body))}


def _timed(read: Callable[[], object]) -> float:
    """Give the CPU time for one row, in microseconds; the best of five."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _reply in range(REPLIES):
            read()
        best = min(best, time.process_time() - began)
    return round(best * 1e6 / REPLIES / 100, 2)
