"""The tables of a store in SQLite, version by version, and the check that a file holds exactly these.

A folder's own store may come from somebody else: a view, a trigger or an index of their making could change what a run
does, or keep a query from ending.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3

from a2e_async.errors import LedgerError

_FIRST = """
CREATE TABLE batches (name TEXT PRIMARY KEY, batch_id TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE leases (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
  worker TEXT NOT NULL,
  boot TEXT NOT NULL,
  ttl REAL NOT NULL,
  beat REAL NOT NULL, -- seconds since the machine was started
  permits INTEGER NOT NULL DEFAULT 0,
  demand INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE shards (
  batch TEXT NOT NULL,
  no INTEGER NOT NULL,
  lease INTEGER,
  done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (batch, no)
) STRICT, WITHOUT ROWID;
CREATE TABLE rows (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  batch TEXT NOT NULL,
  id TEXT NOT NULL,
  shard INTEGER NOT NULL,
  key TEXT UNIQUE,
  family TEXT NOT NULL,
  fields TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'planned',
  attempt INTEGER NOT NULL DEFAULT 1,
  tag TEXT,
  task_ids TEXT NOT NULL DEFAULT '[]',
  coins REAL,
  price REAL,
  lost_coins REAL NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  planned_at REAL, intended_at REAL, accepted_at REAL, finished_at REAL, done_at REAL,
  sent_first REAL, sent_last REAL, -- by the service's clock
  letters TEXT NOT NULL DEFAULT '',
  files TEXT NOT NULL DEFAULT '[]',
  listed INTEGER NOT NULL DEFAULT 1,
  edited TEXT,
  urls TEXT NOT NULL DEFAULT '[]',
  records TEXT NOT NULL DEFAULT '[]',
  UNIQUE (batch, id)
) STRICT;
CREATE INDEX rows_shard ON rows (batch, shard, state);
CREATE TABLE purses (batch TEXT PRIMARY KEY, taken REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE limits (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO limits VALUES ('running', 0);
CREATE TABLE uploads (sha256 TEXT PRIMARY KEY, url TEXT NOT NULL, expires REAL) STRICT, WITHOUT ROWID;
CREATE TABLE hints (id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, at REAL NOT NULL) STRICT;
"""

STEPS: tuple[str, ...] = (_FIRST,)
"""What leads from each version of the tables to the next; the version is how many have been taken."""

_ABOUT = "CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"
_KIND = "a2e store"
_MOST_DIGITS = 9


def migrate(db: sqlite3.Connection) -> None:
    """Take the steps from the version of the file to ours, all or none.

    Raises:
        LedgerError: The file is not a store, or is newer than this program.
    """
    db.execute("BEGIN IMMEDIATE")
    with contextlib.ExitStack() as undo:
        undo.callback(db.execute, "ROLLBACK")
        version = _version(db)
        for step in STEPS[version:]:
            for statement in _statements(step):
                db.execute(statement)
        if version < len(STEPS):
            db.execute("INSERT OR REPLACE INTO about VALUES ('kind', ?), ('version', ?)", (_KIND, str(len(STEPS))))
        undo.pop_all()
        db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    found = _objects(db)
    if not found:
        db.execute(_ABOUT)
        return 0
    about = dict(db.execute("SELECT key, value FROM about")) if _tables(0) <= found else {}
    if about.get("kind") != _KIND or not about.get("version", "").isdecimal():
        holds = "the ledger of a folder's batch" if "batch_id" in about else "something else"
        raise LedgerError(f"this file holds {holds}, not a store: give another path")
    version = int(about["version"]) if len(about["version"]) <= _MOST_DIGITS else len(STEPS) + 1
    if version > len(STEPS):
        raise LedgerError(
            f"the store is of version {about['version'][:20]}, this program knows up to {len(STEPS)}: upgrade it"
        )
    if found != _tables(version):
        names = sorted({name for _kind, name, _table, _sql in found ^ _tables(version)})
        raise LedgerError(f"its tables are not those of a store: {ascii(', '.join(names))[:200]}")
    return version


@functools.cache
def _tables(version: int) -> frozenset[tuple[str, str, str, str | None]]:
    """Give what a store of a version consists of."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for statement in (_ABOUT, *(one for step in STEPS[:version] for one in _statements(step))):
            db.execute(statement)
        return _objects(db)


def _objects(db: sqlite3.Connection) -> frozenset[tuple[str, str, str, str | None]]:
    return frozenset(db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def _statements(step: str) -> list[str]:
    return [statement for statement in step.split(";") if statement.strip()]
