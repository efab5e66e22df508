"""`a2e show`, `list`, `watch`, `cancel`, `download`: tasks of the account, whoever started them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import click

from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.codes import DONE, FAILED, exit_code
from a2e_async.cli.display.output import one_line, plain
from a2e_async.cli.jobs import run_jobs
from a2e_async.cli.resume import task_line
from a2e_async.cli.run import Run, command
from a2e_async.client import A2EClient
from a2e_async.core.family import Family
from a2e_async.core.records import Record
from a2e_async.core.status import Status
from a2e_async.engine.files.names import require_writable
from a2e_async.engine.jobs.options import DEFAULT
from a2e_async.errors import A2EError, AuthenticationError, NotFoundError, TransportError

_ID = re.compile(r"[0-9a-f]{24}")
_NEW = 3600.0  # seconds; far more than a replica of the service lags behind, or than clocks differ

_family = click.argument("family", type=FamilyName())
_ids = click.argument("task_ids", nargs=-1, required=True, metavar="ID...")


def as_data(family: Family, record: Record) -> dict[str, Any]:
    """Give a record as a JSON object, without the service's raw fields."""
    # Not recursively: a record may be nested deeper than Python's stack.
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
    return "\n".join(f"{name + ':':9}{one_line(str(value))}" for name, value in facts if value != "")


def _moment(record: Record) -> str:
    return record.created_at.astimezone().isoformat(" ", "seconds") if record.created_at else ""


@command("show")
@_family
@click.argument("task_id", metavar="ID")
async def show(run: Run, family: Family, task_id: str) -> None:
    """Print the record of one task."""
    async with run.client(quick=True) as a2e:
        record = await a2e.record(family.name, task_id)
    run.output.result(as_text(record), as_data(family, record))


@command("list")
@_family
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Most tasks to list.")
async def list_(run: Run, family: Family, limit: int) -> None:
    """List the newest tasks of a family."""
    async with run.client(quick=True) as a2e:
        async for record in a2e.records(family.name, limit=limit):
            coins = "" if record.coins is None else f"{record.coins:g}"
            line = f"{record.id}  {record.status.value:<11}  {coins:>6}  {_moment(record)}  {record.name}"
            run.output.result(plain(line.rstrip()).replace("\n", " "), as_data(family, record))
            if run.output.unread is not None:  # `| head` has seen enough
                break


@command("download", uses=("out",), examples=("a2e download image_to_video 65f0c0ffee0000000000abcd --out videos",))
@_family
@_ids
async def download(run: Run, family: Family, task_ids: tuple[str, ...]) -> int:
    """Download the files of completed tasks.

    They are saved in --out, by default in the current folder.
    """
    codes = [DONE]
    await asyncio.to_thread(require_writable, run.settings.out or Path())
    async with run.client() as a2e:
        for task_id in dict.fromkeys(task_ids):
            try:
                record = await a2e.record(family.name, task_id)
                codes.append(await _download(run, a2e, family, record))
            except (AuthenticationError, TransportError):  # the next id would fail alike
                raise
            except NotFoundError as error:
                codes.append(_unknown(run, family, task_id, error))
            except (A2EError, OSError) as error:
                codes.append(run.fail(error))
    return max(codes)


async def _download(run: Run, a2e: A2EClient, family: Family, record: Record) -> int:
    if record.status is Status.COMPLETED:
        paths = await a2e.download(record, run.settings.out or Path())
        data = as_data(family, record) | {"paths": [str(path) for path in paths]}
        run.output.result("\n".join(map(str, paths)), data, paid=True)
        return DONE
    if record.status is Status.FAILED:
        reason = " ".join(filter(None, (record.failed_code, record.failed_message))) or "the service gives no reason"
        run.print_error(f"task {record.id} failed: {reason}")
        return FAILED
    run.print_error(f"task {record.id} is {record.status.value}; to wait for it:")
    run.output.say(task_line("watch", family.name, [record.id], run.settings, run.settings.out or Path()))
    return FAILED


@command(
    "watch",
    uses=("timeout", "out"),
    examples=("a2e watch image_to_video 65f0c0ffee0000000000abcd 65f0c0ffee0000000000abce --out videos",),
)
@_family
@_ids
async def watch(run: Run, family: Family, task_ids: tuple[str, ...]) -> int:
    """Wait for tasks and print their URLs, or download into --out."""
    if run.settings.out is not None:
        await asyncio.to_thread(require_writable, run.settings.out)
    async with run.client() as a2e:
        codes, wanted = [DONE], []
        # Watching waits through an outage, so a wrong address, token or id is looked for first.
        for task_id in dict.fromkeys(task_ids):
            try:
                await a2e.record(family.name, task_id)
            except NotFoundError as error:
                if not _may_be_new(task_id):
                    codes.append(_unknown(run, family, task_id, error))
                    continue
            wanted.append(task_id)
        timeout = run.settings.timeout or DEFAULT
        jobs = [(a2e.attach(family.name, task_id, timeout=timeout), task_id) for task_id in wanted]
        return max(*codes, await run_jobs(run, a2e, jobs, run.settings.out)) if jobs else max(codes)


@command("cancel")
@_family
@_ids
async def cancel(run: Run, family: Family, task_ids: tuple[str, ...]) -> int:
    """Cancel tasks that have not begun; their coins are refunded."""
    codes = [DONE]
    async with run.client() as a2e:
        for task_id in dict.fromkeys(task_ids):
            try:
                cancelled = await a2e.attach(family.name, task_id).cancel()
            except NotFoundError as error:  # go on with the others
                codes.append(_unknown(run, family, task_id, error))
                continue
            words = "cancelled" if cancelled else "too late to cancel"
            run.output.result(f"{task_id} {words}", {"family": family.name, "id": task_id, "cancelled": cancelled})
            codes.append(DONE if cancelled else FAILED)
    return max(codes)


def _unknown(run: Run, family: Family, task_id: str, error: NotFoundError) -> int:
    run.print_error(f"{family.name} has no task {task_id}; a2e list {family.name} shows yours")
    return exit_code(error)


def _may_be_new(task_id: str) -> bool:
    """Say whether a task may be too new for every replica: an id begins with the second of its creation."""
    if not _ID.fullmatch(task_id):
        return False
    return abs(time.time() - int(task_id[:8], 16)) < _NEW
