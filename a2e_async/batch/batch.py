"""A durable batch, as users open it: where it is kept, whose it is, what it may cost, and how it is left."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

import attrs

from a2e_async.batch.budget import BatchBudget
from a2e_async.batch.estimates import Estimates
from a2e_async.batch.in_memory import MemoryLedger
from a2e_async.batch.journal import OnChange
from a2e_async.batch.leaving import to_its_end
from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.owner import Owner
from a2e_async.batch.room import RowPlaces
from a2e_async.batch.runner import RowsRun
from a2e_async.batch.steps import Steps
from a2e_async.client import A2EClient
from a2e_async.engine.files import disk
from a2e_async.engine.jobs.options import DEFAULT, Default, Options
from a2e_async.engine.settings import check_amount
from a2e_async.errors import LedgerError, UsageError
from a2e_async.store.entries import State
from a2e_async.store.ports import Lease, Ledger

_RETRIED = frozenset({State.FAILED, State.REFUSED})


class Batch(RowsRun):
    """A durable batch: killed at any moment and run again, it pays nothing twice and loses nothing.

    Made by `Batch.open`.

    Attributes:
        folder: Where the files are, and the ledger of a client without a store.
        ledger: The open ledger.
        stopped_by: The error for which nothing more was started, or None; `run` raises it after the last outcome.

    Example:
        async with A2EClient() as a2e, Batch.open("results/", a2e) as batch:
            async for outcome in batch.run(map(TextToImage, prompts)):
                print(outcome.row.id, outcome.entry.state, outcome.paths)
    """

    @classmethod
    def open(
        cls,
        folder: str | Path,
        a2e: A2EClient,
        *,
        max_running: int = 200,
        max_coins: float | None = None,
        timeout: float | Default | None = DEFAULT,
        price: float | None = None,
        retry_failed: bool = False,
        retry_unknown: bool = False,
        service: str | None = None,
        same_account: bool = False,
        ledger: MemoryLedger | None = None,
        on_change: OnChange = lambda _entry: None,
    ) -> _Opening:
        """Open the batch of a folder, or begin one, for the length of an `async with` block.

        A batch belongs to the service and account with which its first row was begun. Its rows are in the client's
        store where it has one, under the folder's name, else in `ledger.sqlite` there.

        Args:
            folder: Where its files are, or will be.
            a2e: An open client.
            max_running: Most rows between start and files at once.
            max_coins: Most coins to be spent in all lives of the batch, or None. What was charged counts, also for
                tasks that failed, and what may have been charged as well; the client's own budget holds besides.
            timeout: Seconds since acceptance after which a row is left for the next run; by default its family's.
            price: What each start costs in coins, if you know it; for the client's budget.
            retry_failed: Attempt rows anew whose task failed or whose start was refused; each is a new intent. Only
                rows that are given to `run` are.
            retry_unknown: Likewise rows whose start may have been taken; each may be paid for a second time.
            service: A name for the service to which the batch belongs, in the place of the client's address; for a
                simulator that has another port each time. A store has its own, and then this one is not asked.
            same_account: The client's token is another one of the same account, which cannot be seen from it.
            ledger: A ledger in memory in the place of the folder's file or the store, for tests of your own.
            on_change: Told of each change of a row, after it was written down.

        Raises:
            UsageError: An argument is not what it must be.
            LedgerError: On entering: the ledger cannot be used, is open elsewhere, or is another account's.
        """
        if max_running is None:
            raise UsageError("max_running: must be a whole number of at least 1")
        check_amount("max_running", max_running, whole=True, least=1)
        check_amount("max_coins", max_coins)
        if service is not None and (not isinstance(service, str) or not service.strip()):
            raise UsageError("service: must be a name that is not blank, or None")
        return _Opening(
            folder=Path(folder),
            a2e=a2e,
            options=Options(timeout=timeout, price=price),
            again=(_RETRIED if retry_failed else frozenset()) | ({State.UNKNOWN} if retry_unknown else frozenset()),
            max_running=max_running,
            max_coins=max_coins,
            service=service,
            same_account=same_account,
            ledger=ledger,
            on_change=on_change,
        )


@attrs.define(eq=False, kw_only=True)
class _Opening:
    """An `async with` block of a batch."""

    folder: Path
    a2e: A2EClient
    options: Options
    again: frozenset[State]
    max_running: int
    max_coins: float | None
    service: str | None
    same_account: bool
    ledger: MemoryLedger | None
    on_change: OnChange
    _budget: BatchBudget = attrs.field(init=False)
    _batch: Batch = attrs.field(init=False)
    _held: AsyncExitStack = attrs.field(init=False)

    async def __aenter__(self) -> Batch:
        async with AsyncExitStack() as stack:
            ledger, lease = await self._ledger(stack)
            await _require_room(self.folder)
            a2e, service = self.a2e, self.service if lease is None else None
            owner = await Owner.check(ledger, a2e, service=service, same_account=self.same_account)
            self._budget = await BatchBudget.open(self.max_coins, ledger, a2e, self.options)
            estimates = Estimates(ledger, a2e.learned)
            await estimates.recall()
            self._held = stack.pop_all()
        steps = Steps(
            self.folder,
            a2e,
            ledger,
            owner=owner,
            options=self.options,
            budget=self._budget,
            on_change=self.on_change,
            right=lease,
        )
        room = RowPlaces(self.max_running)
        self._batch = Batch(self.folder, ledger, steps, estimates, room=room, again=self.again)
        return self._batch

    async def _ledger(self, stack: AsyncExitStack) -> tuple[Ledger, Lease | None]:
        """Open the ledger until the stack is left; with a store there is a lease, which others may take."""
        held = None if self.ledger is not None else self.a2e.held_batch(self.folder.resolve().name or "batch")
        if held is not None:
            if (self.folder / FILE_NAME).is_file():  # its rows would be paid for again
                raise LedgerError(
                    f"{self.folder} has a ledger of its own ({FILE_NAME}), and this client writes into a store, which "
                    "does not know its rows: open it with a client without a store, or choose another folder"
                )
            self.folder.mkdir(parents=True, exist_ok=True)
            ledger, lease = await stack.enter_async_context(held)
            return ledger, lease
        own = await FolderLedger.open(self.folder, self.ledger)
        stack.push_async_callback(own.aclose)
        return own, None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_its_end(self._leave())

    async def _leave(self) -> None:
        """Leave the run before the ledger closes: the answers of starts on the wire are paid ids."""
        try:
            await self._batch.leave()
        finally:
            self._budget.close()
            await self._held.aclose()


async def _require_room(folder: Path) -> None:
    """Refuse a folder that can take no file, before anything is paid for what would go there."""
    try:
        await disk.hop(disk.require_room, folder)
    except OSError as error:
        raise LedgerError(f"{folder} cannot be used: {error.strerror}") from error
