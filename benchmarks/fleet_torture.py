"""Fleets under torture: one JSON line for each seed, exit code 1 if anything was lost, or paid for twice.

python -m benchmarks.fleet_torture --seeds 5 --service own
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import attrs

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import fleet_torture


def main() -> int:
    """Torture as often as was asked."""
    asked = argparse.ArgumentParser(description="Kill, stop and restart a fleet, and count what it has paid for.")
    asked.add_argument("--seeds", type=int, default=10)
    asked.add_argument("--first", type=int, default=1)
    asked.add_argument("--rows", type=int, default=400)
    asked.add_argument("--service", choices=["simulator", "own"], default="simulator")
    asked.add_argument("--sqlite", action="store_true", help="Keep the batch in a file, where no database restarts.")
    given = asked.parse_args()
    service = fleet_torture.OWN if given.service == "own" else fleet_torture.SIMULATOR
    bad = 0
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory(prefix="a2e-fleet-") as folder:
            pains = fleet_torture.Pains(rows=given.rows, sqlite=given.sqlite)
            end = fleet_torture.torture(Path(folder), seed, pains, service=service)
        figures = attrs.asdict(end)
        words = figures.pop("last_words")
        print(json.dumps({"figure": "fleet torture", "service": given.service, **figures}), flush=True)
        if not end.good:
            bad += 1
            sys.stderr.write(words)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
