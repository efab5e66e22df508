"""A budget that holds under concurrency: coins are reserved before a start is sent and settled by its reply.

The price of a start is the caller's `price`, else the service's own quote, else the last price seen for the same
family and pricing fields. With none of these one start of the kind goes alone, reserves all that is left, and tells
the price to the others: a budget can so be passed by at most one unknown price.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

import attrs

from a2e_async.core.family import Family, Request
from a2e_async.core.records import Result
from a2e_async.engine.jobs.options import Options
from a2e_async.errors import BudgetExceededError

Quote = Callable[[Family, Request[Result]], Awaitable[float | None]]


class Intent(Protocol):
    """A start that is to be paid for, such as a job."""

    @property
    def family(self) -> Family:
        """Its family."""
        ...

    @property
    def request(self) -> Request[Any] | None:
        """What is to be started."""
        ...

    @property
    def options(self) -> Options:
        """How it is to be started, which may name its price."""
        ...


@attrs.define(eq=False)
class Reservation:
    """Coins held for one start.

    Attributes:
        coins: How many are held.
        alone: Ends when the price is known; until then starts that the rest does not cover wait for it.
    """

    kind: tuple[Any, ...]
    coins: float
    alone: asyncio.Future[None] | None = None


class Budget:
    """Reserves, settles and releases coins.

    Args:
        limit: Most coins to be spent, or None for no limit.
        quote: Asks the service for a price; gives None when it has none.
        on_unknown_price: "alone" lets one start of an unknown price go by itself, "refuse" sends none.

    Attributes:
        spent: Coins that the service has charged.
        reserved: Coins held for starts whose price is not settled.
    """

    def __init__(
        self, limit: float | None, quote: Quote, on_unknown_price: Literal["alone", "refuse"] = "alone"
    ) -> None:
        self.limit = limit
        self.spent: float = 0
        self.reserved: float = 0
        self._quote = quote
        self._on_unknown_price = on_unknown_price
        self._prices: dict[tuple[Any, ...], float] = {}
        self._asked: dict[tuple[Any, ...], asyncio.Task[float | None]] = {}
        self._alone: asyncio.Future[None] | None = None

    @property
    def left(self) -> float:
        """Coins that may still be reserved."""
        return float("inf") if self.limit is None else self.limit - self.spent - self.reserved

    async def reserve(self, job: Intent) -> Reservation:
        """Hold the price of a start.

        Raises:
            BudgetExceededError: The price is more than is left, or is not known and must be.
        """
        if self.limit is None:
            return self.unlimited(job)
        kind = _kind(job.family, job.request)
        price = await self._price(kind, job)
        while self._alone is not None and (price is None or price > self.left):
            await asyncio.shield(self._alone)  # it holds all that is left, and gives back what it does not need
            price = self._prices.get(kind) if price is None else price
        if price is None:
            return self._reserve_all(kind, job)
        if price > self.left:
            raise self._exceeded(f"needs {price:g} coins", price)
        self.reserved += price
        return Reservation(kind, price)

    @staticmethod
    def unlimited(job: Intent) -> Reservation:
        """Note the price of a start where nothing bounds it."""
        return Reservation((), job.options.price or 0)

    def settle(self, reservation: Reservation, coins: float | None) -> None:
        """Turn held coins into spent ones; what the service charged counts, else all that was held."""
        if coins is None or not 0 <= coins < math.inf:
            coins = reservation.coins
        elif self.limit is not None:
            self._prices[reservation.kind] = coins
        self.spent += coins
        self.release(reservation)

    def keep(self, reservation: Reservation) -> None:
        """Hold the coins of a lost start for good, and let those go on who waited for its price."""
        self._end_waiting(reservation)

    def release(self, reservation: Reservation) -> None:
        """Give held coins back."""
        if self.limit is not None:
            self.reserved -= reservation.coins
        reservation.coins = 0
        self._end_waiting(reservation)

    def refund(self, coins: float) -> None:
        """Note coins that the service gave back."""
        self.spent -= coins

    def charge(self, coins: float) -> None:
        """Note coins that the service charged beyond a reservation."""
        self.spent += coins

    def _end_waiting(self, reservation: Reservation) -> None:
        if reservation.alone is not None:
            self._alone = None
            if not reservation.alone.done():
                reservation.alone.set_result(None)
            reservation.alone = None

    async def _price(self, kind: tuple[Any, ...], job: Intent) -> float | None:
        if job.options.price is not None:
            return job.options.price
        if kind in self._prices:
            return self._prices[kind]
        if kind not in self._asked:
            self._asked[kind] = asyncio.ensure_future(self._quote(job.family, job.request))  # type: ignore[arg-type]
        quoted = await asyncio.shield(self._asked[kind])
        return self._prices.get(kind, quoted)

    def _reserve_all(self, kind: tuple[Any, ...], job: Intent) -> Reservation:
        if self._on_unknown_price == "refuse":
            raise self._exceeded(f"has a price that is not known ({job.family.name})", None)
        if self.left <= 0:
            raise self._exceeded("has a price that is not known, and nothing is left", None)
        self._alone = asyncio.get_running_loop().create_future()
        held = self.left
        self.reserved += held
        return Reservation(kind, held, self._alone)

    def _exceeded(self, why: str, needed: float | None) -> BudgetExceededError:
        left = max(self.left, 0)
        text = f"the start {why}, the budget of {self.limit:g} has {left:g} left; nothing was sent"
        return BudgetExceededError(text, needed=needed, left=left)

    def close(self) -> None:
        """End enquiries that are still under way."""
        for task in self._asked.values():
            task.cancel()


def _kind(family: Family, request: Request[Result] | None) -> tuple[Any, ...]:
    """Give what decides a price; a field that this version does not know may decide it too."""
    values = (getattr(request, field, None) for field in (*family.price_fields, "extra"))
    return (family.name, *map(hashable, values))


def hashable(value: Any) -> Any:  # noqa: ANN401 - the value of any field
    """Give a field's value as something that can be a key: of lists and mappings what is in them."""
    if isinstance(value, Mapping):
        return tuple((key, hashable(one)) for key, one in sorted(value.items()))
    return tuple(map(hashable, value)) if isinstance(value, list | tuple) else value
