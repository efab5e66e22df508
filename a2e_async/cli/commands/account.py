"""`a2e balance`, `a2e quote`, `a2e upload`: calls that start no task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import attrs
import click

from a2e_async.cli.by_family import FamilyGroup
from a2e_async.cli.run import Run, command
from a2e_async.core.family import Request
from a2e_async.core.inputs import FaultError
from a2e_async.core.records import Result
from a2e_async.core.transfers import Transfers
from a2e_async.errors import UsageError


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


@command("upload", examples=("a2e upload kite.png moon.jpg", "a2e upload scan.tga --kind image/x-tga"))
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "--kind",
    metavar="TYPE",
    help="The content type, such as image/x-tga, of files that do not tell it, or that are sent as they are although "
    "they seem to be cut.",
)
async def upload(run: Run, files: tuple[Path, ...], kind: str | None) -> None:
    """Upload each FILE and print its URL.

    All of them are examined before the first is sent.
    """
    await asyncio.to_thread(_examine, files, kind)
    async with run.client(quick=True) as a2e:
        for file in files:
            url = await a2e.upload(file, kind=kind)
            run.output.result(url, {"file": str(file), "url": url}, paid=True)


def _examine(files: Sequence[Path], kind: str | None) -> None:
    """Refuse what cannot be uploaded, before anything that stands before it is paid for."""
    from a2e_async.engine.files.contents import FileAt  # noqa: PLC0415 - only commands with files need it
    from a2e_async.engine.files.examining import Examiner, check_kind  # noqa: PLC0415 - as above

    check_kind(kind)
    examiner = Examiner(Transfers().largest)
    for file in files:
        try:
            examiner.examine(FileAt(file), kind)
        except FaultError as fault:
            raise UsageError(f"upload: {file} {fault}") from fault
