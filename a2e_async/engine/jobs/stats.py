"""How a client is doing, in numbers: what it counts, and how late the ends of tasks are noticed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

import attrs

from a2e_async.core.converter import CONVERTER
from a2e_async.core.records import Record

_CLOCKS_AGREE = 2.0
_HALF = 0.5  # a header Date leaves out the fraction of its second
_SLACK = 1.0


@attrs.frozen(kw_only=True)
class Stats:
    """A client at one moment.

    Attributes:
        queued: Jobs whose start waits for its turn.
        starting: Jobs whose start is on the wire, or is looked for.
        running: Jobs whose tasks are watched.
        finished: Jobs that have ended.
        failed: How many of them ended with an error.
        recovered: Starts whose answer was lost and whose tasks were found.
        requests: Requests sent to the service, polls among them; files are not counted.
        polls: Status enquiries, each for up to 100 tasks.
        retries: Requests that were, or are about to be, sent once more.
        outage: Seconds for which polls have failed up to now; None while all is well.
        outage_seconds: Seconds in all for which polls have failed.
        spent: Coins charged, as far as the service has said so.
        reserved: Coins held for starts whose price is not finished.
    """

    queued: int
    starting: int
    running: int
    finished: int
    failed: int
    recovered: int
    requests: int
    polls: int
    retries: int
    outage: float | None
    outage_seconds: float
    spent: float
    reserved: float

    @classmethod
    def of(cls, counts: Counts, *, outage: float | None, **now: Any) -> Self:  # noqa: ANN401 - the fields above
        """Put together what was counted up to now and what there is now."""
        counted = attrs.asdict(counts) | {"outage_seconds": counts.outage_seconds + (outage or 0)}
        return cls(outage=outage, **counted, **now)

    @property
    def healthy(self) -> bool:
        """Whether the last poll was good."""
        return self.outage is None


@attrs.define(eq=False, repr=False)
class Counts:
    """What a client counts as it goes; see `Stats`."""

    finished: int = 0
    failed: int = 0
    recovered: int = 0
    requests: int = 0
    polls: int = 0
    retries: int = 0
    outage_seconds: float = 0.0


def delay_of(records: Sequence[Record], watched: float, here: float, there: float | None) -> float | None:
    """Give the seconds since the last of some tasks ended, None when that is not known.

    Only the service knows when a task ended: `updatedAt` of its final record, by the service's own clock. Where a
    record does not say it, or says what cannot be, nothing is guessed.

    The time is this machine's; where the service's header Date differs from it by more than 2 seconds it is the
    service's, and the figure is good to a second.

    Args:
        records: What the service last said about each task.
        watched: Seconds for which they have been watched; an end before that was not noticed late.
        here: This machine's time, in seconds since 1970.
        there: The service's time, None when it is not known.
    """
    ends = [end for record in records if (end := _end_of(record)) is not None]
    if not records or len(ends) < len(records):
        return None
    now = here if there is None or abs(here - there - _HALF) <= _CLOCKS_AGREE else there + _HALF
    delay = now - max(ends)
    return max(0.0, delay) if -_SLACK <= delay <= watched + _SLACK else None


def _end_of(record: Record) -> float | None:
    """Give when a task ended by the service's clock; a time that was never brought up to date says nothing."""
    try:
        end: datetime = CONVERTER.structure(record.raw.get("updatedAt"), datetime)
    except ValueError:
        return None
    return None if record.created_at is None or end <= record.created_at else end.timestamp()
