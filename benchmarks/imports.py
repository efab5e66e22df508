"""How long `import a2e_async` takes, compared with `import aiohttp`, on which it stands.

What loads with the first client (cattrs) and what with the first request class is measured by itself, with what stands
against it on aiohttp's side: nothing, for a session is made of what is loaded already.

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

_IMPORTS = (
    "import a2e_async",
    "import aiohttp",
    "import a2e_async; a2e_async.A2EClient('sk_example'); a2e_async.ImageToVideo",
)
MOST = 1.35
_TIMED = """
import time
wall, cpu = time.perf_counter(), time.process_time()
{}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def seconds(statement: str, cache: str) -> tuple[float, float]:
    """Run a statement in a fresh interpreter, and give the time and the CPU time that it takes."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(
        [sys.executable, "-c", _TIMED.format(statement)],
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
        runs = [{one: seconds(one, cache) for one in _IMPORTS} for _ in range(given.times + 1)][1:]
    ours, theirs, ready = (
        [statistics.median(run[statement][kind] for run in runs) for kind in (0, 1)] for statement in _IMPORTS
    )
    figure("import a2e_async, median", ours[0] * 1000, "ms", times=given.times, **load())
    figure("import aiohttp, median", theirs[0] * 1000, "ms", times=given.times)
    figure("ratio", ours[0] / theirs[0], "times")
    figure("ratio in CPU time with a client and a request class", ready[1] / theirs[1], "times")
    pairs = statistics.median(run[_IMPORTS[0]][1] / run[_IMPORTS[1]][1] for run in runs)
    return 0 if figure("ratio in CPU time, median of the pairs", pairs, "times", at_most=MOST) else 1


if __name__ == "__main__":
    sys.exit(main())
