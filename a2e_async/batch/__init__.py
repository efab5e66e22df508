"""Durable batches: kill it at any moment, run it again, and pay once."""

from __future__ import annotations

from a2e_async.batch.batch import Batch
from a2e_async.batch.entries import Entry, FileEntry, State
from a2e_async.batch.in_memory import MemoryLedger
from a2e_async.batch.rows import BadRow, Row
from a2e_async.batch.sources import RowFile, read_file
from a2e_async.batch.steps import Outcome

__all__ = ["BadRow", "Batch", "Entry", "FileEntry", "MemoryLedger", "Outcome", "Row", "RowFile", "State", "read_file"]
