"""The coins of a batch: a budget for all of its lives together, beside the one of its client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import attrs

from a2e_async.client import A2EClient
from a2e_async.core.family import Family, Request
from a2e_async.core.records import Result
from a2e_async.engine.jobs.coins import Coins
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.starts.budget import Budget
from a2e_async.errors import A2EError, LedgerError, StartUnknownError


@attrs.frozen
class Wanted:
    """A start that is to be paid for."""

    family: Family
    request: Request[Any]
    options: Options


@attrs.define
class Held:
    """Coins that are held for a start; `coins` are what the service has charged, as soon as it has said so."""

    coins: float | None = None


class Purse:
    """Holds the price of a start until the service has charged it.

    Args:
        limit: Most coins to be spent in all lives of the batch, or None.
        spent: Coins that were spent in its earlier ones.
        a2e: Who is asked for prices.
    """

    def __init__(self, limit: float | None, spent: float, a2e: A2EClient) -> None:
        self._a2e = a2e
        self._budget = Budget(limit, self._quote, coins=Coins(spent))

    @contextlib.asynccontextmanager
    async def pays(self, wanted: Wanted) -> AsyncIterator[Held]:
        """Hold the price of a start for the length of the block, in which the start is accepted or fails.

        Raises:
            BudgetExceededError: The price is more than is left.
        """
        reserved = await self._budget.reserve(wanted)
        held = Held()
        try:
            yield held
        except (StartUnknownError, LedgerError, asyncio.CancelledError):
            self._budget.keep(reserved)  # it may be charged
            raise
        except BaseException:
            self._budget.release(reserved)
            raise
        self._budget.settle(reserved, held.coins)

    def close(self) -> None:
        """End enquiries that are still under way."""
        self._budget.close()

    async def _quote(self, _family: Family, request: Request[Result]) -> float | None:
        with contextlib.suppress(A2EError):
            return (await self._a2e.quote(request)).coins
        return None
