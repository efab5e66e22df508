"""`a2e balance` and `a2e quote`: what there is, and what a start would cost."""

from __future__ import annotations

import attrs

from a2e_async.cli.by_family import FamilyGroup
from a2e_async.cli.command import command
from a2e_async.cli.run import Run
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


quote = FamilyGroup(name="quote", help="Print what a start would cost; it is free to ask.", action=_quote)
