"""One simulated task: its state is a question of what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from a2e_async.simulator.chance import digest
from a2e_async.simulator.media.specs import Media

USER_ID = digest("the simulated user") + "00000000"

PHASES = (("initialized", 0.08), ("sent", 0.2), ("pending", 0.4), ("processing", 1.0))
"""Until which part of its run a task has which status."""


def iso(at: float) -> str:
    """Write a time as the service does: UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@attrs.define(kw_only=True, eq=False)
class SimTask:
    """One task of the simulated service.

    Attributes:
        serial: Its number, counted over all families.
        id: Its id, 24 hexadecimal digits.
        family: The name of its family.
        name: Its name as the service keeps it.
        fields: The fields of its start that records show; shared by the tasks of one start.
        secrets: The fields that records never show, such as the token of a webhook.
        coins: What it has cost.
        created: When it was started.
        pace: The time over which its statuses are spread.
        ends: When it is completed or failed.
        files: What its results show; at least one, whether or not records show a URL of it.
        skips_initialized: It begins as "sent".
        failure: Code and words of its failure, or None when it will be completed.
        refundable: Its coins come back when it fails.
        deleted: It has been deleted.
        marks: What its user has done with it: "shared", "downloaded", "copied".
    """

    serial: int
    id: str
    family: str
    name: str
    fields: Mapping[str, Any]
    secrets: Mapping[str, Any]
    coins: int
    created: float
    pace: float
    ends: float
    files: tuple[Media, ...]
    skips_initialized: bool = False
    failure: tuple[str, str] | None = None
    refundable: bool = False
    deleted: bool = False
    marks: frozenset[str] = frozenset()

    @property
    def media(self) -> Media:
        """What its first result shows."""
        return self.files[0]

    def done(self, now: float) -> float:
        """Say which part of its run is over, from 0 to 1."""
        if now >= self.ends:
            return 1.0
        return min(1.0, (now - self.created) / self.pace) if self.pace else 1.0

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

    def times(self, now: float) -> dict[str, float]:
        """Say when it came into each status that it has had."""
        began = (0.0, *(until for _, until in PHASES))
        came = {word: self.created + self.pace * part for (word, _), part in zip(PHASES, began, strict=False)}
        came["completed" if self.failure is None else "failed"] = self.ends
        return {word: at for word, at in came.items() if at <= min(now, self.ends) or word == PHASES[0][0]}
