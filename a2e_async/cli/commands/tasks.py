"""`a2e show`, `list`, `watch`, `cancel`, `download`: tasks that have been started by whomever."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import click

from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.codes import DONE, FAILED
from a2e_async.cli.jobs import see_all
from a2e_async.cli.run import Run, command
from a2e_async.core.family import Family
from a2e_async.core.records import Record
from a2e_async.core.status import Status
from a2e_async.engine.jobs.options import DEFAULT
from a2e_async.errors import NotFoundError

_family = click.argument("family", type=FamilyName())
_ids = click.argument("task_ids", nargs=-1, required=True, metavar="ID...")


def as_data(family: Family, record: Record) -> dict[str, Any]:
    """Give a record as a JSON object, without the service's own wording of it."""
    # Not recursively: what the service puts into a record may be nested deeper than Python's stack.
    data = attrs.asdict(record, recurse=False, filter=lambda field, _value: field.name != "raw")
    created = record.created_at.isoformat() if record.created_at else None
    return {"family": family.name, **data, "status": record.status.value, "created_at": created}


def as_text(record: Record) -> str:
    """Give a record as lines for people."""
    facts: Iterable[tuple[str, object]] = (
        ("id", record.id),
        ("name", record.name),
        ("status", record.status.value),
        ("coins", "" if record.coins is None else f"{record.coins:g}"),
        ("created", _moment(record)),
        ("failed", " ".join(filter(None, (record.failed_code, record.failed_message)))),
        *(("url", url) for url in record.urls),
    )
    return "\n".join(f"{name + ':':9}{value}" for name, value in facts if value != "")


def _moment(record: Record) -> str:
    return record.created_at.astimezone().isoformat(" ", "seconds") if record.created_at else ""


@command("show")
@_family
@click.argument("task_id", metavar="ID")
async def show(run: Run, family: Family, task_id: str) -> None:
    """Print what the service says about one task now."""
    async with run.client(quick=True) as a2e:
        record = await a2e.look(family.name, task_id)
    run.output.result(as_text(record), as_data(family, record))


@command("list")
@_family
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
async def list_(run: Run, family: Family, limit: int) -> None:
    """List the newest tasks of a family."""
    async with run.client(quick=True) as a2e:
        async for record in a2e.records(family.name, limit=limit):
            coins = "" if record.coins is None else f"{record.coins:g}"
            line = f"{record.id}  {record.status.value:<11}  {coins:>6}  {_moment(record)}  {record.name}"
            run.output.result(line.rstrip(), as_data(family, record))


@command("download")
@_family
@_ids
async def download(run: Run, family: Family, task_ids: tuple[str, ...]) -> int:
    """Download what completed tasks have made.

    It goes to --out, by default here.
    """
    async with run.client() as a2e:
        ready = []
        for task_id in task_ids:
            record = await a2e.look(family.name, task_id)
            if record.status is Status.COMPLETED:
                paths = await a2e.download(record, run.settings.out or Path())
                data = as_data(family, record) | {"paths": [str(path) for path in paths]}
                run.output.result("\n".join(map(str, paths)), data)
                ready.append(task_id)
            else:
                run.complain(f"task {task_id} is {record.status.value}; a2e watch {family.name} {task_id} waits for it")
    return DONE if len(ready) == len(task_ids) else FAILED


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
