"""The names of own columns of a batch, which its ledger keeps for the manifest's table, and the report with them."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.report import write_report
from a2e_async.batch.rows import Row
from a2e_async.batch.stored import read_entries, read_kept
from a2e_async.store.ports import Ledger, Store

_KEY: Final = "own_columns"
_MOST: Final = 1000


async def keep_names(ledger: Ledger, rows: Iterable[Row]) -> None:
    """Keep the names of the rows' own columns, besides those of earlier runs.

    Raises:
        LedgerError: They cannot be written down.
    """
    known = _names(await ledger.kept(_KEY))
    names = list(dict.fromkeys([*known, *(name for row in rows for name in row.columns)]))[:_MOST]
    if names != known:
        await ledger.keep(_KEY, json.dumps(names))


async def keep_names_in(store: Store, batch: str, names: Iterable[str]) -> None:
    """Keep the names of own columns of a batch in a store, besides those of earlier plans.

    Raises:
        LedgerError: They cannot be written down.
    """
    known = await names_in(store, batch)
    merged = list(dict.fromkeys([*known, *names]))[:_MOST]
    if merged != known:
        await store.keep(f"{_KEY} of {batch}", json.dumps(merged))


async def names_in(store: Store, batch: str) -> list[str]:
    """Give the names of own columns of a batch in a store."""
    return _names(await store.kept(f"{_KEY} of {batch}"))


def write_whole_report(folder: Path) -> Path:
    """Write the report of the batch in a folder, with own columns; gives the path of the page.

    Raises:
        LedgerError: There is no batch in it, or its ledger cannot be read; then nothing is written.
        OSError: The folder cannot be written, or the disk is full.
    """
    entries = read_entries(folder / FILE_NAME)
    first = list(itertools.islice(entries, 1))
    columns = _names(read_kept(folder / FILE_NAME, _KEY))
    return write_report(folder, itertools.chain(first, entries), columns=columns)


def _names(words: str | None) -> list[str]:
    """Read names; what was not written by us is passed over."""
    with contextlib.suppress(ValueError, RecursionError):
        told = json.loads(words or "[]")
        if isinstance(told, list) and all(isinstance(name, str) for name in told):
            return told[:_MOST]
    return []
