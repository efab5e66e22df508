"""Who watches the tasks of jobs, and who looks for more of them, as the room where jobs end sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from a2e_async.core.records import Record
from a2e_async.engine.jobs.kept import AnyJob

FindDoubles = Callable[[AnyJob], Awaitable[Mapping[str, float]]]
"""Looks for tasks of a second send of the start, and gives what each costs."""

FindSiblings = Callable[[AnyJob], Awaitable[tuple[Sequence[Record], bool]]]
"""Looks for tasks of the start that its answer did not name; also gives whether there are surely no others."""


class Watcher(Protocol):
    """Who watches the tasks of jobs."""

    def watch(self, job: AnyJob) -> None:
        """Begin to watch a job whose tasks run."""

    def let_go(self, job: AnyJob) -> None:
        """Watch a job no more that has ended."""

    def drop(self, job: AnyJob, task_ids: Sequence[str]) -> None:
        """Watch these tasks no more for this job."""
