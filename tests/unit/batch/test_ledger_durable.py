"""What is durable in a ledger: what somebody was told is on the disk."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from ledgers import FILE, entry, opened, seen, value

from a2e_async.batch.ledger import FolderLedger
from a2e_async.errors import LedgerError


async def test_each_write_is_on_the_disk_when_it_returns(tmp_path):
    """A second connection sees each write as soon as its await has ended."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        assert value(tmp_path, "state") == "planned"
        await book.intended("a", "abcdefgh", 1)
        assert (value(tmp_path, "state"), value(tmp_path, "tag")) == ("intended", "abcdefgh")
        await book.accepted("a", ["t1"], 10)
        assert (value(tmp_path, "state"), value(tmp_path, "task_ids")) == ("accepted", '["t1"]')
        await book.finished("a", coins=10)
        assert value(tmp_path, "state") == "completed"
        await book.downloaded("a", [FILE])
        assert (value(tmp_path, "state"), json.loads(value(tmp_path, "files"))[0]["path"]) == ("done", "a.png")


async def test_many_writers_share_a_commit(tmp_path):
    """With 50 rows in flight there are at least five writes to a commit."""
    async with opened(tmp_path) as book:
        await book.plan([entry(f"r{n}") for n in range(500)])
        before = book.counters.writes, book.counters.commits
        line = iter(range(500))

        async def worker():
            for n in line:
                await book.intended(f"r{n}", "abcdefgh", 1)
                await book.accepted(f"r{n}", [f"t{n}"], 1)
                await asyncio.sleep(random.random() / 200)
                await book.finished(f"r{n}", coins=1)
                await book.known([f"r{n}"])

        await asyncio.gather(*(worker() for _ in range(50)))
        writes, commits = book.counters.writes - before[0], book.counters.commits - before[1]
        assert writes == 1500
        assert writes / commits >= 5


async def test_reading_commits_nothing(tmp_path):
    """Only writes are counted."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        before = book.counters.writes, book.counters.commits
        await asyncio.gather(*(book.known(["a"]) for _ in range(10)), book.counts(), book.coins())
        assert (book.counters.writes, book.counters.commits) == before == (1, 1)


async def test_the_pragmas_are_really_set(tmp_path):
    """WAL with every commit synced to the platter, no memory map, and strict tables."""
    async with opened(tmp_path) as book:
        asked = ("journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync", "mmap_size")
        found = [(await book._ask(f"PRAGMA {pragma}"))[0][0] for pragma in asked[:4]]
        assert found == ["wal", 2, 1, 1]
        assert [row[0] for row in await book._ask("PRAGMA mmap_size")] in ([0], [])
        strict = await book._ask("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
        assert {name: on for name, on in strict if not name.startswith("sqlite_")} == {"rows": 1, "about": 1}


async def test_a_wrong_type_is_refused_by_the_table(tmp_path):
    """STRICT: text does not slip into a column of numbers."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        with pytest.raises(LedgerError):
            await book.write(("UPDATE rows SET coins = 'many'", ()))
    assert value(tmp_path, "coins") is None


@pytest.mark.parametrize("seed", range(5))
async def test_a_cancelled_await_leaves_no_half_known_write(tmp_path, seed):
    """A write whose caller was cancelled is there as a whole or not at all, and the ledger goes on."""
    chance = random.Random(seed)
    async with opened(tmp_path) as book:
        await book.plan([entry(f"r{n}") for n in range(40)])
        columns = "UPDATE rows SET state = 'accepted' WHERE id = ?", "UPDATE rows SET task_ids = '[1]' WHERE id = ?"
        tasks = [asyncio.create_task(book.write(*((sql, (f"r{n}",)) for sql in columns))) for n in range(40)]
        for task in tasks:
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random() / 500)
                task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        await book.noted("r0", "still writing")
        rows = dict(seen(tmp_path, "SELECT id, state || task_ids FROM rows"))
        assert set(rows.values()) <= {"planned[]", "accepted[1]"}
        assert all(rows[f"r{n}"] == "accepted[1]" for n, end in enumerate(done) if end is None)


async def test_closing_writes_what_is_waiting(tmp_path):
    """Whoever wrote before the closing is told, and what he wrote is there."""
    book = await FolderLedger.open(tmp_path)
    await book.plan([entry(f"r{n}") for n in range(30)])
    tasks = [asyncio.create_task(book.intended(f"r{n}", "abcdefgh", 1)) for n in range(30)]
    await asyncio.sleep(0)
    await book.aclose()
    await book.aclose()
    await asyncio.gather(*tasks)
    assert seen(tmp_path, "SELECT count(*) FROM rows WHERE state = 'intended'") == [(30,)]
    with pytest.raises(LedgerError, match="closed"):
        await book.noted("r0", "late")


async def test_a_cancelled_closing_still_closes(tmp_path):
    """The lock is let go of although nobody waited for it."""
    book = await FolderLedger.open(tmp_path)
    closing = asyncio.create_task(book.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    async with asyncio.timeout(5):
        while "this very process" in await _attempt(tmp_path):
            pass


async def test_a_cancelled_opening_lets_go_of_the_lock(tmp_path):
    """Whoever is cancelled while a ledger opens holds nothing."""
    for turns in range(6):
        opening = asyncio.create_task(FolderLedger.open(tmp_path))
        for _ in range(turns):
            await asyncio.sleep(turns / 2000)
        opening.cancel()
        for book in await asyncio.gather(opening, return_exceptions=True):
            if isinstance(book, FolderLedger):
                await book.aclose()
        async with opened(tmp_path):
            pass


async def _attempt(folder):
    try:
        async with opened(folder):
            return ""
    except LedgerError as error:
        return error.message
