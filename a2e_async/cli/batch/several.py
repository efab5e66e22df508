"""How `a2e batch run`, `retry` and `redo` hand a batch to several processes; loaded only where they do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch.origin import STDIN, Origin
from a2e_async.batch.spool import Spool
from a2e_async.cli.batch.far import far_report, far_status, far_stop
from a2e_async.cli.batch.fleet import FleetRun
from a2e_async.cli.batch.options import BatchOptions
from a2e_async.cli.batch.origins import stdin_given
from a2e_async.cli.batch.targets import FleetPlace, place_of
from a2e_async.cli.batch.watch import watch
from a2e_async.cli.codes import DONE, FAILED, USAGE
from a2e_async.cli.display.output import counted
from a2e_async.cli.run import Run
from a2e_async.errors import UsageError
from a2e_async.store.entries import State

__all__ = ["Again", "far_report", "far_status", "far_stop", "place_of", "retry_fleet", "run_fleet", "watch"]

_MOST_SHOWN = 100
_FINAL = [state for state in State if state.final]


@attrs.frozen(kw_only=True)
class Again:
    """What is attempted anew.

    Attributes:
        as_kept: Whether rows are taken as the store has them, and not read again.
        file: Where they are read, None: where the last run had them.
        ids: Only these rows, in whatever state they ended; None: all that failed, or may have been started.
    """

    as_kept: bool = False
    file: Path | None = None
    ids: tuple[str, ...] | None = None


async def run_fleet(run: Run, place: FleetPlace, given: Mapping[str, Any], batch: BatchOptions, origin: Origin) -> int:
    """Bring rows to their files by several processes; gives the exit code.

    Args:
        run: The run of the command.
        place: Where the batch is.
        given: What the options of `where.FLEET_NAMES` say.
        batch: How it is run.
        origin: Where its rows come from.
    """
    spool = await asyncio.to_thread(_read, origin)
    try:
        if not _is_usable(run, spool, origin):
            return USAGE
        if not spool.count:
            return FAILED
        named = {name: given[name] for name in ("workers", "lease", "shared", "kill_one")}
        fleet = FleetRun(run, place.folder, batch, place.fleet(**named))
        return await fleet.plan_and_run(spool, origin) or (FAILED if spool.bad_count else DONE)
    finally:
        spool.close()


async def retry_fleet(
    run: Run, place: FleetPlace, given: Mapping[str, Any], options: Mapping[str, Any], again: Again
) -> int:
    """Let rows of a batch in a store be attempted anew, and work until nothing is left; gives the exit code.

    Args:
        run: The run of the command.
        place: Where the batch is.
        given: What `--workers` and `--lease` say.
        options: What the options of `BatchOptions` say.
        again: What is attempted anew.
    """
    folder = run.settings.out or place.folder
    if run.settings.out is None and not folder.is_dir():
        raise UsageError(f"--out DIR is required: {folder} is no folder of this machine, and files are saved there")
    batch = BatchOptions(**options)
    states = [State.FAILED, State.REFUSED] if batch.failed else []
    states += [State.UNKNOWN] if batch.unknown else []
    target = attrs.evolve(place, folder=folder)
    fleet = FleetRun(run, folder, batch, target.fleet(workers=given["workers"], lease=given["lease"]))

    def read(origin: Origin | None) -> Spool | None:
        if again.file is not None:
            origin = Origin(source=str(again.file)) if origin is None else attrs.evolve(origin, source=str(again.file))
        if again.as_kept or origin is None or origin.source == STDIN or not origin.is_there:
            return None
        spool = _read(origin)
        if not _is_usable(run, spool, origin):
            spool.close()
            raise UsageError("nothing was started")
        return spool

    return await fleet.retry(_FINAL if again.ids is not None else states, again.ids, read)


def _read(origin: Origin) -> Spool:
    return Spool.of(origin.rows(stdin=stdin_given() if origin.source == STDIN else None))


def _is_usable(run: Run, spool: Spool, origin: Origin) -> bool:
    """Print the rows that cannot be started, and say whether the others are."""
    for bad in spool.bad[:_MOST_SHOWN]:
        run.print_error(f"{origin.source}: {bad}")
    if spool.bad_count > _MOST_SHOWN:
        run.print_error(f"and {counted(spool.bad_count - _MOST_SHOWN, 'more invalid row')}")
    if spool.bad_count and not origin.skip_bad:
        words = f"{spool.bad_count} of {counted(spool.bad_count + spool.count, 'row')} invalid"
        run.print_error(f"{words}: nothing was started")
        return False
    return True
