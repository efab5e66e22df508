"""`a2e show`, `a2e list` and `a2e download`: what the service says about tasks, and their files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import click

from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.codes import DONE, FAILED
from a2e_async.cli.command import command
from a2e_async.cli.run import Run
from a2e_async.core.family import Family
from a2e_async.core.records import Record
from a2e_async.core.status import Status

_family = click.argument("family", type=FamilyName())


def as_data(family: Family, record: Record) -> dict[str, Any]:
    """Give a record as a JSON object, without the service's own wording of it."""
    data = attrs.asdict(record, filter=lambda field, _value: field.name != "raw")
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
@click.argument("task_ids", nargs=-1, required=True, metavar="ID...")
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
