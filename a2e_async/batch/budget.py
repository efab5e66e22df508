"""The coins of a batch: a budget for all of its lives together, beside the one of its client.

What a start may cost is written into its row with the intent, before anything is sent, and counts there until the
service has said what it charged: so a process that dies at any moment leaves no start uncounted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal

import attrs

from a2e_async.batch.inputs import FileInput
from a2e_async.batch.rows import Row, of_entry
from a2e_async.client import A2EClient
from a2e_async.core.family import Family, Request, price_kind
from a2e_async.core.records import Record, Result
from a2e_async.engine.jobs.coins import Coins, Reservation
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.starts.budget import Budget
from a2e_async.errors import A2EError, LedgerError, StartUnknownError, UsageError
from a2e_async.store.entries import Entry
from a2e_async.store.ports import Ledger
from a2e_async.store.purses import SharedPurse
from a2e_async.store.values import sensible

UPLOAD_COINS: Final = "upload_coins"
"""Under which key a ledger keeps what the uploads of a batch have cost, or may have."""


@attrs.frozen(eq=False)
class WantedStart:
    """A start that is to be paid for.

    Attributes:
        family: Its family.
        request: What is sent.
        options: How it is sent.
        row_id: The id of its row, for which something may be held ahead.
    """

    family: Family
    request: Request[Any]
    options: Options
    row_id: str = ""


@attrs.define
class Held:
    """Coins that are held for a start.

    Attributes:
        price: How many are held, None when nobody knows and nothing bounds them.
        coins: What the service has charged, as soon as it has said so.
        job: The job, once the service has taken the start.
    """

    price: float | None = None
    coins: float | None = None
    job: Job[Any] | None = None

    @property
    def records(self) -> Sequence[Record]:
        """What the service says of its tasks."""
        return () if self.job is None else self.job.records


class BatchBudget:
    """Holds the price of a start until the service has charged it.

    Args:
        limit: Most coins to be spent in all lives of the batch, or None.
        spent: Coins that were charged in its earlier ones, or may have been.
        a2e: Who is asked for prices.
        on_unknown_price: What happens to a start whose price nobody knows; see `A2EClient`.
    """

    def __init__(
        self,
        limit: float | None,
        spent: float,
        a2e: A2EClient,
        on_unknown_price: Literal["alone", "refuse"] = "alone",
    ) -> None:
        self._a2e = a2e
        self._limit = limit
        self._coins = Coins(spent)
        self._budget = Budget(limit, self._quote, on_unknown_price, self._coins)

    @classmethod
    def shared(cls, limit: float, a2e: A2EClient, purse: SharedPurse) -> BatchBudget:
        """Make the part of one process in a budget that the store counts for all of them, with each intent.

        A start whose price nobody knows is not sent: nobody could say what all processes together may still spend.

        Args:
            limit: Most coins of all processes together.
            a2e: Who is asked for prices.
            purse: Where uploads are counted for all of them.
        """
        budget = cls(limit, 0, a2e, "refuse")
        budget._budget.purse = purse
        return budget

    @classmethod
    async def open(cls, limit: float | None, ledger: Ledger, a2e: A2EClient, options: Options) -> BatchBudget:
        """Make the budget of a ledger.

        Raises:
            UsageError: Rows were started without a limit, and nobody tells what they cost.
        """
        budget = cls(limit, await ledger.coins() + coins_of_uploads(await ledger.kept(upload_coins_of(ledger))), a2e)
        if limit is not None:
            unpriced = await ledger.unpriced()
            prices: dict[object, float] = {}
            for entry in unpriced:
                budget._coins.spent += await budget._price_of(entry, options, prices)
        return budget

    @contextlib.asynccontextmanager
    async def ahead(self, row: Row, options: Options, *, begun: bool) -> AsyncIterator[float | None]:
        """Hold the price of a row before its files are uploaded, or nothing would be left for what they are for.

        `pays`, in the block, takes what is held.

        Args:
            row: The row.
            options: How it is sent.
            begun: Whether it may have been sent: then its price is held already.

        Returns:
            The price; None where nothing is held, because nothing is to be uploaded or nobody knows the price yet.

        Raises:
            BudgetExceededError: The price is more than is left.
        """
        files = [name for name, one in row.inputs() if isinstance(one, FileInput)]
        if begun or not files or not self._a2e.upload_price:
            yield None
            return
        known = not any(name in row.family.price_fields for name, _one in row.inputs())
        wanted = WantedStart(row.family, row.request(), options)
        try:
            yield await self._budget.hold_ahead(wanted, wanted.request if known else None, key=row.id)
        finally:
            self._budget.give_back(row.id)

    @contextlib.asynccontextmanager
    async def pays(self, wanted: WantedStart, before: float | None = None) -> AsyncIterator[Held]:
        """Hold the price of a start for the length of the block, in which the start is accepted or fails.

        Args:
            wanted: The start.
            before: What an earlier life holds for this very start; it is counted already.

        Raises:
            BudgetExceededError: The price is more than is left.
        """
        if before is not None:
            async with self._held_before(before) as held:
                yield held
            return
        reserved = await self._budget.reserve(wanted, key=wanted.row_id)
        held = Held(wanted.options.price if self._limit is None else reserved.coins)
        try:
            yield held
        except (StartUnknownError, LedgerError, asyncio.CancelledError):
            self._budget.keep(reserved)  # it may be charged
            raise
        except BaseException:
            self._budget.release(reserved)
            raise
        self._budget.settle(reserved, sensible(held.coins), held.records)
        if held.job is not None and reserved.open:
            held.job.on_end(lambda job: self._ended(reserved, job.records))

    @contextlib.asynccontextmanager
    async def pays_upload(self, price: float, name: str) -> AsyncIterator[Held]:
        """Hold the price of an upload for the length of the block, in which its URL is given or it fails.

        Args:
            price: What it costs, as far as the client knows.
            name: What the file is called.

        Raises:
            BudgetExceededError: The price is more than is left.
        """
        reserved = await self._budget.hold(price, f"the upload of {name}")
        held = Held(price)
        try:
            yield held
        except UsageError:  # nothing was asked for
            await self._budget.settle_upload(reserved, None, charged=False)
            raise
        except BaseException:
            self._budget.keep(reserved)  # it may be charged
            raise
        await self._budget.settle_upload(reserved, sensible(held.coins))

    def _ended(self, reserved: Reservation, records: Sequence[Record]) -> None:
        """Count what only the end of a row's job has told."""
        self._coins.told(records)
        self._budget.ended(reserved, records)

    def close(self) -> None:
        """End enquiries that are still under way."""
        self._budget.close()

    @contextlib.asynccontextmanager
    async def _held_before(self, price: float) -> AsyncIterator[Held]:
        """Count what the service charges in the place of what an earlier life holds, which stays until it says so."""
        held = Held(price)
        yield held
        if (coins := sensible(held.coins)) is not None:
            self._coins.spent += coins - price

    async def _price_of(self, entry: Entry, options: Options, known: dict[object, float]) -> float:
        """Give what a row may have cost that was started without a limit, and whose reply named no coins."""
        if options.price is not None:
            return options.price
        with contextlib.suppress(A2EError):  # of a family or with fields that this version does not know
            row = of_entry(entry)
            request = row.request()
            kind = price_kind(row.family, request)
            if kind not in known and (quoted := await self._quote(row.family, request)) is not None:
                known[kind] = quoted
            if kind in known:
                return known[kind]
        raise UsageError(
            f"max_coins: row {entry.id} was started without a limit, and the price of {entry.family} is not known; "
            "give price= (--price), what each start costs at most"
        )

    async def _quote(self, _family: Family, request: Request[Result]) -> float | None:
        with contextlib.suppress(A2EError):
            return sensible((await self._a2e.quote(request)).coins)
        return None


def upload_coins_of(ledger: Ledger) -> str:
    """Give the key of what a batch's uploads have cost; the ledgers of a store keep their words in one place."""
    return UPLOAD_COINS if ledger.shard is None else f"{UPLOAD_COINS} of {ledger.batch_id}"


def coins_of_uploads(words: str | None) -> float:
    """Give what the uploads of a batch have cost, as its ledger keeps it."""
    with contextlib.suppress(ValueError):
        return sensible(float(words or 0)) or 0.0
    return 0.0
