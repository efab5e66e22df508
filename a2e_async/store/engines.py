"""What the stores that speak SQL have under them: where statements are carried out, and how they are fenced.

SQL is written once, in what SQLite and PostgreSQL have in common: values as `:name`, lists as
`IN (SELECT value FROM json_each(:name))`, the store's clock as `store_clock()`. Each engine turns that into its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import attrs

from a2e_async.store.verbs import Verb

Rows = Sequence[tuple[Any, ...]]


@attrs.frozen
class Holding:
    """Whose rows are written: those of a shard, by the holder of a lease."""

    batch: str
    shard: int
    lease: int


@attrs.frozen
class Change:
    """What is written of one row of a place."""

    place: Holding
    row_id: str
    verb: Verb
    values: dict[str, Any]


class SqlEngine(Protocol):
    """Carries out statements; what is to be written waits while the store is away, and is told again."""

    @property
    def place(self) -> str:
        """Its address, for messages; never with a password."""
        ...

    @property
    def origin(self) -> str:
        """What this very store is known by, so that a copy or one that was put back is not; "" where nobody can say."""
        ...

    async def open(self) -> None:
        """Connect, and bring the tables up to date."""
        ...

    async def aclose(self) -> None:
        """Write what is waiting, and disconnect."""
        ...

    async def read(self, text: str, **values: Any) -> Rows:  # noqa: ANN401 - what SQL takes
        """Carry out a statement that only reads; LedgerError when the store is away for some seconds."""
        ...

    async def write(self, text: str, **values: Any) -> Rows:  # noqa: ANN401 - what SQL takes
        """Carry out one statement that needs no lease, and comes out the same when it is told twice."""
        ...

    async def change(self, change: Change) -> bool:
        """Write a row, if it stands where the verb may come; many of them share a commit.

        Raises:
            FencedError: Another process holds the place.
            BudgetExceededError: It is an intent, and the purse of its batch has too little left.
        """
        ...

    async def insert(self, place: Holding, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows that the batch does not have yet; FencedError when another process holds the place."""
        ...

    async def add_shard(self, batch: str, rows: Sequence[dict[str, Any]]) -> int | None:
        """Add a shard that nobody holds, of those rows that the batch does not have; all of it or nothing."""
        ...

    async def new_shard(self, batch: str, lease: int) -> int:
        """Add an empty shard that this lease holds; FencedError when the lease is gone."""
        ...

    async def claim(self, place: Holding) -> bool:
        """Take a shard that nobody holds, or whose holder is dead; FencedError when the own lease is gone."""
        ...

    async def give_back(self, place: Holding) -> None:
        """Let go of a shard."""
        ...

    async def new_lease(self, worker: str, ttl: float) -> int:
        """Begin a lease."""
        ...

    async def beat(self, lease: int) -> bool:
        """Renew a lease; False when it is gone. LedgerError at once while the store is away."""
        ...

    async def end_lease(self, lease: int) -> None:
        """End a lease and let go of its shards."""
        ...

    async def allot(self, lease: int, version: int, permits: int, demand: int) -> bool:
        """Give a lease so many permits if no others were given since this version; False if they were."""
        ...

    async def open_purse(self, batch: str, coins: float) -> float:
        """Count what the batch holds and has spent from now on, and bound this process's intents by it."""
        ...

    def hints(self) -> AsyncIterator[str]:
        """Give the ids of tasks that are hinted from now on."""
        ...

    async def hint(self, task_id: str) -> None:
        """Tell an id to whoever listens."""
        ...
