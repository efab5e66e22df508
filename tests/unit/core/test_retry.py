"""What a failure tells about the request that met it, and how long to wait."""

from __future__ import annotations

import json

import attrs
import pytest

from a2e_async.core import replies
from a2e_async.core.http import HttpReply
from a2e_async.core.retry import Retry, Verdict, verdict
from a2e_async.errors import (
    A2EError,
    BudgetExceededError,
    ClientClosedError,
    InvalidRequestError,
    MissingTokenError,
    ProtocolError,
    TransportError,
    UsageError,
)

HTML = b"<html>oops</html>"
DATE = "Wed, 21 Oct 2015 07:28:00 GMT"


def after(status, body, retry_after=None):
    """Give the verdict on a request that was answered like this."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(A2EError) as caught:
        replies.read(HttpReply(status=status, body=raw, retry_after=retry_after, date=DATE))
    return verdict(caught.value)


NO = {"code": 400, "message": "no"}
YES_BUT_EMPTY = {"code": 0, "data": None}


@pytest.mark.parametrize(
    ("status", "body", "retry_after", "expected"),
    [
        # refused before work
        (429, NO, None, Verdict.BUSY),
        (429, HTML, None, Verdict.BUSY),
        (429, NO, "2", Verdict.BUSY),
        (429, NO, "garbage", Verdict.BUSY),
        (200, {"code": 429, "msg": "slow"}, None, Verdict.BUSY),
        (503, NO, "2", Verdict.BUSY),
        (503, NO, "Wed, 21 Oct 2015 07:28:05 GMT", Verdict.BUSY),
        # refused, whatever the body
        *[
            (status, NO, None, Verdict.REFUSED)
            for status in (301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 413, 422)
        ],
        *[(status, HTML, None, Verdict.REFUSED) for status in (301, 302, 307, 400, 401, 402, 403, 404, 405, 413, 422)],
        *[(status, b"", None, Verdict.REFUSED) for status in (302, 400, 404)],
        *[(status, YES_BUT_EMPTY, None, Verdict.REFUSED) for status in (302, 400, 404)],
        (400, {"code": 500, "msg": "no"}, None, Verdict.REFUSED),
        (302, {"code": 0, "data": {"_id": "t1"}}, None, Verdict.REFUSED),
        # refused by the code of a 200
        *[
            (200, {"code": code, "msg": "no"}, None, Verdict.REFUSED)
            for code in (1, 400, 401, 402, 403, 404, 1001, 1003, 1004, 30005)
        ],
        (200, {"code": "400", "msg": "no"}, None, Verdict.REFUSED),
        (200, {"success": False, "message": "no"}, None, Verdict.REFUSED),
        (200, {"code": 1, "msg": "insufficient coins"}, None, Verdict.REFUSED),
        # unknown
        *[(status, NO, None, Verdict.UNKNOWN) for status in (408, 500, 502, 503, 504, 520)],
        *[(status, HTML, None, Verdict.UNKNOWN) for status in (408, 500, 502, 503, 504, 520)],
        *[(status, b"", None, Verdict.UNKNOWN) for status in (408, 500, 502, 503, 504)],
        (500, {"code": 402, "msg": "insufficient coins"}, None, Verdict.UNKNOWN),
        (500, {"code": 1003, "msg": "a minor"}, None, Verdict.UNKNOWN),
        (503, NO, "garbage", Verdict.UNKNOWN),
        (503, HTML, "2", Verdict.UNKNOWN),  # a cache says so when the service has the start and is slow
        (503, HTML, "Wed, 21 Oct 2015 07:28:05 GMT", Verdict.UNKNOWN),
        (503, b'{"status": "busy"}', "2", Verdict.UNKNOWN),
        (503, b'{"message": "no healthy upstream"}', "2", Verdict.UNKNOWN),
        (503, b'{"error": {"type": "overloaded"}}', "2", Verdict.UNKNOWN),
        *[(status, HTML, None, Verdict.UNKNOWN) for status in (444, 460, 499, 600, 999)],
        *[(status, HTML, None, Verdict.UNKNOWN) for status in (101, 103)],  # no answer at all
        (502, NO, "2", Verdict.UNKNOWN),
        *[
            (200, {"code": code, "msg": "oops"}, None, Verdict.UNKNOWN)
            for code in (408, 500, 502, 503, 504, 599, "500")
        ],
        (200, HTML, None, Verdict.UNKNOWN),
        (200, b"", None, Verdict.UNKNOWN),
        (200, b"null", None, Verdict.UNKNOWN),
        (200, b'{"code": 0, "data": {"_id"', None, Verdict.UNKNOWN),
        (204, b"", None, Verdict.UNKNOWN),
    ],
)
def test_verdict_on_a_reply(status, body, retry_after, expected):
    """The table of "Reading a reply": the status first, in a 200 the code, and doubt where neither names a reason."""
    assert after(status, body, retry_after) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransportError("refused", sent=False), Verdict.NOT_RECEIVED),
        (TransportError("reset", sent=True), Verdict.UNKNOWN),
        (TransportError("reset"), Verdict.UNKNOWN),
        (ProtocolError("answered without a task id"), Verdict.UNKNOWN),
        (UsageError("wrong"), Verdict.REFUSED),
        (InvalidRequestError("wrong"), Verdict.REFUSED),
        (MissingTokenError("none"), Verdict.REFUSED),
        (ClientClosedError("closed"), Verdict.REFUSED),
        (BudgetExceededError("too dear"), Verdict.REFUSED),
    ],
)
def test_verdict_without_a_reply(error, expected):
    """Only a failure to connect is sure not to have been received; what nobody sent is not repeated."""
    assert verdict(error) is expected


@pytest.mark.parametrize(
    ("failures", "chance", "retry_after", "seconds"),
    [
        (1, 0.0, None, 0.25),
        (1, 1.0, None, 0.5),
        (2, 1.0, None, 1.0),
        (3, 0.0, None, 1.0),
        (7, 1.0, None, 30.0),
        (10**6, 1.0, None, 30.0),
        (1, 0.5, 7.0, 7.0),
        (1, 0.0, 0.0, 0.25),
        (9, 1.0, 0.0, 30.0),
        (4, 1.0, 1.0, 4.0),
        (1, 0.5, 3600.0, 30.0),
    ],
)
def test_waits(failures, chance, retry_after, seconds):
    """Waits double up to a bound and are spread over their upper half; the service's wish lengthens them up to it."""
    assert Retry().wait(failures, chance, retry_after) == seconds


