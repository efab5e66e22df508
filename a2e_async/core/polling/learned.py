"""What a client has learned of its families, as a value that can be kept and read again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from a2e_async.core.polling.ages import BINS, FIRST_EDGE, GROWTH, Ages
from a2e_async.core.polling.cohorts import Waiting

_SCALE: Final = f"{FIRST_EDGE}*{GROWTH}^{BINS}"
_MOST = 1e9
_MOST_ENDS = 500.0


class Learned:
    """The ages of every family, as far as they are known."""

    def __init__(self) -> None:
        self._families: dict[str, Ages] = {}

    def ages(self, family: str) -> Ages:
        """Give what is known of a family; to be added to."""
        if family not in self._families:
            self._families[family] = Ages()
        return self._families[family]

    def running(self, family: str, tasks: Iterable[Waiting], at: float) -> None:
        """Note that tasks were running at a time."""
        lived = self.ages(family).lived
        for task in tasks:
            if at > task.seen:
                if task.teaches:
                    lived(task.seen - task.born, at - task.born)
                task.seen = at

    def ended(self, family: str, task: Waiting, at: float) -> None:
        """Note that a task had ended by a time."""
        if task.teaches:
            self.ages(family).ended(task.seen - task.born, max(task.seen, at) - task.born)

    def left(self, family: str, task: Waiting) -> None:
        """Note that a task will not be polled any more."""
        if task.teaches:
            self.ages(family).left(task.seen - task.born)

    def kept(self) -> dict[str, Any]:
        """Give all of it as a JSON object of a few KB for each family."""
        families = {name: _bins(ages) for name, ages in self._families.items()}
        return {"scale": _SCALE, "families": {name: bins for name, bins in families.items() if any(bins["lived"])}}

    def recall(self, kept: object) -> None:
        """Begin with what was kept, for each family of which nothing is known here yet.

        What an earlier run has learned weighs as much as 500 ends at most, so that today's soon count for more.
        What cannot be read is passed over: a memory only helps.
        """
        if not isinstance(kept, dict) or kept.get("scale") != _SCALE or not isinstance(kept.get("families"), dict):
            return
        for name, bins in kept["families"].items():
            ended, lived = _numbers(bins, "ended"), _numbers(bins, "lived")
            if isinstance(name, str) and ended and lived and not any(self.ages(name).ends):
                weight = min(1.0, _MOST_ENDS / max(1.0, sum(ended)))
                self._families[name].add([count * weight for count in ended], [s * weight for s in lived])


def _bins(ages: Ages) -> dict[str, list[float]]:
    ended, lived = ages.ends, ages.seconds
    last = max((index for index in range(BINS) if lived[index] > 0), default=-1) + 1
    return {"ended": [round(count, 2) for count in ended[:last]], "lived": [round(s, 1) for s in lived[:last]]}


def _numbers(bins: object, key: str) -> list[float]:
    """Give a list of numbers that make sense, or nothing."""
    found = bins.get(key) if isinstance(bins, dict) else None
    if not isinstance(found, list) or len(found) > BINS:
        return []
    for number in found:
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < _MOST:
            return []
    return [float(number) for number in found]
