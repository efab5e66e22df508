"""How a batch is run: the options that `a2e batch run`, `retry` and `redo` have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import click

from a2e_async.batch.rows import Row
from a2e_async.cli.settings import Number
from a2e_async.core.retry import Retry
from a2e_async.core.transfers import Transfers
from a2e_async.store.entries import Entry, State

# A start whose answer is still out when the client closes is found again by its tag, so a batch need not wait longer.
_CLOSE_SECONDS = 2.0
_FAILED = frozenset({State.FAILED, State.REFUSED})


@attrs.frozen(kw_only=True)
class BatchOptions:
    """How a batch is run.

    Attributes:
        max_running: Most rows in progress at once, from start to files.
        rate: Requests per second, or None for no limit.
        max_coins: How many coins all runs of the batch may spend together, or None for no limit.
        price: What each start costs in coins, or None to ask the service.
        upload_price: What each upload costs in coins, 0 where nobody knows.
        unknown_window: For how many seconds a lost start is searched for, or None for the client's default.
        failed: Retry rows that failed or were refused.
        unknown: Retry rows whose start may have been taken.
        same_account: The token is another one of the account that the batch belongs to.
        redo: Ids of rows to start again in any state.
    """

    max_running: int = 200
    rate: float | None = None
    max_coins: float | None = None
    price: float | None = None
    upload_price: float = 0
    unknown_window: float | None = None
    failed: bool = False
    unknown: bool = False
    same_account: bool = False
    redo: tuple[str, ...] = ()

    def client_options(self) -> Mapping[str, Any]:
        """Give the arguments of the client."""
        options: dict[str, Any] = {"close_timeout": _CLOSE_SECONDS}
        if self.rate is not None:
            options["rate"] = self.rate
        if self.upload_price:
            options["transfers"] = Transfers(upload_price=self.upload_price)
        if self.unknown_window is not None:
            options["retry"] = Retry(unknown_window=self.unknown_window)
        return options

    def states(self, rows: Iterable[Row], known: Mapping[str, Entry]) -> Iterator[tuple[str, State]]:
        """Give the state in which each row begins this run.

        Args:
            rows: The rows.
            known: What the ledger knows of each row.
        """
        for row in rows:
            state = known[row.id].state if row.id in known else State.PLANNED
            again = (self.failed and state in _FAILED) or (self.unknown and state is State.UNKNOWN)
            yield row.id, State.PLANNED if again or row.id in self.redo else state


OPTIONS = (
    click.Option(
        ["--max-running"],
        type=click.IntRange(min=1),
        default=200,
        show_default=True,
        metavar="N",
        help="Most rows in progress at once, from start to files.",
    ),
    click.Option(["--rate"], type=Number(min=0.001), metavar="R", help="Most requests per second, starts and polls."),
    click.Option(
        ["--max-coins"],
        type=Number(min=0),
        metavar="COINS",
        help="Most coins for the whole batch, earlier runs included; a row that would exceed it is not started.",
    ),
    click.Option(
        ["--price"],
        type=Number(min=0),
        metavar="COINS",
        help="Price of each start (default: ask the service).",
    ),
    click.Option(
        ["--upload-price"],
        type=Number(min=0),
        default=0,
        metavar="COINS",
        help="What each upload of a file costs, which the service does not tell beforehand: --max-coins counts it.",
    ),
    click.Option(
        ["--unknown-window"],
        type=Number(min=0.1),
        metavar="SECONDS",
        help="How long to search for a lost start before it may be sent again (default: 60).",
    ),
    click.Option(
        ["--same-account"],
        is_flag=True,
        help="Confirm that the new token is of the account that began the batch.",
    ),
)
"""The options that `BatchOptions` is made of, except those that say what to retry."""
