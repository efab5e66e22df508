"""The progress of jobs, and of a batch, on stderr in plain lines; `live` has the same for a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import time
from types import TracebackType
from typing import Self

import attrs

from a2e_async.cli.display.output import one_line, tell
from a2e_async.cli.display.progress import Progress
from a2e_async.client import A2EClient
from a2e_async.errors import A2EError

QUEUED, WATCHED = "queued", "watched"
_LABEL = 48
_LINE_SECONDS = 5.0


@attrs.define(eq=False, kw_only=True)
class BoardRow:
    """One job on the board.

    Attributes:
        family: The job's family.
        label: What the job is about, in a few words.
        state: Its state, in one word.
        coins: Coins charged, None while that is not known.
        good: True when it succeeded, False when it did not, None while it runs.
        begun: When it came onto the board, on the monotonic clock.
        ended: When it ended, or None.
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
        """How long the job has been on the board; once it has ended, how long it took."""
        return (self.ended or time.monotonic()) - self.begun


class Board:
    """Prints a line for each change of a job; the same interface as the live display.

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
        self.rows: list[BoardRow] = []
        self.begun = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if len(self.rows) > 1:
            self._print(summary(self.rows, time.monotonic() - self.begun))

    def add(self, family: str, label: str) -> BoardRow:
        """Add a job."""
        row = BoardRow(family=family, label=shorten(label))
        self.rows.append(row)
        return row

    def change(self, row: BoardRow, state: str, *, coins: float | None = None, good: bool | None = None) -> None:
        """Change the state of a job; `good` is given when it has ended."""
        changed = state != row.state
        row.state, row.coins = state, row.coins if coins is None else coins
        if good is not None:
            row.good, row.ended = good, time.monotonic()
        if changed:
            self._show(row)

    def notice(self, text: str) -> None:
        """Show what holds up all jobs, or will end them; an empty text removes it."""
        if text:
            self._print(f"a2e: {one_line(text)}")

    def _show(self, row: BoardRow) -> None:
        self._print(f"{time.monotonic() - self.begun:6.1f} s  {row.family}  {row.label}: {row.state}")

    def _print(self, line: str) -> None:
        if not self.quiet:
            tell(line)


def summary(rows: list[BoardRow], seconds: float) -> str:
    """Sum up the board in one line."""
    good = sum(row.good is True for row in rows)
    bad = sum(row.good is False for row in rows)
    coins = sum(row.coins or 0 for row in rows)
    words = [f"{good} of {len(rows)} done", f"{bad} failed" if bad else "", f"{coins:g} coins", f"{seconds:.1f} s"]
    return " · ".join(filter(None, words))


def shorten(text: str) -> str:
    """Put a text on one line that is not too long."""
    text = one_line(text)
    return text if len(text) <= _LABEL else text[: _LABEL - 1].rstrip() + "…"


class BatchBoard:
    """Prints how far a batch is, a line now and then; the same interface as the live display.

    Args:
        progress: How far it is.
        a2e: The client, which knows about coins and the service's health.
        quiet: Show nothing.

    Attributes:
        live: Whether it owns the terminal while it is open.
        every: Seconds between two lines.
    """

    live = False
    every = _LINE_SECONDS

    def __init__(self, progress: Progress, a2e: A2EClient, *, quiet: bool = False) -> None:
        self.progress = progress
        self.quiet = quiet
        self._a2e = a2e
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._tick(), name="a2e board")]
        if self.progress.to_spend is None and self.progress.open:
            self._tasks.append(asyncio.create_task(self._ask_balance(), name="a2e balance"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self.progress.update(self._a2e)
        self.show()

    def show(self) -> None:
        """Show how far the batch is."""
        if not self.quiet:
            tell(self.progress.line())

    def notice(self, text: str) -> None:
        """Say what changes the whole batch, such as Ctrl-C."""
        tell(f"a2e: {text}")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            self.progress.update(self._a2e)
            self.show()

    async def _ask_balance(self) -> None:
        with contextlib.suppress(A2EError):  # only the display wants to know it
            balance = await self._a2e.balance()
            self.progress.to_spend = balance.coins + self._a2e.spent
