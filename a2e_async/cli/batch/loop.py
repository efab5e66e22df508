"""Bringing the rows of a batch to their files: shown while it goes, stopped on demand, reported at the end."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from a2e_async.batch.batch import Batch
from a2e_async.batch.entries import Entry, State
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.manifest import number
from a2e_async.batch.report import write_report
from a2e_async.batch.rows import Row
from a2e_async.batch.steps import Outcome
from a2e_async.batch.stored import read_entries
from a2e_async.cli.batch.options import How
from a2e_async.cli.batch.price import price_of
from a2e_async.cli.batch.troubles import Troubles
from a2e_async.cli.codes import DONE, FAILED, INTERRUPTED, MONEY, exit_code
from a2e_async.cli.display.board import BatchBoard
from a2e_async.cli.display.live import batch_board_for
from a2e_async.cli.display.tally import Tally
from a2e_async.cli.resume import retry_line, same_command
from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.engine.jobs.options import DEFAULT
from a2e_async.errors import A2EError, BudgetExceededError

_COINS_A_ROW = 1_000
_AGAIN = ("retry_failed", "failed", "unknown")
_SIMULATOR = "the simulator"  # it has another port each time
_MOST_IDS = 20


class Going:
    """One run of a batch.

    Args:
        run: The run of the command.
        folder: The batch's folder.
        rows: The rows to be brought to their files.
        how: How.
        whole: Whether they are all rows of a rows file, so that others are no more in it.
    """

    def __init__(self, run: Run, folder: Path, rows: Sequence[Row], how: How, *, whole: bool = False) -> None:
        self._run = run
        self._folder = folder
        self._rows = rows
        self._how = how
        self._whole = whole
        self._tally = _tally(folder, rows, how)
        self._troubles = Troubles()
        self._stopped_by: Exception | None = None
        self._told: list[Exception] = []
        self._board: BatchBoard | None = None
        self._opened = False
        self._stop: Callable[[], None] = lambda: None

    async def go(self) -> int:
        """Bring every row as far as it goes, write the report, and give the exit code."""
        signals = self._run.signals
        try:
            await signals.guard(self._bring())
        except (A2EError, OSError) as error:
            if not self._opened:
                raise
            self._troubles.note("of any id", error)
            self._stopped_by = error
        if self._opened:
            await signals.guard(self._report())
        return self._verdict(interrupted=signals.count > 0)

    async def _bring(self) -> None:
        run, how = self._run, self._how
        async with run.client(how=how.of_client(), coins=_COINS_A_ROW * max(10, len(self._rows))) as a2e:
            opening = Batch.open(
                self._folder,
                a2e,
                max_running=how.max_running,
                max_coins=how.max_coins,
                timeout=run.settings.timeout or DEFAULT,
                price=how.price,
                retry_failed=how.failed,
                retry_unknown=how.unknown,
                service=_SIMULATOR if run.settings.simulate else None,
                same_account=how.same_account,
                on_change=self._changed,
            )
            # The client is closed before the ledger, which so gets the answers of starts that are on the wire.
            async with opening as batch, aclosing(a2e):
                self._opened = True
                if self._whole:
                    await batch.ledger.list_only(row.id for row in self._rows)
                self._rows = await batch.redo(*how.redo) if how.redo else self._rows
                self._stop = batch.stop
                self._tally.spent_before = await batch.ledger.coins()
                if how.max_coins is not None:
                    await self._tell_price(a2e, how.max_coins)
                run.signals.stop = self._asked_to_stop
                await self._run_all(batch, a2e)

    async def _run_all(self, batch: Batch, a2e: A2EClient) -> None:
        self._board = board = batch_board_for(self._tally, a2e, quiet=self._run.settings.quiet)
        if board.live:
            self._run.output.hold()
        async with board, aclosing(batch.run(self._rows)) as outcomes:
            try:
                async for outcome in outcomes:
                    self._note(outcome)
            except A2EError as error:
                if error is not batch.stopped_by:
                    raise
        self._run.output.release()
        self._stopped_by = batch.stopped_by
        if self._stopped_by is not None and self._stopped_by not in self._told:
            self._troubles.note("of any id", self._stopped_by)

    async def _tell_price(self, a2e: A2EClient, max_coins: float) -> None:
        states = self._tally.states
        planned = [row for row in self._rows if states[row.id] is State.PLANNED]
        price = await price_of(a2e, planned, self._how.price)
        held = (await a2e.balance()).coins
        left = max(0.0, max_coins - self._tally.spent_before)
        self._tally.to_spend = min(left, held)
        self._run.output.note(f"{price}; {left:g} of {max_coins:g} coins are left, the account has {held:g}")

    def _asked_to_stop(self) -> None:
        self._stop()
        words = "nothing more is started; what runs is finished (once more: leave at once)"
        if self._board is not None:
            self._board.notice(words)

    def _changed(self, entry: Entry) -> None:
        """Show a change of a row; runs in the middle of its course, and must not fail."""
        self._tally.change(entry)
        self._print(entry, entry.error)

    def _note(self, outcome: Outcome) -> None:
        if outcome.error is None:
            return
        self._troubles.note(outcome.row.id, outcome.error)
        self._told.append(outcome.error)
        if outcome.entry.state is State.PLANNED and not outcome.entry.error:
            self._print(outcome.entry, str(outcome.error))  # it was given up without a change

    def _print(self, entry: Entry, error: str) -> None:
        self._run.output.result("", _as_data(self._folder, entry, error))
        if self._run.output.unread is not None:  # nobody reads any more
            self._stop()

    async def _report(self) -> None:
        """Write what there is to look at; an error here is told and changes nothing else."""
        try:
            page = await asyncio.to_thread(write_report, self._folder, read_entries(self._folder / FILE_NAME))
        except (A2EError, OSError) as error:
            self._troubles.note("of any id", error)
            return
        if not self._run.settings.json:
            self._run.output.result(str(page), {})
        self._run.output.note(f"open {page} in a browser")

    def _verdict(self, *, interrupted: bool) -> int:
        """Say what is left and how to go on, and give the exit code."""
        self._troubles.tell(self._run)
        counts = self._tally.counts
        again = same_command(self._run.settings, without=_AGAIN if self._opened else ())
        if interrupted:
            self._run.complain("interrupted; this goes on with the batch:")
            self._run.output.say(again)
            return INTERRUPTED
        if self._tally.open and isinstance(self._stopped_by, BudgetExceededError) and self._how.max_coins is not None:
            # The same line would stop at once.
            most = f"{self._how.max_coins:g}"
            self._run.complain(
                f"rows that are left: {self._tally.open}; to go on with them raise --max-coins (now {most})"
            )
        elif self._tally.open:
            poor = exit_code(self._stopped_by) == MONEY if self._stopped_by is not None else False
            more = "with more coins or another token " if poor else ""
            self._run.complain(f"rows that are left: {self._tally.open}; {more}this goes on with them:")
            self._run.output.say(again)
        if gone := [row_id for row_id, state in self._tally.states.items() if state is State.EXPIRED]:
            self._run.complain(f"rows whose result is gone: {len(gone)}; this pays for them anew:")
            self._run.output.say(shlex.join(["a2e", "batch", "redo", str(self._folder), "--", *gone[:_MOST_IDS]]))
        if failed := counts[State.FAILED] + counts[State.REFUSED]:
            self._run.complain(f"rows that have failed: {failed}; this attempts them anew:")
            self._run.output.say(retry_line(self._folder, "--failed"))
        if counts[State.UNKNOWN]:
            words = "rows that may have been started, or whose task the service denies"
            self._run.complain(f"{words}: {counts[State.UNKNOWN]}; this starts them, perhaps for a second time:")
            self._run.output.say(retry_line(self._folder, "--unknown"))
        if self._stopped_by is not None:
            return exit_code(self._stopped_by)
        return FAILED if self._tally.open or self._tally.bad or self._troubles else DONE


def known_rows(folder: Path) -> dict[str, Entry]:
    """Give what is known of each row of a batch; nothing when there is no batch yet."""
    path = folder / FILE_NAME
    return {entry.id: entry for entry in read_entries(path)} if path.is_file() else {}


def _tally(folder: Path, rows: Iterable[Row], how: How) -> Tally:
    anew = {State.FAILED, State.REFUSED} if how.failed else set()
    anew |= {State.UNKNOWN} if how.unknown else set()
    known = {row_id: entry.state for row_id, entry in known_rows(folder).items()}
    states = ((row.id, known.get(row.id, State.PLANNED)) for row in rows)
    redone = set(how.redo)
    return Tally.of((row_id, State.PLANNED if state in anew or row_id in redone else state) for row_id, state in states)


def _as_data(folder: Path, entry: Entry, error: str) -> dict[str, Any]:
    return {
        "row": entry.id,
        "family": entry.family,
        "status": entry.state.value,
        "ids": entry.task_ids,
        "coins": number(entry.coins),
        "error": error or None,
        "paths": [str(folder / file.path) for file in entry.files],
    }
