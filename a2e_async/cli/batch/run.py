"""`a2e batch run FILE --out DIR` and `a2e batch retry DIR`: every row of a file, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.rows import as_given
from a2e_async.batch.sources import RowFile, read_file
from a2e_async.batch.stored import read_entries
from a2e_async.cli.batch.dry import dry_run
from a2e_async.cli.batch.loop import Going
from a2e_async.cli.batch.options import OPTIONS, How
from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.codes import DONE, FAILED, USAGE
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
    return await Going(run, folder, found.rows, asked, whole=not found.bad).go() or left_out


def _tell_bad(run: Run, file: Path, found: RowFile) -> None:
    for bad in found.bad:
        run.complain(f"{file}: {bad}")


@command("retry", params=[*OPTIONS], uses=("dry_run", "timeout", "max_starts"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--failed", is_flag=True, help="Attempt rows anew that have failed or were refused.")
@click.option(
    "--unknown", is_flag=True, help="Start rows anew that may have been started; each may be paid for a second time."
)
async def retry(run: Run, folder: Path, file: Path | None, **how: Any) -> int:  # noqa: ANN401 - the options of `How`
    """Go on with the batch in DIR, and attempt anew what ended badly.

    The rows are those of the rows file that was run last, as DIR knows them; FILE gives them anew, as when their
    fields were mended. Without --failed and --unknown it only goes on with what is left. --dry-run prints the rows,
    their price and the balance.
    """
    found = _rows_of(folder) if file is None else read_file(file)
    asked = How(**how)
    if found.bad and not run.settings.dry_run:
        _tell_bad(run, file or folder, found)
        return USAGE
    if run.settings.dry_run:
        return await dry_run(run, folder, found, asked) or (USAGE if found.bad else DONE)
    return await Going(run, folder, found.rows, asked, whole=file is not None).go()


@command("redo", params=[*OPTIONS], uses=("dry_run", "timeout", "max_starts"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
async def redo(run: Run, folder: Path, ids: tuple[str, ...], **how: Any) -> int:  # noqa: ANN401 - the options of `How`
    """Start rows of the batch in DIR anew, whatever they came to: each is paid for once more.

    For rows whose result has gone, and for those that were edited since they were begun: they are taken as they were
    given last. --dry-run prints them, their price and the balance.
    """
    wanted = tuple(dict.fromkeys(ids))
    found = _rows_of(folder, wanted)
    unknown = [one for one in wanted if one not in {row.id for row in found.rows}]
    if unknown:
        raise click.UsageError(f"there is no row {unknown[0]!r:.120} in {folder}")
    asked = How(**how, redo=wanted)
    if run.settings.dry_run:
        return await dry_run(run, folder, found, asked)
    return await Going(run, folder, found.rows, asked).go()


def _rows_of(folder: Path, ids: tuple[str, ...] | None = None) -> RowFile:
    """Give rows as a batch knows them: these, or all that its rows file still has."""
    known = [entry for entry in read_entries(folder / FILE_NAME) if (entry.listed if ids is None else entry.id in ids)]
    return RowFile(rows=tuple(map(as_given, known)), bad=())
