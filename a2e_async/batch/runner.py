"""The run of a batch: which row has its turn, how many run at once, and what stops all of them.

Laws of this file: a row that waits for another row's output takes no slot; what stops one row for a reason that holds
for all (token, coins, ledger, service away) stops the run, for each further start could only fail or cost; what is on
the wire is waited for, since it may have been paid for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Collection, Coroutine, Iterable
from pathlib import Path
from typing import Any

from a2e_async.batch.estimates import Estimates
from a2e_async.batch.intake import Intake, Rows, Waiting
from a2e_async.batch.outputs import RowSource
from a2e_async.batch.room import RowPlaces
from a2e_async.batch.rows import Outcome, Row, of_entry
from a2e_async.batch.steps import Steps
from a2e_async.batch.verdicts import STOPPING
from a2e_async.errors import A2EError, BudgetExceededError, LedgerError, TransportError, UsageError
from a2e_async.store.entries import MOVES, Entry, RowEvent, State
from a2e_async.store.ports import Ledger

_REDONE = MOVES[RowEvent.AGAIN][0]


class RowsRun:
    """The batch of a folder while it is open; see `Batch`.

    Args:
        folder: Where the ledger and the files are.
        ledger: The open ledger.
        steps: What brings one row to its files.
        estimates: What is learned of the ages at which tasks end.
        room: Where rows between start and files have their places.
        again: Rows that stand in one of these states are attempted anew.
        shared: Whether other runs take places in the same room. What runs at the service already is watched then
            whether there is a place or not, for no other run knows of it.

    Attributes:
        begun: How many rows had their turn.
        made: Rows that are not given and have made what given ones take, by their ids.
    """

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        steps: Steps,
        estimates: Estimates,
        *,
        room: RowPlaces,
        again: Collection[State],
        shared: bool = False,
    ) -> None:
        self.folder = folder
        self.ledger = ledger
        self.stopped_by: Exception | None = None
        self._steps = steps
        self._estimates = estimates
        self.begun = 0
        self.made: dict[str, RowSource] = {}
        self._room = room
        self._shared = shared
        self._again = again
        self._stopping = False
        self._wake = asyncio.Event()
        self._slots: _Slots | None = None

    def stop(self) -> None:
        """Start nothing more; what was sent goes on, what was not is left for the next run."""
        self._stopping = True
        self._steps.stop()
        self._wake.set()

    async def leave(self) -> None:
        """End a run that was left before its end, and write down the answers of starts that are on the wire.

        Leaving the `async with` block does so, in whatever way it is left.
        """
        if self._slots is not None:
            await self._slots.aclose()
        await self._steps.answered()
        await self._steps.aclose()
        await self._estimates.keep()

    async def redo(self, *row_ids: str) -> list[Row]:
        """Let rows be started anew, each as a new intent that is paid for again; gives them as they will be started.

        For rows whose task or file has gone, whose start no search can find, or that were edited since: they are
        taken as they were given last. What an earlier attempt has cost, or may have, stays counted. `run` starts them.

        Args:
            *row_ids: Their ids. A row that is planned already is left as it is.

        Raises:
            UsageError: There is no such row, or its start may still be on its way.
        """
        known = await self.ledger.known(row_ids)
        for row_id in row_ids:
            if row_id not in known:
                raise UsageError(f"redo: there is no row {row_id!r:.120} in {self.folder}")
            entry = known[row_id]
            # One that goes on without trouble; where a run has noted some, whoever names the row knows better.
            if entry.state in (State.INTENDED, State.ACCEPTED) and not entry.error:
                raise UsageError(f"redo: row {row_id} is {entry.state.word}: run the batch first, which is free")
        await self.ledger.again(row_ids, _REDONE)
        known = await self.ledger.known(row_ids)
        return [of_entry(known[row_id]) for row_id in row_ids]

    async def run(self, rows: Rows) -> AsyncGenerator[Outcome, None]:
        """Bring every row to its files; gives each when nothing more can be done for it in this run.

        A row that was done in an earlier run is given without a request. One that was not begun, because the batch
        was stopped, is not given.

        Args:
            rows: Rows or requests, or requests by their ids. A request's own id is a hash of its content; equal ones
                are numbered.

        Raises:
            A2EError: What stopped the batch (a refused token, too few coins, the budget, the ledger, a service that
                cannot be reached), after the last outcome; `stopped_by` has it, too.
            UsageError: Something in `rows` is no row.
        """
        if self._slots is not None:
            await self._slots.aclose()
            await self._steps.answered()
        intake = Intake(rows, self.ledger, self._wake, self._again, self.made)
        slots = self._slots = _Slots(intake, self._wake, self._room)
        leave = self._room.join(self._wake.set) if self._shared else _nothing
        try:
            await self._read_all(intake)
            while (await self._fill(slots) or self._release(slots) or await self._recall(slots)) and not slots.over:
                await self._wake.wait()
                self._wake.clear()
                while slots.ended and not slots.over:
                    async for outcome in self._note(slots.take(), intake):
                        yield outcome
                await self._estimates.keep_now_and_then()
            while not self._stopping and not slots.over and (left := intake.left_over()):
                for waiting, source in left:
                    async for outcome in self._give_up(waiting, source, intake):
                        yield outcome
            ended = not slots.over
        finally:
            leave()
            await slots.aclose()
        if ended and self.stopped_by is not None:
            raise self.stopped_by

    async def _fill(self, slots: _Slots) -> bool:
        """Let rows begin while there is room; says whether anything is left to wait for."""
        while self._has_room(slots):
            turn = slots.intake.next()
            if turn is not None:
                self.begun += 1
                slots.begin(self._steps.bring(*turn))
                continue
            try:
                taken = await slots.intake.take()
            except LedgerError as error:
                self._stop_for(error)
                break
            if not taken:
                break
        if slots.running or slots.ended or (self._has_room(slots) and slots.intake.reading()):
            return True
        return self._shared and not self._stopping and slots.intake.ready()  # other runs have all the room

    def _release(self, slots: _Slots) -> bool:
        """Let rows that were sent in an earlier run go on without what does not come."""
        released = not self._stopping and slots.intake.release()
        if released:
            self._wake.set()
        return released

    async def _recall(self, slots: _Slots) -> bool:
        """Let rows go on that take what rows of earlier runs have made, which are not given now; says if any did."""
        try:
            recalled = not self._stopping and await slots.intake.recall()
        except LedgerError as error:
            self._stop_for(error)
            return False
        if recalled:
            self._wake.set()
        return recalled

    def _has_room(self, slots: _Slots) -> bool:
        room = self._room.free > 0 or (self._shared and slots.intake.next_was_sent())
        return room and not self._stopping and not slots.over

    async def _read_all(self, intake: Intake) -> None:
        """Read all rows of a run that shares its room: what was sent already needs its turn at once."""
        if not self._shared:
            return
        try:
            while intake.reading():
                if not await intake.take():
                    await self._wake.wait()
                    self._wake.clear()
        except LedgerError as error:
            self._stop_for(error)
        self._wake.set()

    async def _note(self, outcome: Outcome, intake: Intake) -> AsyncGenerator[Outcome, None]:
        """Note an outcome; gives it, and those of rows that cannot be started without its output."""
        error = outcome.error
        unreachable = isinstance(error, TransportError) and outcome.entry.state is State.PLANNED
        if error is not None and (unreachable or isinstance(error, STOPPING)):
            self._stop_for(error)
        if outcome.entry.state is not State.PLANNED or not self._stopping or error is self.stopped_by:
            yield outcome
        if not self._stopping:
            async for lost in self._give_up(intake.note(outcome), outcome.entry, intake):
                yield lost

    async def _give_up(
        self, waiting: Iterable[Waiting], source: Entry | None, intake: Intake
    ) -> AsyncGenerator[Outcome, None]:
        """Give up rows that wait for an output which does not come, and those that wait for theirs."""
        left = deque((row, entry, source) for row, entry in waiting)
        while left:
            row, entry, cause = left.popleft()
            event, words = _without_source(row, cause)
            outcome = await self._steps.give_up(row, entry, event, words, A2EError(words))
            if isinstance(outcome.error, LedgerError):
                self._stop_for(outcome.error)
            yield outcome
            left.extend((other, known, outcome.entry) for other, known in intake.note(outcome))

    def _stop_for(self, error: Exception) -> None:
        if self.stopped_by is None:
            self.stopped_by = error
            self._stopping = True
            if not isinstance(error, BudgetExceededError):  # the coins of what is queued are held, or will be refused
                self.stop()


def _without_source(row: Row, source: Entry | None) -> tuple[RowEvent, str]:
    """Say what becomes of a row whose source made nothing, and why."""
    if source is None:
        return RowEvent.NOTED, f"its source {' or '.join(row.sources())} is not among the rows, or not done"
    if not source.state.bad:
        return RowEvent.NOTED, f"its source {source.id} is not done yet"
    happened = {State.FAILED: "failed", State.REFUSED: "was refused"}.get(source.state, f"is {source.state.word}")
    return RowEvent.REFUSED, f"its source {source.id} {happened}"


def _nothing() -> None:
    """Do nothing: nobody has joined."""


class _Slots:
    """The rows that run at once: their asyncio tasks, and those that have ended and were not yet noted."""

    def __init__(self, intake: Intake, wake: asyncio.Event, room: RowPlaces) -> None:
        self.intake = intake
        self._room = room
        self.over = False
        self.running: set[asyncio.Task[Outcome]] = set()
        self.ended: deque[asyncio.Task[Outcome]] = deque()
        self._wake = wake

    def begin(self, bringing: Coroutine[Any, Any, Outcome]) -> None:
        """Let a row take a place."""
        task = asyncio.create_task(bringing, name="a2e row")
        self.running.add(task)
        self._room.take()
        task.add_done_callback(self._end)

    def take(self) -> Outcome:
        """Give what the row that ended first has come to; its place is free then."""
        task = self.ended.popleft()
        if task in self.running:
            self.running.discard(task)
            self._room.give_back()
        return task.result()

    async def aclose(self) -> None:
        """Let go of what runs; what was sent is found again by the next run."""
        self.over = True
        self._wake.set()
        running, self.running = self.running, set()
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        self._room.give_back(len(running))
        await self.intake.aclose()

    def _end(self, task: asyncio.Task[Outcome]) -> None:
        self.ended.append(task)
        self._wake.set()
