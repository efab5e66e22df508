"""The tables of a ledger, version by version, and the check that a file holds exactly these and nothing else.

A view, a trigger or an index of somebody else's making could change what a run does or keep a query from ending, so
that a ledger which was not made by this program is refused whatever is in it.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3

from a2e_async.errors import LedgerError

ABOUT = "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"

_FIRST = """
CREATE TABLE rows (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  family TEXT NOT NULL,
  fields TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 1,
  tag TEXT,
  task_ids TEXT NOT NULL DEFAULT '[]',
  coins REAL,
  lost_coins REAL NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  planned_at REAL, intended_at REAL, accepted_at REAL, finished_at REAL, done_at REAL,
  files TEXT NOT NULL DEFAULT '[]'
) STRICT;
"""

# What a process of the first version had about to be sent may have been sent, nobody knows when: it is looked for, and
# never sent again. What it had charged without naming coins has no price.
_SECOND = """
ALTER TABLE rows ADD COLUMN price REAL;
ALTER TABLE rows ADD COLUMN sent_first REAL;
ALTER TABLE rows ADD COLUMN sent_last REAL;
ALTER TABLE rows ADD COLUMN letters TEXT NOT NULL DEFAULT '';
ALTER TABLE rows ADD COLUMN listed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE rows ADD COLUMN edited TEXT;
UPDATE rows SET letters = 'a' WHERE state = 'intended';
"""

STEPS: tuple[str, ...] = (_FIRST, _SECOND)
"""What leads from each version of the schema to the next; the version is how many have been taken."""

_MOST_DIGITS = 9
Objects = frozenset[tuple[str, str, str, str | None]]


def statements(version: int) -> list[str]:
    """Give the statements that lead from a version to the next."""
    return _statements(STEPS[version])


def version_of(db: sqlite3.Connection) -> int:
    """Give the version of a ledger's schema, which it has exactly.

    Raises:
        LedgerError: It is newer than this program.
        sqlite3.DatabaseError: It has none, or holds something else besides.
    """
    found = _objects(db)
    if not found >= expected(()):
        raise sqlite3.DatabaseError("it has no version")
    told = db.execute("SELECT value FROM about WHERE key = 'version'").fetchone()
    if told is None or not (told[0].isascii() and told[0].isdigit() and len(told[0]) <= _MOST_DIGITS):
        raise sqlite3.DatabaseError("it has no version")
    version = int(told[0])
    if version > len(STEPS):
        raise LedgerError(f"the ledger is of version {version}, this program knows up to {len(STEPS)}: upgrade it")
    if found != expected(STEPS[:version]):
        names = sorted({name for _kind, name, _table, _sql in found ^ expected(STEPS[:version])})
        raise sqlite3.DatabaseError(f"its tables are not those of a ledger: {ascii(', '.join(names))[:200]}")
    return version


@functools.cache
def expected(steps: tuple[str, ...]) -> Objects:
    """Give what a ledger consists of after these steps."""
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute(ABOUT)
        for statement in [statement for step in steps for statement in _statements(step)]:
            db.execute(statement)
        return _objects(db)


def _statements(step: str) -> list[str]:
    return [statement for statement in step.split(";") if statement.strip()]


def _objects(db: sqlite3.Connection) -> Objects:
    return frozenset(db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))
