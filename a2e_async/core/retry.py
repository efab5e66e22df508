"""Which failure of which call may be repeated. A start is not a look: only a start is charged.

A reset before and a reset after the service did its work look exactly alike, so a start may be sent again only
when it was surely not received, or was refused before any work.
"""

from __future__ import annotations

import enum

import attrs

from a2e_async.errors import A2EError, ProtocolError, RateLimitedError, ServiceError, TransportError

_TIMEOUT = 408
_BUSY = 503
_OK = range(200, 300)
_SERVER_ERRORS = range(500, 600)


@attrs.frozen(kw_only=True)
class Retry:
    """What may be repeated, how often and how fast. All times are in seconds.

    Attributes:
        attempts: Most sends of a request that was surely not received or was refused before work, and of
            one-shot calls that read (default 6).
        first_wait: Wait after the first failure, doubled each time (default 0.5).
        longest_wait: Longest wait between two attempts, and the bound for the service's own Retry-After
            between looks (default 30).
        unknown_window: How long a lost start is looked for before its absence counts as proven (default 60).
        unknown_waits: Waits between the sweeps of the list for lost starts, stretched or shrunk to fill
            `unknown_window`.
        proof_age: A lost start older than this is never sent again, as lists drop what has expired (default 48 h).
        margin: How much older than a lost start rows may be before a sweep ends, for clocks differ (default 120).
        list_pages: Most pages of a list read in one sweep (default 50).
        stall_seconds: How long a download or upload may stand still before it is tried again (default 30).
        missing_grace: How long the service may not know a task before its job ends (default 10).
        token_refusals: Refused looks in a row after which the token counts as refused for good (default 3).
        token_seconds: Least time these refusals must span (default 5).
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 30.0
    unknown_window: float = 60.0
    unknown_waits: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
    proof_age: float = 48 * 3600.0
    margin: float = 120.0
    list_pages: int = 50
    stall_seconds: float = 30.0
    missing_grace: float = 10.0
    token_refusals: int = 3
    token_seconds: float = 5.0

    def wait(self, failures: int, chance: float, retry_after: float | None = None) -> float:
        """Give the wait after so many failures; `chance` between 0 and 1 spreads it over its upper half."""
        if retry_after is not None:
            return min(retry_after, self.longest_wait)
        longest = min(self.first_wait * 2.0 ** min(failures - 1, 30), self.longest_wait)
        return longest * (0.5 + chance / 2)

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


def verdict(error: A2EError) -> Verdict:
    """Say what a failure tells about the request that met it."""
    if isinstance(error, TransportError):
        return Verdict.UNKNOWN if error.sent else Verdict.NOT_RECEIVED
    if isinstance(error, RateLimitedError):
        return Verdict.BUSY
    if isinstance(error, ServiceError):
        if error.status == _BUSY and error.retry_after is not None:
            return Verdict.BUSY
        code = error.code if error.status in _OK and error.code is not None else error.status
        return Verdict.UNKNOWN if code == _TIMEOUT or code in _SERVER_ERRORS else Verdict.REFUSED
    return Verdict.UNKNOWN if isinstance(error, ProtocolError) else Verdict.REFUSED
