"""The health of the service, as polls find it: a failed poll says something about the service, never about a job.

After a failure polls pause, longer each time; then one small poll tries the service before the full load returns.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import attrs

from a2e_async.core.retry import Retry
from a2e_async.engine.http.service import Service
from a2e_async.errors import AuthenticationError


@attrs.define(eq=False, repr=False)
class Health:
    """Failures of polls in a row, and when the next poll may go.

    Attributes:
        on_change: Called when an outage begins, with None, and when it is over, with the time it began.
        failures: Failed polls since the last good one.
        outage_since: Time of the first of them, None while all is well.
    """

    retry: Retry
    on_change: Callable[[float | None], None] = lambda _since: None
    failures: int = 0
    outage_since: float | None = None
    _open_until: float = 0.0
    _refusals: int = 0
    _refused_since: float = 0.0

    @property
    def well(self) -> bool:
        """Whether the last poll was good."""
        return self.failures == 0

    def poll_from(self) -> float:
        """Give the time from which the next poll may go."""
        return self._open_until

    def failed(self, now: float, retry_after: float | None = None, *, refused: bool = False) -> None:
        """Note a failed poll; polls that were under way together and fail together count as one."""
        if not refused:
            self._refusals = 0
        if now >= self._open_until or self.failures == 0:
            self.failures += 1
        elif retry_after is None:
            return
        if self.outage_since is None:
            self.outage_since = now
            self.on_change(None)
        wait = self.retry.wait(self.failures, random.random(), retry_after)  # noqa: S311 - spreads load, hides nothing
        self._open_until = max(self._open_until, now + wait)

    def succeeded(self) -> None:
        """Note a good poll."""
        since = self.outage_since
        self.failures, self.outage_since, self._open_until, self._refusals = 0, None, 0.0, 0
        if since is not None:
            self.on_change(since)

    def token_refused(self, now: float, error: AuthenticationError) -> AuthenticationError | None:
        """Note a refused token; gives the error back when it counts as permanently rejected.

        Only then do jobs end: a gateway, or a replica that lags, refuses a good token for a moment, and the tasks are
        paid for.
        """
        if self._refusals == 0:
            self._refused_since = now
        self._refusals += 1
        enough = self._refusals >= self.retry.token_refusals
        return error if enough and now - self._refused_since >= self.retry.token_seconds else None


def outages_told(service: Service) -> Callable[[float | None], None]:
    """Give what counts the outages of a service and tells those of them who hear of events; for `Health.on_change`."""

    def tell(since: float | None) -> None:
        outage = 0.0 if since is None else asyncio.get_running_loop().time() - since
        service.counts.outage_seconds += outage
        if service.events.heard:
            service.events.health_changed(well=since is not None, outage=outage)

    return tell
