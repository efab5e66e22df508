"""What the file of a ledger tells whoever only reads it, also while a batch runs."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from a2e_async.batch.ledger_file import BROKEN, in_words, reading
from a2e_async.store.entries import Entry
from a2e_async.store.values import COLUMNS, SPENT, entry_of


def read_entries(path: Path) -> Iterator[Entry]:
    """Give the rows of a ledger, which may be in use; it is only read.

    Raises:
        LedgerError: It cannot be read.
    """
    with _tidily(path) as db:
        sql = f"SELECT {COLUMNS} FROM rows ORDER BY number"  # noqa: S608 - a constant
        with contextlib.closing(_sound(path, lambda: db.execute(sql))) as rows:  # who stops half-way holds it open
            while row := _sound(path, rows.fetchone):
                yield entry_of(row)


def read_coins(path: Path) -> float:
    """Add up the coins charged in all lives of a batch, whose ledger may be in use.

    Raises:
        LedgerError: It cannot be read.
    """
    with _tidily(path) as db:
        return float(_sound(path, lambda: db.execute(SPENT).fetchone())[0])


def read_kept(path: Path, key: str) -> str | None:
    """Give the words that a ledger, which may be in use, keeps under a key.

    Raises:
        LedgerError: It cannot be read.
    """
    with _tidily(path) as db:
        sql = "SELECT value FROM about WHERE key = ?"
        found = _sound(path, lambda: db.execute(sql, (key,)).fetchone())
        return None if found is None else str(found[0])


@contextlib.contextmanager
def _tidily(path: Path) -> Iterator[sqlite3.Connection]:
    """Read a ledger, and leave no files of SQLite's beside one at rest: a reader makes them and may not remove them."""
    try:
        with reading(path) as db:
            yield db
    finally:
        with contextlib.suppress(*BROKEN):
            if path.with_name(path.name + "-wal").stat().st_size == 0:  # else a writer is there, or its remains
                _close_as_a_writer(path)


def _close_as_a_writer(path: Path) -> None:
    """Open and close a ledger: SQLite then removes what lies beside it, unless somebody else has it open."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)) as db:
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA schema_version")


def _sound(path: Path, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the query gives
    """Ask the ledger; only its own errors are put into words, never those of whoever uses what it gave."""
    try:
        return ask()
    except BROKEN as error:
        raise in_words(path, error) from error
