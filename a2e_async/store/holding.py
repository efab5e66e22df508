"""What one process holds of a store: a lease, and the ledgers of its shards."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from a2e_async.store.entries import Entry, FileEntry, RowEvent, State


class Lease(Protocol):
    """A process's right to write its shards and to send starts; it is renewed in the background while it lives."""

    @property
    def id(self) -> int:
        """Its number, which no other lease of the store has or had."""
        ...

    @property
    def ttl(self) -> float:
        """Seconds without a beat after which others may take its shards, by the store's clock."""
        ...

    @property
    def lost(self) -> bool:
        """Whether it is known to be gone: another process has taken it for dead, or it was closed."""
        ...

    @property
    def may_send(self) -> bool:
        """Whether a start may be sent at this very moment; the last thing that is asked before each POST."""
        ...

    async def fresh(self) -> None:
        """Return when a start may be sent now; asked before each POST (`Journal.sending`).

        While the right is valid (half of `ttl` since the last beat was sent) it returns at once. When the store cannot
        be reached it waits, for as long as it takes, and nothing is sent.

        Raises:
            FencedError: The lease is gone; whatever this process held is another one's now.
        """
        ...

    async def gone(self) -> None:
        """Wait until the lease is known to be gone; its holder drops its jobs then and takes a new one."""
        ...

    async def aclose(self) -> None:
        """End it at once, so that others need not wait for it to run out; its shards are free then."""
        ...


class Ledger(Protocol):
    """The rows that one holder may write.

    Each verb is an event of a row's life and changes the row only from the states that `entries.MOVES` allows; it gives
    True when it did, and has it on the disk when it returns. While the store cannot be reached a verb waits and is
    carried out later, since all of its values are absolute; a folder's ledger raises instead.

    All verbs raise LedgerError when the store cannot be used, and FencedError when another process holds the shard.
    """

    @property
    def batch_id(self) -> str:
        """The batch's own random id, from which tags are derived (`entries.tag_of`)."""
        ...

    @property
    def place(self) -> str:
        """Where it lies, for messages; never with a password."""
        ...

    @property
    def copied(self) -> bool:
        """Whether this may be a copy of a ledger, so that another one may have started what is planned here."""
        ...

    @property
    def shard(self) -> int | None:
        """The number of the shard, which `Entry.shard` of its rows has, too; None in a folder's ledger."""
        ...

    # What is written.

    async def plan(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        """Note rows that are new, as rows of this shard, and give what is known of all of them by id.

        A row that is known is not changed, whoever holds it (`Entry.shard` says where it lies), except that how it is
        given now is kept beside it (`Entry.edited`) in a batch, and takes its place while it is only planned. In `JOBS`
        nothing is kept of another request under the same key: the caller compares, and refuses it.
        """
        ...

    async def intended(self, row_id: str, tag: str, attempt: int, price: float | None = None) -> bool:
        """A start is about to be sent under this tag, and so many coins are held for it.

        Raises:
            BudgetExceededError: The batch has a purse (`Store.open_purse`), and the price is more than it has left.
        """
        ...

    async def sending(self, row_id: str, letter: str, at: float | None) -> bool:
        """A POST of the start leaves now: under this letter, at this time by the service's clock."""
        ...

    async def accepted(self, row_id: str, task_ids: Sequence[str], coins: float | None) -> bool:
        """The service has taken the start."""
        ...

    async def finished(
        self, row_id: str, *, coins: float | None, urls: Sequence[str] = (), records: Sequence[Mapping[str, Any]] = ()
    ) -> bool:
        """Every task of the row has completed; a folder's ledger keeps no URLs and records, which expire."""
        ...

    async def downloaded(
        self,
        row_id: str,
        files: Sequence[FileEntry],
        *,
        coins: float | None = None,
        urls: Sequence[str] = (),
        records: Sequence[Mapping[str, Any]] = (),
    ) -> bool:
        """The row is done: every file is there, or it is an application's job, which has none and so ends at once."""
        ...

    async def ended(
        self,
        row_id: str,
        event: RowEvent,
        error: str,
        *,
        coins: float | None = None,
        records: Sequence[Mapping[str, Any]] = (),
    ) -> bool:
        """The row has come to a bad end; which one says the event (FAILED, REFUSED, LOST or EXPIRED).

        `coins` are what it has cost after all, 0 where all came back; None leaves what was known.
        """
        ...

    async def released(self, row_id: str, error: str) -> bool:
        """The start was surely not taken; the row waits to be started again."""
        ...

    async def noted(self, row_id: str, error: str) -> bool:
        """Something went wrong that the next run may mend."""
        ...

    async def adopt(self, entry: Entry) -> bool:
        """Take a row of the batch that was refused, and is another live holder's, to be attempted anew here.

        Nobody works on such a row any more, so its holder need not be dead. False: somebody else was a moment earlier.
        """
        ...

    async def again(self, row_ids: Iterable[str], states: Collection[State]) -> list[str]:
        """Let rows that stand in one of these states be attempted anew, each as a new intent; gives which.

        Where a row was edited since it was begun, the new attempt takes it as it was given last.
        """
        ...

    async def list_only(self, row_ids: Iterable[str]) -> None:
        """Note that these are the rows of the rows file, and that all others are no more in it."""
        ...

    async def keep(self, key: str, words: str) -> None:
        """Keep some words beside the rows, in the place of those that were kept under this key."""
        ...

    # What is read.

    async def known(self, ids: Sequence[str]) -> dict[str, Entry]:
        """Give what is known of these rows of the batch, by id."""
        ...

    async def kept(self, key: str) -> str | None:
        """Give the words that were kept under a key."""
        ...

    async def counts(self) -> dict[State, int]:
        """Count the rows of the shard by state."""
        ...

    async def in_states(self, states: Collection[State], most: int = -1) -> list[Entry]:
        """Give the rows of the shard that stand in one of these states, those accepted last first; -1 for all."""
        ...

    async def unpriced(self) -> list[Entry]:
        """Give the rows of the batch that were sent, and of which nobody knows what they cost."""
        ...

    async def begun(self) -> bool:
        """Whether anything that shares the kept words (the batch of a folder, the whole store) was begun."""
        ...

    async def coins(self) -> float:
        """Add up the coins of the batch: what was charged in all attempts, and what may have been."""
        ...

    async def aclose(self) -> None:
        """Write what is waiting, and give the shard back; a cancellation does not keep it from that."""
        ...
