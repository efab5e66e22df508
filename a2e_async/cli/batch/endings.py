"""How a run by several processes ends: what went wrong, the line that goes on, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from a2e_async.cli.batch.where import shown_url
from a2e_async.cli.batch.workers import FleetOptions
from a2e_async.cli.codes import DONE, FAILED, INTERRUPTED
from a2e_async.cli.display.output import counted
from a2e_async.cli.display.progress import Progress
from a2e_async.cli.resume import same_command
from a2e_async.cli.run import Run
from a2e_async.engine.settings import STORE_VARIABLE
from a2e_async.fleet.local import FENCED
from a2e_async.store.entries import State

_ORDINARY = (DONE, FAILED, FENCED)  # ends of a worker that say nothing of the whole
_ONCE = ("kill_one", "retry_failed", "failed", "unknown", "ids")  # what is done by now


def finish(
    run: Run,
    fleet: FleetOptions,
    progress: Progress,
    codes: Sequence[int],
    errors: Iterable[tuple[State, str, int]],
) -> int:
    """Print the errors and how to go on, and give the exit code.

    Args:
        run: The run of the command.
        fleet: Who has worked on the batch.
        progress: How far it is.
        codes: How each worker's process has ended.
        errors: The errors of rows, with how many rows have each.
    """
    for state, words, count in errors:
        run.print_error(f"{counted(count, 'row')} {state.word}: {words}")
    if run.signals.count:
        _offer(run, fleet, "interrupted; to resume:")
        return INTERRUPTED
    if progress.open:
        _offer(run, fleet, f"{counted(progress.open, 'row')} left; to resume:")
    if failed := progress.counts[State.FAILED] + progress.counts[State.REFUSED]:
        run.print_error(f"{counted(failed, 'row')} failed or refused; a2e batch retry --failed starts them again")
    if unknown := progress.counts[State.UNKNOWN]:
        words = "the start may have been taken; a2e batch retry --unknown starts them again and may pay twice"
        run.print_error(f"{counted(unknown, 'row')} unknown: {words}")
    if expired := progress.counts[State.EXPIRED]:
        words = "the service has the result no more; a2e batch redo with their ids makes them again, and pays again"
        run.print_error(f"{counted(expired, 'row')} expired: {words}")
    bad = [code for code in codes if code > 0 and code not in _ORDINARY]
    if progress.open and bad:
        return bad[0]
    return FAILED if progress.open or progress.bad else DONE


def _offer(run: Run, fleet: FleetOptions, why: str) -> None:
    """Print a reason, and below it a line that can be pasted; a password is in none."""
    hidden = shown_url(fleet.url) is None
    run.print_error(f"{why.removesuffix(':')}, with {STORE_VARIABLE} set as it was:" if hidden else why)
    run.output.say(same_command(run.settings, without=(*_ONCE, *(("store",) if hidden else ()))))
