"""How soon polls notice ends, and how many of them it takes: trials of the cadence in virtual time.

    python -m benchmarks.cadence [--plot FILE.png] [--only NAME ...]

plays 100 and 1,000 videos of 20 to 60 s from an empty memory, the latter also with a webhook for each end, and a mixed
stream: 200 starts a second for 100 s, half images of 3 to 8 s, half videos of 60 to 120 s, beside a plain sweep round
all running ids under the same cap. A delay is from a task's end to that of its job; 20 ms of it are the answer's way.
With --plot it draws, for the mixed stream, what share of the tasks was known to be finished by which age, and at which
ages polls asked for them.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from trials import IMAGES, LATENCY, VIDEOS, Start, Trial, on_paper, trial

from a2e_async import A2EClient, Cadence
from a2e_async.core.polling.ages import EDGES
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.schedule import Group
from a2e_async.engine.polling.watches import Watch
from benchmarks.common import figure, percentile

CAP = Cadence().polls_per_second
MOST_SOONER = 1.21  # a fifth more, and a part of a poll


class Sweep:
    """A queue that asks for all running tasks in turn, as often as the cap allows."""

    def __init__(self) -> None:
        self._lines: dict[Group, deque[Watch]] = {}

    def add(self, group: Group, watch: Watch) -> None:
        """Let a task wait for its next turn."""
        self._lines.setdefault(group, deque()).append(watch)

    def add_again(self, group: Group, watches: Iterable[Watch]) -> None:
        """Let tasks that were asked for together wait for their next turn."""
        self._lines.setdefault(group, deque()).extend(watches)

    def next_due(self) -> float | None:
        """Say that somebody always has a turn."""
        return -math.inf if any(self._lines.values()) else None

    def take(self, _now: float, limit: Callable[[Group], int]) -> tuple[Group, list[Watch]] | None:
        """Take those who have waited longest."""
        group = min((group for group, line in self._lines.items() if line), key=lambda one: self._lines[one][0].asked)
        line = self._lines[group]
        return group, [line.popleft() for _ in range(min(limit(group), len(line)))]


def sweep(a2e: A2EClient) -> None:
    """Let a client look round all running ids instead of where ends are likely."""
    a2e._shared.parts().engine.poller._queue = Sweep()  # type: ignore[assignment] # noqa: SLF001 - what we compare with


def videos(count: int, seed: int = 1) -> list[Start]:
    """Give starts of videos of 20 to 60 s, all at once."""
    dice = random.Random(seed)
    return [Start(0.0, VIDEOS, dice.uniform(20, 60)) for _ in range(count)]


def mixed(seed: int = 1) -> list[Start]:
    """Give the mixed stream."""
    dice = random.Random(seed)
    kinds = ((VIDEOS, 60, 120), (IMAGES, 3, 8))
    return [
        Start(number / 200, family, dice.uniform(shortest, longest))
        for number in range(20_000)
        for family, shortest, longest in [kinds[number % 2]]
    ]


def show(name: str, played: Trial, *, delay: float | None, polls: float | None) -> bool:
    """Print the figures of a trial."""
    delays = played.all_delays
    facts: dict[str, Any] = {
        "p95": round(percentile(delays, 0.95), 3),
        "longest": round(max(delays), 2),
        "first_poll": round(max(map(max, played.first.values())), 2),
        "by_family": {family: round(sum(some) / len(some), 3) for family, some in played.delays.items()},
        "latency": LATENCY,
    }
    return all(
        [
            figure(f"{name}: delay, mean", played.delay, "s", at_most=delay, jobs=played.jobs, **facts),
            figure(f"{name}: polls a job", played.polls_a_job, "requests", at_most=polls),
            figure(f"{name}: polls in the densest second", played.peak, "requests", at_most=CAP),
        ]
    )


FEW = ((0.02, 0.02), (1.0, 6.0), (20.0, 60.0))


def few() -> bool:
    """Play few tasks at a time, from an empty memory and from one that knows when such tasks end."""
    fits = []
    for shortest, longest in FEW:
        known = Learned()
        on_paper(crowds(100, shortest, longest, times=3), learned=known)
        for count in (1, 10, 100):
            for memory, kept in (("empty", None), ("learned", known.kept())):
                learned = Learned()
                learned.recall(kept)
                starts = crowds(count, shortest, longest, times=20)
                played, usual = on_paper(starts, learned=learned), usual_polls(starts)
                facts = {"tasks": count, "seconds": [shortest, longest], "memory": memory}
                fits.append(figure("few: delay, mean", played.delay, "s", **facts))
                fits.append(
                    figure(
                        "few: polls, beside one an interval", len(played.polls) / usual, "times", at_most=MOST_SOONER
                    )
                )
    return all(fits)


def crowds(count: int, shortest: float, longest: float, times: int) -> list[Start]:
    """Give starts of so many tasks at once, one crowd after the other."""
    dice = random.Random(1)
    each = [n * (longest + 5) for n in range(times) for _ in range(count)]
    return [Start(at, VIDEOS, dice.uniform(shortest, longest)) for at in each]


def usual_polls(starts: list[Start]) -> int:
    """Count the polls of a client that asks once an interval until the last task of each crowd has ended."""
    ends = {at: max(start.seconds for start in starts if start.at == at) for at in {start.at for start in starts}}
    return sum(math.ceil((seconds + LATENCY) / Cadence().interval) for seconds in ends.values())


def stream(plot: Path | None) -> bool:
    """Play the mixed stream both ways."""
    swept, learned = trial(mixed(), prepare=sweep), trial(mixed())
    if plot is not None:
        draw(plot, learned)
    return all(
        [
            show("mixed, swept", swept, delay=None, polls=None),
            show("mixed, learned", learned, delay=swept.delay / 2, polls=None),
        ]
    )


def draw(target: Path, played: Trial) -> None:
    """Draw what was learned, and where the polls went."""
    import matplotlib as mpl  # noqa: PLC0415 - of the group `bench`, and needed for this alone

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    learned = Learned()
    learned.recall(played.learned)
    figure_, panes = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    for pane, family, longest in zip(panes, (IMAGES, VIDEOS), (12, 140), strict=True):
        ages = [edge for edge in EDGES if edge <= longest]
        pane.plot(ages, [learned.ages(family).share(age) for age in ages], color="C0")
        pane.set(title=family, xlabel="age of a task in seconds", xlim=(0, longest), ylim=(0, 1.05))
        pane.set_ylabel("share known to be finished (line)", color="C0")
        asked = pane.twinx()
        seconds = range(longest)
        asked.bar([age + 0.5 for age in seconds], [played.ages[family][age] for age in seconds], 0.9, color="C1")
        asked.set_ylabel("tasks asked for at that age (bars)", color="C1")
        asked.set_zorder(0)
        pane.set_zorder(1)
        pane.patch.set_visible(False)
    figure_.suptitle("200 starts a second for 100 s, at most 10 polls a second: where the polls went")
    figure_.savefig(target, dpi=120)


def trials(plot: Path | None) -> dict[str, Callable[[], bool]]:
    """Name the trials, with their targets."""
    return {
        "hundred": lambda: show("100 videos", trial(videos(100)), delay=0.42, polls=0.83),
        "thousand": lambda: show("1,000 videos", trial(videos(1000)), delay=0.6, polls=0.45),
        "hints": lambda: show("1,000 videos, all hinted", trial(videos(1000), hints=True), delay=0.1, polls=0.6),
        "mixed": lambda: stream(plot),
        "few": few,
    }


def main(arguments: Iterable[str] | None = None) -> int:
    """Play the trials, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the mixed stream")
    parser.add_argument("--only", nargs="+", choices=list(trials(None)), help="play these only")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    wanted = trials(chosen.plot)
    fits = [wanted[name]() for name in chosen.only or wanted]
    return 0 if all(fits) else 1


if __name__ == "__main__":
    sys.exit(main())
