"""A budget that holds under concurrency: coins are reserved before a start is sent and finished by its reply.

Laws of this file: what is spent and reserved together never passes the limit; reserved coins come back only when the
start was surely not taken, for a lost one may have been charged; a price is learned from answers that name every task.

The price of a start is the caller's `price`, else the service's own quote, else the last price seen for the same
family and pricing fields. With none of these one start of the kind goes alone, reserves all that is left, and tells
the price to the others: a budget can so be passed by at most one unknown price.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal

from a2e_async.core.family import Family, Request, price_kind
from a2e_async.core.records import Record, Result, coins_of
from a2e_async.core.status import Status
from a2e_async.engine.jobs.coins import Coins, Purse, Reservation, is_amount, is_too_early, silent_among
from a2e_async.engine.starts.intent import Intent
from a2e_async.errors import BudgetExceededError

_log = logging.getLogger("a2e_async")

_QUOTE_SECONDS: Final = 30.0
_MOST_PRICES: Final = 10_000
_UPLOAD: Final = ("upload",)

Quote = Callable[[Family, Request[Result]], Awaitable[float | None]]


class Budget:
    """Reserves, settles and releases coins.

    Args:
        limit: Most coins to be spent, or None for no limit.
        quote: Asks the service for a price; gives None when it has none.
        on_unknown_price: "alone" lets one start of an unknown price go by itself, "refuse" sends none.
        coins: Where what is held and spent is counted; by default only here.

    Attributes:
        purse: Where uploads are counted besides, when other processes spend from the same budget.
    """

    def __init__(
        self,
        limit: float | None,
        quote: Quote,
        on_unknown_price: Literal["alone", "refuse"] = "alone",
        coins: Coins | None = None,
    ) -> None:
        self.limit = limit
        self.coins = coins or Coins()
        self._quote = quote
        self._on_unknown_price = on_unknown_price
        self._prices: OrderedDict[tuple[Any, ...], float] = OrderedDict()
        self._asked: dict[tuple[Any, ...], asyncio.Task[None]] = {}
        self._alone: asyncio.Future[None] | None = None
        self._ahead: dict[object, Reservation] = {}
        self.purse: Purse | None = None

    @property
    def left(self) -> float:
        """Coins that may still be reserved."""
        return float("inf") if self.limit is None else self.limit - self.coins.spent - self.coins.reserved

    async def reserve(self, job: Intent, request: Request[Any] | None = None, *, key: object = None) -> Reservation:
        """Hold the price of a start.

        Args:
            job: The start.
            request: What is sent for it, where that is not its own request: with the URLs of its files.
            key: Under what its price may be held ahead; by default the start itself.

        Raises:
            BudgetExceededError: The price is more than is left, or is not known and must be.
        """
        if self._ahead and (held := self._ahead.pop(key or job, None)) is not None:
            return held
        request = request or job.request
        if self.limit is None or request is None:
            return self.unlimited(job)
        kind = price_kind(job.family, request)
        price = await self._affordable(kind, job, request)
        if price is None:
            return self._reserve_all(kind, job)
        self.coins.hold(price)
        return Reservation(kind, price, price)

    async def hold_ahead(self, job: Intent, request: Request[Any] | None, *, key: object = None) -> float | None:
        """Hold the price of a start before anything else is paid for it, such as its uploads; `reserve` takes it then.

        Where nobody can know the price yet nothing is held, and a start that is surely too dear is refused at least.

        Args:
            job: The start; `give_back` must be called when it ends.
            request: What its price is asked for with; None where that hangs on what is uploaded.
            key: Under what it is held; by default the start itself.

        Returns:
            The price, None where nobody knows it.

        Raises:
            BudgetExceededError: The price is more than is left, or nothing is left.
        """
        price = job.options.price
        if self.limit is None:
            return price
        if request is not None:
            kind = price_kind(job.family, request)
            if (price := await self._affordable(kind, job, request)) is not None:
                self.coins.hold(price)
                self._ahead[key or job] = Reservation(kind, price, price)
                return price
        if self._alone is None and (self.left <= 0 or (price or 0) > self.left):
            raise self._exceeded("needs coins" if price is None else f"needs {price:g} coins", price)
        return price

    def give_back(self, key: object) -> None:
        """Give back what is held ahead for a start that has ended before it was sent; nothing where it was taken."""
        if self._ahead and (held := self._ahead.pop(key, None)) is not None:
            self.coins.release(held)

    async def hold(self, price: float, what: str) -> Reservation:
        """Hold the price of an upload: the last that the service told, else this one.

        Raises:
            BudgetExceededError: It is more than is left.
        """
        price = self._prices.get(_UPLOAD, price)
        while self.limit is not None and price > self.left:
            if self._alone is None:
                raise self._exceeded(f"needs {what}, which costs {price:g} coins", price)
            await asyncio.shield(self._alone)
        held = Reservation(_UPLOAD, price, price)
        self.coins.hold(price)
        if self.purse is not None:
            try:
                await self.purse.take(price, what)
            except BaseException:
                self.coins.release(held)
                raise
        return held

    async def settle_upload(self, held: Reservation, coins: float | None, *, charged: bool = True) -> None:
        """Turn what is held for an upload into what it cost, as the service says or else its price.

        Args:
            held: What is held.
            coins: What the service says.
            charged: False when it was surely not charged.
        """
        price, cost = held.coins, 0.0
        if charged:
            self.settle(held, coins)
            cost = coins if is_amount(coins) and coins > 0 else price
        else:
            self.release(held)
        if self.purse is not None:
            await self.purse.correct(cost - price)

    async def _affordable(self, kind: tuple[Any, ...], job: Intent, request: Request[Any]) -> float | None:
        """Give the price of a start that the rest covers, None where nobody knows it."""
        price = await self._price(kind, job, request)
        while self._alone is not None and (price is None or price > self.left):
            await asyncio.shield(self._alone)  # it holds all that is left, and gives back what it does not need
            price = self._prices.get(kind) if price is None else price
        if price is not None and price > self.left:
            raise self._exceeded(f"needs {price:g} coins", price)
        return price

    @staticmethod
    def unlimited(job: Intent) -> Reservation:
        """Note the price of a start where nothing bounds it."""
        return Reservation((), job.options.price or 0, 0)

    def settle(
        self, reservation: Reservation, coins: float | None, records: Sequence[Record] = (), *, missing: int = 0
    ) -> None:
        """Turn held coins into spent ones, as the answer of the start says; see `Coins.charge`.

        An answer may name fewer tasks than were asked for (service.md 0.3: one object; see `siblings`), and the
        service charges for all of them. So the price of those that are missing stays reserved until they show up.

        An answer of 0 coins is believed only when a final record says so, too: some answers come before the charge,
        and a price of 0 that was learned from one would let any number of starts pass. So who waits for the price of a
        start that goes alone waits for its end then, and what tasks that name no coins may have cost stays reserved.

        Args:
            reservation: What is held.
            coins: What was charged.
            records: The tasks that came of the start.
            missing: How many tasks were asked for beyond these; if any, what these cost is not the price of the start.
        """
        if self.limit is not None and is_too_early(reservation.price, coins, records):
            self.coins.await_price(reservation, records)
            if reservation.price is not None or not records:
                self._end_waiting(reservation)
            return
        held, silent = reservation.coins, silent_among(records)
        self.coins.charge(reservation, coins, records)
        if is_amount(coins):
            if self.limit is not None and not missing and not silent:
                self._learn(reservation.kind, coins)
            if missing or silent:
                self.coins.hold_unpaid(reservation, held, coins, records, missing)
        self._end_waiting(reservation)

    def ended(self, reservation: Reservation, records: Sequence[Record], *, missing: int = 0) -> None:
        """Learn a price that only the end of a job has told, and let those go on who waited for it."""
        if reservation.alone is not None and records and not missing:
            done = [record for record in records if record.status is Status.COMPLETED]  # a failed one may name none
            costs = [record.coins for record in done if is_amount(record.coins)]
            if len(costs) == len(records):
                self._learn(reservation.kind, sum(costs))
        self._end_waiting(reservation)

    def found(self, reservation: Reservation, records: Sequence[Record], *, missing: int) -> None:
        """Hold no more for tasks that have shown up late and say what they cost: `Ends.grow` counts that as spent.

        It does so before its first await. With the last of them, what is still held was never charged.
        """
        self.coins.take(reservation, coins_of(records) or 0)
        self.coins.await_price(reservation, silent_among(records))
        if not missing:
            self.release(reservation)

    def keep(self, reservation: Reservation) -> None:
        """Hold the coins of a lost start for good, and let those go on who waited for its price.

        It may have been charged, and nothing will ever tell; given back, its coins would be spent twice.
        """
        self._end_waiting(reservation)

    def release(self, reservation: Reservation) -> None:
        """Give held coins back: the start was surely not taken, or all that it made is counted."""
        if not reservation.open:
            self.coins.release(reservation)
        self._end_waiting(reservation)

    def _learn(self, kind: tuple[Any, ...], price: float) -> None:
        self._prices.pop(kind, None)
        self._prices[kind] = price
        if len(self._prices) > _MOST_PRICES:  # where a URL decides the price each start is a kind of its own
            self._prices.popitem(last=False)

    def _end_waiting(self, reservation: Reservation) -> None:
        if reservation.alone is not None:
            self._alone = None
            reservation.alone.set_result(None)
            reservation.alone = None

    async def _price(self, kind: tuple[Any, ...], job: Intent, request: Request[Any]) -> float | None:
        if job.options.price is not None:
            return job.options.price
        if kind in self._prices:
            return self._prices[kind]
        if kind not in self._asked:
            self._asked[kind] = asyncio.ensure_future(self._ask(kind, job.family, request))
        await asyncio.shield(self._asked[kind])
        return self._prices.get(kind)

    async def _ask(self, kind: tuple[Any, ...], family: Family, request: Request[Any]) -> None:
        """Ask for a price. One that cannot be had, or is none, is forgotten: the next start asks again."""
        try:
            async with asyncio.timeout(_QUOTE_SECONDS):
                quoted = await self._quote(family, request)
            if is_amount(quoted) and quoted > 0 and kind not in self._prices:  # nothing is said to cost 0 until it did
                self._learn(kind, quoted)
        except Exception as error:  # noqa: BLE001 - a token callable may raise anything; it is no start's result yet
            _log.info("the price of %s cannot be had: %r", family.name, error)
        finally:
            del self._asked[kind]

    def _reserve_all(self, kind: tuple[Any, ...], job: Intent) -> Reservation:
        if self._on_unknown_price == "refuse":
            raise self._exceeded(f"has a price that is not known ({job.family.name})", None)
        if self.left <= 0:
            raise self._exceeded("has a price that is not known, and nothing is left", None)
        self._alone = asyncio.get_running_loop().create_future()
        held = self.left
        self.coins.hold(held)
        return Reservation(kind, None, held, self._alone)

    def _exceeded(self, why: str, needed: float | None) -> BudgetExceededError:
        left = max(self.left, 0)
        text = f"the start {why}, the budget of {self.limit:g} has {left:g} left; nothing was sent"
        return BudgetExceededError(text, needed=needed, left=left)

    def close(self) -> None:
        """End enquiries that are still under way."""
        for task in list(self._asked.values()):
            task.cancel()
