"""How many jobs may run at once: a place is taken before a start is begun, and is free again when its job has ended.

Laws of this file: a job that waits for its place holds nothing else, no price, no row, no worker; a limit that was
lowered ends nothing, it only lets no other start begin. What was taken over from another process runs already, and
takes its place whether there is one or not.
"""

from __future__ import annotations

from collections.abc import Callable

from a2e_async.engine.jobs.kept import AnyJob

_MANY = 1 << 30


class Places:
    """The places of one client's jobs.

    Args:
        limit: Most jobs that run at once, or None.
        on_free: Called with how many starts that waited may begin.

    Attributes:
        taken: How many places are taken; counted only while there is a limit.
    """

    def __init__(self, limit: int | None, on_free: Callable[[int], None]) -> None:
        self.taken = 0
        self._limit = limit
        self._on_free = on_free
        self._held: set[int] = set()

    @property
    def limit(self) -> int | None:
        """Most jobs that run at once, None for no limit; it may be changed at any time."""
        return self._limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limit = limit
        if (free := _MANY if limit is None else limit - self.taken) > 0:
            self._on_free(free)

    @property
    def free(self) -> bool:
        """Whether a start may begin."""
        return self._limit is None or self.taken < self._limit

    def take(self, job: AnyJob) -> None:
        """Give a job a place until it ends."""
        if self._limit is None or job.number in self._held:
            return
        self._held.add(job.number)
        self.taken += 1
        job.on_end(self._give_back)

    def _give_back(self, job: AnyJob) -> None:
        self._held.discard(job.number)
        self.taken -= 1
        if self.free:
            self._on_free(1)
