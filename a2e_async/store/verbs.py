"""How rows change: each verb of a ledger as the columns that it sets, the same for every store that speaks SQL.

Laws of this file: a verb has an event of `entries.MOVES`, which guards it; the values that it sets are absolute, or
come out the same when it is carried out twice, for a store that was away is told again what it may have done already.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from a2e_async.store.entries import MOVES, Entry, FileEntry, RowEvent, State
from a2e_async.store.values import CHARGED, dump, dump_files, dump_records, is_changed, sensible, short

TYPES: Final[Mapping[str, str]] = {
    "tag": "text",
    "attempt": "bigint",
    "price": "double precision",
    "now": "double precision",
    "at": "double precision",
    "letter": "text",
    "task_ids": "text",
    "coins": "double precision",
    "files": "text",
    "urls": "text",
    "records": "text",
    "error": "text",
    "family": "text",
    "fields": "text",
    "edited": "text",
}
"""The values that verbs take, and their types in SQL."""


@attrs.frozen
class Verb:
    """What is written of a row.

    Attributes:
        sets: What is set, in SQL; `{name}` stands for a value.
        names: The values that it takes, names of `TYPES`.
        allowed: The states from which it may come.
        state: Where it leads, None: nowhere.
    """

    sets: str
    names: tuple[str, ...]
    allowed: frozenset[State]
    state: State | None


def _verb(event: RowEvent, sets: str, *names: str) -> Verb:
    return Verb(sets, names, *MOVES[event])


INTENDED: Final = _verb(
    RowEvent.INTENDED,
    "tag = {tag}, attempt = {attempt}, error = '', "
    "price = CASE WHEN {price} IS NULL THEN price WHEN price IS NULL OR price < {price} THEN {price} ELSE price END, "
    "intended_at = CASE WHEN tag = {tag} THEN coalesce(intended_at, {now}) ELSE {now} END",
    "tag", "attempt", "price", "now",
)  # fmt: skip
_SENDING: Final = _verb(
    RowEvent.SENDING,
    "sent_first = CASE WHEN letters = '' THEN {at} ELSE sent_first END, sent_last = {at}, "
    "letters = CASE WHEN letters LIKE '%' || {letter} || '%' THEN letters ELSE letters || {letter} END",
    "at", "letter",
)  # fmt: skip
_ACCEPTED: Final = _verb(
    RowEvent.ACCEPTED,
    "task_ids = {task_ids}, coins = {coins}, accepted_at = coalesce(accepted_at, {now}), error = ''",
    "task_ids", "coins", "now",
)  # fmt: skip
_FINISHED: Final = _verb(
    RowEvent.FINISHED,
    "finished_at = coalesce(finished_at, {now}), coins = coalesce({coins}, coins), error = '', urls = {urls}, "
    "records = {records}",
    "now", "coins", "urls", "records",
)  # fmt: skip
_DOWNLOADED: Final = _verb(
    RowEvent.DOWNLOADED,
    "files = {files}, coins = coalesce({coins}, coins), finished_at = coalesce(finished_at, {now}), done_at = {now}, "
    "error = '', urls = coalesce({urls}, urls), records = coalesce({records}, records)",
    "files", "coins", "now", "urls", "records",
)  # fmt: skip
_ENDS: Final = {
    event: _verb(
        event,
        "error = {error}, finished_at = coalesce(finished_at, {now}), coins = coalesce({coins}, coins), "
        "records = coalesce({records}, records)",
        "error", "now", "coins", "records",
    )
    for event in (RowEvent.FAILED, RowEvent.REFUSED, RowEvent.LOST, RowEvent.EXPIRED)
}  # fmt: skip
_RELEASED: Final = _verb(
    RowEvent.RELEASED,
    "tag = NULL, intended_at = NULL, sent_first = NULL, sent_last = NULL, letters = '', price = NULL, error = {error}",
    "error",
)
_NOTED: Final = _verb(RowEvent.NOTED, "error = {error}", "error")
_PLANNED_ANEW: Final = Verb(
    "family = {family}, fields = {fields}", ("family", "fields"), frozenset({State.PLANNED}), None
)
_EDITED: Final = Verb("edited = {edited}", ("edited",), frozenset(State), None)


_CLEARED: Final = (
    "tag = NULL, task_ids = '[]', coins = NULL, price = NULL, error = '', files = '[]', urls = '[]', records = '[]', "
    "intended_at = NULL, sent_first = NULL, sent_last = NULL, letters = '', accepted_at = NULL, finished_at = NULL, "
    "done_at = NULL"
)


def again(states: Collection[State], charged: str) -> Verb:
    """Give the verb that lets a row be attempted anew from one of these states, as the attempt of this number.

    Args:
        states: The states.
        charged: What the attempt before has cost, in SQL.
    """
    allowed, state = MOVES[RowEvent.AGAIN]
    sets = (
        f"attempt = {{attempt}}, {_CLEARED}, family = {{family}}, fields = {{fields}}, edited = NULL, "
        f"lost_coins = lost_coins + {charged}"
    )
    return Verb(sets, ("attempt", "family", "fields"), allowed & frozenset(states), state)


ADOPT: Final = (
    "WITH l AS MATERIALIZED (SELECT 1 FROM leases WHERE id = :lease /* lives */), s AS MATERIALIZED (SELECT 1 FROM "  # noqa: S608 - constants
    "shards WHERE batch = :batch AND no = :shard AND lease = :lease /* held */) "
    f"UPDATE rows SET shard = :shard, attempt = :attempt, state = '{State.PLANNED}', {_CLEARED}, "
    f"lost_coins = lost_coins + {CHARGED} WHERE batch = :batch AND id = :id AND state = '{State.REFUSED}' AND "
    "attempt = :attempt - 1 AND EXISTS (SELECT 1 FROM l) AND EXISTS (SELECT 1 FROM s) RETURNING id"
)
"""Takes a row that was refused out of whoever's shard, to be attempted anew; what stands in /* */ is a lock."""


