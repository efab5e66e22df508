"""The one thread that has the ledger's file open, and what is asked of it.

Laws of this file: one connection, on one thread (SQLite's WAL can be damaged by two that checkpoint at once); what
somebody was told is on the disk (`synchronous=FULL`); writes of many callers share one commit; a cancelled caller
never leaves a half-known write, for the thread finishes what it was given; nothing is written into a file that is not
the folder's ledger any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from a2e_async.batch.ledger_file import Begun, in_words
from a2e_async.errors import LedgerError

_GATHER_SECONDS = 0.004
_CLOSE = None

Statement = tuple[str, Sequence[Any]]
Rows = list[tuple[Any, ...]]
Answer = asyncio.Future[list[Rows]]
Work = tuple[list[Statement], Answer]


class Place(Protocol):
    """Where a ledger lies: `ledger_file.LedgerFile` or `in_memory.MemoryLedger`."""

    path: Path

    def open(self, held: contextlib.ExitStack) -> tuple[sqlite3.Connection, Begun]:
        """Open it, or begin one, for the one thread that writes; what it takes is let go of at the end of the stack."""
        ...

    def check(self) -> None:
        """Raise LedgerError when what is written now would not be found by the next run."""
        ...


@attrs.define
class Counters:
    """How much was written, and in how many commits."""

    writes: int = 0
    commits: int = 0


class Writer:
    """Carries out statements on a thread of its own; made in the event loop that will ask.

    Args:
        place: Where the ledger lies.

    Attributes:
        about: What the ledger says about itself, once it is open.
        counters: How much was written, and in how many commits.
    """

    def __init__(self, place: Place) -> None:
        self.path = place.path
        self._place = place
        self.about = Begun("", copied=False)
        self.counters = Counters()
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._opened: Answer = self._loop.create_future()
        self._thread: threading.Thread | None = None
        self._broken: LedgerError | None = None
        self._closing = False
        self._changes = 0

    async def open(self) -> None:
        """Open the file.

        Raises:
            LedgerError: It cannot be used.
        """
        self._thread = threading.Thread(target=self._serve, name="a2e ledger", daemon=True)
        self._thread.start()
        try:
            await self._opened
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Write what is waiting, close the file and let go of the lock; a cancellation does not keep it from that."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(_CLOSE)
            await asyncio.to_thread(thread.join)

    async def ask(self, statements: list[Statement]) -> list[Rows]:
        """Carry out statements, all or none; gives the rows of each when it is on the disk.

        Raises:
            LedgerError: It could not be done; nothing more can be from then on.
        """
        if self._broken is not None or self._thread is None:
            raise self._refusal()
        answer: Answer = self._loop.create_future()
        self._work.put((statements, answer))
        return await asyncio.shield(answer)

    # The thread.

    def _serve(self) -> None:
        with contextlib.ExitStack() as held:
            try:
                db, self.about = self._place.open(held)
                self._tell(self._opened, [])
                self._write_until_closed(db)
            except Exception as error:  # noqa: BLE001 - whatever ends the thread, nobody may wait for it for ever
                self._broken = in_words(self.path, error)
                self._tell(self._opened, self._broken)
                self._refuse_the_rest()

    def _write_until_closed(self, db: sqlite3.Connection) -> None:
        self._changes = db.total_changes
        while (first := self._next()) is not None:
            batch = [first]
            time.sleep(_GATHER_SECONDS)  # what other rows write in this moment shares the commit
            with contextlib.suppress(queue.Empty):
                while more := self._next(wait=False):
                    batch.append(more)
            self._commit(db, batch)

    def _next(self, *, wait: bool = True) -> Work | None:
        """Give the next work, None when the ledger is to be closed."""
        if self._closing:
            return None
        work = self._work.get(block=wait)
        self._closing = work is _CLOSE
        return work

    def _commit(self, db: sqlite3.Connection, batch: list[Work]) -> None:
        answers: list[list[Rows]] = []
        try:
            self._place.check()
            db.execute("BEGIN IMMEDIATE")
            for statements, _done in batch:
                answers.append([db.execute(sql, values).fetchall() for sql, values in statements])
            changed = db.total_changes != self._changes
            db.execute("COMMIT")
        except Exception as error:
            self._tell_all([(done, in_words(self.path, error)) for _statements, done in batch])
            raise
        self._changes = db.total_changes
        self.counters.commits += changed
        self.counters.writes += sum(_is_write(sql) for statements, _done in batch for sql, _values in statements)
        self._tell_all([(done, rows) for (_statements, done), rows in zip(batch, answers, strict=True)])

    def _refuse_the_rest(self) -> None:
        while work := self._next():
            self._tell(work[1], self._refusal())

    def _refusal(self) -> LedgerError:
        """Give an error of its own to each caller, for each says which tasks it concerns."""
        return LedgerError(self._broken.message if self._broken else "the ledger is closed")

    def _tell(self, answer: Answer, rows: list[Rows] | LedgerError) -> None:
        self._tell_all([(answer, rows)])

    def _tell_all(self, told: list[tuple[Answer, list[Rows] | LedgerError]]) -> None:
        """Wake all who share a commit at once: each waking of the loop costs as much as the writing of a row."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits
            self._loop.call_soon_threadsafe(_answer, told)


def _answer(told: list[tuple[Answer, list[Rows] | LedgerError]]) -> None:
    for answer, rows in told:
        if answer.done():
            continue
        if isinstance(rows, LedgerError):
            answer.set_exception(rows)
            answer.exception()  # a caller that was cancelled asks no more
        else:
            answer.set_result(rows)


def _is_write(sql: str) -> bool:
    return not sql.startswith("SELECT")
