"""`a2e batch run`, `retry` and `redo`: every row of a file, paid for once unless more is chosen for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import attrs
import click

from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.origin import Origin
from a2e_async.batch.sources import RowFile
from a2e_async.cli.batch.dry import dry_run
from a2e_async.cli.batch.late import several
from a2e_async.cli.batch.loop import BatchRun
from a2e_async.cli.batch.options import OPTIONS, BatchOptions
from a2e_async.cli.batch.origins import OPTIONS as ORIGIN_OPTIONS
from a2e_async.cli.batch.origins import SOURCE, origin_in, origin_of, read_again, rows_in, stdin_given, typed_files
from a2e_async.cli.batch.where import FAR_NAMES, FAR_OPTIONS, FLEET_NAMES, WORKER_OPTIONS, url_of
from a2e_async.cli.codes import DONE, FAILED, USAGE
from a2e_async.cli.display.output import counted
from a2e_async.cli.run import Run, command

_MOST_NAMED = 5

AS_KEPT = click.Option(
    ["--as-kept"], is_flag=True, help="Use the rows as DIR has them; do not read their source again."
)


@command(
    "run",
    params=[SOURCE, *ORIGIN_OPTIONS, *OPTIONS, *WORKER_OPTIONS],
    uses=("dry_run", "timeout", "max_starts", "out"),
    examples=(
        "a2e batch run prompts.csv --family text_to_image --out results --dry-run     # rows, price, balance",
        "a2e batch run prompts.csv --family text_to_image --out results --max-coins 5000",
        'a2e batch run photos/ --family image_to_video --prompt "she waves" --negative-prompt blurry --out videos',
        "a2e batch run 'photos/**/*.jpg' --family upscale --out large",
        "a2e batch run - --family text_to_image --out results < prompts.txt",
        "a2e batch run prompts.csv --out results --workers 3 --simulate --kill-one     # a demonstration",
    ),
)
@click.option("--retry-failed", is_flag=True, help="Retry rows that failed or were refused.")
@click.option("--skip-bad-rows", is_flag=True, help="Skip invalid rows and run the others.")
async def run_(
    run: Run,
    source: str | None,
    retry_failed: bool,  # noqa: FBT001 - click hands over flags by name
    skip_bad_rows: bool,  # noqa: FBT001 - as above
    **options: Any,  # noqa: ANN401 - the options of `Origin` and `BatchOptions`
) -> int:
    """Run every row of SOURCE and save its files in --out.

    SOURCE is a file of rows (CSV or JSON Lines), a folder of images, videos or audio, a quoted pattern of files, or -
    for prompts from stdin, one per line. Rows may name files beside the rows file, and outputs of other rows as row:ID.

    Kill it at any moment: the same command resumes, and pays for nothing twice. The first Ctrl-C or SIGTERM starts
    nothing more and lets running rows finish, the second exits at once; both end with exit code 130 and the line that
    resumes. --json prints one line per change of a row.
    """
    folder = run.settings.out
    if folder is None:
        raise click.UsageError("--out DIR is required: the batch is kept there")
    named = {option.name: options.pop(option.name) for option in ORIGIN_OPTIONS if option.name}
    origin = origin_of(source, {**named, "skip_bad": skip_bad_rows})
    fleet = {name: options.pop(name) for name in FLEET_NAMES}
    chosen = BatchOptions(**options, failed=retry_failed)
    url = url_of(folder, fleet["store"], several=bool(fleet["workers"] or fleet["kill_one"]))
    if url is not None and not run.settings.dry_run:
        place = several().place_of(folder, url, fleet["name"])
        return int(await several().run_fleet(run, place, fleet, chosen, origin))
    found = await asyncio.to_thread(origin.read, stdin=stdin_given())
    left_out = USAGE if found.bad and not skip_bad_rows else FAILED if found.bad else DONE
    if run.settings.dry_run:
        return await dry_run(run, folder, found, chosen) or left_out
    _print_bad(run, origin.source, found)
    if left_out == USAGE:
        run.print_error(
            f"{len(found.bad)} of {counted(len(found.bad) + len(found.rows), 'row')} invalid: nothing was started"
        )
        return USAGE
    _note_passed(run, found)
    return await BatchRun(run, folder, found.rows, chosen, whole=not found.bad, origin=origin).run() or left_out


def _print_bad(run: Run, source: object, found: RowFile) -> None:
    for bad in found.bad:
        run.print_error(f"{source}: {bad}")


def _note_passed(run: Run, found: RowFile) -> None:
    if found.passed:
        few = ", ".join(found.passed[:_MOST_NAMED]) + (", …" if len(found.passed) > _MOST_NAMED else "")
        run.output.note(f"{counted(len(found.passed), 'file')} of another kind passed over: {few}")


@command("retry", params=[*OPTIONS, AS_KEPT, *FAR_OPTIONS], uses=("dry_run", "timeout", "max_starts", "out"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("file", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--failed", is_flag=True, help="Retry rows that failed or were refused.")
@click.option(
    "--unknown", is_flag=True, help="Start again rows that may have been started; each may be paid for twice."
)
async def retry(
    run: Run,
    folder: Path,
    file: Path | None,
    as_kept: bool,  # noqa: FBT001 - click hands over flags by name
    **options: Any,  # noqa: ANN401 - the options of `BatchOptions`
) -> int:
    """Resume the batch in DIR and retry failed rows.

    Its rows are read again from where the last run had them, with the same options, or from FILE: a row that is not in
    there any more is not started, and one that was corrected is taken as it is now. Without --failed and --unknown it
    only resumes. --dry-run prints the rows, their price and the balance.
    """
    far = {name: options.pop(name) for name in FAR_NAMES}
    if (url := url_of(folder, far["store"])) is not None and not run.settings.dry_run:
        source = several().Again(as_kept=as_kept, file=file)
        return int(await several().retry_fleet(run, several().place_of(folder, url), far, options, source))
    origin = _origin(folder, file, as_kept=as_kept)
    _note_origin(run, origin, file)
    found = rows_in(folder / FILE_NAME) if origin is None else await _again(origin, folder, file, "retry")
    chosen = BatchOptions(**options)
    skipped = found.bad and origin is not None and origin.skip_bad
    if found.bad and not run.settings.dry_run:
        _print_bad(run, folder if origin is None else origin.source, found)
        if not skipped:
            return USAGE
    if run.settings.dry_run:
        return await dry_run(run, folder, found, chosen) or (USAGE if found.bad else DONE)
    whole = origin is not None and not found.bad
    return await BatchRun(run, folder, found.rows, chosen, whole=whole, origin=origin).run()


def _origin(folder: Path, file: Path | None, *, as_kept: bool) -> Origin | None:
    """Give where the rows of a batch are to be read, None for its ledger."""
    if as_kept and file is not None:
        raise click.UsageError("--as-kept goes by the rows as DIR has them, so give no FILE")
    before = None if as_kept else origin_in(folder / FILE_NAME)
    if file is None:
        return before
    return Origin(source=str(file)) if before is None else attrs.evolve(before, source=str(file), prompts=False)


def _note_origin(run: Run, origin: Origin | None, file: Path | None) -> None:
    """Say where rows are read again that nobody has just named: the folder may have come from somebody else."""
    if origin is not None and file is None:
        others = f", with files of {', '.join(origin.files)}" if origin.files else ""
        others += f", and {' '.join(typed)} from {origin.typed_in}" if (typed := typed_files(origin)) else ""
        run.output.note(f"rows are read again from {origin.source}{others}")


async def _again(origin: Origin, folder: Path, file: Path | None, name: str) -> RowFile:
    """Read the rows again; what is wrong with a file that was just given is said as it is."""
    if file is not None:
        return await asyncio.to_thread(origin.read)
    return await asyncio.to_thread(read_again, origin, folder, name)


@command("redo", params=[*OPTIONS, AS_KEPT, *FAR_OPTIONS], uses=("dry_run", "timeout", "max_starts", "out"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
async def redo(
    run: Run,
    folder: Path,
    ids: tuple[str, ...],
    as_kept: bool,  # noqa: FBT001 - click hands over flags by name
    **options: Any,  # noqa: ANN401 - the options of `BatchOptions`
) -> int:
    """Start rows of the batch in DIR again, in whatever state they are; each is paid for once more.

    For rows whose result has expired or does not please, and for rows that were edited, or whose files were changed,
    since they were begun: they are read again from where the last run had them. --dry-run prints them, their price and
    the balance.
    """
    wanted = tuple(dict.fromkeys(ids))
    far = {name: options.pop(name) for name in FAR_NAMES}
    if (url := url_of(folder, far["store"])) is not None and not run.settings.dry_run:
        source = several().Again(as_kept=as_kept, ids=wanted)
        return int(await several().retry_fleet(run, several().place_of(folder, url), far, options, source))
    found = rows_in(folder / FILE_NAME, wanted)
    unknown = [one for one in wanted if one not in {row.id for row in found.rows}]
    if unknown:
        raise click.UsageError(f"{folder} has no row {unknown[0]!r:.120}")
    origin = _origin(folder, None, as_kept=as_kept)
    _note_origin(run, origin, None)
    if origin is not None:
        found = _only(await _again(origin, folder, None, "redo"), wanted, origin)
    chosen = BatchOptions(**options, redo=wanted)
    if run.settings.dry_run:
        return await dry_run(run, folder, found, chosen) or (USAGE if found.bad else DONE)
    if found.bad:
        _print_bad(run, folder if origin is None else origin.source, found)
        return USAGE
    return await BatchRun(run, folder, found.rows, chosen).run()


def _only(found: RowFile, ids: tuple[str, ...], origin: Origin) -> RowFile:
    """Give these rows of a file.

    Raises:
        UsageError: One of them is not in it any more.
    """
    rows = tuple(row for row in found.rows if row.id in ids)
    bad = tuple(row for row in found.bad if row.id in ids)
    there = {row.id for row in rows} | {row.id for row in bad}
    gone = [one for one in ids if one not in there]
    if gone:
        words = f"row {gone[0]!r:.120} is not in {origin.source} any more"
        raise click.UsageError(f"{words}; --as-kept starts it as DIR has it")
    return RowFile(rows=rows, bad=bad)
