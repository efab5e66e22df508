"""What the commands that start tasks have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click

from a2e_async.cli.fields import given_fields
from a2e_async.cli.jobs import see_all, tell_errors
from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.core.family import Request
from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.options import DEFAULT


@attrs.frozen(kw_only=True)
class Asked:
    """How far a command goes after the start.

    Attributes:
        no_wait: Print the ids as soon as they are known and end.
        no_download: Print the links and download nothing.
    """

    no_wait: bool = False
    no_download: bool = False


HOW_FAR = (
    click.Option(["--no-wait"], is_flag=True, help="Print the task ids as soon as they are known, and end."),
    click.Option(["--no-download"], is_flag=True, help="Print the links, download nothing."),
)
"""The options that `Asked` is made of."""


async def start_all(run: Run, a2e: A2EClient, requests: Sequence[Request[Result]], asked: Asked) -> int:
    """Start all requests at once and go as far with them as was asked."""
    jobs = [(a2e.start(request, timeout=run.settings.timeout or DEFAULT), label_of(request)) for request in requests]
    if asked.no_wait:
        return await _print_ids(run, [job for job, _ in jobs])
    out = None if asked.no_download else run.settings.out or Path()
    return await see_all(run, a2e, jobs, out)


async def _print_ids(run: Run, jobs: Sequence[Job[Any]]) -> int:
    run.jobs.update(dict.fromkeys(jobs))

    async def one(job: Job[Any]) -> None:
        await job.accepted()
        del run.jobs[job]
        job.detach()
        data = {"family": job.family.name, "task_ids": list(job.task_ids), "tag": job.tag, "coins": job.coins}
        run.output.result("\n".join(job.task_ids), data | {"request": given_fields(job.request)})

    ends = await asyncio.gather(*map(one, jobs), return_exceptions=True)
    return tell_errors(run, [end for end in ends if end is not None])


def label_of(request: Request[Result]) -> str:
    """Say in a few words what a request is about."""
    values = given_fields(request)
    return str(values.get("name") or values.get("prompt") or next(iter(values.values()), ""))
