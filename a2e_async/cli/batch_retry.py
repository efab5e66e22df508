"""`a2e batch retry DIR`: go on with a batch from what its folder knows, and attempt anew what ended badly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from a2e_async.batch.ledger import read_entries
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.rows import of_entry
from a2e_async.batch.sources import read_file
from a2e_async.cli.batch_going import Going
from a2e_async.cli.batch_how import OPTIONS, How
from a2e_async.cli.codes import USAGE
from a2e_async.cli.command import command
from a2e_async.cli.run import Run


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
