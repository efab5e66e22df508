"""`a2e watch` and `a2e cancel`: tasks that somebody else has started."""

from __future__ import annotations

from contextlib import suppress

import click

from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.codes import DONE, FAILED
from a2e_async.cli.command import command
from a2e_async.cli.jobs import see_all
from a2e_async.cli.run import Run
from a2e_async.core.family import Family
from a2e_async.engine.jobs.options import DEFAULT
from a2e_async.errors import NotFoundError

_family = click.argument("family", type=FamilyName())
_ids = click.argument("task_ids", nargs=-1, required=True, metavar="ID...")


@command("watch")
@_family
@_ids
async def watch(run: Run, family: Family, task_ids: tuple[str, ...]) -> int:
    """Watch tasks to their end and print their links, or download into --out."""
    async with run.client() as a2e:
        wanted = dict.fromkeys(task_ids)
        # Watching sits through an outage; a wrong address or token shall show at once.
        with suppress(NotFoundError):
            await a2e.look(family.name, task_ids[0])
        timeout = run.settings.timeout or DEFAULT
        jobs = [(a2e.attach(family.name, task_id, timeout=timeout), task_id) for task_id in wanted]
        return await see_all(run, a2e, jobs, run.settings.out)


@command("cancel")
@_family
@_ids
async def cancel(run: Run, family: Family, task_ids: tuple[str, ...]) -> int:
    """Cancel tasks that have not begun yet; their coins come back."""
    code = DONE
    async with run.client() as a2e:
        for task_id in dict.fromkeys(task_ids):
            cancelled = await a2e.attach(family.name, task_id).cancel()
            words = "cancelled" if cancelled else "too late to cancel"
            run.output.result(f"{task_id} {words}", {"family": family.name, "id": task_id, "cancelled": cancelled})
            code = code if cancelled else FAILED
    return code
