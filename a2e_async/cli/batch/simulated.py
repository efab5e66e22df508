"""What a batch has to start again because the simulator that made it has ended.

A simulator forgets everything when its process ends, and what it made cost nothing. So rows that an earlier one had
begun are started again, and with them the rows whose outputs they take: a new simulator can neither be asked for the
tasks of the old one, nor serve its files. In front of the real service nothing of this holds, and nothing here is used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from a2e_async.batch.rows import Row
from a2e_async.engine.files import disk
from a2e_async.store.entries import Entry, State

BEGUN = frozenset(State) - {State.PLANNED, State.FAILED, State.REFUSED}
"""States of rows that may have to be started again; what failed is retried when somebody asks for it."""


def to_restart(folder: Path, rows: Sequence[Row], known: Mapping[str, Entry]) -> set[str]:
    """Give the ids of rows to start again.

    Args:
        folder: The batch's folder.
        rows: The rows to run.
        known: What the ledger knows of each row.
    """
    sources = {row.id: row.sources() for row in rows}
    line = [row.id for row in rows if row.id not in known or not _is_made(folder, known[row.id])]
    wanted: set[str] = set()
    while line:
        row_id = line.pop()
        if row_id not in wanted:
            wanted.add(row_id)
            line += sources.get(row_id, ())
    return {row_id for row_id in wanted if row_id in known and known[row_id].state in BEGUN}


def remove_files(folder: Path, entries: Iterable[Entry]) -> None:
    """Remove the files of rows that start again, so that the new ones get their names; a file changed since stays."""
    for path, sha256 in ((folder / file.path, file.sha256) for entry in entries for file in entry.files):
        with contextlib.suppress(OSError):
            if disk.plain(path) is not None and disk.digest_of(path) == sha256:
                path.unlink()


def _is_made(folder: Path, entry: Entry) -> bool:
    done = entry.state is State.DONE and all((folder / file.path).is_file() for file in entry.files)
    return done or entry.state in (State.FAILED, State.REFUSED)
