"""How a client is doing, in numbers; loaded when somebody asks."""

from __future__ import annotations

from typing import Any, Self

import attrs

from a2e_async.engine.jobs.counts import Counts


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
