"""Which failure of which call may be repeated. A start is not a poll: only a start is charged.

A reset before and a reset after the service did its work look exactly alike, so a start may be sent again only
when it was surely not received, or was refused before any work.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Container
from typing import Any

import attrs

from a2e_async.core.rules import kind_of
from a2e_async.errors import A2EError, ProtocolError, RateLimitedError, ServiceError, TransportError, UsageError

_BUSY = 503
_NO_ANSWERS = range(100, 200)
_OK = range(200, 300)
_SERVER_ERRORS = range(500, 600)
_NOBODY_KNOWS = frozenset({408, 444, 460, 499})
"""Statuses of gateways that gave up waiting for one side or the other; the start may have been taken."""
_LAST_OF_HTTP = 599
_LARGEST = 1e18


def _number(above: float | None = None, least: float | None = None, *, whole: bool = False) -> Any:  # noqa: ANN401 - attrs' kind of a validator
    """Refuse what is not a finite number within its bound."""
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    bound = f"above {above:g}" if above is not None else f"of at least {least or 0:g}"
    words = f"must be a {'whole ' if whole else ''}number {bound}"

    def check(_retry: object, field: attrs.Attribute[Any], value: Any) -> None:  # noqa: ANN401 - whatever was given
        fits = type(value) in kinds and (value > above if above is not None else value >= least) and value < _LARGEST
        if not fits:
            raise UsageError(f"Retry.{field.name}: {words}, not {kind_of(value)}")

    return check


def _waits(_retry: object, field: attrs.Attribute[Any], value: Any) -> None:  # noqa: ANN401 - whatever was given
    fits = isinstance(value, tuple) and value and all(type(one) in (int, float) and 0 < one < math.inf for one in value)
    if not fits:
        raise UsageError(f"Retry.{field.name}: must be a tuple of numbers above 0, at least one, not {kind_of(value)}")


@attrs.frozen(kw_only=True)
class Retry:
    """What may be repeated, how often and how fast. All times are in seconds.

    Attributes:
        attempts: Most sends of a request that was surely not received or was refused before work, and of
            one-shot calls that read (default 6).
        first_wait: Wait after the first failure, doubled each time (default 0.5).
        longest_wait: Longest wait between two attempts, and the bound for the service's own Retry-After
            between polls (default 30).
        unknown_window: How long a lost start is looked for before its absence counts as proven (default 60); its
            missing siblings likewise.
        unknown_waits: Waits between the sweeps of the list for lost starts, stretched or shrunk to fill
            `unknown_window`.
        proof_age: A lost start older than this is never sent again, as lists drop what has expired (default 48 h).
        margin: How much older than a lost start a row of it may say that it is, for the service has more clocks than
            one (default 5).
        list_pages: Most pages of a list read in one sweep (default 200); more prove nothing.
        stall_seconds: How long a download or upload may stand still before it is tried again (default 30).
        missing_grace: How long the service may not know an id that it has never known before its job ends (default 10).
        vanished_grace: The same for a task that was seen before, or was started here (default 300). While most tasks
            are missing together none of their jobs ends: that is an outage.
        token_refusals: Refused polls in a row after which the token counts as refused for good (default 3).
        token_seconds: Least time these refusals must span (default 60).

    Raises:
        UsageError: One of them is not a number within its bound.
    """

    attempts: int = attrs.field(default=6, validator=_number(least=1, whole=True))
    first_wait: float = attrs.field(default=0.5, validator=_number(least=0))
    longest_wait: float = attrs.field(default=30.0, validator=_number(least=0))
    unknown_window: float = attrs.field(default=60.0, validator=_number(above=0))
    unknown_waits: tuple[float, ...] = attrs.field(default=(0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0), validator=_waits)
    proof_age: float = attrs.field(default=48 * 3600.0, validator=_number(least=0))
    margin: float = attrs.field(default=5.0, validator=_number(least=0))
    list_pages: int = attrs.field(default=200, validator=_number(least=1, whole=True))
    stall_seconds: float = attrs.field(default=30.0, validator=_number(above=0))
    missing_grace: float = attrs.field(default=10.0, validator=_number(least=0))
    vanished_grace: float = attrs.field(default=300.0, validator=_number(least=0))
    token_refusals: int = attrs.field(default=3, validator=_number(least=1, whole=True))
    token_seconds: float = attrs.field(default=60.0, validator=_number(least=0))

    def wait(self, failures: int, chance: float, retry_after: float | None = None) -> float:
        """Give the wait after so many failures, in seconds.

        The service's own Retry-After may only lengthen the back-off, within `longest_wait`: a "0" that is taken at its
        word sends all attempts at once, to a service that has just said that it is busy.

        Args:
            failures: How many there were, this one included.
            chance: Between 0 and 1; spreads the back-off over its upper half, and callers apart from each other.
            retry_after: Seconds that the service asks for, or None.
        """
        longest = min(self.first_wait * 2.0 ** min(failures - 1, 30), self.longest_wait)
        return max(longest * (0.5 + chance / 2), min(retry_after or 0.0, self.longest_wait))

    def sweep_times(self) -> tuple[float, ...]:
        """Give the times of the sweeps for a lost start, in seconds since it was lost."""
        scale = self.unknown_window / sum(self.unknown_waits)
        times, at = [], 0.0
        for wait in self.unknown_waits:
            at += wait * scale
            times.append(at)
        return tuple(times)


class Verdict(enum.Enum):
    """What a failed request tells about the request itself."""

    NOT_RECEIVED = "surely not received"
    BUSY = "refused before work, try later"
    REFUSED = "refused for good"
    UNKNOWN = "may have been received and worked on"


def verdict(error: A2EError, refusals: Container[int] = ()) -> Verdict:
    """Say what a failure tells about the request that met it.

    Args:
        error: The failure.
        refusals: Statuses with which this endpoint surely refuses, although they usually tell nothing.
    """
    if isinstance(error, TransportError):
        return Verdict.UNKNOWN if error.sent else Verdict.NOT_RECEIVED
    if isinstance(error, RateLimitedError):
        return Verdict.BUSY
    if isinstance(error, ServiceError):
        if error.status in refusals and not error.page:  # the service itself, of whose endpoint that is a refusal
            return Verdict.REFUSED
        if error.status == _BUSY and error.retry_after is not None and not error.page:
            return Verdict.BUSY  # a cache's own page says the same when the backend that has the POST is slow (Varnish)
        code = error.code if error.status in _OK and error.code is not None else error.status
        odd = error.status > _LAST_OF_HTTP or error.status in _NO_ANSWERS
        unclear = odd or code in _NOBODY_KNOWS or code in _SERVER_ERRORS
        return Verdict.UNKNOWN if unclear else Verdict.REFUSED
    return Verdict.UNKNOWN if isinstance(error, ProtocolError) else Verdict.REFUSED
