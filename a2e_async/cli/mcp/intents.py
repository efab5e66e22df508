"""What an agent wants to be made, by its own keys, as the client's store has it: one key, one job, one bill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from a2e_async.client import A2EClient
from a2e_async.core.status import Stage
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import UsageError


async def job_of(a2e: A2EClient, key: str) -> Job[Any]:
    """Give the job of a key, whichever process has started it.

    Raises:
        UsageError: There is none.
    """
    job = await a2e.job_with(key)
    if job is None:
        raise UsageError(f"there is no job with the key {key!r}: `start` makes one")
    return job


def as_data(key: str, job: Job[Any]) -> dict[str, Any]:
    """Give what is known of a job as plain JSON values."""
    error = job.error
    told: dict[str, Any] = {
        "key": key,
        "family": job.family.name,
        "state": _state_of(job),
        "task_ids": list(job.task_ids),
        "coins": job.coins,
        "urls": [url for record in job.records for url in record.urls],
    }
    return told | ({} if error is None else {"error": str(error), "error_type": type(error).__name__})


def _state_of(job: Job[Any]) -> str:
    if job.stage is Stage.DONE:
        return "completed" if job.error is None else "failed"
    return job.stage.value


def next_step(told: Mapping[str, Any]) -> str:
    """Say what an agent does next."""
    if told["state"] == "completed":
        return "call `download` with this key to save the files"
    if told["state"] != "failed":
        return "call `follow` with this key until the state is completed or failed"
    if told["task_ids"]:
        return "it has ended; a new attempt needs a new key, and may be charged again"
    return "read the error: what was not taken costs nothing"
