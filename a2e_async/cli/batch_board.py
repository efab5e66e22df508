"""What people see of a running batch on stderr: a plain line every few seconds, or a live display on a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from types import TracebackType
from typing import Self

import click

from a2e_async.cli.batch_tally import Tally
from a2e_async.client import A2EClient
from a2e_async.errors import A2EError

_LINE_SECONDS = 5.0


class BatchBoard:
    """Tells how far a batch is in plain lines; the same interface as the live display.

    Args:
        tally: How far it is.
        a2e: The client, which knows about coins and the service.

    Attributes:
        live: Whether it owns the terminal while it is open.
        every: Seconds between two showings.
    """

    live = False
    every = _LINE_SECONDS

    def __init__(self, tally: Tally, a2e: A2EClient) -> None:
        self.tally = tally
        self._a2e = a2e
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._tick(), name="a2e board")]
        if self.tally.to_spend is None and self.tally.open:
            self._tasks.append(asyncio.create_task(self._ask_balance(), name="a2e balance"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self.tally.ask(self._a2e)
        self.show()

    def show(self) -> None:
        """Show how far the batch is."""
        click.echo(self.tally.line(), err=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            self.tally.ask(self._a2e)
            self.show()

    async def _ask_balance(self) -> None:
        with contextlib.suppress(A2EError):  # a batch goes on without knowing it
            balance = await self._a2e.balance()
            self.tally.to_spend = balance.coins + self._a2e.spent


def board_for(tally: Tally, a2e: A2EClient) -> BatchBoard:
    """Give the live display on a terminal, the plain one elsewhere."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return BatchBoard(tally, a2e)
    from a2e_async.cli.batch_live import LiveBatchBoard  # noqa: PLC0415 - rich takes 40 ms, which only a terminal is worth

    return LiveBatchBoard(tally, a2e)
