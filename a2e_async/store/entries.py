"""What a store knows of one row, a batch's or an application's, as values, and the life of a row as a table."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import attrs

from a2e_async.core import tags


class State(enum.StrEnum):
    """How far a row has come; the order of the members is the order of its life.

    Attributes:
        PLANNED: It is written down, and nothing was sent.
        INTENDED: Its start is about to be sent, or was sent without an answer yet.
        ACCEPTED: The service has taken its start.
        COMPLETED: Its tasks have completed; its files are fetched.
        DONE: Its files are there.
        FAILED: A task of it has failed.
        REFUSED: Its start was refused, or cannot be made.
        UNKNOWN: Its start may have been taken, and nobody can say.
        EXPIRED: The service has its result no more.
    """

    PLANNED = "planned"
    INTENDED = "intended"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether nothing is left to be done for the row."""
        return self in _FINAL

    @property
    def bad(self) -> bool:
        """Whether the row ended without its files."""
        return self in _BAD

    @property
    def word(self) -> str:
        """What people read for it."""
        return _WORDS.get(self, self.value)


_BAD = frozenset({State.FAILED, State.REFUSED, State.UNKNOWN, State.EXPIRED})
_FINAL = _BAD | {State.DONE}
_WORDS = {State.INTENDED: "starting", State.ACCEPTED: "running", State.COMPLETED: "downloading"}


class RowEvent(enum.Enum):
    """What may happen to a row; `MOVES` says from which states it may come and where it leads."""

    INTENDED = "its start is about to be sent"
    SENDING = "its start is being sent"
    ACCEPTED = "the service has taken its start"
    FINISHED = "its tasks have completed"
    DOWNLOADED = "its files are there"
    FAILED = "its task has failed"
    REFUSED = "its start was refused, or cannot be made"
    LOST = "nobody can say whether its start was taken"
    EXPIRED = "the service has its result no more"
    RELEASED = "its start was surely not taken"
    AGAIN = "it is attempted anew, as a new intent"
    NOTED = "something went wrong that the next run may mend"


_BEGUN = frozenset({State.INTENDED, State.ACCEPTED})
_PAID = frozenset({State.ACCEPTED, State.COMPLETED})

MOVES: Final[Mapping[RowEvent, tuple[frozenset[State], State | None]]] = {
    RowEvent.INTENDED: (frozenset({State.PLANNED, State.INTENDED}), State.INTENDED),
    RowEvent.SENDING: (frozenset({State.INTENDED}), State.INTENDED),
    # Its answer may come late, and more of its tasks later: what was paid for is never turned away.
    RowEvent.ACCEPTED: (frozenset(State), State.ACCEPTED),
    RowEvent.FINISHED: (_PAID | {State.UNKNOWN, State.EXPIRED}, State.COMPLETED),
    RowEvent.DOWNLOADED: (_PAID | {State.DONE, State.UNKNOWN, State.EXPIRED}, State.DONE),
    RowEvent.FAILED: (_PAID | {State.UNKNOWN, State.EXPIRED}, State.FAILED),
    RowEvent.REFUSED: (frozenset({State.PLANNED, State.INTENDED}), State.REFUSED),
    RowEvent.LOST: (_BEGUN, State.UNKNOWN),
    RowEvent.EXPIRED: (_PAID | {State.DONE, State.UNKNOWN}, State.EXPIRED),
    RowEvent.RELEASED: (frozenset({State.INTENDED}), State.PLANNED),
    RowEvent.AGAIN: (_FINAL | _PAID | {State.INTENDED}, State.PLANNED),
    RowEvent.NOTED: (frozenset(State) - {State.FAILED, State.REFUSED}, None),
}
"""The life of a row: each event, the states in which it may come, and the state to which it leads (None: the same).

The ledger changes a row only through it: an event that comes in another state changes nothing.
"""


@attrs.frozen(kw_only=True)
class FileEntry:
    """One file of a row.

    Attributes:
        path: Its path relative to the batch's folder, with forward slashes.
        bytes: Its size.
        sha256: Its digest in hexadecimal.
        host: The machine that has fetched it, "" where only one has files of the batch.
    """

    path: str
    bytes: int
    sha256: str
    host: str = ""


@attrs.frozen(kw_only=True)
class Entry:
    """One row. All times are in seconds since 1970, None for what has not happened.

    Attributes:
        id: The row's id; its files are named by it.
        family: The name of its family.
        fields: The request's fields as they were given; with `image_from`, the id of the row that makes the image.
        state: How far it has come: planned; intended (about to be sent); accepted (charged, ids known); completed
            (results known); done (files are there); failed (the task failed); refused (the start was not taken);
            unknown (the start may have been taken); expired (its result is gone at the service).
        attempt: Which attempt this is, from 1; retrying is a new one.
        tag: The mark in its tasks' names, None before the first intent.
        task_ids: The ids of its tasks.
        coins: Coins charged, None when not known.
        price: Coins held for its start since before it was sent, None when nobody knew the price.
        error: Why it failed, "" otherwise.
        planned_at: When the row was first seen.
        intended_at: When its start was about to be sent.
        sent_first: When its first POST left, by the SERVICE's clock; None when that was not known.
        sent_last: Likewise the last one.
        letters: The send letters of its POSTs, "" while none has left.
        accepted_at: When the service had taken it.
        finished_at: When its tasks had ended.
        done_at: When its files were there.
        files: Its files.
        listed: Whether the rows file that was given last still has it.
        edited: Family and fields of the row as they were given last, where that differs from what was begun.
        key: The caller's own name of the intent, in a store; for an application's job the same as its id.
        shard: The shard in which it lies, None in a folder's ledger.
        urls: What its tasks have made, as their URLs were when they ended; they expire. A folder's ledger keeps none.
        records: The final records of its tasks as the service gave them, likewise.
    """

    id: str
    family: str
    fields: Mapping[str, Any]
    state: State = State.PLANNED
    attempt: int = 1
    tag: str | None = None
    task_ids: tuple[str, ...] = ()
    coins: float | None = None
    price: float | None = None
    error: str = ""
    planned_at: float | None = None
    intended_at: float | None = None
    sent_first: float | None = None
    sent_last: float | None = None
    letters: str = ""
    accepted_at: float | None = None
    finished_at: float | None = None
    done_at: float | None = None
    files: tuple[FileEntry, ...] = ()
    listed: bool = True
    edited: tuple[str, Mapping[str, Any]] | None = None
    key: str | None = None
    shard: int | None = None
    urls: tuple[str, ...] = ()
    records: tuple[Mapping[str, Any], ...] = attrs.field(default=(), repr=False)


def is_text(value: str) -> bool:
    """Whether UTF-8 has bytes for this text, as it must to be kept."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def tag_of(batch_id: str, row_id: str, attempt: int) -> str:
    """Derive a row's tag, so that the same file in another folder, or a retry, is a new intent."""
    digest = hashlib.sha256(f"{batch_id}\0{row_id}\0{attempt}".encode()).digest()
    return tags.make(digest[: tags.BYTES_OF_A_TAG])
