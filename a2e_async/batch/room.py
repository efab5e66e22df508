"""How many rows may be between start and files at once: for one run of rows, or for several that share it."""

from __future__ import annotations

from collections.abc import Callable


class RowPlaces:
    """RowPlaces for rows, whose number may change while they are taken.

    Args:
        limit: How many there are.

    Attributes:
        taken: How many are taken. It may be more than there are, once their number was lowered: what runs goes on.
    """

    def __init__(self, limit: int) -> None:
        self.taken = 0
        self._limit = limit
        self._wakes: list[Callable[[], None]] = []

    @property
    def limit(self) -> int:
        """How many places there are; whoever waits for one hears of a change."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        if limit != self._limit:
            self._limit = limit
            self._wake()

    @property
    def free(self) -> int:
        """How many places are free."""
        return max(0, self._limit - self.taken)

    def join(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Let somebody hear of places that became free; gives what ends that."""
        self._wakes.append(wake)
        return lambda: self._wakes.remove(wake) if wake in self._wakes else None

    def take(self) -> None:
        """Take a place."""
        self.taken += 1

    def give_back(self, count: int = 1) -> None:
        """Give places back."""
        self.taken -= count
        self._wake()

    def _wake(self) -> None:
        for wake in list(self._wakes):
            wake()
