"""Two lives as tables: of a task, which the service leads and we read, and of a job, which we lead.

Laws of this file: a final status never changes, for a late answer may be an old one; a spelling we do not know means
"still running" (service.md names none as final, and a paid task must not be given up for a new word); a job moves only
by an event of `STAGES`, forwards and never back, so that none is started, accepted or ended twice.

The documents show the same tables: `python -m benchmarks.life_cycles` writes them, and a test compares.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Status(enum.StrEnum):
    """Where a task stands; the order of the members is the order of its life.

    Attributes:
        UNKNOWN: The service says nothing yet, or a word that this version does not know: it counts as still running.
        INITIALIZED: It was taken and has not begun; a task that is deleted now is refunded.
        SENT: It was given to a machine.
        PENDING: It waits for its turn.
        PROCESSING: It is being made.
        COMPLETED: It has ended with a result.
        FAILED: It has ended without one.
    """

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


class Stage(enum.StrEnum):
    """How far a job has come on our side; the order of the members is the order of its life."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"


class JobEvent(enum.Enum):
    """What may happen to a job; `STAGES` says in which stages it may come and where it leads."""

    STARTING = "its turn has come: its start is about to be sent"
    ACCEPTED = "the service has taken its start, and its tasks are watched"
    ATTACHED = "it was attached to tasks that are there"
    COMPLETED = "all its tasks have completed"
    FAILED = "a task failed; its start was refused, lost or never sent; it timed out, was detached or cancelled"

    __hash__ = object.__hash__  # that of Enum hashes the name each time, and every job looks up three events


STAGES: Final[Mapping[JobEvent, tuple[tuple[Stage, ...], Stage]]] = {
    JobEvent.STARTING: ((Stage.QUEUED,), Stage.STARTING),
    JobEvent.ACCEPTED: ((Stage.STARTING,), Stage.RUNNING),
    JobEvent.ATTACHED: ((Stage.QUEUED,), Stage.RUNNING),
    JobEvent.COMPLETED: ((Stage.RUNNING,), Stage.DONE),
    JobEvent.FAILED: ((Stage.QUEUED, Stage.STARTING, Stage.RUNNING), Stage.DONE),
}
"""The life of a job: each event, the stages in which it may come, and the stage to which it leads.

In any other stage an event changes nothing: of two ends the first counts, and an answer that comes for a job which has
ended is written down and logged, but does not bring it back.
"""
