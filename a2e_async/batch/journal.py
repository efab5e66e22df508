"""What happens to one row, written into the ledger before anybody is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import attrs

from a2e_async.batch.owner import Owner
from a2e_async.core.family import Request
from a2e_async.core.hooks import Journal
from a2e_async.core.records import Record, Result
from a2e_async.core.status import Status
from a2e_async.errors import LedgerError
from a2e_async.store.entries import Entry, RowEvent, State
from a2e_async.store.ports import Ledger
from a2e_async.store.values import sensible

_log = logging.getLogger("a2e_async")

OnChange = Callable[[Entry], None]
"""Told of each change of a row, after it was written down."""


class Right(Protocol):
    """A right to send starts, such as a lease."""

    @property
    def may_send(self) -> bool:
        """Whether a start may be sent at this very moment."""
        ...

    async def fresh(self) -> None:
        """Return when a start may be sent now, and raise when never."""


class RowJournal(Journal):
    """Writes what happens to one row into the ledger, and tells of it then.

    Args:
        ledger: The open ledger.
        entry: What it knows of the row.
        owner: Whose the batch is.
        on_change: Told of each change.
        price: Coins that are held for the row's start, None when nobody knows its price.
    """

    __slots__ = ("_entry", "_ledger", "_on_change", "_owner", "_price")

    def __init__(
        self, ledger: Ledger, entry: Entry, owner: Owner, on_change: OnChange, price: float | None = None
    ) -> None:
        self._ledger = ledger
        self._entry = entry
        self._owner = owner
        self._on_change = on_change
        self._price = price

    async def intended(self, tag: str | None, request: Request[Result]) -> None:  # noqa: ARG002 - the ledger has it
        """Write down that the start is wanted, and what is held for it."""
        moved = await self._ledger.intended(self._entry.id, tag or "", self._entry.attempt, self._price)
        self._check(moved, RowEvent.INTENDED)
        self._tell(state=State.INTENDED, tag=tag, price=self._price)

    async def sending(self, tag: str | None, letter: str, at: float | None) -> None:  # noqa: ARG002 - one row, one tag
        """Write down that a POST leaves, by the service's clock."""
        self._check(await self._ledger.sending(self._entry.id, letter, at), RowEvent.SENDING)

    async def accepted(self, tag: str | None, task_ids: Sequence[str], coins: float | None) -> None:
        """Write down that the service has taken it; ids that cannot be written are at least told."""
        try:
            self._check(await self._ledger.accepted(self._entry.id, task_ids, coins), RowEvent.ACCEPTED)
        except LedgerError:
            words = "the task ids of row %s were paid for and could not be written down: %s"
            facts = {"row": self._entry.id, "tag": tag, "task_ids": tuple(task_ids)}
            _log.error(words, self._entry.id, ", ".join(task_ids), extra=facts)
            raise
        self._tell(state=State.ACCEPTED, task_ids=tuple(task_ids), coins=coins)

    async def finished(self, tag: str | None, records: Sequence[Record]) -> None:  # noqa: ARG002 - one row, one tag
        """Write down how its tasks have ended."""
        await self._owner.learn(records)
        failed = [record for record in records if record.status is Status.FAILED]
        known = [coins for coins in (sensible(record.coins) for record in records) if coins is not None]
        if failed:
            await self._ledger.ended(self._entry.id, RowEvent.FAILED, failed[0].failed_message or "the task failed")
        else:
            await self._ledger.finished(self._entry.id, coins=sum(known) if known else None)
            self._tell(state=State.COMPLETED, coins=sum(known) if known else self._entry.coins)

    def _check(self, moved: bool, event: RowEvent) -> None:  # noqa: FBT001 - what the ledger has just said
        if not moved:
            words = f"row {self._entry.id} does not stand where it may be said of it: {event.value}"
            raise LedgerError(f"{words}; it was changed by somebody else while it ran")

    def _tell(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Entry
        self._entry = attrs.evolve(self._entry, error="", **changes)
        tell(self._on_change, self._entry)


class HeldRowJournal(RowJournal):
    """The journal of a row that lies in a store: the store may be away, and this process may be taken for dead.

    Args:
        ledger: The rows that this process holds.
        entry: What it knows of the row.
        owner: Whose the batch is.
        on_change: Told of each change.
        price: Coins that are held for the row's start, None when nobody knows its price.
        right: Says when a start may be sent; raises when somebody else has the row.
    """

    __slots__ = ("_right",)

    may_wait = True

    def __init__(
        self,
        ledger: Ledger,
        entry: Entry,
        owner: Owner,
        on_change: OnChange,
        price: float | None = None,
        *,
        right: Right,
    ) -> None:
        super().__init__(ledger, entry, owner, on_change, price)
        self._right = right

    async def sending(self, tag: str | None, letter: str, at: float | None) -> None:
        """Write down that a POST leaves, and ask whether it still may."""
        await super().sending(tag, letter, at)
        await self._right.fresh()

    def leaves(self) -> bool:
        """Ask last of all whether it still may."""
        return self._right.may_send


def tell(on_change: OnChange, entry: Entry) -> None:
    """Tell of a change; what a listener trips over is no matter of the row."""
    try:
        on_change(entry)
    except Exception:  # noqa: BLE001 - logged, and no matter of the row
        _log.exception("on_change failed for row %s, which goes on", entry.id)
