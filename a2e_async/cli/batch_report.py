"""`a2e batch report DIR`: the manifests and the page of a batch, from its folder alone."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import click

from a2e_async.batch.ledger import read_entries
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.report import write_report
from a2e_async.cli.command import command
from a2e_async.cli.run import Run


@command("report")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
async def report(run: Run, folder: Path) -> None:
    """Write the manifests and the page of the batch in DIR.

    It needs no token, and may be asked while the batch runs.
    """
    page = await asyncio.to_thread(_write, folder)
    names = {"page": page, "manifest": folder / "manifest.jsonl", "table": folder / "manifest.csv"}
    run.output.result(str(page), {name: str(path) for name, path in names.items()})
    run.output.say(f"open {page} in a browser")


def _write(folder: Path) -> Path:
    entries = read_entries(folder / FILE_NAME)
    first = list(itertools.islice(entries, 1))  # a folder without a batch is refused before anything is written
    return write_report(folder, itertools.chain(first, entries))
