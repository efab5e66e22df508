"""The lines that go on with what an interrupted run leaves behind."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any

from a2e_async.cli.settings import Settings
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import ClientClosedError


def lines(jobs: Iterable[Job[Any]], settings: Settings) -> list[str]:
    """Give one line per family, ready to be pasted, and one for the starts that have no ids.

    The token is left to the environment: it must not end up in a shell's history.
    """
    jobs = list(jobs)
    if settings.simulate:
        return ["the simulator has ended, and its tasks with it"] if jobs else []
    by_family: dict[str, list[str]] = {}
    for job in jobs:
        by_family.setdefault(job.family.name, []).extend(job.task_ids)
    known = [_watch(family, task_ids, settings) for family, task_ids in by_family.items() if task_ids]
    return [*known, *_nameless([job for job in jobs if not job.task_ids])]


def _watch(family: str, task_ids: Iterable[str], settings: Settings) -> str:
    words = ["a2e", "watch", family, *task_ids]
    if settings.base_url:
        words += ["--base-url", settings.base_url]
    if settings.out:
        words += ["--out", str(settings.out)]
    return shlex.join(words)


def _nameless(jobs: list[Job[Any]]) -> list[str]:
    unsent = sum(isinstance(job.error, ClientClosedError) for job in jobs)
    lost = [f"{job.family.name} {job.tag}" for job in jobs if not isinstance(job.error, ClientClosedError)]
    words = [f"{unsent} starts were not sent"] if unsent else []
    if lost:
        words.append(f"no answer to {len(lost)} starts; a2e list FAMILY shows those that were taken: {', '.join(lost)}")
    return words
