"""What an error means for a row: a start that may be paid for is never written off by what says nothing of it."""

from __future__ import annotations

import pytest

from a2e_async import (
    A2EError,
    AuthenticationError,
    ClientClosedError,
    InvalidRequestError,
    JobCancelledError,
    JobDetachedError,
    NotFoundError,
    RateLimitedError,
    ServiceError,
    StartUnknownError,
    TransportError,
    UsageError,
)
from a2e_async.engine.durable.verdicts import Reached, is_noted, verdict
from a2e_async.store.entries import RowEvent

UNSENT, SENT, ACCEPTED = Reached.UNSENT, Reached.SENT, Reached.ACCEPTED
REFUSED, LOST = RowEvent.REFUSED, RowEvent.LOST
BROKEN = ServiceError("busy", status=503)
REFUSAL = ServiceError("no", status=400)

OWN = [
    (UsageError("no"), UNSENT, REFUSED),
    (ClientClosedError("closed"), UNSENT, None),
    (JobDetachedError("let go"), SENT, None),
    (StartUnknownError("who knows", search_again=False), SENT, LOST),
    (StartUnknownError("who knows", search_again=True), SENT, None),
    (BROKEN, SENT, None),
    (REFUSAL, SENT, REFUSED),
    (NotFoundError("gone"), ACCEPTED, RowEvent.EXPIRED),
    (JobCancelledError("taken back"), ACCEPTED, RowEvent.FAILED),
    (TransportError("away"), ACCEPTED, None),
]


@pytest.mark.parametrize(("error", "reached", "event"), OWN)
def test_an_error_ends_a_row_only_where_it_speaks_of_the_start(error, reached, event):
    """A service that is away and a client that closes leave the row to whoever goes on with it."""
    assert verdict(error, reached, sent_before=False) is event


BEFORE = [
    (TransportError("away"), UNSENT, None),
    (UsageError("no"), UNSENT, None),
    (InvalidRequestError("no"), SENT, None),
    (RateLimitedError("slowly"), SENT, None),
    (AuthenticationError("who"), SENT, None),
    (JobCancelledError("taken back", refunded=False), SENT, None),
    (JobCancelledError("taken back", refunded=True), SENT, REFUSED),
    (REFUSAL, SENT, REFUSED),
    (StartUnknownError("who knows", search_again=False), SENT, LOST),
]


@pytest.mark.parametrize(("error", "reached", "event"), BEFORE)
def test_a_start_that_an_earlier_process_may_have_sent_is_ended_by_the_service_alone(error, reached, event):
    """What was merely not sent now says nothing of the POST of then, which may have been paid for."""
    assert verdict(error, reached, sent_before=True) is event


def test_only_what_passes_is_noted():
    """An ending client is no trouble of the row's; a service that is away is."""
    assert [is_noted(one) for one in (BROKEN, A2EError("odd"), ClientClosedError("closed"), ValueError("odd"))] == [
        True, True, False, False,
    ]  # fmt: skip
