"""The life of a task as one table: every spelling the service uses, in the order a task goes through them.

Laws of this file: a final status never changes; a spelling we do not know means "still running"
(service.md names none as final, and a paid task must not be given up for a new word).
"""

from __future__ import annotations

import enum


class Status(enum.Enum):
    """Where a task stands; the order of the members is the order of its life."""

    UNKNOWN = "unknown"
    INITIALIZED = "initialized"
    SENT = "sent"
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    def __init__(self, word: str) -> None:
        self._final = word in ("completed", "failed")
        self._rank = 5 if self._final else len(type(self).__members__)

    @property
    def final(self) -> bool:
        """Whether the task has ended."""
        return self._final

    @property
    def rank(self) -> int:
        """How far the task has come; both final states rank the same."""
        return self._rank


class Stage(enum.Enum):
    """How far a job is on our side: queued, then starting, then running, then done; it may be done at once."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"


SPELLINGS: dict[str, Status] = {
    "init": Status.INITIALIZED,
    "initialized": Status.INITIALIZED,
    "start": Status.SENT,
    "sent": Status.SENT,
    "pending": Status.PENDING,
    "pendding": Status.PENDING,  # userVoice really spells it so
    "process": Status.PROCESSING,
    "processing": Status.PROCESSING,
    "copy": Status.PROCESSING,  # avatar videos: rendered, the file is still being copied
    "success": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "done": Status.COMPLETED,
    "finish": Status.COMPLETED,
    "finished": Status.COMPLETED,
    "fail": Status.FAILED,
    "failed": Status.FAILED,
    "error": Status.FAILED,
}


def read_status(spelling: object) -> Status:
    """Give the status for a spelling of the service; UNKNOWN for any other value."""
    if not isinstance(spelling, str):
        return Status.UNKNOWN
    return SPELLINGS.get(spelling) or SPELLINGS.get(spelling.strip().lower(), Status.UNKNOWN)


def may_follow(old: Status, new: Status) -> bool:
    """Whether a record with status `new` may replace one with `old`; a late, older answer may not."""
    return not old.final and new.rank >= old.rank


def least_advanced(statuses: list[Status]) -> Status:
    """Give the status of the task that has come least far; a failed task counts before a completed one."""
    return min(statuses, key=lambda status: (status.rank, status is Status.COMPLETED))