class RowVerbs:
    """The verbs of a ledger that change one row; whoever has them carries out what they write."""

    async def _change(self, verb: Verb, row_id: str, **values: Any) -> bool:  # noqa: ANN401 - what SQL takes
        raise NotImplementedError

    async def intended(self, row_id: str, tag: str, attempt: int, price: float | None = None) -> bool:
        """A start is about to be sent under this tag, and so many coins are held for it."""
        values = {"tag": tag, "attempt": attempt, "price": sensible(price), "now": time.time()}
        return await self._change(INTENDED, row_id, **values)

    async def sending(self, row_id: str, letter: str, at: float | None) -> bool:
        """A POST of the start leaves now: under this letter, at this time by the service's clock."""
        return await self._change(_SENDING, row_id, at=at, letter=letter)

    async def accepted(self, row_id: str, task_ids: Sequence[str], coins: float | None) -> bool:
        """The service has taken the start."""
        ids = dump(list(task_ids))
        return await self._change(_ACCEPTED, row_id, task_ids=ids, coins=sensible(coins), now=time.time())

    async def finished(
        self, row_id: str, *, coins: float | None, urls: Sequence[str] = (), records: Sequence[Mapping[str, Any]] = ()
    ) -> bool:
        """Every task of the row has completed."""
        made = {"urls": dump(list(urls)), "records": dump_records(records)}
        return await self._change(_FINISHED, row_id, now=time.time(), coins=sensible(coins), **made)

    async def downloaded(
        self,
        row_id: str,
        files: Sequence[FileEntry],
        *,
        coins: float | None = None,
        urls: Sequence[str] = (),
        records: Sequence[Mapping[str, Any]] = (),
    ) -> bool:
        """The row is done: every file is there, or it is an application's job, which has none."""
        made = {"urls": dump(list(urls)) if urls else None, "records": dump_records(records) if records else None}
        values = {"files": dump_files(list(files)), "coins": sensible(coins), "now": time.time()}
        return await self._change(_DOWNLOADED, row_id, **values, **made)

    async def ended(
        self,
        row_id: str,
        event: RowEvent,
        error: str,
        *,
        coins: float | None = None,
        records: Sequence[Mapping[str, Any]] = (),
    ) -> bool:
        """The row has failed, was refused, or nobody can say."""
        kept = {"coins": sensible(coins), "records": dump_records(records) if records else None}
        return await self._change(_ENDS[event], row_id, error=short(error), now=time.time(), **kept)

    async def released(self, row_id: str, error: str) -> bool:
        """The start was surely not taken; the row waits to be started again."""
        return await self._change(_RELEASED, row_id, error=short(error))

    async def noted(self, row_id: str, error: str) -> bool:
        """Something went wrong that the next run may mend."""
        return await self._change(_NOTED, row_id, error=short(error))


def planning(known: Entry, given: Entry) -> tuple[Verb, dict[str, Any]] | None:
    """Give what notes that a known row is given otherwise, None where it is given as it was."""
    if known.state is State.PLANNED and not known.letters:
        values = {"family": given.family, "fields": dump(dict(given.fields))}
        return (_PLANNED_ANEW, values) if is_changed(known, given.family, given.fields) else None
    edited = edited_as(known, given)
    before = None if known.edited is None else dump([known.edited[0], dict(known.edited[1])])
    return None if edited == before else (_EDITED, {"edited": edited})


def edited_as(known: Entry, given: Entry) -> str | None:
    """Give what is kept beside a row of how it is given now, None where it is as it was begun."""
    changed = is_changed(known, given.family, given.fields)
    return dump([given.family, dict(given.fields)]) if changed else None


def as_edited(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Give the values with which rows are attempted anew: the next attempt, of the row as it was given last."""
    given = [(entry, entry.edited or (entry.family, entry.fields)) for entry in entries]
    return [
        {"attempt": entry.attempt + 1, "family": family, "fields": dump(dict(fields))}
        for entry, (family, fields) in given
    ]
