"""The ledger of a batch: one SQLite file that knows what was paid for, whatever happens to the process.

Laws of this file: one connection, on one thread (SQLite's WAL can be damaged by two that checkpoint at once); what
somebody was told is on the disk (`synchronous=FULL`); writes of many callers share one commit; a cancelled caller
never leaves a half-known write, for the thread finishes what it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import attrs

from a2e_async.batch.entries import Entry, FileEntry, State, is_text
from a2e_async.batch.ledger_file import FILE_NAME, begun, connect, in_words, prepare, read_only, version_of
from a2e_async.core import tags
from a2e_async.errors import LedgerError

_GATHER_SECONDS = 0.004
_LONGEST_ERROR = 2000
_CLOSE = None

_COLUMNS = (
    "id, family, fields, state, attempt, tag, task_ids, coins, error, "
    "planned_at, intended_at, accepted_at, settled_at, done_at, files"
)
_SPENT = "SELECT total(coins) + total(lost_coins) FROM rows"

Statement = tuple[str, Sequence[Any]]
Answer = asyncio.Future[list[tuple[Any, ...]]]
Work = tuple[list[Statement], Answer]


@attrs.define
class Counters:
    """How much was written, and in how many commits."""

    writes: int = 0
    commits: int = 0


class Ledger:
    """An open ledger; made with `Ledger.open`.

    Attributes:
        batch_id: The batch's own random id, from which tags are derived.
        counters: How much was written, and in how many commits.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.batch_id = ""
        self.counters = Counters()
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop = asyncio.get_running_loop()
        self._opened: Answer = self._loop.create_future()
        self._broken: LedgerError | None = None
        self._closing = False
        self._changes = 0

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """Open the ledger of a folder, or begin one.

        Raises:
            LedgerError: The folder cannot be used, another process has it open, or the file is damaged, of a newer
                version, or on a network file system; the message says which.
        """
        ledger = cls(folder / FILE_NAME)
        ledger._thread = threading.Thread(target=ledger._serve, name="a2e ledger", daemon=True)
        ledger._thread.start()
        try:
            await ledger._opened
        except BaseException:
            await ledger.aclose()
            raise
        return ledger

    async def aclose(self) -> None:
        """Write what is waiting, close the file and let go of the lock; a cancellation does not keep it from that."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(_CLOSE)
            await asyncio.to_thread(thread.join)

    async def write(self, *statements: Statement) -> None:
        """Write, all or nothing; when this returns it is on the disk.

        Raises:
            LedgerError: It could not be written; nothing more can be from then on.
        """
        await self._ask(list(statements))

    async def _ask(self, statements: list[Statement]) -> list[tuple[Any, ...]]:
        """Have the thread carry out statements; gives the rows of the last one."""
        if self._broken is not None or self._thread is None:
            raise self._refusal()
        answer: Answer = self._loop.create_future()
        self._work.put((statements, answer))
        return await asyncio.shield(answer)

    # What is written.

    async def plan(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        """Note rows that are new, and give what is known of all of them; a row that was begun is not changed."""
        sql = (
            "INSERT INTO rows (id, family, fields, state, planned_at) VALUES (?, ?, ?, 'planned', ?) "
            "ON CONFLICT (id) DO UPDATE SET family = excluded.family, fields = excluded.fields "
            "WHERE state = 'planned' AND (family, fields) IS NOT (excluded.family, excluded.fields)"
        )
        now = time.time()
        known = await self.known([one.id for one in entries])
        fresh = [one for one in entries if one.id not in known or _is_edited(known[one.id], one)]
        if fresh:
            await self.write(*((sql, (one.id, one.family, _dump(one.fields), now)) for one in fresh))
            known |= await self.known([one.id for one in fresh])
        return known

    async def known(self, ids: Sequence[str]) -> dict[str, Entry]:
        """Give what is known of these rows, by id."""
        sql = f"SELECT {_COLUMNS} FROM rows WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - a constant
        return {entry.id: entry for entry in map(_entry, await self._ask([(sql, (_dump(list(ids)),))]))}

    async def intended(self, row_id: str, tag: str, attempt: int) -> None:
        """A start is about to be sent under this tag."""
        sql = (
            "UPDATE rows SET state = 'intended', tag = ?, attempt = ?, error = '', "
            "intended_at = CASE WHEN tag IS ? THEN coalesce(intended_at, ?) ELSE ? END WHERE id = ?"
        )
        now = time.time()
        await self.write((sql, (tag, attempt, tag, now, now, row_id)))

    async def accepted(self, row_id: str, task_ids: Sequence[str], coins: float | None) -> None:
        """The service has taken the start."""
        sql = "UPDATE rows SET state = 'accepted', task_ids = ?, coins = ?, accepted_at = ?, error = '' WHERE id = ?"
        await self.write((sql, (_dump(list(task_ids)), _real(coins), time.time(), row_id)))

    async def settled(self, row_id: str, *, coins: float | None) -> None:
        """Every task of the row has completed."""
        sql = (
            "UPDATE rows SET state = 'completed', settled_at = coalesce(settled_at, ?), coins = coalesce(?, coins) "
            "WHERE id = ?"
        )
        await self.write((sql, (time.time(), _real(coins), row_id)))

    async def ended(self, row_id: str, state: State, error: str) -> None:
        """The row has ended badly."""
        sql = "UPDATE rows SET state = ?, error = ?, settled_at = coalesce(settled_at, ?) WHERE id = ?"
        await self.write((sql, (state.value, _text(error), time.time(), row_id)))

    async def downloaded(self, row_id: str, files: Sequence[FileEntry]) -> None:
        """Every file of the row is there."""
        sql = "UPDATE rows SET state = 'done', files = ?, done_at = ?, error = '' WHERE id = ?"
        await self.write((sql, (_dump([attrs.asdict(one) for one in files]), time.time(), row_id)))

    async def released(self, row_id: str, error: str) -> None:
        """The start was surely not taken; the row waits for the next run."""
        sql = "UPDATE rows SET state = 'planned', tag = NULL, intended_at = NULL, error = ? WHERE id = ?"
        await self.write((sql, (_text(error), row_id)))

    async def noted(self, row_id: str, error: str) -> None:
        """Something went wrong that the next run may mend."""
        await self.write(("UPDATE rows SET error = ? WHERE id = ?", (_text(error), row_id)))

    async def plan_again(self, states: Iterable[State]) -> int:
        """Let rows that ended badly be attempted anew; gives how many."""
        sql = (
            "UPDATE rows SET state = 'planned', attempt = attempt + 1, tag = NULL, task_ids = '[]', coins = NULL, "
            "error = '', intended_at = NULL, accepted_at = NULL, settled_at = NULL, lost_coins = lost_coins + "
            "coalesce(coins, 0) WHERE state IN (SELECT value FROM json_each(?)) RETURNING id"
        )
        return len(await self._ask([(sql, (_dump([state.value for state in states]),))]))

    async def keep(self, key: str, words: str) -> None:
        """Keep some words beside the rows, in the place of those that were kept under this key."""
        sql = "INSERT INTO about VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        await self.write((sql, (key, words)))

    # What is read.

    async def kept(self, key: str) -> str | None:
        """Give the words that were kept under a key."""
        found = await self._ask([("SELECT value FROM about WHERE key = ?", (key,))])
        return str(found[0][0]) if found else None

    async def counts(self) -> dict[State, int]:
        """Count the rows by state."""
        found = await self._ask([("SELECT state, count(*) FROM rows GROUP BY state", ())])
        return {State(state): count for state, count in found}

    async def coins(self) -> float:
        """Add up the coins charged in all lives of the batch."""
        found = await self._ask([(_SPENT, ())])
        return float(found[0][0])

    # The thread.

    def _serve(self) -> None:
        with contextlib.ExitStack() as held:
            try:
                held.callback(prepare(self.path.parent).release)
                db = held.enter_context(contextlib.closing(connect(self.path)))
                self.batch_id = begun(db)
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
        answers: list[list[tuple[Any, ...]]] = []
        try:
            db.execute("BEGIN IMMEDIATE")
            for statements, _done in batch:
                rows: list[tuple[Any, ...]] = []
                for sql, values in statements:
                    rows = db.execute(sql, values).fetchall()
                answers.append(rows)
            changed = db.total_changes != self._changes
            db.execute("COMMIT")
        except Exception as error:
            for _statements, done in batch:
                self._tell(done, in_words(self.path, error))
            raise
        self._changes = db.total_changes
        self.counters.commits += changed
        self.counters.writes += sum(_is_write(sql) for statements, _done in batch for sql, _values in statements)
        for (_statements, done), rows in zip(batch, answers, strict=True):
            self._tell(done, rows)

    def _refuse_the_rest(self) -> None:
        while work := self._next():
            self._tell(work[1], self._refusal())

    def _refusal(self) -> LedgerError:
        """Give an error of its own to each caller, for each says which tasks it concerns."""
        return LedgerError(self._broken.message if self._broken else "the ledger is closed")

    def _tell(self, answer: Answer, rows: list[tuple[Any, ...]] | LedgerError) -> None:
        def tell() -> None:
            if answer.done():
                return
            if isinstance(rows, LedgerError):
                answer.set_exception(rows)
                answer.exception()  # a caller that was cancelled asks no more
            else:
                answer.set_result(rows)

        with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits
            self._loop.call_soon_threadsafe(tell)


def read_entries(path: Path) -> Iterator[Entry]:
    """Give the rows of a ledger, which may be in use; it is only read.

    Raises:
        LedgerError: It cannot be read.
    """
    if not path.is_file():
        raise LedgerError(f"{path.parent} holds no batch: there is no {FILE_NAME}")
    try:
        with contextlib.closing(read_only(path)) as db:
            version_of(db)
            for row in db.execute(f"SELECT {_COLUMNS} FROM rows ORDER BY number"):  # noqa: S608 - a constant
                yield _entry(row)
    except (sqlite3.Error, OSError) as error:
        raise in_words(path, error) from error


def read_coins(path: Path) -> float:
    """Add up the coins charged in all lives of a batch, whose ledger may be in use.

    Raises:
        LedgerError: It cannot be read.
    """
    try:
        with contextlib.closing(read_only(path)) as db:
            version_of(db)
            return float(db.execute(_SPENT).fetchone()[0])
    except (sqlite3.Error, OSError) as error:
        raise in_words(path, error) from error


def _entry(row: tuple[Any, ...]) -> Entry:
    """Make an entry of a row.

    Raises:
        LedgerError: What stands there was not written by us.
    """
    row_id, family, fields, state, attempt, tag, task_ids, coins, error, *times, files = row
    try:
        return Entry(
            id=row_id,
            family=family,
            fields=dict(json.loads(fields)),
            state=State(state),
            attempt=attempt,
            tag=tag,
            task_ids=tuple(json.loads(task_ids)),
            coins=coins,
            error=error,
            planned_at=times[0],
            intended_at=times[1],
            accepted_at=times[2],
            settled_at=times[3],
            done_at=times[4],
            files=tuple(FileEntry(**one) for one in json.loads(files)),
        )
    except (ValueError, TypeError) as problem:
        raise LedgerError(f"the ledger is damaged: row {row_id!r} cannot be read ({problem})") from problem


def is_changed(known: Entry, family: str, fields: Mapping[str, Any]) -> bool:
    """Whether a row is given otherwise than the ledger has it."""
    return known.family != family or (known.fields != fields and known.fields != json.loads(_dump(fields)))


def _is_edited(known: Entry, given: Entry) -> bool:
    return known.state is State.PLANNED and is_changed(known, given.family, given.fields)


def _is_write(sql: str) -> bool:
    return not sql.startswith("SELECT")


def _dump(value: Mapping[str, Any] | list[Any]) -> str:
    """Write JSON; text that UTF-8 has no bytes for, which a service may well send, in ASCII."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text if is_text(text) else json.dumps(value, separators=(",", ":"))


def _text(words: str) -> str:
    return words[:_LONGEST_ERROR] if is_text(words) else words[:_LONGEST_ERROR].encode("utf-8", "replace").decode()


def _real(coins: float | None) -> float | None:
    """Give coins as a column takes them."""
    try:
        return None if coins is None else float(coins)
    except OverflowError:
        return None


def tag_of(batch_id: str, row_id: str, attempt: int) -> str:
    """Derive a row's tag, so that the same file in another folder, or a retry, is a new intent."""
    digest = hashlib.sha256(f"{batch_id}\0{row_id}\0{attempt}".encode()).digest()
    return tags.make(digest[: tags.BYTES_OF_A_TAG])
