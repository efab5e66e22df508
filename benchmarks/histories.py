"""Random histories: 2,000 of them in virtual time, and how many bills, doubles and lost jobs they came to.

    python -m benchmarks.histories [histories] [seed]

prints one JSON line, and ends with 1 when an intent was billed more often than it may be or a job was lost.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from histories import HISTORIES, History
from history_verdicts import Outcome, play


def main() -> int:
    """Play the histories and print what they came to."""
    count = int(sys.argv[1]) if sys.argv[1:] else 2_000
    chance = int(sys.argv[2]) if sys.argv[2:] else 0
    outcomes: list[Outcome] = []

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @seed(chance)
    @given(HISTORIES)
    def each(history: History) -> None:
        outcomes.append(play(history))
        for what in (*outcomes[-1].wrong, *outcomes[-1].lost, *outcomes[-1].miscounted):
            print(what, history, file=sys.stderr)

    began = time.perf_counter()
    each()
    wrong, lost = sum(len(one.wrong) for one in outcomes), sum(len(one.lost) for one in outcomes)
    miscounted = sum(len(one.miscounted) for one in outcomes)
    figure = {
        "benchmark": "histories",
        "histories": len(outcomes),
        "starts": sum(one.starts for one in outcomes),
        "bills": sum(one.bills for one in outcomes),
        "doubles": sum(one.doubles for one in outcomes),
        "doubles_refunded": sum(one.refunded_doubles for one in outcomes),
        "start_unknown": sum(one.unknown for one in outcomes),
        "broken_promises": wrong,
        "lost_jobs": lost,
        "miscounted": miscounted,
        "seconds": round(time.perf_counter() - began, 1),
        "ok": not wrong and not lost and not miscounted,
    }
    print(json.dumps(figure))
    return 0 if figure["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
