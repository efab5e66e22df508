"""Writes what happens to one job into its row, before anybody is told.

Law of this file: between the last word of the store and the POST nothing is awaited. So `sending` asks for the lease
first and writes the service's time down, and `leaves` asks once more when the connection is there; where that took long
all begins anew, for whoever looks for the start later looks near the time that stands in the row.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from a2e_async.core.family import Request
from a2e_async.core.hooks import Journal
from a2e_async.core.records import Record, Result, coins_of
from a2e_async.core.status import Status
from a2e_async.engine.durable import kept
from a2e_async.engine.durable.verdicts import Reached, is_noted, verdict
from a2e_async.engine.http.moment import Moment
from a2e_async.errors import FencedError, LedgerError
from a2e_async.store.entries import Entry, RowEvent
from a2e_async.store.ports import Lease, Ledger

_log = logging.getLogger("a2e_async")

_AT_ONCE = 1.0  # seconds after which the time that was written down is written down anew
_RENEWALS = 2  # in a row, for a connection that is slow each time; half a minute of the search makes up for the rest
_LONGEST_ERROR = 500


class JobJournal(Journal):
    """The journal of one job.

    Args:
        key: The job's key, under which its row lies.
        service_time: Gives the service's time now, None when it is not known.

    Attributes:
        sent_before: Whether an earlier process may have sent the start.
    """

    __slots__ = (
        "_attempt", "_forsaken", "_lease", "_ledger", "_placed", "_price", "_reached", "_renewals", "_service_time",
        "_written", "key", "sent_before",
    )  # fmt: skip

    may_wait = True

    def __init__(self, key: str, service_time: Callable[[], float | None]) -> None:
        self.key = key
        self.sent_before = False
        self._service_time = service_time
        self._ledger: Ledger | None = None
        self._lease: Lease | None = None
        self._placed: asyncio.Event | None = None
        self._reached = Reached.UNSENT
        self._attempt = 1
        self._price: float | None = None
        self._forsaken = False
        self._written: Moment | None = None
        self._renewals = 0

    @property
    def paid(self) -> bool:  # type: ignore[override]  # the base's is a constant
        """Whether its coins are held since before: an earlier process has sent it, and the shared budget counts it."""
        return self.sent_before

    @property
    def held(self) -> bool:
        """Whether the row is this process's own to write."""
        return self._ledger is not None and not self._forsaken

    def put(self, ledger: Ledger, lease: Lease, entry: Entry) -> None:
        """Say where the row lies, and how far it is: from now on it is this process's own."""
        self._ledger, self._lease, self._forsaken = ledger, lease, False
        self._attempt, self._price = entry.attempt, entry.price
        self.sent_before = bool(entry.letters) and not entry.task_ids
        self._reached = Reached.ACCEPTED if entry.task_ids else Reached.SENT if entry.letters else Reached.UNSENT
        self.is_placed()

    def will_be_placed(self) -> None:
        """Note that the row is about to be written for the first time; how the job ends is written after that."""
        self._placed = asyncio.Event()

    def is_placed(self) -> None:
        """Note that it is known where the row lies, or that there will be none."""
        placed, self._placed = self._placed, None
        if placed is not None:
            placed.set()

    def forsake(self) -> None:
        """Write nothing more: the row is another process's now, or will be."""
        self._forsaken = True

    async def may_cancel(self) -> bool:
        """Whether the row is ours, as soon as that is known: what another process has is not taken back from here."""
        if self._placed is not None:
            await self._placed.wait()
        return self.held

    def holds(self, coins: float | None) -> None:
        """Hear what is held for the start, for the budget that all processes share."""
        self._price = coins if coins is not None else self._price

    async def intended(self, tag: str | None, request: Request[Result]) -> None:  # noqa: ARG002 - the row has it
        """Write down that the start is wanted, and what is held for it."""
        moved = await self._own().intended(self.key or "", tag or "", self._attempt, self._price)
        self._check(moved, RowEvent.INTENDED)

    async def sending(self, tag: str | None, letter: str, at: float | None) -> None:  # noqa: ARG002 - one row, one tag
        """Return when the POST may leave, and it stands in the row that it does, by the service's clock."""
        lease, ledger = self._lease, self._own()
        assert lease is not None  # noqa: S101 - `put` gives both
        await lease.fresh()
        self._written, now = Moment.now(), self._service_time()
        self._check(await ledger.sending(self.key or "", letter, at if now is None else now), RowEvent.SENDING)

    def leaves(self) -> bool:
        """Whether this process may send at this very moment, and the row's time is about that of the POST."""
        if self._forsaken or self._lease is None or not self._lease.may_send:
            return False
        if self._written is not None and self._written.passed() > _AT_ONCE and self._renewals < _RENEWALS:
            self._renewals += 1
            return False
        self._renewals, self._reached = 0, Reached.SENT
        return True

    async def accepted(self, tag: str | None, task_ids: Sequence[str], coins: float | None) -> None:
        """Write down that the service has taken it; ids that cannot be written are at least told."""
        try:
            self._check(await self._own().accepted(self.key or "", task_ids, coins), RowEvent.ACCEPTED)
        except LedgerError:
            words = "the task ids of the job of key %s were paid for and could not be written down: %s"
            facts = {"key": self.key, "tag": tag, "task_ids": tuple(task_ids)}
            _log.error(words, self.key, ", ".join(task_ids), extra=facts)
            raise
        self._reached = Reached.ACCEPTED

    async def finished(self, tag: str | None, records: Sequence[Record]) -> None:  # noqa: ARG002 - one row, one tag
        """Write down how its tasks have ended."""
        ledger, key, rows = self._own(), self.key or "", kept.records_in(records)
        failed = next((record for record in records if record.status is Status.FAILED), None)
        if failed is not None:
            await ledger.ended(key, RowEvent.FAILED, failed.failed_message or "the task failed", records=rows)
        else:
            urls = [url for record in records for url in record.urls]
            await ledger.downloaded(key, [], coins=coins_of(records), urls=urls, records=rows)

    async def failed(self, tag: str | None, error: Exception) -> None:  # noqa: ARG002 - one row, one tag
        """Write down that the job has ended with an error, as far as that ends its row."""
        if self._placed is not None:
            await self._placed.wait()
        if not self.held or isinstance(error, LedgerError):
            return
        event, words = verdict(error, self._reached, sent_before=self.sent_before), kept.words_of(error)
        if event is not None:
            records = kept.error_in(error)
            await self._own().ended(self.key or "", event, words[:_LONGEST_ERROR], records=records)
        elif is_noted(error):
            await self._own().noted(self.key or "", words[:_LONGEST_ERROR])

    def _own(self) -> Ledger:
        if self._ledger is None or self._forsaken:
            raise FencedError(f"the job of key {self.key} is another process's now")
        return self._ledger

    def _check(self, moved: bool, event: RowEvent) -> None:  # noqa: FBT001 - what the store has just said
        if not moved:
            words = f"the job of key {self.key} does not stand where it may be said of it: {event.value}"
            raise LedgerError(f"{words}; it was changed by somebody else while it ran")
