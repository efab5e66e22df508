"""What has result files: results, records, URLs, and jobs, whose results are waited for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from a2e_async.core import rules
from a2e_async.core.records import Record, Result
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import UsageError

Output = Result | Record | Job[Any] | str
Outputs = Output | Iterable[Output]


async def finished(what: Outputs) -> list[Result | Record | str]:
    """Give what to fetch, in order; jobs are awaited.

    Raises:
        UsageError: Something among them has no files.
        A2EError: A job has failed.
    """
    several = isinstance(what, Iterable) and not isinstance(what, Result | Record | str | bytes | os.PathLike | dict)
    found: list[Result | Record | str] = []
    for one in what if several else [what]:  # type: ignore[union-attr] # it was polled just now
        ready = await one if isinstance(one, Job) else one
        if not isinstance(ready, Result | Record | str):
            raise UsageError(f"download: needs a result, a record, a job or URLs, not {rules.kind_of(ready)}")
        found.append(ready)
    return found
