"""What an error means for a job's row, as a table: from the kind of the error and how far the job is to an event.

Only what is said of the job itself ends its row. A client that closes, a deadline that passes and a lease that is lost
leave it to whoever holds it next; coins that are lacking, and whatever else says nothing of the request, end it too,
for its caller was told, but the same key may then be tried anew.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from a2e_async.errors import (
    A2EError,
    AuthenticationError,
    BudgetExceededError,
    ClientClosedError,
    InsufficientCoinsError,
    InvalidRequestError,
    JobCancelledError,
    JobDetachedError,
    JobTimeoutError,
    LedgerError,
    MissingTokenError,
    NotFoundError,
    RateLimitedError,
    ServiceError,
    StartUnknownError,
    TransportError,
    UsageError,
)
from a2e_async.store.entries import RowEvent


class Reached(enum.Enum):
    """How far a job is."""

    UNSENT = "no POST of it has left"
    SENT = "a POST of it has left"
    ACCEPTED = "the service has taken it"


class Fate(enum.Enum):
    """What an error says of a job."""

    LEFT = "nothing: whoever holds the row next goes on"
    LET_GO = "nobody wants it here any more"
    TAKEN_BACK = "its caller has taken it back"
    LOST = "its start may have been taken, and no later search can tell"
    GONE = "the service does not have it"
    REFUSED = "its start was refused, or cannot be made"
    PASSING = "anything else"


_KINDS: Final[tuple[tuple[tuple[type[Exception], ...], Fate], ...]] = (
    ((ClientClosedError, JobTimeoutError, LedgerError), Fate.LEFT),
    ((JobDetachedError,), Fate.LET_GO),
    ((JobCancelledError,), Fate.TAKEN_BACK),
    ((NotFoundError,), Fate.GONE),
    ((UsageError, ServiceError, TransportError, BudgetExceededError), Fate.REFUSED),
)

_TABLE: Final[Mapping[tuple[Reached, Fate], RowEvent]] = {
    (Reached.UNSENT, Fate.LET_GO): RowEvent.REFUSED,
    (Reached.UNSENT, Fate.TAKEN_BACK): RowEvent.REFUSED,
    (Reached.UNSENT, Fate.GONE): RowEvent.REFUSED,
    (Reached.UNSENT, Fate.REFUSED): RowEvent.REFUSED,
    (Reached.UNSENT, Fate.PASSING): RowEvent.REFUSED,
    (Reached.SENT, Fate.TAKEN_BACK): RowEvent.REFUSED,
    (Reached.SENT, Fate.LOST): RowEvent.LOST,
    (Reached.SENT, Fate.GONE): RowEvent.REFUSED,
    (Reached.SENT, Fate.REFUSED): RowEvent.REFUSED,
    (Reached.ACCEPTED, Fate.TAKEN_BACK): RowEvent.FAILED,
    (Reached.ACCEPTED, Fate.GONE): RowEvent.EXPIRED,
}
"""What is not here ends no row: it stays as it is, and what went wrong is noted."""

_NOT_OF_THE_REQUEST: Final = (
    AuthenticationError,
    BudgetExceededError,
    InsufficientCoinsError,
    JobDetachedError,
    MissingTokenError,
    RateLimitedError,
    TransportError,
)
RETRIABLE: Final = frozenset({kind.__name__ for kind in _NOT_OF_THE_REQUEST} | {"InputFailedError"})
"""Errors of starts that were not taken, after which the same key may be tried anew: the request may be right."""

_SERVER_ERROR = 500


def fate_of(error: Exception) -> Fate:
    """Say what an error means for the job that it ends."""
    if isinstance(error, StartUnknownError):
        return Fate.PASSING if error.search_again else Fate.LOST
    if isinstance(error, ServiceError) and not isinstance(error, NotFoundError) and error.status >= _SERVER_ERROR:
        return Fate.PASSING
    found = next((fate for kinds, fate in _KINDS if isinstance(error, kinds)), Fate.PASSING)
    return Fate.REFUSED if isinstance(error, InvalidRequestError) else found


def verdict(error: Exception, reached: Reached, *, sent_before: bool) -> RowEvent | None:
    """Say which end a row comes to by an error, None when it comes to none.

    Args:
        error: What has ended the job.
        reached: How far it was.
        sent_before: Whether an earlier process may have sent it: then only the service's word ends it, and nothing that
            was merely not sent now.
    """
    fate = fate_of(error)
    if sent_before and reached is not Reached.ACCEPTED and not _is_said_by_the_service(error):
        return RowEvent.LOST if fate is Fate.LOST else None
    return _TABLE.get((reached, fate))


def _is_said_by_the_service(error: Exception) -> bool:
    said = isinstance(error, ServiceError) and not isinstance(error, (RateLimitedError, AuthenticationError))
    return said or (isinstance(error, JobCancelledError) and error.refunded is True)


def is_noted(error: Exception) -> bool:
    """Whether an error that ends no row is worth being read beside it."""
    return isinstance(error, A2EError) and fate_of(error) is Fate.PASSING