def test_sweeps_fill_the_window():
    """The sweeps for a lost start keep their proportions, and the last one is at the end of the window."""
    times = Retry().sweep_times()
    assert len(times) == 7
    assert times[-1] == pytest.approx(60)
    assert list(times) == sorted(times)
    assert Retry(unknown_window=6.0).sweep_times() == pytest.approx([at / 10 for at in times])


NUMBERS = [field.name for field in attrs.fields(Retry) if field.name != "unknown_waits"]


@pytest.mark.parametrize("value", [-5, float("nan"), float("inf"), "x", None, True, (), 10**400])
@pytest.mark.parametrize("field", NUMBERS)
def test_a_knob_that_is_no_number_is_refused(field, value):
    """Whatever cannot be reckoned with is refused by the knob's name, before a search trips over it."""
    with pytest.raises(UsageError, match=rf"Retry\.{field}: must be a (whole )?number") as caught:
        Retry(**{field: value})
    assert type(caught.value) is UsageError


@pytest.mark.parametrize("field", ["attempts", "list_pages", "token_refusals", "unknown_window", "stall_seconds"])
def test_a_knob_that_must_be_above_zero_is_refused_at_zero(field):
    """No attempt, no page and no time at all are no settings."""
    with pytest.raises(UsageError, match=rf"Retry\.{field}: .*, not int 0"):
        Retry(**{field: 0})


@pytest.mark.parametrize("field", ["attempts", "list_pages", "token_refusals"])
def test_a_count_that_is_not_whole_is_refused(field):
    """Counts are whole."""
    with pytest.raises(UsageError, match="whole number"):
        Retry(**{field: 1.5})


@pytest.mark.parametrize("waits", [(), [1.0], "1", (0,), (1, -1), (float("nan"),), ("1",), (True,), None, 5])
def test_waits_that_fill_no_window_are_refused(waits):
    """The waits between sweeps are numbers above 0, at least one of them."""
    with pytest.raises(UsageError, match=r"Retry\.unknown_waits: "):
        Retry(unknown_waits=waits)
