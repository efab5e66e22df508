"""The file of a ledger: how it is begun, brought up to date, checked and opened, and what is said when it cannot be.

The law of this file: a damaged ledger is left as it is, byte for byte.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from secrets import token_hex

from a2e_async.batch import filelock
from a2e_async.batch.drafts import sync_folder
from a2e_async.errors import LedgerError

FILE_NAME = "ledger.sqlite"

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
  planned_at REAL, intended_at REAL, accepted_at REAL, settled_at REAL, done_at REAL,
  files TEXT NOT NULL DEFAULT '[]'
) STRICT;
"""

STEPS: tuple[str, ...] = (_FIRST,)
"""What leads from each version of the schema to the next; the version is how many have been taken."""


def prepare(folder: Path) -> filelock.FileLock:
    """Make the folder, take its lock, and begin a ledger where there is none."""
    lock: filelock.FileLock | None = None
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filelock.refuse_network(folder)
        lock = filelock.FileLock.take(folder / f".{FILE_NAME}.lock")
        if not path.exists():
            _begin(path)
    except (OSError, sqlite3.Error) as error:
        if lock is not None:
            lock.release()
        words = error.strerror if isinstance(error, OSError) else None
        raise LedgerError(f"{folder} cannot be used: {words or error}") from error
    return lock


def _begin(path: Path) -> None:
    """Begin a ledger under another name first, so that an empty file of its name is always a damaged one."""
    fresh = path.with_name(path.name + ".new")
    for left_behind in (fresh.with_name(fresh.name + "-journal"), fresh):
        left_behind.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID")
        about = [("version", "0"), ("batch_id", token_hex(16)), ("begun", repr(time.time()))]
        db.executemany("INSERT INTO about VALUES (?, ?)", about)
        db.execute("COMMIT")
        _migrate(db)
    fresh.replace(path)
    sync_folder(path.parent)


def _migrate(db: sqlite3.Connection) -> None:
    """Take the steps from the version of the file to ours, each whole or not at all."""
    for version in range(version_of(db), len(STEPS)):
        db.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, STEPS[version].split(";")):
            db.execute(statement)
        db.execute("UPDATE about SET value = ? WHERE key = 'version'", (str(version + 1),))
        db.execute("COMMIT")


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger for writing, after a look that cannot change it: closing a writer moves the WAL into the file."""
    if path.stat().st_size == 0:
        raise sqlite3.DatabaseError("the file is empty")
    with contextlib.closing(read_only(path)) as reader:
        check = reader.execute("PRAGMA quick_check(1)").fetchone()[0]
        if check != "ok":
            raise sqlite3.DatabaseError(str(check))
        version_of(reader)
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=5)
    try:
        for pragma in ("synchronous = FULL", "fullfsync = 1", "checkpoint_fullfsync = 1", "mmap_size = 0"):
            db.execute(f"PRAGMA {pragma}")
        mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise sqlite3.OperationalError(f"this file system allows the journal mode {mode} only")
    except sqlite3.Error:
        db.close()
        raise
    return db


def read_only(path: Path) -> sqlite3.Connection:
    """Open a ledger for reading; one at rest also where nothing can be written, such as on an archive."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)
    try:
        db.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error as error:
        db.close()
        wal = path.with_name(path.name + "-wal")
        if not isinstance(error, sqlite3.OperationalError) or (wal.exists() and wal.stat().st_size):
            raise
        return sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None)
    return db


def begun(db: sqlite3.Connection) -> str:
    """Bring a ledger up to date and give the batch's id."""
    _migrate(db)
    found = db.execute("SELECT value FROM about WHERE key = 'batch_id'").fetchone()
    if found is None:
        raise sqlite3.DatabaseError("it has no batch id")
    return str(found[0])


def version_of(db: sqlite3.Connection) -> int:
    """Give the version of a ledger's schema.

    Raises:
        LedgerError: It is newer than this program.
        sqlite3.DatabaseError: It has none.
    """
    try:
        found = db.execute("SELECT value FROM about WHERE key = 'version'").fetchone()
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        found = None
    if found is None or not str(found[0]).isdecimal():
        raise sqlite3.DatabaseError("it has no version")
    version = int(found[0])
    if version > len(STEPS):
        raise LedgerError(f"the ledger is of version {version}, this program knows up to {len(STEPS)}: upgrade it")
    return version


def in_words(path: Path, error: Exception) -> LedgerError:
    """Say what an error means for the ledger, and what to do about it."""
    if isinstance(error, LedgerError):
        return error
    words = str(error)
    if isinstance(error, sqlite3.OperationalError) and ("full" in words or "disk I/O" in words):
        return LedgerError(f"{path} cannot be written ({words}); nothing is lost, make room and run the same again")
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return LedgerError(f"{path} is damaged ({words}); it was left as it is: restore a copy, or use another folder")
    return LedgerError(f"{path} cannot be used: {words}")
