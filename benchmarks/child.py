"""One client in one process: `python -m benchmarks.child '{"contestant": ..., "url": ..., "jobs": ...}'`.

It imports the client, makes a few videos to warm up, measures, and prints one JSON line.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import importlib
import json
import logging
import os
import re
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from benchmarks.contestants import CONTESTANTS, Video

_STATUS = Path("/proc/self/status")
_LINUX = _STATUS.exists()


@attrs.frozen(kw_only=True)
class Order:
    """What a child is to measure.

    Attributes:
        contestant: Which client.
        url: Where the server listens.
        jobs: How many jobs.
        in_flight: At most so many callers at once; None means all of them.
        warm_up: How many videos are made before anything is measured.
        patience: After so many seconds what still runs is lost.
        options: Options of the contestant.
        profile: Write a profile of the measured part to this file.
    """

    contestant: str
    url: str
    jobs: int
    in_flight: int | None = None
    warm_up: int = 20
    patience: float = 120.0
    options: dict[str, Any] = attrs.field(factory=dict)
    profile: str | None = None


class Tally:
    """When each video was noticed, why others were lost, and how many still ran when patience was at an end."""

    def __init__(self) -> None:
        self.noticed: dict[int, float] = {}
        self.lost: Counter[str] = Counter()
        self.unfinished = 0

    async def follow(self, video: Video, number: int) -> None:
        """Make one video."""
        try:
            await video(f"video {number}")
        except Exception as error:  # noqa: BLE001 - whatever a client raises, its job is lost
            self.lost[type(error).__name__] += 1
        else:
            self.noticed[number] = time.monotonic()


async def _all_at_once(video: Video, order: Order, tally: Tally) -> None:
    following = [asyncio.create_task(tally.follow(video, number)) for number in range(order.jobs)]
    _done, unfinished = await asyncio.wait(following, timeout=order.patience)
    tally.unfinished = len(unfinished)


async def _by_callers(video: Video, order: Order, tally: Tally) -> None:
    numbers = iter(range(order.jobs))

    async def caller() -> None:
        for number in numbers:
            await tally.follow(video, number)

    await asyncio.gather(*(caller() for _ in range(order.in_flight or 1)))


def _memory(line: str) -> int:
    """Give "VmRSS" or "VmHWM" in bytes, 0 where the system does not tell."""
    if not _LINUX:
        return 0
    found = re.search(rf"^{line}:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _forget_peak() -> None:
    if not _LINUX:
        return
    with Path("/proc/self/clear_refs").open("w", encoding="ascii") as refs:
        refs.write("5")


@asynccontextmanager
async def _profiled(path: str | None) -> AsyncIterator[None]:
    if path is None:
        yield
        return
    profile = cProfile.Profile()
    profile.enable()
    yield
    profile.disable()
    profile.dump_stats(path)


async def measure(order: Order) -> None:
    """Drive one client, and tell how it went."""
    contestant = CONTESTANTS[order.contestant]
    tally = Tally()
    run = _all_at_once if order.in_flight is None else _by_callers
    async with contestant.opened(order.url, **order.options) as video:
        await asyncio.gather(*(video(f"warm-up {number}") for number in range(order.warm_up)))
        urllib.request.urlopen(f"{order.url}/bench/forget", b"").close()  # noqa: ASYNC210 - nothing else runs yet
        gc.collect()
        _forget_peak()
        before = _memory("VmRSS")
        async with _profiled(order.profile):
            cpu, began = time.process_time(), time.monotonic()
            await run(video, order, tally)
            cpu, seconds = time.process_time() - cpu, time.monotonic() - began
        figures = {"cpu": cpu, "seconds": seconds, "memory": _memory("VmHWM") - before}
        _tell(order, tally, figures)
        if tally.unfinished:
            os._exit(0)  # to cancel what still runs takes some clients minutes


def _tell(order: Order, tally: Tally, figures: dict[str, float]) -> None:
    if tally.unfinished:
        tally.lost["unfinished"] = tally.unfinished
    told = {
        "contestant": order.contestant,
        "jobs": order.jobs,
        **figures,
        "finished": len(tally.noticed),
        "lost": tally.lost,
        "noticed": tally.noticed,
        "versions": {name: _version(name) for name in CONTESTANTS[order.contestant].packages},
    }
    print(json.dumps(told), flush=True)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # a source tree that is not installed
        return str(getattr(sys.modules.get(package.replace("-", "_")), "__version__", "?"))


def main() -> None:
    """Do what the one argument asks for."""
    order = Order(**json.loads(sys.argv[1]))
    logging.disable(logging.CRITICAL)  # what clients log is not what is compared
    for name in CONTESTANTS[order.contestant].imports:
        importlib.import_module(name)
    asyncio.run(measure(order))


if __name__ == "__main__":
    main()
