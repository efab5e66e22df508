"""A task as the service writes it down in JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from a2e_async.simulator.chance import digest
from a2e_async.simulator.switches import Names, shaped
from a2e_async.simulator.tasks import SimTask

USER_ID = digest("the simulated user") + "00000000"


def iso(at: float) -> str:
    """Write a time as the service does: UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def row(task: SimTask, now: float, link: str | None, names: Names = "keep") -> dict[str, Any]:
    """Give the record of a task.

    Args:
        task: The task.
        now: The time of the record.
        link: The link of its result; shown when the task is completed.
        names: What becomes of its name.
    """
    family = task.kind.family
    status = task.status(now)
    code, message = task.failure if status == "failed" and task.failure else ("", "")
    result = family.result_fields[0]
    links = [link] if status == "completed" and link else []
    return {
        "_id": task.id,
        "user_id": USER_ID,
        **({family.name_field: shaped(task.name, names)} if family.name_field else {}),
        **task.fields,
        family.status_fields[0]: status,
        "coins": task.coins,
        "createdAt": iso(task.created),
        "updatedAt": iso(task.changed(now)),
        family.code_fields[0]: code,
        family.message_fields[0]: message,
        result: links if result.endswith("s") else "".join(links),
    }
