"""The thread that writes a store's file: what it does while another process has the file's lock."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest

from a2e_async.errors import LedgerError
from a2e_async.store.sqlite_thread import SqliteThread


@contextlib.asynccontextmanager
async def thread(path, texts):
    """Open a thread for a file; `texts` gets every statement."""

    @contextlib.contextmanager
    def connect():
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
            db.set_trace_callback(texts.append)
            yield db

    opened = SqliteThread(connect, "a file")
    await opened.open()
    try:
        yield opened
    finally:
        await opened.aclose()


def write(opened, word):
    """Ask for a word to be written."""
    return asyncio.create_task(
        opened.ask(lambda db: db.execute("INSERT INTO words VALUES (?)", (word,)).rowcount, writes=True)
    )


async def test_what_is_asked_for_during_the_wait_for_the_lock_shares_the_commit(tmp_path):
    """Another process has the lock: what comes while this one waits for it is written with it, in one commit."""
    path, texts = tmp_path / "f.sqlite", []
    async with thread(path, texts) as opened:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first = write(opened, "a")
            while "BEGIN IMMEDIATE" not in texts:  # noqa: ASYNC110 - another thread adds it
                await asyncio.sleep(0.001)
            others = [write(opened, word) for word in "bcd"]
            await asyncio.sleep(0)  # so that they have asked
            other.execute("COMMIT")
        assert await asyncio.gather(first, *others) == [1, 1, 1, 1]
    assert texts.count("COMMIT") == 1


async def test_what_spoils_a_commit_is_told_alone(tmp_path):
    """A write that cannot be carried out is refused; what came with it, and what comes meanwhile, is written."""
    texts = []
    async with thread(tmp_path / "f.sqlite", texts) as opened:
        good = [write(opened, word) for word in "ab"]
        bad = asyncio.create_task(opened.ask(lambda db: db.execute("SELECT ?", (object(),)), writes=True))
        more = [write(opened, word) for word in "cd"]
        assert await asyncio.gather(*good, *more) == [1, 1, 1, 1]
        with pytest.raises(LedgerError, match="cannot be used"):
            await bad
        assert await opened.ask(lambda db: db.execute("SELECT count(*) FROM words").fetchone()[0], writes=False) == 4
