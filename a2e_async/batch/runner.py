"""The runner of a batch: which row has its turn, how many at once, and what waits for what.

A row that waits for another one's picture holds no place among the running ones.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from a2e_async.batch.course import STOPPING, Course, Outcome, Source, planned
from a2e_async.batch.entries import Entry, State
from a2e_async.batch.ledger import Ledger
from a2e_async.batch.rows import Row, RowError, of_request
from a2e_async.client import A2EClient
from a2e_async.core.family import Request
from a2e_async.engine.options import DEFAULT, Default, Options
from a2e_async.errors import TransportError, UsageError

Rows = Iterable[Row | Request[Any]] | AsyncIterable[Row | Request[Any]]

_CHUNK = 500
_FIRST = asyncio.FIRST_COMPLETED
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

    def __init__(self, folder: Path, ledger: Ledger, course: Course, max_running: int) -> None:
        self.folder = folder
        self.ledger = ledger
        self.stopped_by: Exception | None = None
        self._course = course
        self._max_running = max_running
        self._stopping = False

    @classmethod
    def open(
        cls,
        folder: str | Path,
        a2e: A2EClient,
        *,
        max_running: int = 200,
        timeout: float | Default | None = DEFAULT,
        retry_failed: bool = False,
        retry_unknown: bool = False,
    ) -> _Opening:
        """Open the batch of a folder, or begin one, for the length of an `async with` block.

        Args:
            folder: Where its ledger and files are, or shall be.
            a2e: An open client.
            max_running: Most rows between start and files at once.
            timeout: Seconds since acceptance after which a row is left for the next run; by default its family's.
            retry_failed: Attempt rows anew whose task failed or whose start was refused; each is a new intent.
            retry_unknown: Likewise rows whose start may have been taken; each may be paid for a second time.

        Raises:
            UsageError: An argument is not what it must be.
            LedgerError: On entering: the ledger cannot be used.
        """
        if isinstance(max_running, bool) or not isinstance(max_running, int) or max_running < 1:
            raise UsageError("max_running: must be a whole number of at least 1")
        again = (_RETRIED if retry_failed else set()) | ({State.UNKNOWN} if retry_unknown else set())
        return _Opening(Path(folder), a2e, Options(timeout=timeout), max_running, again)

    def stop(self) -> None:
        """Start nothing more; what was sent goes on, what was not is left for the next run."""
        self._stopping = True
        self._course.stop()

    async def run(self, rows: Rows) -> AsyncIterator[Outcome]:
        """Bring every row to its files; gives each when nothing more can be done for it in this run.

        A row that was done in an earlier run is given without a request. One that was not begun, because the batch
        was stopped, is not given.

        Args:
            rows: Rows or requests. A request's id is a hash of its content; equal ones are numbered.
        """
        line = _Line(rows, self.ledger)
        running: set[asyncio.Task[Outcome]] = set()
        try:
            while True:
                while self._has_room(running) and (turn := line.next()):
                    running.add(asyncio.create_task(self._course.bring(*turn), name="a2e row"))
                pull = line.pull() if self._has_room(running) else None
                if not running and pull is None:
                    break
                await asyncio.wait([*running, *([pull] if pull else [])], return_when=_FIRST)
                await line.take()
                for task in [task for task in running if task.done()]:
                    running.discard(task)
                    for outcome in self._note(task.result(), line):
                        yield outcome
            for outcome in [] if self._stopping else line.left_over():
                yield outcome
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running)
            await line.aclose()

    def _has_room(self, running: set[asyncio.Task[Outcome]]) -> bool:
        return not self._stopping and len(running) < self._max_running

    def _note(self, outcome: Outcome, line: _Line) -> list[Outcome]:
        """Note an outcome; gives it, and those of rows that cannot be started without its picture."""
        error = outcome.error
        unreachable = isinstance(error, TransportError) and outcome.entry.state is State.PLANNED
        if (unreachable or isinstance(error, STOPPING)) and self.stopped_by is None:
            self.stopped_by = error
            self.stop()
        begun = outcome.entry.state is not State.PLANNED or not self._stopping or error is self.stopped_by
        return ([outcome] if begun else []) + (line.note(outcome) if not self._stopping else [])


class _Opening:
    """An `async with` block of a batch."""

    def __init__(self, folder: Path, a2e: A2EClient, options: Options, max_running: int, again: set[State]) -> None:
        self._folder, self._a2e, self._options = folder, a2e, options
        self._max_running, self._again = max_running, again
        self._ledger: Ledger | None = None

    async def __aenter__(self) -> Batch:
        ledger = self._ledger = await Ledger.open(self._folder)
        if self._again:
            await ledger.plan_again(self._again)
        return Batch(self._folder, ledger, Course(self._folder, self._a2e, ledger, self._options), self._max_running)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ledger is not None:
            await self._ledger.aclose()


class _Line:
    """Rows on their way to a place: planned in the ledger a chunk at a time, and only when there is room."""

    def __init__(self, rows: Rows, ledger: Ledger) -> None:
        self._chunks = _chunks(rows)
        self._ledger = ledger
        self._step: asyncio.Task[list[Row]] | None = None
        self._ended = False
        self._ready: deque[tuple[Row, Entry]] = deque()
        self._waiting: dict[str, list[tuple[Row, Entry]]] = {}
        self._sources: dict[str, Source | None] = {}

    def next(self) -> tuple[Row, Entry, Source | None] | None:
        """Give the row whose turn it is, None when none is ready."""
        if not self._ready:
            return None
        row, entry = self._ready.popleft()
        return row, entry, self._sources.get(row.image_from) if row.image_from else None

    def pull(self) -> asyncio.Task[list[Row]] | None:
        """Give the step of the source that is under way, None when there is none to take."""
        if self._ended or self._ready:
            return None
        if self._step is None:
            self._step = asyncio.ensure_future(_advance(self._chunks))
        return self._step

    async def take(self) -> None:
        """Plan the rows that the source has given."""
        if self._step is None or not self._step.done():
            return
        step, self._step = self._step, None
        rows = step.result()
        self._ended = not rows
        entries = await self._ledger.plan([planned(row) for row in rows])
        for row in rows:
            self._queue(row, entries[row.id])

    def note(self, outcome: Outcome) -> list[Outcome]:
        """Let rows go on that waited for this one's picture; gives up those whose picture does not come."""
        row_id, entry = outcome.row.id, outcome.entry
        self._sources[row_id] = Source(row_id, entry.family, entry.task_ids[0]) if entry.state is State.DONE else None
        waited = self._waiting.pop(row_id, [])
        if self._sources[row_id] is not None:
            self._ready.extend(waited)
            return []
        return [lost for row, row_entry in waited for lost in self._give_up(row, row_entry)]

    def left_over(self) -> list[Outcome]:
        """Give up the rows that wait for a row which is not there."""
        waiting, self._waiting = self._waiting, {}
        return [_without_picture(row, entry) for rows in waiting.values() for row, entry in rows]

    async def aclose(self) -> None:
        """Take no more."""
        if self._step is not None:
            self._step.cancel()
            await asyncio.wait([self._step])
        await self._chunks.aclose()

    def _queue(self, row: Row, entry: Entry) -> None:
        needs_picture = row.image_from is not None and entry.state in (State.PLANNED, State.INTENDED)
        if needs_picture and self._sources.get(str(row.image_from)) is None:
            self._waiting.setdefault(str(row.image_from), []).append((row, entry))
        else:
            self._ready.append((row, entry))

    def _give_up(self, row: Row, entry: Entry) -> list[Outcome]:
        lost = _without_picture(row, entry)
        return [lost, *self.note(lost)]


