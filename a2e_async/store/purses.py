"""Coins that all processes of a store spend together, for what is no row of it: uploads."""

from __future__ import annotations

import logging
import math
from typing import Final

import attrs

from a2e_async.errors import BudgetExceededError, LedgerError, UsageError
from a2e_async.store.engines import SqlEngine
from a2e_async.store.ports import Store

_log = logging.getLogger("a2e_async")

_SPEND: Final = (
    "UPDATE purses SET taken = taken + CAST(:coins AS double precision) WHERE batch = :batch AND "
    "(CAST(:most AS double precision) IS NULL OR taken + CAST(:coins AS double precision) <= "
    "CAST(:most AS double precision)) RETURNING taken"
)


def checked_limit(coins: float) -> float:
    """Give back the limit of a purse.

    Raises:
        UsageError: It is no number of at least 0.
    """
    if isinstance(coins, bool) or not isinstance(coins, int | float) or not 0 <= coins < math.inf:
        raise UsageError(f"coins: must be a number of at least 0, not {coins!r:.40}")
    return float(coins)


async def spent(engine: SqlEngine, batch: str, coins: float, most: float | None) -> bool:
    """Count coins in the purse of a batch; see `Store.spend`."""
    changed = await engine.write(_SPEND, batch=batch, coins=coins, most=most)
    return bool(changed) or not await engine.read("SELECT 1 FROM purses WHERE batch = :batch", batch=batch)


@attrs.frozen
class SharedPurse:
    """The purse of a batch, as one process uses it; what rows hold is counted by the store with each intent.

    Args:
        store: The open store.
        batch: The name of the batch.
        limit: Most coins of all processes together.
    """

    _store: Store
    _batch: str
    _limit: float

    async def take(self, coins: float, what: str) -> None:
        """Count coins before they are spent.

        Raises:
            BudgetExceededError: All processes together have fewer left.
            LedgerError: The store cannot be asked.
        """
        if coins > 0 and not await self._store.spend(self._batch, coins, most=self._limit):
            words = f"the start needs {what}, which costs {coins:g} coins, and fewer of {self._limit:g} are left"
            raise BudgetExceededError(f"{words} for all processes together; nothing was sent", needed=coins)

    async def correct(self, more: float) -> None:
        """Count what was charged beyond what was taken, or give back what was not; a store that is away keeps it."""
        try:
            if more:
                await self._store.spend(self._batch, more)
        except LedgerError as error:
            _log.warning("%g coins are counted too many in the shared budget: %s", -more, error)
