"""What an agent wants to be made, by its own keys: one key, one job, one bill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from a2e_async.client import A2EClient
from a2e_async.core.family import Request
from a2e_async.core.status import Stage
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import (
    BudgetExceededError,
    ClientClosedError,
    KeyConflictError,
    ServiceError,
    TransportError,
    UsageError,
)

_LONGEST_KEY = 200
_FREE_AGAIN = (BudgetExceededError, ServiceError, ClientClosedError, TransportError)
"""With these a start was surely not taken, so the same key may start once more."""


@attrs.define(eq=False)
class Intents:
    """Keeps the jobs of an agent by their keys.

    Args:
        a2e: The open client.
    """

    a2e: A2EClient
    jobs: dict[str, Job[Any]] = attrs.field(factory=dict)

    def start(self, key: str, request: Request[Any]) -> Job[Any]:
        """Start what a key stands for, or give the job that it has already.

        Raises:
            KeyConflictError: The key stands for another request.
        """
        known = self.jobs.get(check_key(key))
        if known is not None and known.request != request:
            raise KeyConflictError(f"the key {key!r} stands for another request: take another key for another intent")
        if known is None or _was_not_taken(known):
            self.jobs[key] = known = self.a2e.start(request)
        return known

    def job(self, key: str) -> Job[Any]:
        """Give the job of a key.

        Raises:
            UsageError: There is none.
        """
        if key not in self.jobs:
            raise UsageError(f"there is no job with the key {key!r}: `start` makes one")
        return self.jobs[key]


def check_key(key: str) -> str:
    """Give a key as it is.

    Raises:
        UsageError: It is blank or too long.
    """
    if not key.strip() or len(key) > _LONGEST_KEY:
        raise UsageError(f"key: must be text of 1 to {_LONGEST_KEY} characters that is not blank")
    return key


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


def _was_not_taken(job: Job[Any]) -> bool:
    return job.done() and not job.task_ids and isinstance(job.error, _FREE_AGAIN)


def next_step(told: Mapping[str, Any]) -> str:
    """Say what an agent does next."""
    if told["state"] == "completed":
        return "call `download` with this key to save the files"
    if told["state"] == "failed":
        return "it has ended; a new attempt needs a new key, and may be charged again"
    return "call `follow` with this key until the state is completed or failed"
