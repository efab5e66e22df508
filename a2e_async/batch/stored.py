"""What the file of a ledger tells whoever only reads it, also while a batch runs."""

from __future__ import annotations

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
    with reading(path) as db:
        sql = f"SELECT {COLUMNS} FROM rows ORDER BY number"  # noqa: S608 - a constant
        rows = _sound(path, lambda: db.execute(sql))
        while row := _sound(path, rows.fetchone):
            yield entry_of(row)


def read_coins(path: Path) -> float:
    """Add up the coins charged in all lives of a batch, whose ledger may be in use.

    Raises:
        LedgerError: It cannot be read.
    """
    with reading(path) as db:
        return float(_sound(path, lambda: db.execute(SPENT).fetchone())[0])


def read_kept(path: Path, key: str) -> str | None:
    """Give the words that a ledger, which may be in use, keeps under a key.

    Raises:
        LedgerError: It cannot be read.
    """
    with reading(path) as db:
        sql = "SELECT value FROM about WHERE key = ?"
        found = _sound(path, lambda: db.execute(sql, (key,)).fetchone())
        return None if found is None else str(found[0])


def _sound(path: Path, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the query gives
    """Ask the ledger; only its own errors are put into words, never those of whoever uses what it gave."""
    try:
        return ask()
    except BROKEN as error:
        raise in_words(path, error) from error
