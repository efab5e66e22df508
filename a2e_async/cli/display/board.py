"""What people see of running jobs, and of a batch, on stderr: plain lines; `live` has the same for a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import time
from types import TracebackType
from typing import Self

import attrs

from a2e_async.cli.display.output import one_line, tell
from a2e_async.cli.display.tally import Tally
from a2e_async.client import A2EClient
from a2e_async.errors import A2EError

QUEUED, WATCHED = "queued", "watched"
_LABEL = 48
_LINE_SECONDS = 5.0


@attrs.define(eq=False, kw_only=True)
class Row:
    """One job on the board.

    Attributes:
        family: The job's family.
        label: What the job is about, in a few words.
        state: Where it stands, in one word.
        coins: Coins charged, as far as they are known.
        good: True when it went well, False when it did not, None while it runs.
        begun: When it came onto the board, on the monotonic clock.
        ended: When it was done, or None.
    """

    family: str
    label: str
    state: str = QUEUED
    coins: float | None = None
    good: bool | None = None
    begun: float = attrs.field(factory=time.monotonic)
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """How long the job has been on the board, or was until it ended."""
        return (self.ended or time.monotonic()) - self.begun


class Board:
    """Tells of jobs in plain lines; the same interface as the live display.

    Args:
        quiet: Show nothing.

    Attributes:
        live: Whether it owns the terminal while it is open.
        rows: One row per job, in the order they came.
        begun: When it was made, on the monotonic clock.
    """

    live = False

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.rows: list[Row] = []
        self.begun = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if len(self.rows) > 1:
            self._print(total(self.rows, time.monotonic() - self.begun))

    def add(self, family: str, label: str) -> Row:
        """Put a job onto the board."""
        row = Row(family=family, label=short(label))
        self.rows.append(row)
        return row

    def change(self, row: Row, state: str, *, coins: float | None = None, good: bool | None = None) -> None:
        """Say where a job stands now; `good` says that it is done, and how."""
        changed = state != row.state
        row.state, row.coins = state, row.coins if coins is None else coins
        if good is not None:
            row.good, row.ended = good, time.monotonic()
        if changed:
            self._show(row)

    def notice(self, text: str) -> None:
        """Say what holds up all jobs, or will end them; an empty text takes it back."""
        if text:
            self._print(f"a2e: {one_line(text)}")

    def _show(self, row: Row) -> None:
        self._print(f"{time.monotonic() - self.begun:6.1f} s  {row.family}  {row.label}: {row.state}")

    def _print(self, line: str) -> None:
        if not self.quiet:
            tell(line)


def total(rows: list[Row], seconds: float) -> str:
    """Sum up the board in one line."""
    good = sum(row.good is True for row in rows)
    bad = sum(row.good is False for row in rows)
    coins = sum(row.coins or 0 for row in rows)
    words = [f"{good} of {len(rows)} done", f"{bad} failed" if bad else "", f"{coins:g} coins", f"{seconds:.1f} s"]
    return " · ".join(filter(None, words))


def short(text: str) -> str:
    """Give the text in one line that is not too long."""
    text = one_line(text)
    return text if len(text) <= _LABEL else text[: _LABEL - 1].rstrip() + "…"


class BatchBoard:
    """Tells how far a batch is in plain lines; the same interface as the live display.

    Args:
        tally: How far it is.
        a2e: The client, which knows about coins and the service.
        quiet: Show nothing.

    Attributes:
        live: Whether it owns the terminal while it is open.
        every: Seconds between two showings.
    """

    live = False
    every = _LINE_SECONDS

    def __init__(self, tally: Tally, a2e: A2EClient, *, quiet: bool = False) -> None:
        self.tally = tally
        self.quiet = quiet
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
        if not self.quiet:
            tell(self.tally.line())

    def notice(self, text: str) -> None:
        """Say what changes the course of the whole batch."""
        tell(f"a2e: {text}")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            self.tally.ask(self._a2e)
            self.show()

    async def _ask_balance(self) -> None:
        with contextlib.suppress(A2EError):  # a batch goes on without knowing it
            balance = await self._a2e.balance()
            self.tally.to_spend = balance.coins + self._a2e.spent
