"""The billing book: every start, charge and refund, so that a test can say what a run has cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import attrs

_TAG = re.compile(r"~([a-z0-9]{8,24})([ab])$")
_SHOWN = 20


@attrs.define(kw_only=True, eq=False)
class Bill:
    """What one task has cost.

    Attributes:
        task_id: The task.
        family: The name of its family.
        name: Its name as it was sent.
        coins: What was charged for it.
        at: When.
        refunded: How much of it came back.
    """

    task_id: str
    family: str
    name: str
    coins: int
    at: float
    refunded: int = 0


@attrs.frozen(kw_only=True, eq=False)
class Start:
    """One accepted start request and the tasks it made.

    Attributes:
        family: The name of its family.
        name: The name as it was sent.
        at: When.
        bills: One for each task.
    """

    family: str
    name: str
    at: float
    bills: tuple[Bill, ...]

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The tasks it made."""
        return tuple(bill.task_id for bill in self.bills)

    @property
    def coins(self) -> int:
        """What was charged for all of them."""
        return sum(bill.coins for bill in self.bills)

    @property
    def refunded(self) -> int:
        """How much of it came back."""
        return sum(bill.refunded for bill in self.bills)

    @property
    def tag(self) -> str | None:
        """The tag at the end of the name, without the letter of the send."""
        found = _TAG.search(self.name)
        return found[1] if found else None

    def __str__(self) -> str:
        tasks = f", {len(self.bills)} tasks" if len(self.bills) > 1 else ""
        back = f", {self.refunded} refunded" if self.refunded else ""
        return f"{self.family} {self.name!r}: {self.coins} coins{tasks}{back}"


@attrs.frozen
class Movement:
    """One change of the account: negative for a charge, positive for a refund.

    Attributes:
        at: When.
        coins: By how much.
        family: The family, or what else it was for, such as "streaming".
        task_id: The task, or whatever else it was for.
    """

    at: float
    coins: int
    family: str
    task_id: str


class Book:
    """Every start, charge and refund.

    Args:
        refresh: Called before each reading, so that refunds which are due are in the book.
    """

    __slots__ = ("_bills", "_movements", "_refresh", "_starts")

    def __init__(self, refresh: Callable[[], None] | None = None) -> None:
        self._refresh = refresh or (lambda: None)
        self._starts: list[Start] = []
        self._bills: dict[str, Bill] = {}
        self._movements: list[Movement] = []

    @property
    def starts(self) -> list[Start]:
        """The accepted start requests, oldest first."""
        self._refresh()
        return list(self._starts)

    @property
    def tasks(self) -> dict[str, Bill]:
        """The bill of each task by its id, oldest first."""
        self._refresh()
        return dict(self._bills)

    @property
    def movements(self) -> list[Movement]:
        """Every charge and refund, oldest first."""
        self._refresh()
        return list(self._movements)

    @property
    def charged(self) -> int:
        """The coins charged so far."""
        return sum(start.coins for start in self.starts)

    @property
    def refunded(self) -> int:
        """The coins given back so far."""
        return sum(start.refunded for start in self.starts)

    @property
    def spent(self) -> int:
        """The coins charged and not given back."""
        return self.charged - self.refunded

    @property
    def doubles(self) -> dict[str, int]:
        """The tags that were billed more than once and stay so; empty is what a client owes its user."""
        return {tag: count for tag, count in self.bills_by_tag(with_refunded=False).items() if count > 1}

    def expect(
        self,
        *,
        starts: int | None = None,
        charged: int | None = None,
        refunded: int | None = None,
        spent: int | None = None,
        doubles: int = 0,
    ) -> None:
        """Check what a test expects, all at once.

        Args:
            starts: How many starts were accepted.
            charged: Coins charged.
            refunded: Coins given back.
            spent: Coins charged and not given back.
            doubles: How many intents were billed more than once.

        Raises:
            AssertionError: It is otherwise; the text shows the whole book.
        """
        __tracebackhide__ = True
        wanted = {"starts": starts, "charged": charged, "refunded": refunded, "spent": spent, "doubles": doubles}
        real = {name: getattr(self, name) for name in wanted}
        real |= {"starts": len(self.starts), "doubles": len(self.doubles)}
        wrong = [
            f"{name}: {real[name]}, expected {want}" for name, want in wanted.items() if want not in (None, real[name])
        ]
        if wrong:
            raise AssertionError("\n  ".join(["the book is not as expected:", *wrong]) + f"\n{self}")

    def __repr__(self) -> str:
        return f"<Book {len(self.starts)} starts, {self.charged} coins charged, {self.refunded} refunded>"

    def __str__(self) -> str:
        starts = self.starts
        more = [f"and {len(starts) - _SHOWN} more"] if len(starts) > _SHOWN else []
        return "\n  ".join([f"{self!r}", *map(str, starts[:_SHOWN]), *more])

    def starts_named(self, fragment: str) -> list[Start]:
        """Give the starts whose name has this in it."""
        return [start for start in self.starts if fragment in start.name]

    def bills_by_tag(self, *, with_refunded: bool = True) -> dict[str, int]:
        """Count the billed start requests by the tag in their name; one each is what a client owes its user.

        Args:
            with_refunded: Count those too whose coins all came back, such as a double that was deleted in time.
        """
        kept = (start for start in self.starts if with_refunded or start.refunded < start.coins)
        return dict(Counter(start.tag for start in kept if start.tag is not None))

    def charge(self, bills: tuple[Bill, ...]) -> Start:
        """Write down one accepted start; for the world only."""
        first = bills[0]
        start = Start(family=first.family, name=first.name, at=first.at, bills=bills)
        self._starts.append(start)
        for bill in bills:
            self._bills[bill.task_id] = bill
            self._movements.append(Movement(bill.at, -bill.coins, bill.family, bill.task_id))
        return start

    def note(self, movement: Movement) -> None:
        """Write down a charge or refund that belongs to no task; for the world only."""
        self._movements.append(movement)

    def refund(self, task_id: str, at: float) -> int:
        """Write down that a task's coins came back, and say how many; for the world only."""
        bill = self._bills[task_id]
        back = bill.coins - bill.refunded
        if back:
            bill.refunded = bill.coins
            self._movements.append(Movement(at, back, bill.family, task_id))
        return back
