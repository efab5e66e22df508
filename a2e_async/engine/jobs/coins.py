"""The coins of one client: what it holds, what it has spent, and what each task was charged here.

Law of this file: nothing comes back that was not charged here, and nothing comes back twice. A client that attaches to
tasks of another one has paid nothing for them; counted as refunds to it, their coins would widen its budget.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, TypeGuard

import attrs

from a2e_async.core.family import Family
from a2e_async.core.records import Record, coins_of
from a2e_async.core.status import Status
from a2e_async.engine.jobs.live import was_refunded

_MOST_KEPT = 100_000


@attrs.define(eq=False, repr=False)
class Reservation:
    """Coins that are held for one start.

    Attributes:
        kind: What decides its price.
        price: Its price as far as it is known before the service has charged it, else None.
        coins: How many are held.
        alone: Ends when the price is known; until then starts that the rest does not cover wait for it.
        open: The tasks it is for, once they run without the service having said what they cost.
    """

    kind: tuple[Any, ...]
    price: float | None
    coins: float
    alone: asyncio.Future[None] | None = None
    open: set[str] = attrs.field(factory=set)


class Purse(Protocol):
    """Coins that other processes spend as well, for what is no start."""

    async def take(self, coins: float, what: str) -> None:
        """Count coins before they are spent; raises BudgetExceededError when fewer are left."""
        ...

    async def correct(self, more: float) -> None:
        """Count what was charged beyond what was taken; fewer than 0 come back."""
        ...


class Coins:
    """Counts coins.

    Attributes:
        spent: Coins charged, as far as the service has said so, less those that came back.
        reserved: Coins held for starts, of which the service has not said yet what they cost.
    """

    def __init__(self, spent: float = 0) -> None:
        self.spent = spent
        self.reserved: float = 0
        self._paid: dict[str, float] = {}  # by task, oldest first, until it has ended well or was refunded
        self._open: dict[str, Reservation] = {}

    def hold(self, coins: float) -> None:
        """Reserve coins."""
        self.reserved += coins

    def release(self, held: Reservation) -> None:
        """Give back what a reservation holds."""
        if held.coins:
            self._hold_less(held.coins)
            held.coins = 0

    def charge(self, held: Reservation, coins: float | None, records: Sequence[Record] = ()) -> None:
        """Turn what is held for a start into what it cost: what the service charged counts, else its price.

        Where neither is known the coins stay reserved until a later record names them: they were not said to be spent,
        and they cannot be given away again.

        Args:
            held: The reservation.
            coins: What the service says it charged.
            records: The tasks that came of the start.
        """
        cost = coins if is_amount(coins) else held.price
        if cost is None:
            self.await_price(held, records)
            return
        self.release(held)
        self.spent += cost
        self._note_paid(_shares(records, cost))

    def await_price(self, held: Reservation, records: Sequence[Record]) -> None:
        """Go on holding coins for tasks until a final record says what they cost."""
        fresh = {record.id for record in records}
        held.open |= fresh
        self._open |= dict.fromkeys(fresh, held)

    def hold_unpaid(
        self, held: Reservation, before: float, coins: float, records: Sequence[Record], missing: int
    ) -> None:
        """Go on holding what tasks may have cost that are missing, or name no coins; unknown prices are equal parts.

        Args:
            held: The reservation, which was charged in part.
            before: How many coins it held before that.
            coins: What was charged.
            records: The tasks that came of the start.
            missing: How many were asked for beyond these.
        """
        silent = silent_among(records)
        told = len(records) - len(silent)
        if told:
            rest = coins / told * (missing + len(silent)) if held.price is None else held.price - coins
            self.hold(held_now := max(0.0, min(rest, before - coins)))
            held.coins += held_now
            self.await_price(held, silent)

    def take(self, held: Reservation, coins: float) -> None:
        """Give back as much of what a reservation holds as was charged for more of its tasks."""
        part = min(coins, held.coins)
        held.coins -= part
        self._hold_less(part)

    def _hold_less(self, coins: float) -> None:
        self.reserved = round(self.reserved - coins, 9)  # sums of parts of coins leave crumbs, also below 0

    def charge_more(self, costs: Mapping[str, float]) -> None:
        """Count what tasks cost beyond any reservation, each of them once."""
        fresh = {task_id: cost for task_id, cost in costs.items() if task_id not in self._paid and is_amount(cost)}
        self.spent += sum(fresh.values())
        self._note_paid(fresh)

    def told(self, records: Iterable[Record]) -> None:
        """Read final records: coins still held for their tasks are spent now, if the records name a price."""
        if not self._open:
            return
        by_start: dict[int, tuple[Reservation, list[Record]]] = {}
        for record in records:
            if record.id in self._open:
                held = self._open[record.id]
                by_start.setdefault(id(held), (held, []))[1].append(record)
        for held, tasks in by_start.values():
            if (cost := coins_of(tasks)) is not None and is_amount(cost):
                self._close(held)
                self.charge(held, cost, tasks)

    def refund(self, task_ids: Iterable[str]) -> None:
        """Count tasks as refunded: what each was charged here comes back, once."""
        for task_id in task_ids:
            self.spent -= self._paid.pop(task_id, 0)
            held = self._open.pop(task_id, None)
            if held is not None:
                held.open.discard(task_id)
                if not held.open:
                    self.release(held)

    def ended(self, family: Family, records: Sequence[Record], task_ids: Iterable[str]) -> Sequence[Record]:
        """Count what the final records of a job say about coins; gives those of failed tasks.

        A failed task is refunded where its family says so (service.md 4), and then only what was charged here.
        """
        self.told(records)
        failed = [record for record in records if record.status is Status.FAILED]
        if failed:
            self.refund(record.id for record in failed if was_refunded(family, [record]))
        self.forget(task_ids)
        return failed

    def forget(self, task_ids: Iterable[str]) -> None:
        """Forget tasks that can no longer be refunded."""
        for task_id in task_ids:
            self._paid.pop(task_id, None)
            held = self._open.pop(task_id, None) if self._open else None
            if held is not None:
                held.open.discard(task_id)

    def _close(self, held: Reservation) -> None:
        for task_id in held.open:
            self._open.pop(task_id, None)
        held.open = set()

    def _note_paid(self, costs: Mapping[str, float]) -> None:
        self._paid.update(costs)
        if len(self._paid) > _MOST_KEPT:  # of jobs that were detached long ago; many at a time, as each look is long
            for task_id in list(islice(self._paid, len(self._paid) - _MOST_KEPT + _MOST_KEPT // 100)):
                del self._paid[task_id]


def is_amount(coins: object) -> TypeGuard[float]:
    """Whether this is a number of coins: what a service or a file says may be anything."""
    return isinstance(coins, int | float) and not isinstance(coins, bool) and 0 <= coins < math.inf


def _shares(records: Sequence[Record], cost: float) -> dict[str, float]:
    """Share what a start cost among its tasks: what each names, else equal parts."""
    if len(records) == 1:
        return {records[0].id: cost}
    named = {record.id: record.coins for record in records if is_amount(record.coins)}
    if named:
        return {record.id: named.get(record.id) or 0 for record in records}
    return {record.id: cost / len(records) for record in records}


def is_too_early(price: float | None, coins: float | None, records: Sequence[Record]) -> bool:
    """Whether an answer names no coins, or fewer than the known price because some of its tasks name none."""
    if price is None:
        return not coins or not is_amount(coins)
    if not is_amount(coins) or coins >= price:
        return False
    return coins == 0 or bool(silent_among(records))


def silent_among(records: Sequence[Record]) -> list[Record]:
    """Give the tasks that do not say what they cost; 0 may mean that they have not been charged yet."""
    return [record for record in records if not record.coins]
