"""`a2e upload FILE`: a file becomes a link that the service can fetch."""

from __future__ import annotations

from pathlib import Path

import click

from a2e_async.cli.command import command
from a2e_async.cli.run import Run


@command("upload")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
async def upload(run: Run, file: Path) -> None:
    """Upload FILE and print its link."""
    async with run.client(quick=True) as a2e:
        url = await a2e.upload(file)
    run.output.result(url, {"file": str(file), "url": url})
