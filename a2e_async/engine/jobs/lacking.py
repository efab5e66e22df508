"""Jobs of which fewer tasks are known than their starts asked for: those that are missing were paid for as well.

Law of this file: nobody ends such a job, or takes it back, before the others were looked for.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from a2e_async.core.records import Record
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.watcher import FindSiblings


class Lacking:
    """Knows these jobs, and who looks for their other tasks."""

    def __init__(self) -> None:
        self._finders: dict[AnyJob, FindSiblings] = {}
        self._paid_elsewhere: weakref.WeakSet[AnyJob] = weakref.WeakSet()

    def __contains__(self, job: AnyJob) -> bool:
        return job in self._finders

    def add(self, job: AnyJob, siblings: FindSiblings | None, *, paid_here: bool = True) -> None:
        """Note who looks for the missing tasks of a job, None where none are missing.

        Args:
            job: The job.
            siblings: Who looks for them.
            paid_here: Whether this client has paid for the start; what another one paid is not counted here.
        """
        if siblings is not None:
            self._finders[job] = siblings
            if not paid_here:
                self._paid_elsewhere.add(job)

    def discard(self, job: AnyJob) -> None:
        """Look for nothing more."""
        self._finders.pop(job, None)

    def pays(self, job: AnyJob) -> bool:
        """Whether what turns up for a job was paid by this client."""
        return job not in self._paid_elsewhere

    async def find(self, job: AnyJob) -> tuple[Sequence[Record], bool]:
        """Look for the missing tasks of a job now; also gives whether there are surely no others."""
        siblings = self._finders.get(job)
        if siblings is None:
            return (), True
        found, is_all = await siblings(job)
        if is_all:
            self.discard(job)
        return found, is_all
