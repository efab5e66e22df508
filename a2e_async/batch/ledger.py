"""The ledger of a batch: one SQLite file that knows what was paid for, whatever happens to the process.

The verbs are the events of a row's life; each changes it only from the states that `entries.MOVES` allows, in the one
statement that also checks them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from a2e_async.batch.ledger_file import LedgerFile
from a2e_async.batch.writer import Counters, Place, Rows, Statement, Writer
from a2e_async.store.entries import MOVES, Entry, FileEntry, RowEvent, State
from a2e_async.store.values import (
    CHARGED,
    COLUMNS,
    SPENT,
    UNPRICED,
    dump,
    dump_files,
    entry_of,
    is_changed,
    sensible,
    short,
)

_ANEW: Final = (
    "attempt = attempt + 1, tag = NULL, task_ids = '[]', coins = NULL, price = NULL, error = '', files = '[]', "
    "intended_at = NULL, sent_first = NULL, sent_last = NULL, letters = '', accepted_at = NULL, finished_at = NULL, "
    f"done_at = NULL, lost_coins = lost_coins + {CHARGED}"
)


class FolderLedger:
    """An open ledger; made with `FolderLedger.open`.

    Attributes:
        path: Its file.
    """

    def __init__(self, writer: Writer) -> None:
        self.path = writer.path
        self._writer = writer

    @classmethod
    async def open(cls, folder: Path, place: Place | None = None) -> Self:
        """Open the ledger of a folder, or begin one.

        Args:
            folder: The batch's folder.
            place: Where the ledger lies, if not in that folder.

        Raises:
            LedgerError: The folder cannot be used, another process has it open, or the file is damaged, of a newer
                version, not ours, or on a network file system; the message says which.
        """
        writer = Writer(place or LedgerFile(folder))
        await writer.open()
        return cls(writer)

    @property
    def batch_id(self) -> str:
        """The batch's own random id, from which tags are derived."""
        return self._writer.about.batch_id

    @property
    def place(self) -> str:
        """The batch's folder, for messages."""
        return str(self.path.parent)

    @property
    def shard(self) -> None:
        """None: a folder's ledger has no shards."""

    @property
    def copied(self) -> bool:
        """Whether the file is a copy, or was put back: it is, or once was, not the one that was opened last."""
        return self._writer.about.copied

    @property
    def counters(self) -> Counters:
        """How much was written, and in how many commits."""
        return self._writer.counters

    async def aclose(self) -> None:
        """Write what is waiting, close the file and let go of the lock; a cancellation does not keep it from that."""
        await self._writer.aclose()

    async def write(self, *statements: Statement) -> None:
        """Write, all or nothing; when this returns it is on the disk.

        Raises:
            LedgerError: It could not be written; nothing more can be from then on.
        """
        await self._writer.ask(list(statements))

    async def _ask(self, sql: str, *values: Any) -> Rows:  # noqa: ANN401 - what SQLite takes
        return (await self._writer.ask([(sql, values)]))[0]

    # What is written.

    async def plan(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        """Note rows that are new, and give what is known of all of them.

        A row that was begun is not changed; how it is given now is kept beside it for when it is attempted anew.
        """
        now = time.time()
        known = await self.known([one.id for one in entries])
        statements = [_planning(known.get(one.id), one, now) for one in entries]
        changing = [statement for statement in statements if statement is not None]
        if changing:
            await self.write(*changing)
            known |= await self.known([one.id for one, made in zip(entries, statements, strict=True) if made])
        return known

    async def known(self, ids: Sequence[str]) -> dict[str, Entry]:
        """Give what is known of these rows, by id."""
        sql = f"SELECT {COLUMNS} FROM rows WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - a constant
        return {entry.id: entry for entry in map(entry_of, await self._ask(sql, dump(list(ids))))}

    async def intended(self, row_id: str, tag: str, attempt: int, price: float | None = None) -> bool:
        """A start is about to be sent under this tag, and so many coins are held for it."""
        sets = (
            "tag = ?, attempt = ?, error = '', price = max(coalesce(?, price), coalesce(price, 0)), "
            "intended_at = CASE WHEN tag IS ? THEN coalesce(intended_at, ?) ELSE ? END"
        )
        now = time.time()
        return await self._move(RowEvent.INTENDED, row_id, sets, tag, attempt, sensible(price), tag, now, now)

    async def sending(self, row_id: str, letter: str, at: float | None) -> bool:
        """A POST of the start leaves now: under this letter, at this time by the service's clock."""
        sets = (
            "sent_first = CASE WHEN letters = '' THEN ? ELSE sent_first END, sent_last = ?, "
            "letters = CASE WHEN instr(letters, ?) THEN letters ELSE letters || ? END"
        )
        return await self._move(RowEvent.SENDING, row_id, sets, at, at, letter, letter)

    async def accepted(self, row_id: str, task_ids: Sequence[str], coins: float | None) -> bool:
        """The service has taken the start."""
        sets = "task_ids = ?, coins = ?, accepted_at = coalesce(accepted_at, ?), error = ''"
        return await self._move(RowEvent.ACCEPTED, row_id, sets, dump(list(task_ids)), sensible(coins), time.time())

    async def finished(
        self,
        row_id: str,
        *,
        coins: float | None,
        urls: Sequence[str] = (),  # noqa: ARG002 - URLs expire, and the row will have its files
        records: Sequence[Mapping[str, Any]] = (),  # noqa: ARG002 - likewise
    ) -> bool:
        """Every task of the row has completed."""
        sets = "finished_at = coalesce(finished_at, ?), coins = coalesce(?, coins), error = ''"
        return await self._move(RowEvent.FINISHED, row_id, sets, time.time(), sensible(coins))

    async def downloaded(
        self,
        row_id: str,
        files: Sequence[FileEntry],
        *,
        coins: float | None = None,
        urls: Sequence[str] = (),  # noqa: ARG002 - URLs expire, and the row has its files
        records: Sequence[Mapping[str, Any]] = (),  # noqa: ARG002 - likewise
    ) -> bool:
        """Every file of the row is there."""
        sets = "files = ?, coins = coalesce(?, coins), finished_at = coalesce(finished_at, ?), done_at = ?, error = ''"
        now, written = time.time(), dump_files(list(files))
        return await self._move(RowEvent.DOWNLOADED, row_id, sets, written, sensible(coins), now, now)

    async def ended(
        self,
        row_id: str,
        event: RowEvent,
        error: str,
        *,
        coins: float | None = None,
        records: Sequence[Mapping[str, Any]] = (),  # noqa: ARG002 - the service has them
    ) -> bool:
        """The row has failed, was refused, or nobody can say."""
        sets = "error = ?, finished_at = coalesce(finished_at, ?), coins = coalesce(?, coins)"
        return await self._move(event, row_id, sets, short(error), time.time(), sensible(coins))

    async def released(self, row_id: str, error: str) -> bool:
        """The start was surely not taken; the row waits for the next run."""
        sets = (
            "tag = NULL, intended_at = NULL, sent_first = NULL, sent_last = NULL, letters = '', price = NULL, error = ?"
        )
        return await self._move(RowEvent.RELEASED, row_id, sets, short(error))

    async def noted(self, row_id: str, error: str) -> bool:
        """Something went wrong that the next run may mend."""
        return await self._move(RowEvent.NOTED, row_id, "error = ?", short(error))

    async def again(self, row_ids: Iterable[str], states: Collection[State]) -> list[str]:
        """Let rows that stand in one of these states be attempted anew, each as a new intent; gives which.

        Where a row was edited since it was begun, the new attempt takes it as it was given last.
        """
        allowed, state = MOVES[RowEvent.AGAIN]
        sql = (
            f"UPDATE rows SET {_ANEW}, state = ?, family = coalesce(json_extract(edited, '$[0]'), family), "  # noqa: S608 - constants
            "fields = coalesce(json_extract(edited, '$[1]'), fields), edited = NULL "
            "WHERE id IN (SELECT value FROM json_each(?)) AND state IN (SELECT value FROM json_each(?)) RETURNING id"
        )
        wanted = _values(allowed & set(states))
        return [str(row[0]) for row in await self._ask(sql, _value(state), dump(list(row_ids)), wanted)]

    async def list_only(self, row_ids: Iterable[str]) -> None:
        """Note that these are the rows of the rows file, and that all others are no more in it."""
        sql = "UPDATE rows SET listed = ? WHERE listed != ? AND (id IN (SELECT value FROM json_each(?))) = ?"
        given = dump(list(row_ids))
        await self.write((sql, (1, 1, given, 1)), (sql, (0, 0, given, 0)))

    async def keep(self, key: str, words: str) -> None:
        """Keep some words beside the rows, in the place of those that were kept under this key."""
        sql = "INSERT INTO about VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        await self.write((sql, (key, words)))

    async def _move(self, event: RowEvent, row_id: str, sets: str, *values: Any) -> bool:  # noqa: ANN401 - SQLite's
        """Let an event change a row; says whether it stood where the event may come."""
        allowed, state = MOVES[event]
        sql = (
            f"UPDATE rows SET {sets}, state = coalesce(?, state) "  # noqa: S608 - constants
            "WHERE id = ? AND state IN (SELECT value FROM json_each(?)) RETURNING id"
        )
        return bool(await self._ask(sql, *values, _value(state), row_id, _values(allowed)))

    async def adopt(self, entry: Entry) -> bool:
        """Let a row that was refused be attempted anew; a folder has one holder, to whom every row belongs."""
        return bool(await self.again([entry.id], {State.REFUSED}))

    # What is read.

    async def kept(self, key: str) -> str | None:
        """Give the words that were kept under a key."""
        found = await self._ask("SELECT value FROM about WHERE key = ?", key)
        return str(found[0][0]) if found else None

    async def counts(self) -> dict[State, int]:
        """Count the rows by state."""
        found = await self._ask("SELECT state, count(*) FROM rows GROUP BY state")
        return {State(state): count for state, count in found}

    async def in_states(self, states: Collection[State], most: int = -1) -> list[Entry]:
        """Give the rows that stand in one of these states, those accepted last first; -1 for all."""
        sql = (
            f"SELECT {COLUMNS} FROM rows WHERE state IN (SELECT value FROM json_each(?)) "  # noqa: S608 - a constant
            "ORDER BY accepted_at DESC LIMIT ?"
        )
        return [entry_of(row) for row in await self._ask(sql, _values(states), most)]

    async def unpriced(self) -> list[Entry]:
        """Give the rows that were sent, and of which nobody knows what they cost."""
        sql = f"SELECT {COLUMNS} FROM rows WHERE {UNPRICED}"  # noqa: S608 - constants
        return [entry_of(row) for row in await self._ask(sql)]

    async def begun(self) -> bool:
        """Whether anything was begun; a row that cannot be read is refused here, before anything is sent."""
        return bool(await self.in_states(frozenset(State) - {State.PLANNED}, most=1))

    async def coins(self) -> float:
        """Add up the coins of all lives of the batch: what was charged, and what may have been."""
        return float((await self._ask(SPENT))[0][0])


def _planning(known: Entry | None, given: Entry, now: float) -> Statement | None:
    """Give what notes a row, None where the ledger has it as it is given."""
    fields = dump(dict(given.fields))
    if known is None:
        sql = "INSERT INTO rows (id, family, fields, state, planned_at) VALUES (?, ?, ?, 'planned', ?)"
        return sql, (given.id, given.family, fields, now)
    changed = is_changed(known, given.family, given.fields)
    if not changed and known.edited is None:
        # The same row; its files may lie elsewhere by now, and own columns may be new.
        same = known.fields == given.fields or dump(dict(known.fields)) == fields
        return None if same else ("UPDATE rows SET fields = ? WHERE id = ?", (fields, given.id))
    if known.state is State.PLANNED and not known.letters:
        return "UPDATE rows SET family = ?, fields = ? WHERE id = ? AND state = 'planned'", (
            given.family,
            fields,
            given.id,
        )
    edited = dump([given.family, dict(given.fields)]) if changed else None
    before = None if known.edited is None else dump([known.edited[0], dict(known.edited[1])])
    return None if edited == before else ("UPDATE rows SET edited = ? WHERE id = ?", (edited, given.id))


def _value(state: State | None) -> str | None:
    return None if state is None else state.value


def _values(states: Iterable[State]) -> str:
    return dump([state.value for state in states])
