"""The file of a ledger: how it is begun, brought up to date, checked and opened, and what is said when it cannot be.

The law of this file: a damaged ledger is left as it is, byte for byte.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import attrs

from a2e_async.batch import filelock, schema
from a2e_async.batch.schema import ABOUT, statements, version_of
from a2e_async.engine.files import disk
from a2e_async.errors import LedgerError
from a2e_async.store.places import refuse_network, refuse_planted

FILE_NAME = "ledger.sqlite"
STORE_FILE = "fleet.sqlite"  # the folder's batch is one of several processes, whose rows are in no ledger
_FACTS = {
    "batch_id": re.compile(r"[0-9a-f]{1,64}"),
    "salt": re.compile(r"[0-9a-f]{32}"),
    "begun": re.compile(r"\d{1,11}(\.\d{1,20})?"),
    "service": re.compile(r"[ -~]{1,500}"),
    "account": re.compile(r"[0-9a-f]{64}"),
    "user": re.compile(r"[0-9a-f]{64}"),
}
"""What may stand in a ledger beside the rows, as far as a run believes it."""
_STEPS_BETWEEN = 100_000  # of SQLite's machine, before the clock is asked again
_CHECK_SECONDS, _BYTES_A_SECOND = 30.0, 5_000_000  # what a slow disk is checked at

BROKEN = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What is raised where a ledger cannot be used; sqlite3 decodes its own words about damaged text, and may fail to."""


@attrs.frozen
class Begun:
    """What a ledger says about itself when it is opened for writing.

    Attributes:
        batch_id: The batch's own random id.
        copied: Whether the file is, or once was, not the one that was opened last: a copy, or one that was put back.
    """

    batch_id: str
    copied: bool


class LedgerFile:
    """The file of the ledger of a folder, while it is written.

    Args:
        folder: The batch's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._number: tuple[int, int] = (0, 0)

    def open(self, held: contextlib.ExitStack) -> tuple[sqlite3.Connection, Begun]:
        """Take the lock and open the file, or begin one; both are let go of at the end of the stack."""
        held.callback(prepare(self.path.parent).release)
        db = held.enter_context(contextlib.closing(connect(self.path)))
        about = begun(db, self.path)
        self._number = _number_of(self.path)
        return db, about

    def check(self) -> None:
        """Refuse to go on when the file was deleted, renamed or replaced: the next run would not find what is written.

        Raises:
            LedgerError: It was.
        """
        try:
            there = _number_of(self.path) == self._number
        except OSError:
            there = False
        if not there:
            words = "was deleted, renamed or replaced while the batch ran; nothing more is started"
            raise LedgerError(f"{self.path} {words}: put it back and run the same again, what was paid for is in it")


def _number_of(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino


def prepare(folder: Path) -> filelock.FileLock:
    """Make the folder, take its lock, and begin a ledger where there is none."""
    lock: filelock.FileLock | None = None
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        refuse_network(folder)
        lock = filelock.FileLock.take(folder / f".{FILE_NAME}.lock")
        _require_plain(path)
        if not path.exists():
            _begin(path)
    except (*BROKEN, LedgerError) as error:
        if lock is not None:
            lock.release()
        if isinstance(error, LedgerError):
            raise
        words = error.strerror if isinstance(error, OSError) else None
        raise LedgerError(f"{folder} cannot be used: {words or error}") from error
    return lock


def _require_plain(path: Path) -> None:
    """Refuse a ledger that is a link, or has a link or a pipe beside it where SQLite truncates or waits."""
    disk.require_plain(path)
    refuse_planted(path)


def _begin(path: Path) -> None:
    """Begin a ledger under another name first, so that an empty file of its name is always a damaged one."""
    if (path.parent / STORE_FILE).exists():
        words = f"holds a batch of several processes ({STORE_FILE}): run it with a2e batch run, or use another folder"
        raise LedgerError(f"{path.parent} {words}")
    fresh = path.with_name(path.name + ".new")
    for left_behind in (fresh.with_name(fresh.name + "-journal"), fresh):
        left_behind.unlink(missing_ok=True)
    # SQLite gives what it makes beside it the same mode.
    os.close(disk.open_plain(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        begin(db, str(fresh.stat().st_ino))
    fresh.replace(path)
    disk.sync_folder(path.parent)


def begin(db: sqlite3.Connection, number: str) -> None:
    """Make the tables of a new ledger, with what it says about itself.

    Args:
        db: An empty database.
        number: What the system knows its file by.
    """
    db.execute("BEGIN IMMEDIATE")
    db.execute(ABOUT)
    about = [("version", "0"), ("batch_id", token_hex(16)), ("begun", repr(time.time())), ("salt", token_hex(16))]
    db.executemany("INSERT INTO about VALUES (?, ?)", [*about, ("file", number)])
    db.execute("COMMIT")
    _migrate(db)


def _migrate(db: sqlite3.Connection) -> int:
    """Take the steps from the version of the file to ours, each whole or not at all; gives the version it had."""
    had = version_of(db)
    for version in range(had, len(schema.STEPS)):
        db.execute("BEGIN IMMEDIATE")
        for statement in statements(version):
            db.execute(statement)
        db.execute("UPDATE about SET value = ? WHERE key = 'version'", (str(version + 1),))
        db.execute("COMMIT")
    return had


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger for writing, after a read-only check: closing a writer moves even a damaged WAL into it."""
    if path.stat().st_size == 0:
        raise sqlite3.DatabaseError("the file is empty")
    with contextlib.closing(read_only(path)) as reader, _bounded(reader, path):
        version_of(reader)
        check = reader.execute("PRAGMA quick_check(1)").fetchone()[0]
        if check != "ok":
            raise sqlite3.DatabaseError(str(check))
    with contextlib.ExitStack() as held:
        uri = f"{path.absolute().as_uri()}?mode=rw"
        db = held.enter_context(contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)))
        make_safe(db)
        held.pop_all()
    return db


