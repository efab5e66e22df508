"""`a2e balance`, `a2e quote`, `a2e upload`: calls that start no task."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from a2e_async.cli.by_family import FamilyGroup
from a2e_async.cli.run import Run, command
from a2e_async.core.family import Request
from a2e_async.core.records import Result


@command("balance")
async def balance(run: Run) -> None:
    """Print the coins of the account."""
    async with run.client(quick=True) as a2e:
        found = await a2e.balance()
    run.output.result(f"{found.coins:g} coins, {found.diamonds:g} diamonds", attrs.asdict(found))


async def _quote(run: Run, request: Request[Result]) -> int:
    async with run.client(quick=True) as a2e:
        found = await a2e.quote(request)
    run.output.result(f"{found.coins:g} coins", attrs.asdict(found))
    return 0


quote = FamilyGroup(name="quote", help="Print what a start would cost; asking is free.", action=_quote)


@command("upload", examples=("a2e upload kite.png moon.jpg",))
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
async def upload(run: Run, files: tuple[Path, ...]) -> None:
    """Upload each FILE and print its URL."""
    async with run.client(quick=True) as a2e:
        for file in files:
            url = await a2e.upload(file)
            run.output.result(url, {"file": str(file), "url": url}, paid=True)
