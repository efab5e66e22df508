"""What the service says about tasks, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from a2e_async.core.rendering import Rendered
from a2e_async.core.status import Status


@attrs.frozen(kw_only=True)
class Record(Rendered):
    """What the service says about one task at one moment.

    Attributes:
        id: The task's id (24 hexadecimal digits).
        family: The name of its family.
        name: The task's name, without our tag.
        tag: The tag in the task's name, without its send letter, or None.
        status: Where the task stands.
        coins: Coins charged at the start, or None when the reply does not say.
        created_at: When the service took the task, or None.
        failed_code: The service's code for a failure, "" otherwise.
        failed_message: The service's words for a failure, "" otherwise.
        urls: Result links in order; they expire after about three days.
        extra: Fields of the reply that have no attribute here (final records only).
        raw: The whole reply for this task (final records only).
    """

    id: str
    family: str = ""
    name: str = ""
    tag: str | None = None
    status: Status = Status.UNKNOWN
    coins: float | None = None
    created_at: datetime | None = None
    failed_code: str = ""
    failed_message: str = ""
    urls: tuple[str, ...] = ()
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Result(Rendered):
    """What a job comes to when all its tasks have completed.

    Attributes:
        records: The final record of each task, in the order of the start's reply.
    """

    records: tuple[Record, ...]

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids of the tasks."""
        return tuple(record.id for record in self.records)

    @property
    def urls(self) -> tuple[str, ...]:
        """Every output, in order; the links expire after about three days."""
        return tuple(url for record in self.records for url in record.urls)

    @property
    def url(self) -> str:
        """The first output, "" when there is none."""
        return next(iter(self.urls), "")

    @property
    def coins(self) -> float | None:
        """Coins charged for all tasks, or None when the service did not say."""
        return coins_of(self.records)


def coins_of(records: Sequence[Record]) -> float | None:
    """Add up the coins that these records name, None when none does."""
    known = [record.coins for record in records if record.coins is not None]
    return sum(known) if known else None
