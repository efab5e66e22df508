"""The coins of an account: charged at a start, paid back when a task fails or was never begun."""

from __future__ import annotations

import heapq

from a2e_async.simulator.world.book import Bill, Book, Movement
from a2e_async.simulator.world.clock import Clock
from a2e_async.simulator.world.tasks import SimTask


class SimAccount:
    """The coins and diamonds of one user.

    Args:
        clock: The time it lives in.
        coins: What it has at the beginning.
        diamonds: What else it has.
    """

    def __init__(self, clock: Clock, coins: int, diamonds: int) -> None:
        self.book = Book(self.catch_up)
        self.diamonds = diamonds
        self._clock = clock
        self._coins = coins
        self._failing: list[tuple[float, int, SimTask]] = []

    @property
    def coins(self) -> int:
        """What it has now."""
        self.catch_up()
        return self._coins

    @coins.setter
    def coins(self, coins: int) -> None:
        self.catch_up()
        self._coins = coins

    def catch_up(self) -> None:
        """Pay back what is due for tasks that have failed by now."""
        now = self._clock.now()
        while self._failing and self._failing[0][0] <= now:
            ends, _, task = heapq.heappop(self._failing)
            if task.failure and task.refundable and not task.deleted and task.ends == ends:
                self._coins += self.book.refund(task.id, ends)

    def charge(self, family: str, name: str, tasks: list[SimTask]) -> None:
        """Take the coins of one start and write its bills."""
        self._coins -= sum(task.coins for task in tasks)
        self.book.charge(
            tuple(Bill(task_id=task.id, family=family, name=name, coins=task.coins, at=task.created) for task in tasks)
        )

    def move(self, coins: int, what: str, reference: str) -> None:
        """Change the coins by something that is no task: negative for a charge."""
        if coins:
            self._coins += coins
            self.book.note(Movement(self._clock.now(), coins, what, reference))

    def refund(self, task: SimTask, now: float) -> None:
        """Pay a task back at once."""
        self._coins += self.book.refund(task.id, now)

    def await_failure(self, task: SimTask) -> None:
        """Remember to pay a task back when it fails."""
        heapq.heappush(self._failing, (task.ends, task.serial, task))
