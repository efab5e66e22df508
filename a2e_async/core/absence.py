"""What a list of tasks tells about a start that is not found in it.

The list is the only witness there is: the service has no idempotency key. To send a start again because the list does
not show it is to pay again when the list was wrong, and lists were seen to be wrong in many ways: empty for a moment
while a replica comes up, in another order than by age, with rows whose id has another type or whose name was masked,
cut or replaced, with a `count` above the rows they give, with the same first page again and again. So a reading counts
only when nothing in it speaks against it; silence is no evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import attrs

from a2e_async.core import replies, tags, wire
from a2e_async.core.family import Family
from a2e_async.core.scalars import is_number

Row = Mapping[str, Any]

LONGEST_CHANGE = 3 * 3600.0
"""Tasks end within hours: rows created so long before a start have no change after it."""


@attrs.frozen(eq=False, repr=False)
class Page:
    """One page of a list.

    Attributes:
        rows: The rows with an id.
        times: When each was created, in seconds since 1970; None where it does not say.
        unread: What else stands where rows stand: rows without a readable id, or no rows at all.
        count: How many rows the list says that it has, or None.
    """

    rows: tuple[Row, ...]
    times: tuple[float | None, ...]
    unread: tuple[object, ...] = ()
    count: int | None = None

    @property
    def ids(self) -> list[str]:
        """The ids of its rows."""
        return [replies.row_id(row) for row in self.rows]

    @property
    def newest(self) -> float:
        """When its first row was created; for ever when rows do not say, so that nothing is taken for old."""
        return max((math.inf if time is None else time for time in self.times), default=-math.inf)

    @property
    def oldest(self) -> float:
        """When its last row was created, likewise."""
        return min((math.inf if time is None else time for time in self.times), default=-math.inf)

    @property
    def falls(self) -> bool:
        """Whether its rows stand newest first, as far as they say."""
        known = [time for time in self.times if time is not None]
        return len(known) == len(self.times) and known == sorted(known, reverse=True)


def read_page(data: object) -> Page | None:
    """Read the data of one page of a list; None when it is no list."""
    count: object = None
    while isinstance(data, dict):
        count = next((data[key] for key in ("count", "total") if key in data), None)
        data = next((data[key] for key in replies.LIST_KEYS if isinstance(data.get(key), list | dict)), None)
    if not isinstance(data, list):
        return None
    rows = [row for row in data if isinstance(row, dict) and replies.row_id(row)]
    unread = [row for row in data if not (isinstance(row, dict) and replies.row_id(row))]
    times = tuple(map(wire.created_at, rows))
    return Page(tuple(rows), times, tuple(unread), _whole(count))


def _whole(count: object) -> int | None:
    if isinstance(count, str) and count.isdecimal():
        return int(count)
    return int(count) if is_number(count) else None  # type: ignore[call-overload]  # it is a number


@attrs.define(eq=False, repr=False)
class Reading:
    """What was read of a list, one page after the other.

    Attributes:
        rows: Every row, by id.
        times: When they were created.
        unread: What stands in it and cannot be read.
        pages: How many pages were asked for.
        bottom: The oldest creation down to which everything was read, as far as the order holds.
        top: The newest creation from which on everything was read.
        ended: Whether its end was reached.
        ordered: Whether every page stands newest first, and follows the one before.
        sound: Whether it does not contradict itself.
        newest: The newest creation on the first page.
    """

    rows: dict[str, Row] = attrs.field(factory=dict)
    times: dict[str, float | None] = attrs.field(factory=dict)
    unread: list[object] = attrs.field(factory=list)
    pages: int = 0
    bottom: float = math.inf
    top: float = math.inf
    ended: bool = False
    ordered: bool = True
    sound: bool = True
    newest: float = -math.inf
    _count: int | None = None
    _last: list[str] = attrs.field(factory=list)

    def take(self, page: Page) -> None:
        """Note a page; pages may be left out, as long as they come in their order."""
        self.pages += 1
        if self.pages == 1:
            self.newest = page.newest
        fresh = [time for one, time in zip(page.ids, page.times, strict=True) if one not in self.rows]
        follows = all(time is not None and time <= self.bottom for time in fresh)  # a list that grows repeats some rows
        self.ordered = self.ordered and page.falls and follows
        self.bottom = min(self.bottom, page.oldest) if page.rows else self.bottom
        self.note(page)
        if page.count is not None:
            fewer = self._count is not None and page.count < self._count  # rows went, and others moved up unread
            self.sound = self.sound and not fewer and page.count >= len(page.rows)
            self._count = page.count
        if page.rows and page.ids == self._last:  # this service does not turn pages
            self.sound = False
        self._last = page.ids
        if not page.rows and not page.unread:
            self.ended = True

    def note(self, page: Page) -> None:
        """Note the rows of a page, wherever it stands."""
        self.rows |= zip(page.ids, page.rows, strict=True)
        self.times |= zip(page.ids, page.times, strict=True)
        self.unread += page.unread

    @property
    def has_all(self) -> bool:
        """Whether as many rows were read as the list says that it has."""
        return self._count is not None and len(self.rows) + len(self.unread) >= self._count

    @property
    def proves_order(self) -> bool:
        """Whether it is seen to stand newest first; rows of one moment stand in any order."""
        return self.ordered and bool(self.rows) and self.newest > self.bottom

    def is_full(self, floor: float) -> bool:
        """Whether it shows every row created since then that the list has, as far as it can be told."""
        if not self.sound or self.unread:
            return False
        if self.ended and not self.rows:
            return self.has_all  # an empty list that says no count is silence: a replica's that is just coming up, too
        if self.ended:
            return self.top < math.inf or self._count is None or self.has_all
        return self.proves_order and self.bottom < floor

    def lacks(self, known: Iterable[tuple[str, float]]) -> bool:
        """Whether a task is missing from what was read that must be there; each is an id and when it was created."""
        bottom = -math.inf if self.ended else self.bottom
        return any(bottom < created <= self.top and task_id not in self.rows for task_id, created in known)

    def with_tag(self, family: Family, tag: str) -> Iterator[Row]:
        """Give the rows with this tag."""
        return (row for row in self.rows.values() if letter_of(family, row, tag))

    def hides_a_name(
        self,
        family: Family,
        floor: float,
        sent: Collection[str],
        known: Collection[str],
        is_of_another: Callable[[str], bool] = lambda _tag: False,
    ) -> bool:
        """Whether a row created since then may be a start that is looked for, under a name that was changed.

        Args:
            family: The family.
            floor: Since when, in seconds since 1970.
            sent: The names that the start was sent with.
            known: The ids of tasks that are known to be others.
            is_of_another: Whether a tag is that of another start of this client.
        """
        for task_id, row in self.rows.items():
            created = self.times[task_id]
            if (created is None or created >= floor) and task_id not in known:
                shown = wire.name_in(family, row)
                mark = tags.find(shown) if isinstance(shown, str) else None
                if mark is None or any(tags.is_cut(str(shown), name) for name in sent):
                    return True
                if not is_of_another(mark[0]) and any(tags.resembles(mark[0], name) for name in sent):
                    return True
        return False


@attrs.define(eq=False, repr=False)
class Proof:
    """How many readings in a row speak for it that a start is not there.

    Attributes:
        floor: Since when rows of it would have been made.
        full: How many do.
        begun: Whether any reading was noted yet.
    """

    floor: float
    full: int = 0
    begun: bool = False
    _seen: frozenset[str] = frozenset()

    def take(self, reading: Reading, *, proves: bool) -> None:
        """Note a reading; rows that have gone since the last one make the list one that hides rows."""
        self.begun = True
        if not proves:
            self.broken()
            return
        self.full = 1 if self._seen - reading.rows.keys() else self.full + 1
        self._seen = frozenset(one for one, at in reading.times.items() if at is not None and at >= self.floor)

    def broken(self) -> None:
        """Begin anew."""
        self.begun, self.full, self._seen = True, 0, frozenset()


def letter_of(family: Family, row: Row, tag: str) -> str | None:
    """Give the send letter of a row with this tag, None when it has another tag or none."""
    shown = wire.name_in(family, row)
    mark = tags.find(shown) if isinstance(shown, str) else None
    return mark[1] if mark is not None and mark[0] == tag else None
