"""Rows that are checked against each other without being held in memory: ids once only, chains whole, no circles.

They lie in a temporary database of this process, which the system removes with it; what is kept for each row in memory
is a few numbers. `cut` gives them in shards: rows that take what other rows make stay in one shard with them, because
whoever works on a shard sees its rows only.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import attrs

from a2e_async.batch.chains import bad_row, circles, no_usable, own_problem
from a2e_async.batch.rows import BadRow, Row, of_entry
from a2e_async.store.entries import Entry
from a2e_async.store.fields import DumpedFields
from a2e_async.store.values import dump

_TABLES = (
    "CREATE TABLE rows (number INTEGER PRIMARY KEY, id TEXT UNIQUE, line INTEGER, family TEXT, fields TEXT)",
    "CREATE TABLE seen (id TEXT PRIMARY KEY, times INTEGER) WITHOUT ROWID",
    "CREATE TABLE sources (number INTEGER, id TEXT)",
)
_CACHE_KIB = 64 * 1024
_MOST_BAD = 10_000
_NONE = -1


class Spool:
    """Rows on their way from a file into shards; used by one thread at a time.

    Args:
        most_bad: How many rows that cannot be started are kept with their words; the others are counted.

    Attributes:
        bad: The rows that cannot be started, in the order of their lines, as many as are kept.
        count: How many rows can.
        bad_count: How many cannot.
        columns: The names of own columns of the rows, in their order.
    """

    def __init__(self, most_bad: int = _MOST_BAD) -> None:
        self.bad: list[BadRow] = []
        self._most_bad = most_bad
        self.count = 0
        self.bad_count = 0
        self.columns: dict[str, None] = {}
        self._last = 0
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for table in _TABLES:
            self._db.execute(table)

    @classmethod
    def of(cls, rows: Iterable[Row | BadRow], *, most_bad: int = _MOST_BAD) -> Self:
        """Take rows, and check them against each other.

        Args:
            rows: Rows as a file has them.
            most_bad: As above.
        """
        spool = cls(most_bad)
        try:
            spool._db.execute("BEGIN")
            for row in rows:
                spool._add(row)
            spool._check_sources()
            spool._db.execute("COMMIT")
        except BaseException:
            spool.close()
            raise
        spool.bad.sort(key=lambda one: one.line or 0)
        return spool

    def close(self) -> None:
        """Let go of the rows."""
        self._db.close()

    def ids(self) -> Iterator[str]:
        """Give the ids of the rows that can be started."""
        for (row_id,) in self._db.execute("SELECT id FROM rows ORDER BY number"):
            yield row_id

    def cut(self, size: int) -> Iterator[list[Entry]]:
        """Give the rows that can be started in shards, in their order as far as chains allow.

        Args:
            size: How many rows a shard has at most; a chain that is longer has a larger shard to itself.
        """
        shards = self._shards(size)
        for _no, numbers in itertools.groupby(
            sorted(range(1, self._last + 1), key=shards.__getitem__), key=shards.__getitem__
        ):
            if shard := self._entries(list(numbers)):  # where it is empty all of it was left out
                yield shard

    # How rows come in.

    def _add(self, row: Row | BadRow) -> None:
        if isinstance(row, BadRow):
            self._refuse(row)
            return
        own = row if self._insert(row) else self._numbered(row)
        if own is None:
            self._refuse(self._twice(row))
            return
        self.count += 1
        if row.columns:
            self.columns |= dict.fromkeys(row.columns)
        for source in own.sources():
            self._db.execute("INSERT INTO sources VALUES (?, ?)", (self._last, source))

    def _insert(self, row: Row) -> bool:
        """Take a row, unless its id is there."""
        values = (self._last + 1, row.id, row.line, row.family.name, dump(row.kept()))
        done = self._db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values).rowcount > 0
        self._last += done
        return done

    def _numbered(self, row: Row) -> Row | None:
        """Take a row that has no id of its own under another number, for its content was there; None: its id was."""
        if not row.hashed:
            return None
        sql = "INSERT INTO seen VALUES (?, 2) ON CONFLICT (id) DO UPDATE SET times = times + 1 RETURNING times"
        (times,) = self._db.execute(sql, (row.id,)).fetchone()
        other = attrs.evolve(row, id=f"{row.id}-{times}", hashed=False)
        return other if self._insert(other) else None

    def _twice(self, row: Row | BadRow) -> BadRow:
        (first,) = self._db.execute("SELECT line FROM rows WHERE id = ?", (row.id,)).fetchone() or (None,)
        words = f"id: {row.id} is used in line {first} already" if first else f"id: {row.id} is there already"
        return BadRow(line=row.line, id=row.id, field="id", message=words)

    def _refuse(self, bad: BadRow) -> None:
        self.bad_count += 1
        if len(self.bad) < self._most_bad:
            self.bad.append(bad)

    # What rows take from each other.

    def _check_sources(self) -> None:
        """Leave out rows that can never have what they take: from a row that is not there, or in a circle."""
        self._db.execute("CREATE INDEX takers ON sources (id)")
        missing = "SELECT DISTINCT id FROM sources WHERE id NOT IN (SELECT id FROM rows)"
        for (source,) in self._db.execute(missing).fetchall():
            self._leave_out_behind(source)
        stuck = {self._row(number).id: number for number in self._circles()}
        sources = {row_id: self._row(number).sources() for row_id, number in stuck.items()}
        for row_id, (source, words) in circles(sources).items():
            self._leave_out(stuck[row_id], source, words)
        self._check_outputs()

    def _check_outputs(self) -> None:
        """Leave out rows that name an output which the other row will not have, and those behind them."""
        for (number,) in self._db.execute("SELECT DISTINCT number FROM sources ORDER BY number").fetchall():
            if not self._db.execute("SELECT 1 FROM rows WHERE number = ?", (number,)).fetchone():
                continue
            row = self._row(number)
            problem = own_problem(row, {source: self._row_of(source) for source in row.sources()})
            if problem is not None:
                self._drop(number, problem)
                self._leave_out_behind(row.id)

    def _leave_out_behind(self, source: str) -> None:
        behind = [source]
        while behind:
            before = behind.pop()
            takers = self._db.execute("SELECT DISTINCT number FROM sources WHERE id = ?", (before,))
            for (number,) in takers.fetchall():
                behind.append(self._leave_out(number, before, no_usable(source)))

    def _row(self, number: int) -> Row:
        line, row_id, family, fields = self._db.execute(
            "SELECT line, id, family, fields FROM rows WHERE number = ?", (number,)
        ).fetchone()
        return attrs.evolve(of_entry(Entry(id=row_id, family=family, fields=json.loads(fields))), line=line)

    def _row_of(self, row_id: str) -> Row:
        (number,) = self._db.execute("SELECT number FROM rows WHERE id = ?", (row_id,)).fetchone()
        return self._row(number)

    def _leave_out(self, number: int, source: str, words: str) -> str:
        """Take a row for a bad one; gives its id."""
        row = self._row(number)
        self._drop(number, bad_row(row, source, words))
        return row.id

    def _drop(self, number: int, bad: BadRow) -> None:
        self._db.execute("DELETE FROM sources WHERE number = ?", (number,))
        self._db.execute("DELETE FROM rows WHERE number = ?", (number,))
        self.count -= 1
        self._refuse(bad)

    def _circles(self) -> Iterator[int]:
        """Give the rows from whose sources no way leads to a row that takes nothing."""
        waits = array("i", bytes(4 * (self._last + 1)))
        begins = array("i", bytes(4 * (self._last + 2)))  # where the takers of each row begin
        takers = array("i")
        for number, source in self._takers():
            waits[number] += 1
            takers.append(number)
            begins[source + 1] += 1
        for source in range(self._last + 1):
            begins[source + 1] += begins[source]
        ready = array("i", (number for number in range(1, self._last + 1) if not waits[number]))
        while ready:
            source = ready.pop()
            for number in takers[begins[source] : begins[source + 1]]:
                waits[number] -= 1
                if not waits[number]:
                    ready.append(number)
        return (number for number in range(1, self._last + 1) if waits[number])

    def _takers(self) -> Iterator[tuple[int, int]]:
        """Give each row that takes something from another one with that one, by their numbers."""
        sql = "SELECT s.number, r.number FROM sources s JOIN rows r ON r.id = s.id ORDER BY r.number"
        yield from self._db.execute(sql)

    # How they are cut.

    def _roots(self) -> array[int]:
        """Give for each row's number that of one row of its chain, the same for all of them."""
        roots = array("i", range(self._last + 1))

        def root(number: int) -> int:
            while roots[number] != number:
                roots[number] = number = roots[roots[number]]
            return number

        for number, source in self._takers():
            roots[root(number)] = root(source)
        for number in range(len(roots)):
            roots[number] = root(number)
        return roots

    def _shards(self, size: int) -> array[int]:
        """Give the number of the shard of each row, by the row's number."""
        roots = self._roots()
        sizes = array("i", bytes(4 * len(roots)))
        for number in range(1, len(roots)):
            sizes[roots[number]] += 1
        shards = array("i", [_NONE]) * len(roots)
        at, filled = 0, 0
        for number in range(1, len(roots)):
            root = roots[number]
            if shards[root] == _NONE:
                if filled and filled + sizes[root] > size:
                    at, filled = at + 1, 0
                shards[root] = at
                filled += sizes[root]
            shards[number] = shards[root]
        return shards

    def _entries(self, numbers: Sequence[int]) -> list[Entry]:
        """Give rows by their numbers, without those that were left out."""
        sql = "SELECT id, family, fields FROM rows WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number"
        found = self._db.execute(sql, (dump(list(numbers)),))
        return [Entry(id=row_id, family=family, fields=DumpedFields(fields)) for row_id, family, fields in found]
