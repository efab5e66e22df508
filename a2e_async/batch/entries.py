"""What the ledger knows of one row of a batch, as values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import attrs


class State(enum.Enum):
    """How far a row has come; the order of the members is the order of its life."""

    PLANNED = "planned"
    INTENDED = "intended"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Whether nothing is left to be done for the row."""
        return self in _FINAL

    @property
    def bad(self) -> bool:
        """Whether the row ended without its files."""
        return self in _BAD


_BAD = frozenset({State.FAILED, State.REFUSED, State.UNKNOWN})
_FINAL = _BAD | {State.DONE}


@attrs.frozen(kw_only=True)
class FileEntry:
    """One file of a row.

    Attributes:
        path: Its path relative to the batch's folder, with forward slashes.
        bytes: Its size.
        sha256: Its digest in hexadecimal.
    """

    path: str
    bytes: int
    sha256: str


@attrs.frozen(kw_only=True)
class Entry:
    """One row. All times are in seconds since 1970, None for what has not happened.

    Attributes:
        id: The row's id; its files are named by it.
        family: The name of its family.
        fields: The request's fields as they were given; with `image_from`, the id of the row that makes the picture.
        state: How far it has come: planned; intended (about to be sent); accepted (charged, ids known); completed
            (results known); done (files are there); failed (the task failed); refused (the start was not taken);
            unknown (the start may have been taken).
        attempt: Which attempt this is, from 1; retrying is a new one.
        tag: The mark in its tasks' names, None before the first intent.
        task_ids: The ids of its tasks.
        coins: Coins charged, None when not known.
        error: Why it ended badly, "" otherwise.
        planned_at: When the row was first seen.
        intended_at: When its start was about to be sent.
        accepted_at: When the service had taken it.
        settled_at: When its tasks had ended.
        done_at: When its files were there.
        files: Its files.
    """

    id: str
    family: str
    fields: Mapping[str, Any]
    state: State = State.PLANNED
    attempt: int = 1
    tag: str | None = None
    task_ids: tuple[str, ...] = ()
    coins: float | None = None
    error: str = ""
    planned_at: float | None = None
    intended_at: float | None = None
    accepted_at: float | None = None
    settled_at: float | None = None
    done_at: float | None = None
    files: tuple[FileEntry, ...] = ()


def is_text(value: str) -> bool:
    """Whether UTF-8 has bytes for this text, as it must to be kept."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
