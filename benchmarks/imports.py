"""How long `import a2e_async` takes, compared with `import aiohttp`, on which it stands."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from common import figure, load

_TIMED = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"


def seconds(module: str) -> float:
    """Import a module in a fresh interpreter, and give the time that the import takes."""
    ran = subprocess.run([sys.executable, "-c", _TIMED.format(module)], check=True, capture_output=True, text=True)
    return float(ran.stdout)


def main() -> int:
    """Measure both by turns, after one import that fills the caches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15)
    given = parser.parse_args()
    modules = ("a2e_async", "aiohttp")
    runs = [{module: seconds(module) for module in modules} for _ in range(given.times + 1)][1:]
    middle = {module: statistics.median(run[module] for run in runs) for module in modules}
    for module in modules:
        figure(f"import {module}, median", middle[module] * 1000, "ms", times=given.times, **load())
    return 0 if figure("ratio", middle["a2e_async"] / middle["aiohttp"], "times", at_most=1.4) else 1


if __name__ == "__main__":
    sys.exit(main())
