"""Durable batches: kill it at any moment, run it again, and pay once.

Laws of this room:

- Write first, tell second. A row's intent and price are on the disk before its POST leaves, for the service charges
  when it accepts and has no idempotency key; its end is on the disk before anybody hears of it.
- A row changes only by an event of `entries.MOVES`, in the one SQL statement that also checks its state.
- Only what the service says of a row ends it. What concerns the run (token, coins, ledger, network) leaves the row for
  the next run.
- Nothing is paid for a second time unless somebody says so: `retry_failed`, `retry_unknown` or `redo`.
- What lies in the ledger or the folder may be somebody else's: it is checked before it is believed, and never replaced.

The way of a row: `sources` (files), `reading` and `cells` (values), `intake` (planned), `runner` (its turn), `steps`
(to its files), `verdicts` (what an error means), `ledger` (what is known), `manifest`, `gallery`, `report` (what is
shown).
"""

from __future__ import annotations

from a2e_async.batch.batch import Batch
from a2e_async.batch.folders import rows_of_files
from a2e_async.batch.in_memory import MemoryLedger
from a2e_async.batch.rows import BadRow, Outcome, Row
from a2e_async.batch.sources import RowFile, read_file
from a2e_async.store.entries import Entry, FileEntry, State

__all__ = [
    "BadRow",
    "Batch",
    "Entry",
    "FileEntry",
    "MemoryLedger",
    "Outcome",
    "Row",
    "RowFile",
    "State",
    "read_file",
    "rows_of_files",
]
