"""`a2e batch run`, `retry` and `redo`: every row of a file, paid for once unless more is chosen for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.rows import as_given
from a2e_async.batch.sources import RowFile, read_file
from a2e_async.batch.stored import read_entries
from a2e_async.cli.batch.dry import dry_run
from a2e_async.cli.batch.loop import BatchRun
from a2e_async.cli.batch.options import OPTIONS, BatchOptions
from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.codes import DONE, FAILED, USAGE
from a2e_async.cli.display.output import counted
from a2e_async.cli.run import Run, command
from a2e_async.core.family import Family


@command(
    "run",
    params=[*OPTIONS],
    uses=("dry_run", "timeout", "max_starts", "out"),
    examples=(
        "a2e batch run prompts.csv --family text_to_image --out results --dry-run     # rows, price, balance",
        "a2e batch run prompts.csv --family text_to_image --out results --max-coins 5000",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--family", type=FamilyName(), help="The family of rows that name none.")
@click.option("--retry-failed", is_flag=True, help="Retry rows that failed or were refused.")
@click.option("--skip-bad-rows", is_flag=True, help="Run the others when some rows are invalid.")
async def run_(
    run: Run,
    file: Path,
    family: Family | None,
    retry_failed: bool,  # noqa: FBT001 - click hands over flags by name
    skip_bad_rows: bool,  # noqa: FBT001 - as above
    **options: Any,  # noqa: ANN401 - the options of `BatchOptions`
) -> int:
    """Run every row of FILE (CSV or JSON Lines) and save its files in --out.

    Kill it at any moment: the same command resumes, and pays for nothing twice. After Ctrl-C or SIGTERM nothing more
    is started and running rows finish, a second one leaves at once; both end with exit code 130 and the line that
    resumes. --json prints one line per change of a row. --dry-run prints the rows, their price and the balance.
    """
    folder = run.settings.out
    if folder is None:
        raise click.UsageError("--out DIR is required: the batch is kept there")
    found = read_file(file, family.name if family else None)
    chosen = BatchOptions(**options, failed=retry_failed)
    left_out = USAGE if found.bad and not skip_bad_rows else FAILED if found.bad else DONE
    if run.settings.dry_run:
        return await dry_run(run, folder, found, chosen) or left_out
    _print_bad(run, file, found)
    if left_out == USAGE:
        run.print_error(
            f"{len(found.bad)} of {counted(len(found.bad) + len(found.rows), 'row')} invalid: nothing was started"
        )
        return USAGE
    return await BatchRun(run, folder, found.rows, chosen, whole=not found.bad).run() or left_out


def _print_bad(run: Run, file: Path, found: RowFile) -> None:
    for bad in found.bad:
        run.print_error(f"{file}: {bad}")


@command("retry", params=[*OPTIONS], uses=("dry_run", "timeout", "max_starts"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--failed", is_flag=True, help="Retry rows that failed or were refused.")
@click.option(
    "--unknown", is_flag=True, help="Start rows again that may have been started; each may be paid for twice."
)
async def retry(run: Run, folder: Path, file: Path | None, **options: Any) -> int:  # noqa: ANN401 - the options of `BatchOptions`
    """Resume the batch in DIR and retry failed rows.

    The rows are those of the file that was run last, as DIR has them; with FILE they are read again, for instance
    after their fields were corrected. Without --failed and --unknown it only resumes. --dry-run prints the rows, their
    price and the balance.
    """
    found = _rows_of(folder) if file is None else read_file(file)
    chosen = BatchOptions(**options)
    if found.bad and not run.settings.dry_run:
        _print_bad(run, file or folder, found)
        return USAGE
    if run.settings.dry_run:
        return await dry_run(run, folder, found, chosen) or (USAGE if found.bad else DONE)
    return await BatchRun(run, folder, found.rows, chosen, whole=file is not None).run()


@command("redo", params=[*OPTIONS], uses=("dry_run", "timeout", "max_starts"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
async def redo(run: Run, folder: Path, ids: tuple[str, ...], **options: Any) -> int:  # noqa: ANN401 - the options of `BatchOptions`
    """Start rows of the batch in DIR again, in whatever state they are; each is paid for once more.

    For rows whose result has expired or does not please, and for rows that were edited since they were begun: their
    newest fields are used. --dry-run prints them, their price and the balance.
    """
    wanted = tuple(dict.fromkeys(ids))
    found = _rows_of(folder, wanted)
    unknown = [one for one in wanted if one not in {row.id for row in found.rows}]
    if unknown:
        raise click.UsageError(f"{folder} has no row {unknown[0]!r:.120}")
    chosen = BatchOptions(**options, redo=wanted)
    if run.settings.dry_run:
        return await dry_run(run, folder, found, chosen)
    return await BatchRun(run, folder, found.rows, chosen).run()


def _rows_of(folder: Path, ids: tuple[str, ...] | None = None) -> RowFile:
    """Give the rows of a batch from its ledger: these, or all that the newest rows file has."""
    known = [entry for entry in read_entries(folder / FILE_NAME) if (entry.listed if ids is None else entry.id in ids)]
    return RowFile(rows=tuple(map(as_given, known)), bad=())
