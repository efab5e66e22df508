"""What a store is, for whoever uses one: values and Protocols, no engine.

A store holds batches; a batch holds shards; a shard holds rows, and is held by one lease at a time. A lease is a
process's right to write the rows of its shards and to send starts, and it runs out by itself when the process dies or
sleeps. An application's jobs are rows of the endless batch `JOBS`, where each life of a process is a shard.

What a caller must know of time: a lease is judged by the store's clock, the right to send by this machine's clock since
it was started (which goes on while it sleeps), and rows keep the service's time of each POST. No two of them are ever
compared with each other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol

from a2e_async.store.entries import Entry, State
from a2e_async.store.holding import Lease, Ledger
from a2e_async.store.sharing import JOBS, TTL, HeldShard, Holder, KeptUpload, Shard, Share, Wants

__all__ = ["JOBS", "TTL", "HeldShard", "Holder", "KeptUpload", "Lease", "Ledger", "Shard", "Share", "Store", "Wants"]


class Store(Protocol):
    """Where jobs are written down; made by `opening.open_store`, and used from the event loop that has opened it.

    Every method raises LedgerError when the store cannot be used. What only reads or asks (`find`, `entries`,
    `open_shards`, `kept`, `share`) raises it when the store is away for longer than some seconds; what must not be
    lost waits.
    """

    @property
    def place(self) -> str:
        """Its address, for messages; never with a password."""
        ...

    async def open(self) -> None:
        """Connect, and bring its tables up to date.

        Raises:
            LedgerError: It cannot be reached, is not ours, or is newer than this program.
        """
        ...

    async def aclose(self) -> None:
        """End its leases, write what is waiting, and let go of the connections."""
        ...

    async def lease(self, ttl: float = TTL, *, worker: str = "") -> Lease:
        """Take a lease.

        Args:
            ttl: Seconds without a beat after which others may take what it holds; at least 0.5.
            worker: What people read for this process; by default its host and number.
        """
        ...

    async def join(self, batch: str, lease: Lease) -> Ledger:
        """Give the ledger of a new, empty shard of an endless batch, such as `JOBS`; rows are planned with it."""
        ...

    async def add_shard(self, batch: str, entries: Sequence[Entry]) -> int | None:
        """Add a shard of those rows that the batch does not have yet; gives its number, None when it has all.

        Doing it again with the same rows changes nothing. How rows that are there are given now is kept beside them,
        where it differs (`Entry.edited`). The batch is made when there is none.
        """
        ...

    async def claim(self, batch: str, no: int, lease: Lease) -> Ledger | None:
        """Take a shard whose holder is dead or has given it back; None while somebody else holds it.

        A holder is dead when its lease has run out by the store's clock; the same statement ends that lease, after
        which nothing that it still writes is taken.

        Raises:
            FencedError: This lease is gone itself.
        """
        ...

    async def open_shards(self, batch: str | None = None, *, most: int = -1) -> Sequence[Shard]:
        """Give the shards that nobody holds and that have rows which have not come to an end, the oldest first.

        In `JOBS` a row is over when it is done or has ended badly; in a batch likewise.

        Args:
            batch: Only those of this batch.
            most: How many, those whose tasks run before all others; -1 for all.
        """
        ...

    async def batches(self) -> Mapping[str, Mapping[State, int]]:
        """Give the batches of the store, and how many rows of each stand in which state."""
        ...

    async def holders(self, batch: str) -> Sequence[Holder]:
        """Give the processes that have a lease, each with the shards of the batch that it holds."""
        ...

    async def coins(self, batch: str) -> float:
        """Add up the coins of a batch: what was charged in all attempts, and what may have been."""
        ...

    async def list_only(self, batch: str, ids: Collection[str]) -> None:
        """Note that these are the rows of the rows file, and that all others are no more in it."""
        ...

    def entries(self, batch: str, *, states: Collection[State] = tuple(State)) -> AsyncIterator[Entry]:
        """Give the rows of a batch, page by page, in the order in which they were planned.

        Args:
            batch: Its name.
            states: Only rows that stand in one of these.
        """
        ...

    async def find(self, key: str) -> Entry | None:
        """Give the row of a key, from whichever process; None if there is none."""
        ...

    async def find_task(self, task_id: str) -> Entry | None:
        """Give the row of an application's job by the id of one of its tasks, None if there is none."""
        ...

    async def share(self, lease: Lease, wants: Wants) -> Share:
        """Give this process its part of the limits that all processes share; ask again about every `ttl` / 6 seconds.

        The parts never add up to more than the limits: a newcomer is given what the others have given up. What a dead
        process was running goes, with its place among `running`, to whoever claims it.

        Raises:
            FencedError: The lease is gone.
        """
        ...

    async def open_purse(self, batch: str, coins: float) -> float:
        """Let intents of the batch be bounded from now on: what was charged, or may be, never passes `coins`.

        It is one counter, in the same statement as each intent, whatever process writes it. Each process says its own
        limit; rows that were sent without a known price count nothing until the service names it.

        Returns:
            What is counted already.
        """
        ...

    async def spend(self, batch: str, coins: float, *, most: float | None = None) -> bool:
        """Count coins for what is no row, such as an upload, where the batch has a purse; fewer than 0 come back.

        A process that dies before it has given back what was not charged leaves it counted, and so does a database that
        goes away in the middle: the limit holds in any case.

        Args:
            batch: Its name.
            coins: How many.
            most: The limit of the purse; with None they are counted in any case, for they are spent already.

        Returns:
            Whether they were counted, or nothing bounds the batch; False: the purse has fewer left.
        """
        ...

    async def kept(self, key: str) -> str | None:
        """Give the words that were kept under a key for the whole store."""
        ...

    async def keep(self, key: str, words: str) -> None:
        """Keep some words for the whole store, in the place of those that were kept under this key."""
        ...

    async def begun(self) -> bool:
        """Whether any row of the store was begun, or a live process has a lease and may begin one at any moment."""
        ...

    async def upload(self, sha256: str) -> KeptUpload | None:
        """Give the upload of a file by its digest, None when none is known; it may have expired."""
        ...

    async def keep_upload(self, upload: KeptUpload) -> None:
        """Remember an upload, in the place of what was known of the same file."""
        ...

    async def hint(self, task_id: str) -> None:
        """Tell every process that something has happened to a task, as a webhook says; it may be lost."""
        ...

    def hints(self, lease: Lease) -> AsyncIterator[str]:
        """Give the ids of tasks that were hinted from now on, by any process, until the lease is closed or gone."""
        ...
