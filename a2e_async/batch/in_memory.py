"""A ledger in memory, for tests of code that runs batches: no file, no lock, and the very same rules and statements."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

from a2e_async.batch.ledger_file import FILE_NAME, Begun, begin
from a2e_async.errors import LedgerError


class MemoryLedger:
    """A ledger that outlives the batches which are opened with it, as a file does, but not its process.

    Give the same one to two `Batch.open` blocks to test what a second run does.

    Attributes:
        path: What errors call it.

    Example:
        ledger = MemoryLedger()
        async with Batch.open(tmp_path, a2e_client, ledger=ledger) as batch:
            outcomes = [outcome async for outcome in batch.run(rows)]
    """

    def __init__(self) -> None:
        self.path = Path("memory") / FILE_NAME  # for the words of errors only
        self._content = b""
        self._in_use = threading.Lock()

    def open(self, held: contextlib.ExitStack) -> tuple[sqlite3.Connection, Begun]:
        """Open it for one writer; what it holds is kept at the end of the stack.

        Raises:
            LedgerError: Another batch has it open.
        """
        if not self._in_use.acquire(blocking=False):
            raise LedgerError("this ledger in memory is open in another batch")
        held.callback(self._in_use.release)
        db = held.enter_context(contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)))
        if self._content:
            db.deserialize(self._content)
        else:
            begin(db, "")
        held.callback(self._keep, db)
        (batch_id,) = db.execute("SELECT value FROM about WHERE key = 'batch_id'").fetchone()
        return db, Begun(str(batch_id), copied=False)

    def check(self) -> None:
        """Refuse nothing: there is no file that could be moved away."""

    def _keep(self, db: sqlite3.Connection) -> None:
        self._content = db.serialize()
