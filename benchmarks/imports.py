"""How long `import a2e_async` takes, compared with `import aiohttp`, on which it stands.

Both come from cached bytecode, as in an installed package, whatever the environment says about writing it: a module
that is compiled at each import would be compared with one that is not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from benchmarks.common import figure, load

_MODULES = ("a2e_async", "aiohttp")
_TIMED = """
import time
wall, cpu = time.perf_counter(), time.process_time()
import {}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def seconds(module: str, cache: str) -> tuple[float, float]:
    """Import a module in a fresh interpreter, and give the time and the CPU time that the import takes."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(
        [sys.executable, "-c", _TIMED.format(module)],
        env={**environment, "PYTHONPYCACHEPREFIX": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    wall, cpu = map(float, ran.stdout.split())
    return wall, cpu


def main() -> int:
    """Measure both by turns, after one import that fills the cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        runs = [{module: seconds(module, cache) for module in _MODULES} for _ in range(given.times + 1)][1:]
    ours, theirs = ([statistics.median(run[module][kind] for run in runs) for kind in (0, 1)] for module in _MODULES)
    figure("import a2e_async, median", ours[0] * 1000, "ms", times=given.times, **load())
    figure("import aiohttp, median", theirs[0] * 1000, "ms", times=given.times)
    figure("ratio in CPU time", ours[1] / theirs[1], "times")
    return 0 if figure("ratio", ours[0] / theirs[0], "times", at_most=1.7) else 1


if __name__ == "__main__":
    sys.exit(main())
