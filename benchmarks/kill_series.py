"""Ten lives of a batch with twenty deaths each: one JSON line for each life, exit code 1 if anything was lost.

Each run has another wall clock, up to four days wrong, and `--max-coins` for each row once.

python -m benchmarks.kill_series --lives 10 --deaths 20 --seed 1
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import attrs

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import kill_series


def main() -> int:
    """Live as often as was asked."""
    asked = argparse.ArgumentParser(description="Kill a batch again and again, and count what it has paid for.")
    asked.add_argument("--lives", type=int, default=10)
    asked.add_argument("--deaths", type=int, default=20)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--max-running", type=int, default=12, help="Fewer make the batch last longer than its deaths.")
    asked.add_argument("--latest", type=float, default=2.0, help="Longest life in seconds; more on a busy machine.")
    given = asked.parse_args()
    more = ("--max-running", str(given.max_running), "--max-coins", str(kill_series.COINS))
    bad = 0
    for seed in range(given.seed, given.seed + given.lives):
        with tempfile.TemporaryDirectory(prefix="a2e-kill-") as folder:
            life = kill_series.live(
                Path(folder),
                deaths=given.deaths,
                seed=seed,
                latest=given.latest,
                clocks=kill_series.CLOCKS,
                more=more,
            )
        figures = attrs.asdict(life)
        words = figures.pop("last_words")
        print(json.dumps({"figure": "kill series", **figures}), flush=True)
        if not life.good:
            bad += 1
            sys.stderr.write(words)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