def make_safe(db: sqlite3.Connection) -> None:
    """Let nothing be called written before the disk has it.

    Raises:
        sqlite3.OperationalError: The file system has no place for the WAL.
    """
    for pragma in _SAFE:
        db.execute(f"PRAGMA {pragma}")
    mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(f"this file system allows the journal mode {mode} only")


_SAFE = (
    "trusted_schema = OFF",
    "synchronous = FULL",
    "fullfsync = 1",
    "checkpoint_fullfsync = 1",
    "mmap_size = 0",
)


@contextlib.contextmanager
def _bounded(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Bound the time of queries on a file that was not checked yet: it may have been made so that they never end."""
    until = time.monotonic() + _CHECK_SECONDS + path.stat().st_size / _BYTES_A_SECOND
    db.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN)
    try:
        yield
    finally:
        db.set_progress_handler(None, 0)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger, which may be in use, for reading only, after the check that it is one.

    Raises:
        LedgerError: There is none, or it cannot be read.
    """
    if not path.is_file():
        raise LedgerError(f"{path.parent} holds no batch: there is no {FILE_NAME}")
    with contextlib.ExitStack() as held:
        try:
            refuse_planted(path)
            db = held.enter_context(contextlib.closing(read_only(path)))
            with _bounded(db, path):
                version = version_of(db)
            if version < len(schema.STEPS):
                db = held.enter_context(contextlib.closing(_brought_up_to_date(db)))
        except BROKEN as error:
            raise in_words(path, error) from error
        yield db


def _brought_up_to_date(db: sqlite3.Connection) -> sqlite3.Connection:
    """Give a ledger of an older version as it would be if it were brought up to date; the file is left as it is."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    db.backup(copy)
    _migrate(copy)
    return copy


def read_only(path: Path) -> sqlite3.Connection:
    """Open a ledger for reading; one at rest also where nothing can be written, such as on an archive."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    # Whoever reads may leave the end to the collector, in whatever thread.
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5, check_same_thread=False)
    try:
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("SELECT count(*) FROM sqlite_master")
    except BROKEN as error:
        db.close()
        wal = path.with_name(path.name + "-wal")
        if not isinstance(error, sqlite3.OperationalError) or (wal.exists() and wal.stat().st_size):
            raise
        return sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None, check_same_thread=False)
    return db


def begun(db: sqlite3.Connection, path: Path) -> Begun:
    """Bring a ledger up to date and give what it says about itself; a file that is not the last one is noted."""
    if _migrate(db) < len(schema.STEPS):
        with contextlib.suppress(OSError):
            path.chmod(disk.PRIVATE)  # an older version made it readable for all, with the tokens of webhooks in it
    about = dict(db.execute("SELECT key, value FROM about"))
    batch_id, number = about.get("batch_id", ""), str(path.stat().st_ino)
    if not batch_id:
        raise sqlite3.DatabaseError("it has no batch id")
    wrong = [key for key, spelled in _FACTS.items() if key in about and not spelled.fullmatch(about[key])]
    if wrong:
        raise sqlite3.DatabaseError(f"its {wrong[0]} cannot be read")
    # Another copy may have started what is planned here, or will be, under the very same tags.
    copied = "copied" in about or about.get("file", number) != number
    db.execute("BEGIN IMMEDIATE")
    if copied and "copied" not in about:
        db.execute("INSERT INTO about VALUES ('copied', ?)", (repr(time.time()),))
    if about.get("file") != number:
        db.execute("INSERT OR REPLACE INTO about VALUES ('file', ?)", (number,))
    db.execute("INSERT OR IGNORE INTO about VALUES ('salt', ?)", (token_hex(16),))
    db.execute("COMMIT")
    return Begun(batch_id, copied)


def in_words(path: Path, error: Exception) -> LedgerError:
    """Say what an error means for the ledger, and what to do about it."""
    if isinstance(error, LedgerError):
        return error
    words = "its text is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    if isinstance(error, sqlite3.OperationalError) and words == "interrupted":
        return LedgerError(f"{path} cannot be read in a sensible time; it was left as it is: restore a copy")
    if isinstance(error, sqlite3.OperationalError) and ("full" in words or "disk I/O" in words):
        return LedgerError(f"{path} cannot be written ({words}); nothing is lost, make room and run the same again")
    if type(error) in (sqlite3.DatabaseError, sqlite3.IntegrityError, UnicodeDecodeError):
        return LedgerError(f"{path} is damaged ({words}); it was left as it is: restore a copy, or use another folder")
    return LedgerError(f"{path} cannot be used: {words}")
