"""`a2e start FAMILY --field value...`: any family, each field an option."""

from __future__ import annotations

from a2e_async.cli.by_family import FamilyGroup
from a2e_async.cli.curl import dry_run
from a2e_async.cli.run import Run
from a2e_async.cli.starting import HOW_FAR, Asked, start_all
from a2e_async.core.family import Request
from a2e_async.core.records import Result


async def _start(run: Run, request: Request[Result], *, no_wait: bool, no_download: bool) -> int:
    if run.settings.dry_run:
        return dry_run(run, [request])
    async with run.client() as a2e:
        return await start_all(run, a2e, [request], Asked(no_wait=no_wait, no_download=no_download))


start = FamilyGroup(name="start", help="Start a task of any family.", action=_start, extra=HOW_FAR, dry_run=True)
