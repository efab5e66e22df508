"""Two hundred clients opened and closed: what it takes, and that nothing is left behind.

Run it as `python -X dev -W error -m benchmarks.clients`: a warning of any kind then fails it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import time
import warnings
from typing import Any

from a2e_async import A2EClient
from a2e_async.simulator import Simulator, serve
from benchmarks.common import figure

_complaints: list[str] = []


class _Complaints(logging.Handler):
    """Collects what asyncio and the SDK warn of."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        _complaints.append(record.getMessage())


def _unraisable(unraisable: Any) -> None:  # noqa: ANN401 - its type has no public name
    _complaints.append(f"{unraisable.exc_value!r} in {unraisable.object!r}")


def _open_files() -> int:
    """Count open files and sockets, 0 where the system does not tell."""
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - nothing but the number counts
    except OSError:
        return 0


async def one(sim: Simulator) -> None:
    """Open a client, make an image, close it."""
    async with A2EClient(sim.token, base_url=sim.url) as a2e:
        await a2e.text_to_image("a red kite", width=64, height=64)
        await a2e.balance()


async def measure(count: int) -> bool:
    """Open half of the clients one after the other, the others at once."""
    asyncio.get_running_loop().slow_callback_duration = 10  # a busy machine is no fault of ours
    async with serve(media="tiny", instant_old_form=True, coins=100 * count) as sim:
        await one(sim)
        tasks, files, began = len(asyncio.all_tasks()), _open_files(), time.perf_counter()
        for _ in range(count // 2):
            await one(sim)
        await asyncio.gather(*(one(sim) for _ in range(count - count // 2)))
        seconds = time.perf_counter() - began
        await asyncio.sleep(0.1)  # the simulator's side of the connections ends a little later
        fits = [
            figure("time of a client from open to closed", seconds * 1000 / count, "ms", clients=count),
            figure("asyncio tasks left behind", len(asyncio.all_tasks()) - tasks, "tasks", at_most=0),
            figure("open files left behind", _open_files() - files, "files", at_most=0),
        ]
    return all(fits)


def main() -> int:
    """Measure against a simulator in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    given = parser.parse_args()
    sys.unraisablehook = _unraisable
    handler = _Complaints(logging.WARNING)
    for name in ("asyncio", "a2e_async", "py.warnings"):
        logging.getLogger(name).addHandler(handler)
    logging.captureWarnings(capture=not any(action == "error" for action, *_rest in warnings.filters))
    fits = asyncio.run(measure(given.clients))
    fits &= figure("complaints", len(_complaints), "complaints", at_most=0, first=_complaints[:3])
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
