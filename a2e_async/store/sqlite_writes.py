"""What is written under the write lock of a store's SQLite file; each of these is one part of a transaction."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Sequence
from typing import Any

from a2e_async.errors import BudgetExceededError, FencedError
from a2e_async.store.engines import Change, Holding
from a2e_async.store.values import HELD
from a2e_async.store.verbs import TYPES, Verb

_DEAD = "another process took this one for dead and holds its jobs now"
_HOLDS = (
    "SELECT EXISTS (SELECT 1 FROM leases WHERE id = :lease), "
    "EXISTS (SELECT 1 FROM shards WHERE batch = :batch AND no = :shard AND lease = :lease)"
)
_AT = "batch = :batch AND id = :id AND shard = :shard"
_BEFORE = (
    f"{_HOLDS}, (SELECT taken FROM purses WHERE batch = :batch), (SELECT state FROM rows WHERE {_AT}), "  # noqa: S608 - constants
    f"coalesce((SELECT {HELD} FROM rows WHERE {_AT}), 0.0)"
)


def require_lease(db: sqlite3.Connection, lease: int) -> None:
    """Make sure that a lease is there.

    Raises:
        FencedError: It is gone.
    """
    if not db.execute("SELECT 1 FROM leases WHERE id = ?", (lease,)).fetchone():
        raise FencedError(_DEAD)


def require_held(db: sqlite3.Connection, place: Holding) -> None:
    """Make sure that a lease is there and holds a shard.

    Raises:
        FencedError: It does not.
    """
    at = {"batch": place.batch, "shard": place.shard, "lease": place.lease}
    _require(place, *db.execute(_HOLDS, at).fetchone())


def _require(place: Holding, lives: int, holds: int) -> None:
    if not lives:
        raise FencedError(_DEAD)
    if not holds:
        raise FencedError(f"another process holds shard {place.shard} of {place.batch} now")


def changed(db: sqlite3.Connection, change: Change, limit: float | None) -> bool:
    """Write a row, if it stands where the verb may come; what it holds and has cost is counted in the same transaction.

    It is two statements, and a third where coins are moved: each row of a batch comes here five times.

    Args:
        db: The connection, in a transaction.
        change: What is written.
        limit: Most coins that the batch may hold and have spent, None where this is no intent or nothing bounds it.

    Raises:
        FencedError: Another process holds the place.
        BudgetExceededError: The purse has too little left; nothing was written.
    """
    place = change.place
    at = {"batch": place.batch, "id": change.row_id, "shard": place.shard}
    lives, holds, taken, state, before = db.execute(_BEFORE, {**at, "lease": place.lease}).fetchone()
    _require(place, lives, holds)
    if taken is not None and limit is not None and state in change.verb.allowed:
        _require_coins(before, change.values["price"], limit, taken)
    found = db.execute(_update(change.verb), {**change.values, **at}).fetchall()
    if not found:
        return False
    if taken is not None and found[0][0] != before:
        more = found[0][0] - before
        db.execute("UPDATE purses SET taken = taken + :more WHERE batch = :batch", {**at, "more": more})
    return True


def _require_coins(held: float, price: float | None, limit: float, taken: float) -> None:
    more = max(0.0, (price or 0.0) - held)
    if more > 0 and taken + more > limit:
        left = max(0.0, limit - taken)
        words = f"the start needs {more:g} coins, and {left:g} of {limit:g} are left for all processes together"
        raise BudgetExceededError(words, needed=price, left=left)


@functools.cache
def _update(verb: Verb) -> str:
    """Give the statement of a verb."""
    sets = verb.sets.format(**{name: f":{name}" for name in TYPES})
    moved = "" if verb.state is None else f", state = '{verb.state}'"
    states = ", ".join(f"'{state}'" for state in sorted(verb.allowed))
    return f"UPDATE rows SET {sets}{moved} WHERE {_AT} AND state IN ({states}) RETURNING {HELD}"  # noqa: S608 - constants


def inserted(db: sqlite3.Connection, batch: str, shard: int, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows; those that are there already, by their id or key, are left as they are."""
    sql = (
        "INSERT INTO rows (batch, shard, id, key, family, fields, planned_at) "
        "VALUES (:batch, :shard, :id, :key, :family, :fields, :planned_at) ON CONFLICT DO NOTHING"
    )
    db.executemany(sql, [{**row, "batch": batch, "shard": shard} for row in rows])


def added_shard(db: sqlite3.Connection, batch: str, lease: int | None) -> int:
    """Add an empty shard; gives its number."""
    sql = (
        "INSERT INTO shards (batch, no, lease) "
        "SELECT :batch, coalesce(max(no) + 1, 0), :lease FROM shards WHERE batch = :batch RETURNING no"
    )
    return int(db.execute(sql, {"batch": batch, "lease": lease}).fetchall()[0][0])


def applied_edits(db: sqlite3.Connection, place: Holding) -> None:
    """Let rows of a shard that were not begun take the place of what was planned, as they were given last."""
    sql = (
        "UPDATE rows SET family = json_extract(edited, '$[0]'), fields = json_extract(edited, '$[1]'), edited = NULL "
        "WHERE batch = ? AND shard = ? AND edited IS NOT NULL AND state = 'planned' AND letters = ''"
    )
    db.execute(sql, (place.batch, place.shard))


def took_permits(db: sqlite3.Connection, place: Holding) -> None:
    """Give whoever takes a shard the places of the tasks that run in it."""
    sql = (
        "UPDATE leases SET permits = permits + (SELECT count(*) FROM rows r WHERE r.batch = ? AND r.shard = ? AND "
        "(r.state = 'accepted' OR (r.state = 'intended' AND r.letters != ''))) WHERE id = ?"
    )
    db.execute(sql, (place.batch, place.shard, place.lease))
