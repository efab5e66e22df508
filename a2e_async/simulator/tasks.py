"""One simulated task: its state is a question of what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from a2e_async.simulator.kinds import Kind
from a2e_async.simulator.specs import Media

PHASES = (("initialized", 0.08), ("sent", 0.2), ("pending", 0.4), ("processing", 1.0))
"""Until which part of its run a task has which status."""


@attrs.define(kw_only=True, eq=False)
class SimTask:
    """One task of the simulated service.

    Attributes:
        serial: Its number, counted over all families.
        id: Its id, 24 hexadecimal digits.
        kind: What kind of task it is.
        name: Its name as the service keeps it.
        fields: The fields of its start that records show; shared by the tasks of one start.
        secrets: The fields that records never show, such as the token of a webhook.
        coins: What it has cost.
        created: When it was started.
        pace: The time over which its statuses are spread.
        ends: When it is completed or failed.
        media: What its result shows.
        skips_initialized: It begins as "sent".
        failure: Code and words of its failure, or None when it will be completed.
        refundable: Its coins come back when it fails.
        deleted: It has been deleted.
    """

    serial: int
    id: str
    kind: Kind
    name: str
    fields: Mapping[str, Any]
    secrets: Mapping[str, Any]
    coins: int
    created: float
    pace: float
    ends: float
    media: Media
    skips_initialized: bool = False
    failure: tuple[str, str] | None = None
    refundable: bool = False
    deleted: bool = False

    def status(self, now: float) -> str:
        """Say how far it is at that time."""
        if now >= self.ends:
            return "completed" if self.failure is None else "failed"
        done = (now - self.created) / self.pace if self.pace else 1.0
        word = next((word for word, until in PHASES if done < until), "processing")
        return "sent" if word == "initialized" and self.skips_initialized else word

    def changed(self, now: float) -> float:
        """Say when it last changed its status."""
        if now >= self.ends:
            return self.ends
        done = (now - self.created) / self.pace if self.pace else 1.0
        return self.created + self.pace * max((until for _, until in PHASES if until <= done), default=0.0)
