"""One run of a batch on the command line: shown while it runs, stopped by Ctrl-C, reported at the end.

Laws of this file. Every change is in the ledger before it is shown, so nothing here can lose a paid row: a display, a
report or a reader that fails is told and changes nothing else. Whatever ends the run, the last lines say how to go on,
and a line that could pay for a row twice says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from a2e_async.batch.batch import Batch
from a2e_async.batch.budget import coins_of_uploads, upload_coins_of
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.manifest import number
from a2e_async.batch.origin import KEY as ORIGIN
from a2e_async.batch.origin import Origin
from a2e_async.batch.own_columns import keep_names, write_whole_report
from a2e_async.batch.rows import Outcome, Row
from a2e_async.batch.steps import planned
from a2e_async.batch.stored import read_entries
from a2e_async.cli.batch.errors import ErrorSummary
from a2e_async.cli.batch.options import BatchOptions
from a2e_async.cli.batch.price import price_of, uploads_of
from a2e_async.cli.batch.simulated import BEGUN, remove_files, to_restart
from a2e_async.cli.codes import DONE, FAILED, INTERRUPTED, MONEY, exit_code
from a2e_async.cli.display.board import BatchBoard
from a2e_async.cli.display.boards import batch_board_for
from a2e_async.cli.display.output import counted
from a2e_async.cli.display.progress import Progress
from a2e_async.cli.resume import batch_line, same_command
from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.engine.jobs.options import DEFAULT
from a2e_async.errors import A2EError, BudgetExceededError
from a2e_async.store.entries import Entry, State

_COINS_A_ROW = 1_000
_RETRY_OPTIONS = ("retry_failed", "failed", "unknown")
_SIMULATOR = "the simulator"  # in place of its address, which is another one each time
_MOST_IDS = 20


class BatchRun:
    """One run of a batch.

    Args:
        run: The run of the command.
        folder: The batch's folder.
        rows: The rows to run.
        options: How to run them.
        whole: Whether these are all rows of a rows file; then rows of earlier files are no longer listed.
        origin: Where the rows come from, to be remembered for a retry.
        simulated: Arguments of a simulator to run against, whatever the options of the command say; None: as they say.

    Attributes:
        progress: The state of every row.
        page: The page that was written, None before that.
    """

    def __init__(
        self,
        run: Run,
        folder: Path,
        rows: Sequence[Row],
        options: BatchOptions,
        *,
        whole: bool = False,
        origin: Origin | None = None,
        simulated: Mapping[str, Any] | None = None,
    ) -> None:
        self._known = known_rows(folder)
        self.progress = Progress.of(options.states(rows, self._known))
        self.page: Path | None = None
        self._run = run
        self._folder = folder
        self._rows = rows
        self._options = options
        self._whole = whole
        self._origin = origin
        self._simulated = simulated
        self._simulates = run.settings.simulate or simulated is not None
        self._errors = ErrorSummary()
        self._stopped_by: Exception | None = None
        self._reported: list[Exception] = []
        self._board: BatchBoard | None = None
        self._opened = False
        self._stop: Callable[[], None] = lambda: None

    async def run(self) -> int:
        """Run every row to its files, write the report, and give the exit code."""
        signals = self._run.signals
        try:
            await signals.guard(self._run_batch())
        except (A2EError, OSError) as error:
            if not self._opened:
                raise
            self._errors.add(error)
            self._stopped_by = error
        if self._opened:
            await signals.guard(self._write_report())
        return self._finish(interrupted=signals.count > 0)

    async def _run_batch(self) -> None:
        run, options = self._run, self._options
        simulated = {"coins": _COINS_A_ROW * max(10, len(self._rows)), **(self._simulated or {})}
        async with run.client(
            options=options.client_options(), simulate=self._simulated is not None, **simulated
        ) as a2e:
            opening = Batch.open(
                self._folder,
                a2e,
                max_running=options.max_running,
                max_coins=options.max_coins,
                timeout=run.settings.timeout or DEFAULT,
                price=options.price,
                retry_failed=options.failed,
                retry_unknown=options.unknown,
                service=_SIMULATOR if self._simulates else None,
                same_account=options.same_account,
                on_change=self._on_change,
            )
            # Close the client before the ledger: closing waits for the answers of starts that were sent, and the
            # ledger must be open to write their ids down.
            async with opening as batch, aclosing(a2e):
                self._opened = True
                await self._prepare(batch)
                if options.max_coins is not None:
                    await self._print_price(a2e, options.max_coins)
                await self._run_rows(batch, a2e)

    async def _prepare(self, batch: Batch) -> None:
        if self._whole:
            await batch.ledger.list_only(row.id for row in self._rows)
        if self._origin is not None:
            await batch.ledger.keep(ORIGIN, self._origin.dump())
            await keep_names(batch.ledger, self._rows)
        if self._options.redo:
            await self._redo(batch)
        if self._simulates:
            await self._restart(batch, to_restart(self._folder, self._rows, self._known))
        uploads = coins_of_uploads(await batch.ledger.kept(upload_coins_of(batch.ledger)))
        self.progress.spent_before = await batch.ledger.coins() + uploads
        self._stop = batch.stop
        self._run.signals.stop = self._on_first_signal

    async def _redo(self, batch: Batch) -> None:
        """Let the wanted rows be started again, as they are given now."""
        given = {row.id: row for row in self._rows}
        await batch.ledger.plan([planned(row) for row in self._rows])  # notes what was edited since
        self._rows = [given.get(row.id, row) for row in await batch.redo(*self._options.redo)]

    async def _restart(self, batch: Batch, row_ids: Collection[str]) -> None:
        """Let rows start again whose simulator has ended; see `simulated`."""
        restarted = await batch.ledger.again(row_ids, BEGUN)
        for row_id in restarted:
            self.progress.restart(row_id)
        await asyncio.to_thread(remove_files, self._folder, [self._known[row_id] for row_id in restarted])

    async def _run_rows(self, batch: Batch, a2e: A2EClient) -> None:
        self._board = board = batch_board_for(self.progress, a2e, quiet=self._run.settings.quiet)
        if board.live:
            self._run.output.hold()
        async with board, aclosing(batch.run(self._rows)) as outcomes:
            try:
                async for outcome in outcomes:
                    self._on_outcome(outcome)
            except A2EError as error:
                if error is not batch.stopped_by:
                    raise
        self._run.output.release()
        self._stopped_by = batch.stopped_by
        if self._stopped_by is not None and self._stopped_by not in self._reported:
            self._errors.add(self._stopped_by)

    async def _print_price(self, a2e: A2EClient, max_coins: float) -> None:
        states = self.progress.states
        planned = [row for row in self._rows if states[row.id] is State.PLANNED]
        price = await price_of(a2e, planned, self._options.price)
        balance = (await a2e.balance()).coins
        left = max(0.0, max_coins - self.progress.spent_before)
        self.progress.to_spend = min(left, balance)
        uploads = uploads_of(planned, self._options.upload_price)
        self._run.output.note(f"{price}{uploads}; {left:g} of {max_coins:g} coins left, the account has {balance:g}")

    def _on_first_signal(self) -> None:
        self._stop()
        if self._board is not None:
            self._board.notice("stopping: nothing more is started, running rows finish (Ctrl-C again: leave at once)")

    def _on_change(self, entry: Entry) -> None:
        """Show a change of a row; the batch calls it between two steps of the row, so it must not fail."""
        self.progress.change(entry)
        self._print(entry, entry.error)

    def _on_outcome(self, outcome: Outcome) -> None:
        if outcome.error is None:
            return
        self._errors.add(outcome.error, outcome.row.id)
        self._reported.append(outcome.error)
        if outcome.entry.state is State.PLANNED and not outcome.entry.error:
            self._print(outcome.entry, str(outcome.error))  # its state has not changed, so nothing was printed yet

    def _print(self, entry: Entry, error: str) -> None:
        self._run.output.result("", as_data(self._folder, entry, error))
        if self._run.output.unread is not None:  # nobody reads stdout any more
            self._stop()

    async def _write_report(self) -> None:
        """Write manifests and page; an error here is told and changes nothing else."""
        try:
            page = await asyncio.to_thread(write_whole_report, self._folder)
        except (A2EError, OSError) as error:
            self._errors.add(error)
            return
        self.page = page
        if not self._run.settings.json:
            self._run.output.result(str(page), {})
        self._run.output.note(f"open {page} in a browser")

    def _finish(self, *, interrupted: bool) -> int:
        """Print the errors and how to go on, and give the exit code."""
        self._errors.print(self._run)
        if interrupted:
            self._offer("interrupted; to resume:", self._same_command())
            return INTERRUPTED
        self._offer_resume()
        self._offer_retries()
        if self._stopped_by is not None:
            return exit_code(self._stopped_by)
        return FAILED if self.progress.open or self.progress.bad or self._errors else DONE

    def _offer_resume(self) -> None:
        if not self.progress.open:
            return
        left, most = f"{counted(self.progress.open, 'row')} left", self._options.max_coins
        if isinstance(self._stopped_by, BudgetExceededError) and most is not None:
            # No line to paste: the same one would stop at once, and how much more to spend is not ours to say.
            self._run.print_error(f"{left}; to go on, raise --max-coins (now {most:g})")
            return
        poor = self._stopped_by is not None and exit_code(self._stopped_by) == MONEY
        self._offer(f"{left}; to resume{', with more coins or another token' if poor else ''}:", self._same_command())

    def _offer_retries(self) -> None:
        counts = self.progress.counts
        if gone := [row_id for row_id, state in self.progress.states.items() if state is State.EXPIRED]:
            line = batch_line("redo", self._folder, ids=gone[:_MOST_IDS], simulate=self._simulates)
            words = f"{counted(len(gone), 'row')} expired: the service no longer has the result"
            self._offer(f"{words}; to pay for a new one:", line)
        if failed := counts[State.FAILED] + counts[State.REFUSED]:
            self._offer(f"{counted(failed, 'row')} failed or refused; to retry:", self._retry_line("--failed"))
        if unknown := counts[State.UNKNOWN]:
            words = f"{counted(unknown, 'row')} unknown: the start may have been taken"
            self._offer(f"{words}; to start again and perhaps pay twice:", self._retry_line("--unknown"))

    def _offer(self, why: str, line: str) -> None:
        """Print a reason, and below it a line that can be pasted; both stay with --quiet."""
        self._run.print_error(why)
        self._run.output.say(line)

    def _same_command(self) -> str:
        return same_command(self._run.settings, without=_RETRY_OPTIONS if self._opened else ())

    def _retry_line(self, option: str) -> str:
        return batch_line("retry", self._folder, option, simulate=self._simulates)


def known_rows(folder: Path) -> dict[str, Entry]:
    """Give what the ledger of a folder knows of each row; nothing where no batch is."""
    path = folder / FILE_NAME
    return {entry.id: entry for entry in read_entries(path)} if path.is_file() else {}


def as_data(folder: Path, entry: Entry, error: str) -> dict[str, Any]:
    """Give what a JSON line says of a row."""
    return {
        "row": entry.id,
        "family": entry.family,
        "status": entry.state.value,
        "ids": entry.task_ids,
        "coins": number(entry.coins),
        "error": error or None,
        "paths": [str(folder / file.path) for file in entry.files],
    }
