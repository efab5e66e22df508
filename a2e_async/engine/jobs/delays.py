"""How late the end of a task was noticed."""

from __future__ import annotations

from collections.abc import Sequence

from a2e_async.core.records import Record
from a2e_async.core.scalars import read_time

_CLOCKS_AGREE = 2.0
_HALF = 0.5  # a header Date leaves out the fraction of its second
_SLACK = 1.0


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
        end = read_time(record.raw.get("updatedAt"))
    except ValueError:
        return None
    return None if record.created_at is None or end <= record.created_at else end.timestamp()
