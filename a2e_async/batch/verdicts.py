"""What an error means for a row, as a table: from the kind of error and where the row stands to the event of its life.

Only what is said of the row itself may end it. What concerns the run (the token, coins, the ledger, a tag in use, a
client that is closed) leaves it for the next run, and so does what nobody understands.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from a2e_async.errors import (
    AuthenticationError,
    BudgetExceededError,
    ClientClosedError,
    DownloadError,
    InsufficientCoinsError,
    InvalidRequestError,
    JobCancelledError,
    LedgerError,
    MissingTokenError,
    NotFoundError,
    RateLimitedError,
    ServiceError,
    StartUnknownError,
    TransportError,
)
from a2e_async.store.entries import Entry, RowEvent, State

_POOR = (BudgetExceededError, InsufficientCoinsError, AuthenticationError, MissingTokenError)
STOPPING: Final = (*_POOR, LedgerError)
"""What no other row of the batch can get past either."""

_NOT_SENT = (*_POOR, RateLimitedError, TransportError, ClientClosedError, JobCancelledError)
_SERVER_ERROR = 500
KEPT_SECONDS: Final = 3 * 24 * 3600.0
"""For how long the service keeps results; before that a task it denies may show again."""


class Kind(enum.Enum):
    """What an error says."""

    NOT_SENT = "surely nothing was sent"
    LOST = "a start may have been taken, and no later search can tell"
    INVALID = "the row breaks a rule"
    REFUSED = "the service refused"
    GONE = "the service does not have it"
    PASSING = "anything else: the next run may get past it"


_TABLE: Final[Mapping[tuple[State, Kind], RowEvent]] = {
    (State.PLANNED, Kind.INVALID): RowEvent.REFUSED,
    (State.PLANNED, Kind.REFUSED): RowEvent.REFUSED,
    (State.PLANNED, Kind.GONE): RowEvent.REFUSED,
    (State.INTENDED, Kind.NOT_SENT): RowEvent.RELEASED,
    (State.INTENDED, Kind.LOST): RowEvent.LOST,
    (State.INTENDED, Kind.INVALID): RowEvent.REFUSED,
    (State.INTENDED, Kind.REFUSED): RowEvent.REFUSED,
    (State.INTENDED, Kind.GONE): RowEvent.REFUSED,
    (State.ACCEPTED, Kind.GONE): RowEvent.EXPIRED,
    (State.COMPLETED, Kind.GONE): RowEvent.EXPIRED,
    (State.DONE, Kind.GONE): RowEvent.EXPIRED,
}
"""What is not here is noted, and left for the next run."""

_DOUBTFUL: Final = frozenset({Kind.NOT_SENT, Kind.INVALID})
"""What says nothing of a start that an earlier process may have sent."""


def verdict(error: Exception, before: Entry, now: Entry, moment: float) -> RowEvent:
    """Say what an error means for a row.

    A row that may have been started in an earlier process is ended only by what the service says of it: "nothing was
    sent now" and "the row breaks a rule" say nothing of a POST that has left before, and what it may have paid for.

    Args:
        error: What went wrong.
        before: Where the row stood when this run took it.
        now: Where it stands.
        moment: The time, in seconds since 1970.
    """
    kind = _kind(error)
    event = _TABLE.get((now.state, kind), RowEvent.NOTED)
    if now.state is State.INTENDED and kind in _DOUBTFUL and before.letters:
        return RowEvent.NOTED
    if now.state is State.ACCEPTED and event is RowEvent.EXPIRED and _is_young(now.accepted_at, moment):
        return RowEvent.NOTED  # paid for, and tasks may be hidden for a while: it is asked about again, which is free
    if now.state is State.COMPLETED and isinstance(error, DownloadError) and not _is_young(now.finished_at, moment):
        return RowEvent.EXPIRED
    return event


def in_words(error: Exception, event: RowEvent, entry: Entry) -> str:
    """Say what went wrong with a row, and what there is to do about it when it can be done anew."""
    words = error.message if isinstance(error, (ServiceError, TransportError)) else _message(error)
    if event is RowEvent.LOST:
        return f"{words}; redo {entry.id} starts it again, and pays a second time if the first start was taken"
    if isinstance(error, StartUnknownError):
        return f"{words}; the next run looks for it again, which is free"
    if event is RowEvent.EXPIRED:
        kept = "the result has expired: the service keeps results for about three days"
        return f"{kept}; redo {entry.id} makes it again ({words})"
    return words


def _message(error: Exception) -> str:
    return str(getattr(error, "message", "")) or f"{type(error).__name__}: {error}"


def _kind(error: Exception) -> Kind:
    if isinstance(error, StartUnknownError):
        return Kind.PASSING if error.search_again else Kind.LOST
    if isinstance(error, _NOT_SENT):
        return Kind.NOT_SENT
    if isinstance(error, InvalidRequestError):
        return Kind.INVALID
    if isinstance(error, NotFoundError):
        return Kind.GONE
    # An enquiry before the start, such as for another row's image, may have met a service in trouble.
    if isinstance(error, ServiceError) and error.status < _SERVER_ERROR:
        return Kind.REFUSED
    return Kind.PASSING


def _is_young(moment: float | None, now: float) -> bool:
    return moment is None or now - moment < KEPT_SECONDS
