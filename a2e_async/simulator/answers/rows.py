"""A task as the service writes it down in JSON."""

from __future__ import annotations

from typing import Any

from a2e_async.simulator.world.dialects import Dialect
from a2e_async.simulator.world.kinds import SimKind
from a2e_async.simulator.world.switches import Names, shaped
from a2e_async.simulator.world.tasks import USER_ID, SimTask, iso


def row(task: SimTask, dialect: Dialect, now: float, urls: list[str], names: Names = "keep") -> dict[str, Any]:
    """Give the record of a task.

    Args:
        task: The task.
        dialect: How its family writes it down.
        now: The time of the record.
        urls: The URLs of its results; shown when the task is completed.
        names: What becomes of its name.
    """
    word = dialect.word(task, now)
    failed = now >= task.ends and task.failure is not None
    code, message = task.failure if failed and task.failure else (dialect.calm, "")
    return {
        "_id": task.id,
        "user_id": USER_ID,
        **({dialect.name: shaped(task.name, names)} if dialect.name else {}),
        **task.fields,
        dialect.status: word,
        "coins": task.coins,
        "createdAt": iso(task.created),
        "updatedAt": iso(task.changed(now)),
        **({dialect.code: code} if dialect.code else {}),
        dialect.message: message,
        **_results(dialect.result, urls),
        **dialect.more(task, now),
    }


def first_row(row: dict[str, Any], kind: SimKind) -> dict[str, Any]:
    """Give the item of a start's answer with the fields that are documented, where some are, and no more."""
    fields = kind.dialect.first
    if not fields:
        return row
    usual = {"name": row.get("prompt", ""), "width": 1024, "height": 1024, "image_urls": []}
    return {field: row.get(field) or usual.get(field, row.get(field)) for field in fields}


def _results(field: str, urls: list[str]) -> dict[str, object]:
    if not field:
        return {}
    return {field: urls if field.endswith("s") else "".join(urls[:1])}