def _without_picture(row: Row, entry: Entry) -> Outcome:
    return Outcome(row=row, entry=entry, error=RowError(f"row {row.image_from} made no picture", "image_from"))


async def _advance(chunks: AsyncGenerator[list[Row], None]) -> list[Row]:
    """Give the next rows, an empty list when there are no more."""
    async for chunk in chunks:
        return chunk
    return []


async def _chunks(rows: Rows) -> AsyncGenerator[list[Row], None]:
    """Give rows in chunks for the ledger; those of an async source one by one, as the next may take long."""
    seen: dict[str, int] = {}
    if isinstance(rows, AsyncIterable):
        async for one in rows:
            yield [_as_row(one, seen)]
        return
    source = iter(rows)
    while chunk := [_as_row(one, seen) for one in itertools.islice(source, _CHUNK)]:
        yield chunk


def _as_row(one: Row | Request[Any], seen: dict[str, int]) -> Row:
    """Make a row of a request; the same request a second time is a row of its own.

    Raises:
        UsageError: Two rows have the same id.
    """
    row = one if isinstance(one, Row) else of_request(one)
    seen[row.id] = seen.get(row.id, 0) + 1
    if seen[row.id] == 1:
        return row
    if isinstance(one, Row):
        raise UsageError(f"two rows have the id {row.id}")
    return attrs.evolve(row, id=f"{row.id}-{seen[row.id]}")
