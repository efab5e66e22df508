"""Hints that came too early: a webhook may tell of a task before the answer of its start has told us its id."""

from __future__ import annotations

import math
from typing import Final

KEPT_SECONDS: Final = 60.0
KEPT_IDS: Final = 10_000


class EarlyHints:
    """Ids that were hinted at before they were watched, for a minute, at most 10,000 of them.

    Of too many the oldest go; their tasks are left to the usual polls.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._since)

    def keep(self, task_id: str, now: float) -> None:
        """Keep a hint; one that is kept already counts from now on."""
        self._since.pop(task_id, None)
        self._since[task_id] = now
        oldest = next(iter(self._since))
        while len(self._since) > KEPT_IDS or self._since[oldest] <= now - KEPT_SECONDS:
            del self._since[oldest]
            oldest = next(iter(self._since))

    def take(self, task_id: str, now: float) -> bool:
        """Whether there was such a hint within the last minute; it is used up."""
        return self._since.pop(task_id, -math.inf) > now - KEPT_SECONDS
