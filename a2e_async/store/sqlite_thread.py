"""The one thread of a process that has a store's SQLite file open, and what is asked of it.

Laws of this file: what somebody was told is on the disk; writes of many callers share one commit, under the file's
write lock from before the first check (BEGIN IMMEDIATE is the fence); a cancelled caller never leaves a half-known
write, for the thread finishes what it was given; while the file cannot be written what is to be written waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import attrs

from a2e_async.errors import A2EError, LedgerError

_log = logging.getLogger("a2e_async")

_GATHER_SECONDS: Final = 0.004
_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 0.5
_CLOSE_SECONDS: Final = 5.0
_MOST: Final = 2000  # works of one commit

Task = Callable[[sqlite3.Connection], Any]


@attrs.define(eq=False)
class Work:
    """Something to be done on the thread.

    Attributes:
        task: What it is.
        answer: Who waits for it.
        writes: Whether it writes, and so waits for as long as the file cannot be written.
        until: When whoever waits gives up, None: never; by the monotonic clock.
    """

    task: Task
    answer: asyncio.Future[Any]
    writes: bool
    until: float | None = None


class SqliteThread:
    """Carries out work on a thread of its own; made in the event loop that will ask.

    Args:
        connect: Opens the file, on the thread, for a block.
        place: Its address, for messages.
        guard: Held while a transaction lasts, where several threads share a connection.

    Attributes:
        fenced: False takes the write lock out, for the test that shows what it is for.
    """

    def __init__(
        self,
        connect: Callable[[], contextlib.AbstractContextManager[sqlite3.Connection]],
        place: str,
        guard: contextlib.AbstractContextManager[Any] | None = None,
    ) -> None:
        self._connect = connect
        self._guard = guard or contextlib.nullcontext()
        self.fenced = True
        self._place = place
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread: threading.Thread | None = None
        self._broken: LedgerError | None = None
        self._closing = False
        self._close_by = math.inf
        self._away = False

    async def open(self) -> None:
        """Open the file.

        Raises:
            LedgerError: It cannot be used.
        """
        opened = self._loop.create_future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name="a2e store", daemon=True)
        self._thread.start()
        try:
            await opened
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Write what is waiting, for some seconds at most, and close the file; also when the caller is cancelled."""
        thread, self._thread = self._thread, None
        self._close_by = time.monotonic() + _CLOSE_SECONDS
        if thread is not None:
            self._work.put(None)
            await asyncio.to_thread(thread.join)

    async def ask(self, task: Task, *, writes: bool, patience: float | None = None) -> Any:  # noqa: ANN401 - what it gives
        """Do something; what it writes is on the disk when this returns.

        Args:
            task: What it is; it may be done again when the file could not be written.
            writes: Whether it writes.
            patience: Seconds after which it is given up while the file cannot be used, None: never.

        Raises:
            LedgerError: The file cannot be used.
        """
        if self._broken is not None or self._thread is None:
            raise self._refusal()
        until = None if patience is None else time.monotonic() + patience
        work = Work(task, self._loop.create_future(), writes, until)
        self._work.put(work)
        return await asyncio.shield(work.answer)

    # The thread.

    def _serve(self, opened: asyncio.Future[Any]) -> None:
        try:
            with self._connect() as db:
                self._tell(opened, None)
                self._work_until_closed(db)
        except Exception as error:  # noqa: BLE001 - whatever ends the thread, nobody may wait for it for ever
            self._broken = in_words(self._place, error)
            self._tell(opened, self._refusal())
            while (left := self._next()) is not None:
                self._tell(left.answer, self._refusal())

    def _work_until_closed(self, db: sqlite3.Connection) -> None:
        while (first := self._next()) is not None:
            works = [first]
            if first.writes:
                time.sleep(_GATHER_SECONDS)  # what others write in this moment shares the commit
            self._gather(works)
            self._do(db, works)

    def _gather(self, works: list[Work]) -> None:
        """Add what else is asked for by now."""
        with contextlib.suppress(queue.Empty):
            while len(works) < _MOST and (more := self._next(wait=False)) is not None:
                works.append(more)

    def _next(self, *, wait: bool = True) -> Work | None:
        if self._closing:
            return None
        work = self._work.get(block=wait)
        self._closing = work is None
        return work

    def _do(self, db: sqlite3.Connection, works: list[Work], *, alone: bool = False) -> None:
        """Do works in one transaction, again and again until the file can be written; alone: without any others."""
        pause = _PAUSE
        while works:
            try:
                with self._guard:
                    answers = self._once(db, works, alone=alone)
            except sqlite3.OperationalError as error:
                works = self._given_up(works, error)
                if works:
                    time.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    self._gather(works)
            except Exception as error:
                if len(works) == 1:
                    self._tell(works[0].answer, in_words(self._place, error))
                    if isinstance(error, sqlite3.DatabaseError) and type(error) is sqlite3.DatabaseError:
                        raise  # it is damaged
                    return
                for work in works:  # one of them spoils it for all
                    self._do(db, [work], alone=True)
                return
            else:
                self._note_back()
                for work, answer in zip(works, answers, strict=True):
                    self._tell(work.answer, answer)
                return

    def _once(self, db: sqlite3.Connection, works: list[Work], *, alone: bool) -> list[Any]:
        if not self.fenced or not any(work.writes for work in works):
            return [_outcome(db, work.task) for work in works]
        db.execute("BEGIN IMMEDIATE")
        if not alone:  # what was asked for while another process had the lock need not wait for it once more
            self._gather(works)
        try:
            answers = [_outcome(db, work.task) for work in works]
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        return answers

    def _given_up(self, works: list[Work], error: sqlite3.OperationalError) -> list[Work]:
        """Tell those who do not wait any longer, and give the others."""
        if not self._away:
            self._away = True
            _log.warning("%s; what is to be written waits", in_words(self._place, error).message)
        now = time.monotonic()
        over = [work for work in works if now >= min(self._close_by, math.inf if work.until is None else work.until)]
        for work in over:
            self._tell(work.answer, in_words(self._place, error))
        return [work for work in works if work not in over]

    def _note_back(self) -> None:
        if self._away:
            self._away = False
            _log.info("%s can be used again", self._place)

    def _refusal(self) -> LedgerError:
        """Give an error of its own to each caller, for each says which tasks it concerns."""
        return LedgerError(self._broken.message if self._broken else f"{self._place} is closed")

    def _tell(self, answer: asyncio.Future[Any], value: Any) -> None:  # noqa: ANN401 - what it gives
        def tell() -> None:
            if answer.done():
                return
            if isinstance(value, A2EError):
                answer.set_exception(value)
                answer.exception()  # a caller that was cancelled asks no more
            else:
                answer.set_result(value)

        with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits
            self._loop.call_soon_threadsafe(tell)


def _outcome(db: sqlite3.Connection, task: Task) -> Any:  # noqa: ANN401 - what it gives
    """Do a task; a refusal, which is raised before anything was written, is its own and nobody else's."""
    try:
        return task(db)
    except A2EError as error:
        return error


def in_words(place: str, error: Exception) -> LedgerError:
    """Say what an error means for the store."""
    if isinstance(error, LedgerError):
        return error
    if type(error) is sqlite3.DatabaseError:
        return LedgerError(f"{place} is damaged ({error}); it was left as it is: restore a copy")
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        words = "another process holds its write lock; one that was stopped keeps it until it is woken or killed"
        return LedgerError(f"{place} cannot be used: {error}: {words}")
    return LedgerError(f"{place} cannot be used: {error}")
