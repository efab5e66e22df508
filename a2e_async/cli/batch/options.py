"""How a batch shall be run: the options that `a2e batch run` and `a2e batch retry` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import click

from a2e_async.cli.settings import Number
from a2e_async.core.retry import Retry

_CLOSE_SECONDS = 2.0  # a start whose answer is still out is found again by its tag


@attrs.frozen(kw_only=True)
class How:
    """How a batch shall be run.

    Attributes:
        max_running: Most rows between start and files at once.
        rate: Requests a second, or None for no limit.
        max_coins: Most coins to be spent in all lives of the batch, or None for no limit.
        price: What each start costs, or None to ask the service.
        unknown_window: Seconds for which a lost start is looked for, or None for the client's own.
        failed: Attempt rows anew that have failed or were refused.
        unknown: Attempt rows anew whose start may have been taken.
        same_account: The token is another one of the account that the batch belongs to.
        redo: Ids of rows that are started anew, whatever they came to.
    """

    max_running: int = 200
    rate: float | None = None
    max_coins: float | None = None
    price: float | None = None
    unknown_window: float | None = None
    failed: bool = False
    unknown: bool = False
    same_account: bool = False
    redo: tuple[str, ...] = ()

    def of_client(self) -> Mapping[str, Any]:
        """Give the arguments of the client."""
        options: dict[str, Any] = {"close_timeout": _CLOSE_SECONDS}
        if self.rate is not None:
            options["rate"] = self.rate
        if self.unknown_window is not None:
            options["retry"] = Retry(unknown_window=self.unknown_window)
        return options


OPTIONS = (
    click.Option(
        ["--max-running"],
        type=click.IntRange(min=1),
        default=200,
        show_default=True,
        metavar="N",
        help="Most rows between start and files at once.",
    ),
    click.Option(["--rate"], type=Number(min=0.001), metavar="R", help="Most requests a second, starts and polls."),
    click.Option(
        ["--max-coins"],
        type=Number(min=0),
        metavar="COINS",
        help="Most coins for the whole batch, earlier runs included; what would pass it is not started.",
    ),
    click.Option(
        ["--price"],
        type=Number(min=0),
        metavar="COINS",
        help="What each start costs; by default the service is asked.",
    ),
    click.Option(
        ["--unknown-window"],
        type=Number(min=0.1),
        metavar="SECONDS",
        help="How long a lost start is looked for before it may be sent again (default: 60).",
    ),
    click.Option(
        ["--same-account"],
        is_flag=True,
        help="The token is another one of the account with which the batch was begun.",
    ),
)
"""The options that `How` is made of, but those that say what is attempted anew."""
