"""The intake of a batch: rows are read from their source, planned in the ledger, and wait here for other rows' outputs.

A row that waits for another row's output takes no slot among the running ones. One task reads the source, some rows
ahead, so that what a source keeps open while it gives rows stays with one task.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from a2e_async.batch.given import has_inputs, resolved
from a2e_async.batch.input_urls import Sources
from a2e_async.batch.outputs import RowSource
from a2e_async.batch.rows import Outcome, Row, RowError, check_id, numbered, of_entry, of_request
from a2e_async.batch.steps import planned
from a2e_async.core import rules
from a2e_async.core.family import Request
from a2e_async.engine.files.disk import hop
from a2e_async.errors import UsageError
from a2e_async.store.entries import Entry, State
from a2e_async.store.ports import Ledger
from a2e_async.store.values import DEEPEST, is_changed, is_deep

Given = Iterable[Row | Request[Any]] | AsyncIterable[Row | Request[Any]]
Rows = Given | Mapping[str, Request[Any]]
Turn = tuple[Row, Entry, Sources]
Waiting = tuple[Row, Entry]

_log = logging.getLogger("a2e_async")

_AHEAD = 500
_LONGEST_STRETCH = 0.02


class Intake:
    """Rows on their way to a slot.

    Args:
        rows: Where they come from.
        ledger: Where they are planned, many at a time.
        wake: Set when there is something to take.
        again: Rows that stand in one of these states are attempted anew, once.
        made: Rows that are not given and have made what given ones take, by their ids.
    """

    def __init__(
        self,
        rows: Rows,
        ledger: Ledger,
        wake: asyncio.Event,
        again: Collection[State] = frozenset(),
        made: Mapping[str, RowSource] = MappingProxyType({}),
    ) -> None:
        self._rows: Given = _by_id(rows) if isinstance(rows, Mapping) else rows
        self._ledger = ledger
        self._wake = wake
        self._again = again
        self._given: list[Row] = []
        self._taken = asyncio.Event()
        self._seen: dict[str, int] = {}
        self._reader: asyncio.Task[None] | None = None
        self._ready: deque[Waiting] = deque()
        self._waiting: dict[str, list[Waiting]] = {}
        self._sources: dict[str, RowSource | None] = {**made}
        self._bad: dict[str, Entry] = {}

    def next(self) -> Turn | None:
        """Give the row whose turn it is, None when none is ready."""
        if not self._ready:
            return None
        row, entry = self._ready.popleft()
        return row, entry, {source: self._sources.get(source) for source in row.sources()}

    def ready(self) -> bool:
        """Whether a row's turn has come."""
        return bool(self._ready)

    def next_was_sent(self) -> bool:
        """Whether the row whose turn it is was sent already, so that it may run at the service."""
        return bool(self._ready) and bool(self._ready[0][1].letters or self._ready[0][1].task_ids)

    def reading(self) -> bool:
        """Whether the source may have more rows."""
        return self._reader is None or not self._reader.done() or bool(self._given)

    async def take(self) -> bool:
        """Plan the rows that the source has given; says whether there were any.

        Raises:
            LedgerError: They cannot be planned.
            Exception: Whatever the source raises, after its last row was taken.
        """
        if self._reader is None:
            self._reader = asyncio.create_task(self._read(), name="a2e rows")
            self._reader.add_done_callback(lambda _reader: self._wake.set())
        rows, self._given = self._given, []
        self._taken.set()
        if not rows:
            if self._reader.done():
                self._reader.result()
            return False
        entries = await self._ledger.plan([planned(row) for row in rows])
        wanted = [row.id for row in rows if entries[row.id].state in self._again]
        if wanted:  # only rows that are given: what is no more in the file is not paid for
            entries |= await self._ledger.known(await self._ledger.again(wanted, self._again))
        for row in rows:
            self._queue(_as_begun(row, entries[row.id]), entries[row.id])
        return True

    def note(self, outcome: Outcome) -> list[Waiting]:
        """Let rows go on that waited for this one's output; gives those whose output does not come."""
        row_id, entry = outcome.row.id, outcome.entry
        there = entry.state is State.DONE and bool(entry.task_ids)
        self._sources[row_id] = RowSource(row_id, entry.family, entry.task_ids) if there else None
        waited = self._waiting.pop(row_id, [])
        if there:
            for row, known in waited:
                self._queue(row, known)
            return []
        self._bad[row_id] = entry
        # What was sent in an earlier run may have been paid for: it is looked for, also without what it takes.
        self._ready.extend(one for one in waited if one[1].letters)
        return [one for one in waited if not one[1].letters]

    def release(self) -> bool:
        """Let rows go on that wait for an output which does not come, and whose start was sent; says if any did."""
        sent = [one for rows in self._waiting.values() for one in rows if one[1].letters]
        self._waiting = {key: [one for one in rows if not one[1].letters] for key, rows in self._waiting.items()}
        self._ready.extend(sent)
        return bool(sent)

    async def recall(self) -> bool:
        """Let rows go on that wait for a row which is not given, and whose output an earlier run has made.

        Raises:
            LedgerError: The ledger cannot be asked.
        """
        missing = [source for source in self._waiting if source not in self._bad]
        known = await self._ledger.known(missing) if missing else {}
        made = [entry for entry in known.values() if entry.state is State.DONE and entry.task_ids]
        for entry in made:
            self._sources[entry.id] = RowSource(entry.id, entry.family, entry.task_ids)
            for row, waiting in self._waiting.pop(entry.id):
                self._queue(row, waiting)
        return bool(self._ready)

    def left_over(self) -> list[tuple[list[Waiting], Entry | None]]:
        """Give up rows whose source ended badly before they waited for it; where there are none, all that wait.

        Rows behind those that are given up wait on, for they are told of their own source.
        """
        doomed = [source for source in self._waiting if source in self._bad] or list(self._waiting)
        return [(self._waiting.pop(source), self._bad.get(source)) for source in doomed]

    async def aclose(self) -> None:
        """Take no more, and close the source."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
            if not self._reader.cancelled():
                self._reader.exception()  # who leaves early does not ask for it

    async def _read(self) -> None:
        """Read the source, never more than some rows ahead."""
        if isinstance(self._rows, AsyncIterable):
            source = aiter(self._rows)
            try:
                async for one in source:
                    await self._give(one)
            finally:
                if isinstance(source, AsyncGenerator):
                    await source.aclose()
            return
        try:
            paused = time.monotonic()
            for one in self._rows:
                await self._give(one)
                if time.monotonic() - paused > _LONGEST_STRETCH:
                    await asyncio.sleep(0)
                    paused = time.monotonic()
        finally:
            if inspect.isgenerator(self._rows):
                self._rows.close()

    async def _give(self, one: Row | Request[Any]) -> None:
        row = _as_row(one)
        # A file is read in a thread: the loop has others to serve.
        own = await hop(resolved, row) if has_inputs(row.fields) else row
        self._given.append(_told_apart(own, self._seen))
        self._wake.set()
        while len(self._given) >= _AHEAD:
            self._taken.clear()
            await self._taken.wait()

    def _queue(self, row: Row, entry: Entry) -> None:
        """Let a row take its turn, or wait for the first of its sources that is not done."""
        waits = entry.state in (State.PLANNED, State.INTENDED)
        missing = next((one for one in row.sources() if self._sources.get(one) is None), None) if waits else None
        if missing is None:
            self._ready.append((row, entry))
        else:
            self._waiting.setdefault(missing, []).append((row, entry))


def _by_id(rows: Mapping[Any, Any]) -> Iterable[Row]:
    """Make rows of requests by their ids."""
    return (Row(one, request) for one, request in rows.items())


def _as_begun(row: Row, entry: Entry) -> Row:
    """Give the row as it was when it was begun; what was edited since is left aside, and said so."""
    if entry.state is State.PLANNED or not is_changed(entry, row.family.name, row.kept()):
        return row
    words = "row %s was edited after it was begun and keeps its first version; redo %s starts it again as it is now"
    _log.warning(words, row.id, row.id, extra={"row": row.id})
    return attrs.evolve(of_entry(entry), line=row.line)


def _as_row(one: Row | Request[Any]) -> Row:
    """Make a row of a request.

    Raises:
        UsageError: It is neither.
    """
    if not isinstance(one, Row | Request):
        raise UsageError(f"rows: each must be a Row or a request such as TextToImage(...), not {rules.kind_of(one)}")
    return one if isinstance(one, Row) else of_request(one)


def _told_apart(row: Row, seen: dict[str, int]) -> Row:
    """Give a row under an id that no other has; the same request a second time is a row of its own.

    Raises:
        UsageError: Two rows have the same id, or a row has none.
    """
    check_id(row.id)
    if is_deep(row.kept()):
        raise RowError(f"row {row.id}: its fields lie more than {DEEPEST} deep in each other")
    own = numbered(row, seen)
    if own is None:
        raise UsageError(f"two rows have the id {row.id}")
    return own
