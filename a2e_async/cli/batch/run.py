"""`a2e batch run FILE --out DIR` and `a2e batch retry DIR`: every row of a file, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from a2e_async.batch.ledger import read_entries
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.rows import of_entry
from a2e_async.batch.sources import RowFile, read_file
from a2e_async.cli.batch.dry import dry_run
from a2e_async.cli.batch.loop import Going
from a2e_async.cli.batch.options import OPTIONS, How
from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.codes import DONE, FAILED, USAGE
from a2e_async.cli.run import Run, command
from a2e_async.core.family import Family


@command("run", params=[*OPTIONS], dry_run=True)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--family", type=FamilyName(), help="The family of rows that name none.")
@click.option("--retry-failed", is_flag=True, help="Attempt rows anew that have failed or were refused.")
@click.option("--skip-bad-rows", is_flag=True, help="Go on without the rows that cannot be started.")
async def run_(
    run: Run,
    file: Path,
    family: Family | None,
    retry_failed: bool,  # noqa: FBT001 - click hands over flags by name
    skip_bad_rows: bool,  # noqa: FBT001 - as above
    **how: Any,  # noqa: ANN401 - the options of `How`
) -> int:
    """Bring every row of FILE (CSV or JSON Lines) to its files in --out, once.

    It can be killed at any moment: the same command goes on, and pays for nothing twice. Ctrl-C or SIGTERM starts
    nothing more and finishes what runs, a second one leaves at once; both end with exit code 130 and the line that
    goes on. --json prints one line for each change of a row. --dry-run prints the rows, their price and the balance.
    """
    folder = run.settings.out
    if folder is None:
        raise click.UsageError("--out DIR must be given: the batch lives there")
    found = read_file(file, family.name if family else None)
    asked = How(**how, failed=retry_failed)
    left_out = USAGE if found.bad and not skip_bad_rows else FAILED if found.bad else DONE
    if run.settings.dry_run:
        return await dry_run(run, folder, found, asked) or left_out
    _tell_bad(run, file, found)
    if left_out == USAGE:
        run.complain(f"{len(found.bad)} of {len(found.bad) + len(found.rows)} rows are bad, so nothing was started")
        return USAGE
    return await Going(run, folder, found.rows, asked).go() or left_out


def _tell_bad(run: Run, file: Path, found: RowFile) -> None:
    for bad in found.bad:
        run.complain(f"{file}: {bad}")


@command("retry", params=[*OPTIONS])
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--failed", is_flag=True, help="Attempt rows anew that have failed or were refused.")
@click.option(
    "--unknown", is_flag=True, help="Start rows anew that may have been started; each may be paid for a second time."
)
async def retry(run: Run, folder: Path, file: Path | None, **how: Any) -> int:  # noqa: ANN401 - the options of `How`
    """Go on with the batch in DIR, and attempt anew what ended badly.

    The rows are those that DIR knows; FILE gives them anew, as when their fields were mended. Without --failed and
    --unknown it only goes on with what is left.
    """
    known = list(read_entries(folder / FILE_NAME))
    if file is None:
        return await Going(run, folder, [of_entry(entry) for entry in known], How(**how)).go()
    found = read_file(file)
    for bad in found.bad:
        run.complain(f"{file}: {bad}")
    if found.bad:
        return USAGE
    return await Going(run, folder, found.rows, How(**how)).go()
