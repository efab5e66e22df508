"""The limits that all processes of a store share, applied to this one: running jobs, the rate, and the budget.

Laws of this file: a process uses what the store gave it the last time, and asks again at every beat of its lease;
before the first answer nothing runs. The budget is the store's own counter, asked in the same statement as each intent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import attrs

from a2e_async.engine.engine import Engine
from a2e_async.errors import FencedError, LedgerError
from a2e_async.store.ports import JOBS, Lease, Store, Wants
from a2e_async.store.purses import SharedPurse

_log = logging.getLogger("a2e_async")

_BEATS = 6


@attrs.frozen(kw_only=True)
class SharedLimits:
    """What a client was given, for all processes together.

    Attributes:
        running: Most jobs that run at once, or None.
        rate: Most requests a second, or None.
        budget: Most coins, or None.
    """

    running: int | None = None
    rate: float | None = None
    budget: float | None = None


class Sharing:
    """Keeps this process within its part of the limits.

    Args:
        engine: Whose starts are bounded.
        store: The store.
        limits: What is shared.
        lease: Gives the lease of the moment.
        demand: Gives how many jobs would run here if nothing bounded them; those of other processes do not.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        limits: SharedLimits,
        *,
        lease: Callable[[], Lease],
        demand: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._store = store
        self._limits = limits
        self._lease = lease
        self._demand = demand

    @property
    def is_needed(self) -> bool:
        """Whether anything but the budget is shared."""
        return self._limits.running is not None or self._limits.rate is not None

    async def begin(self) -> None:
        """Let nothing run before the first answer, and bound what is spent."""
        if self._limits.running is not None:
            self._engine.starter.places.limit = 0
        if self._limits.budget is not None:
            await self._store.open_purse(JOBS, self._limits.budget)
            self._engine.budget.purse = SharedPurse(self._store, JOBS, self._limits.budget)
        await self.ask()

    async def ask(self) -> None:
        """Ask for this process's part, and keep to it."""
        if not self.is_needed:
            return
        places, limits = self._engine.starter.places, self._limits
        wants = Wants(running=limits.running, demand=self._demand(), used=places.taken, rate=limits.rate)
        share = await self._store.share(self._lease(), wants)
        if share.running is not None:
            places.limit = share.running
        if share.rate is not None:
            self._engine.service.pacer.rate = share.rate

    async def run(self) -> None:
        """Ask at every beat, until cancelled."""
        while True:
            await asyncio.sleep(self._lease().ttl / _BEATS)
            try:
                await self.ask()
            except FencedError:  # the new lease asks anew
                _log.debug("the limits were asked for with a lease that is gone")
            except LedgerError as error:
                _log.debug("the store cannot be asked for the shared limits, the last ones go on: %s", error)
