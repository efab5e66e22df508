"""The runner of a batch: which row has its turn, how many at once, and what waits for what.

A row that waits for another one's picture holds no place among the running ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any

from a2e_async.batch.course import STOPPING, Course, OnChange, Outcome
from a2e_async.batch.entries import State
from a2e_async.batch.ledger import Ledger
from a2e_async.batch.line import Line, Rows
from a2e_async.batch.memory import Memory
from a2e_async.batch.purse import Purse
from a2e_async.client import A2EClient
from a2e_async.engine.jobs.options import DEFAULT, Default, Options
from a2e_async.engine.settings import check_amount
from a2e_async.errors import BudgetExceededError, LedgerError, TransportError, UsageError

_RETRIED = {State.FAILED, State.REFUSED}


class Batch:
    """A durable batch in a folder: killed at any moment and run again, it pays nothing twice and loses nothing.

    Made by `Batch.open`.

    Attributes:
        folder: Where the ledger and the files are.
        ledger: The open ledger.
        stopped_by: The error for which nothing more was started, or None.

    Example:
        async with A2EClient() as a2e, Batch.open("results/", a2e) as batch:
            async for outcome in batch.run(map(TextToImage, prompts)):
                print(outcome.row.id, outcome.entry.state, outcome.paths)
    """

    def __init__(self, folder: Path, ledger: Ledger, course: Course, memory: Memory, max_running: int) -> None:
        self.folder = folder
        self.ledger = ledger
        self._memory = memory
        self.stopped_by: Exception | None = None
        self._course = course
        self._max_running = max_running
        self._stopping = False
        self._news = asyncio.Event()
        self._run: _Run | None = None

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
        on_change: OnChange = lambda _entry: None,
    ) -> _Opening:
        """Open the batch of a folder, or begin one, for the length of an `async with` block.

        Args:
            folder: Where its ledger and files are, or shall be.
            a2e: An open client.
            max_running: Most rows between start and files at once.
            max_coins: Most coins to be spent in all lives of the batch, or None. What was charged counts, also for
                tasks that failed; the client's own budget holds besides.
            timeout: Seconds since acceptance after which a row is left for the next run; by default its family's.
            price: What each start costs in coins, if you know it; for the client's budget.
            retry_failed: Attempt rows anew whose task failed or whose start was refused; each is a new intent.
            retry_unknown: Likewise rows whose start may have been taken; each may be paid for a second time.
            on_change: Told of each change of a row, after it was written down.

        Raises:
            UsageError: An argument is not what it must be.
            LedgerError: On entering: the ledger cannot be used.
        """
        if max_running is None:
            raise UsageError("max_running: must be a whole number of at least 1")
        check_amount("max_running", max_running, whole=True, least=1)
        check_amount("max_coins", max_coins)
        again = (_RETRIED if retry_failed else set()) | ({State.UNKNOWN} if retry_unknown else set())
        options = Options(timeout=timeout, price=price)
        return _Opening(
            Path(folder),
            a2e,
            options=options,
            max_running=max_running,
            max_coins=max_coins,
            again=again,
            on_change=on_change,
        )

    def stop(self) -> None:
        """Start nothing more; what was sent goes on, what was not is left for the next run."""
        self._stopping = True
        self._course.stop()
        self._news.set()

    async def leave(self) -> None:
        """End a run that was left before its end; leaving the `async with` block does so."""
        if self._run is not None:
            await self._run.aclose()
        await self._memory.keep()

    async def run(self, rows: Rows) -> AsyncGenerator[Outcome, None]:
        """Bring every row to its files; gives each when nothing more can be done for it in this run.

        A row that was done in an earlier run is given without a request. One that was not begun, because the batch
        was stopped, is not given.

        Args:
            rows: Rows or requests. A request's id is a hash of its content; equal ones are numbered.
        """
        if self._run is not None:
            await self._run.aclose()
        run = self._run = _Run(Line(rows, self.ledger, self._news), self._news)
        try:
            while await self._fill(run) and not run.over:
                await self._news.wait()
                self._news.clear()
                while run.ended and not run.over:
                    for outcome in self._note(run.take(), run.line):
                        yield outcome
                await self._memory.keep_now_and_then()
            for outcome in [] if self._stopping else run.line.left_over():
                yield outcome
        finally:
            await run.aclose()

    async def _fill(self, run: _Run) -> bool:
        """Let rows begin while there is room; says whether anything is left to wait for."""
        while self._has_room(run):
            turn = run.line.next()
            if turn is not None:
                run.begin(self._course.bring(*turn))
                continue
            try:
                taken = await run.line.take()
            except LedgerError as error:
                self._stop_for(error)
                break
            if not taken:
                break
        return bool(run.running or run.ended) or (self._has_room(run) and run.line.reading())

    def _has_room(self, run: _Run) -> bool:
        return not self._stopping and not run.over and len(run.running) < self._max_running

    def _note(self, outcome: Outcome, line: Line) -> list[Outcome]:
        """Note an outcome; gives it, and those of rows that cannot be started without its picture."""
        error = outcome.error
        unreachable = isinstance(error, TransportError) and outcome.entry.state is State.PLANNED
        if error is not None and (unreachable or isinstance(error, STOPPING)):
            self._stop_for(error)
        begun = outcome.entry.state is not State.PLANNED or not self._stopping or error is self.stopped_by
        return ([outcome] if begun else []) + (line.note(outcome) if not self._stopping else [])

    def _stop_for(self, error: Exception) -> None:
        if self.stopped_by is None:
            self.stopped_by = error
            self._stopping = True
            if not isinstance(error, BudgetExceededError):  # the coins of what is queued are held, or will be refused
                self.stop()


class _Run:
    """One run over the rows of a batch, and the tasks that bring them."""

    def __init__(self, line: Line, news: asyncio.Event) -> None:
        self.line = line
        self.over = False
        self.running: set[asyncio.Task[Outcome]] = set()
        self.ended: deque[asyncio.Task[Outcome]] = deque()
        self._news = news

    def begin(self, bringing: Coroutine[Any, Any, Outcome]) -> None:
        """Let a row take a place."""
        task = asyncio.create_task(bringing, name="a2e row")
        self.running.add(task)
        task.add_done_callback(self._end)

    def take(self) -> Outcome:
        """Give what the row that ended first has come to; its place is free then."""
        task = self.ended.popleft()
        self.running.discard(task)
        return task.result()

    async def aclose(self) -> None:
        """Let go of what runs; what was sent is found again by the next run."""
        self.over = True
        self._news.set()
        running, self.running = self.running, set()
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        await self.line.aclose()

    def _end(self, task: asyncio.Task[Outcome]) -> None:
        self.ended.append(task)
        self._news.set()


class _Opening:
    """An `async with` block of a batch."""

    def __init__(
        self,
        folder: Path,
        a2e: A2EClient,
        *,
        options: Options,
        max_running: int,
        max_coins: float | None,
        again: set[State],
        on_change: OnChange,
    ) -> None:
        self._folder, self._a2e, self._options, self._on_change = folder, a2e, options, on_change
        self._max_running, self._max_coins, self._again = max_running, max_coins, again
        self._purse: Purse | None = None
        self._batch: Batch | None = None

    async def __aenter__(self) -> Batch:
        ledger = await Ledger.open(self._folder)
        try:
            if self._again:
                await ledger.plan_again(self._again)
            self._purse = Purse(self._max_coins, await ledger.coins(), self._a2e)
            memory = Memory(ledger, self._a2e.learned)
            await memory.recall()
        except BaseException:
            await ledger.aclose()
            raise
        course = Course(
            self._folder, self._a2e, ledger, options=self._options, purse=self._purse, on_change=self._on_change
        )
        self._batch = Batch(self._folder, ledger, course, memory, self._max_running)
        return self._batch

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._batch is not None and self._purse is not None:
            try:
                await self._batch.leave()
            finally:
                self._purse.close()
                await self._batch.ledger.aclose()
