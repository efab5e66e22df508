"""A store that is away for a while: nothing is sent, nothing is lost, and all is written when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time

import pytest
from ledgers import entry

from a2e_async.errors import FencedError, LedgerError
from a2e_async.store.entries import State
from a2e_async.store.ports import JOBS
from a2e_async.store.sql_store import SqlStore
from a2e_async.store.sqlite import SqliteEngine

TTL = 2.0


@contextlib.contextmanager
def _sqlite_away(path):
    """Let another program hold the file's write lock."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def _postgres_away(server):
    """Stop a server as if it had been killed, and start it again."""
    server.down()
    try:
        yield
    finally:
        server.up()


@pytest.fixture(params=["sqlite", "postgres"])
async def stops(request, tmp_path, views):
    """Give a store that can be away, and what lets it be."""
    if views.kind != request.param:
        pytest.skip("one of each kind")
    if request.param == "postgres":
        server = request.getfixturevalue("server")
        yield await views.another(), lambda: _postgres_away(server)
        return
    path = tmp_path / "jobs.sqlite"
    store = SqlStore(SqliteEngine(path, busy_seconds=0.1))
    await store.open()
    views.open_ones.append(store)
    yield store, lambda: _sqlite_away(path)


@pytest.mark.slow
async def test_nothing_is_sent_while_it_is_away_and_ends_are_written_later(stops, caplog):
    """The right ends by itself after half of the lease; what was accepted is written when the store is back."""
    store, away = stops
    caplog.set_level(logging.INFO, "a2e_async")
    lease = await store.lease(TTL)
    book = await store.join(JOBS, lease)
    await book.plan([entry("running"), entry("waiting")])
    await book.intended("running", "abcdefgh", 1)
    await book.sending("running", "a", 1.0)
    sent = []

    async def send():
        while True:
            await lease.fresh()
            sent.append(time.monotonic())
            await asyncio.sleep(0.01)

    sending = asyncio.create_task(send())
    await asyncio.sleep(TTL / 6 * 1.5)
    began = time.monotonic()
    with away():
        written = asyncio.create_task(book.accepted("running", ["t1"], 20))
        with pytest.raises(LedgerError):
            await store.find("running")
        await asyncio.sleep(max(0.0, began + TTL * 1.5 - time.monotonic()))
        assert not written.done()
        assert max(sent) <= began + TTL / 2 + 0.2
        back = time.monotonic()
    assert await asyncio.wait_for(written, 20)
    while max(sent) < back:
        await asyncio.sleep(0.05)
        assert time.monotonic() < back + 20
    sending.cancel()
    assert not lease.lost
    assert (await store.find("running")).task_ids == ("t1",)
    assert await book.intended("waiting", "bcdefghi", 1)
    assert sum("no start is sent" in record.message for record in caplog.records) <= 1
    assert not any("oyster" in record.getMessage() for record in caplog.records)


async def test_whoever_was_taken_over_meanwhile_is_fenced_when_the_store_is_back(stops, views):
    """What it wanted to write then is refused, and its rows stand as the new holder has them."""
    store, away = stops
    other = await views.another()
    mine, his = await store.lease(TTL), await other.lease(TTL * 10)
    book = await store.join(JOBS, mine)
    await book.plan([entry()])
    mine._task.cancel()  # it does not beat any more
    with away():
        written = asyncio.create_task(book.intended("a", "abcdefgh", 1))
        await asyncio.sleep(0.3)
    done = await asyncio.wait_for(asyncio.gather(written, return_exceptions=True), 20)
    assert done == [True]  # nobody has taken it: it is still his
    await asyncio.sleep(TTL)
    taken = await other.claim(JOBS, book.shard, his)
    assert taken is not None
    with pytest.raises(FencedError):
        await book.sending("a", "a", 1.0)
    assert (await taken.known(["a"]))["a"].state is State.INTENDED


@pytest.mark.slow
async def test_closing_while_it_is_away_comes_to_an_end(stops):
    """What could not be written is told to whoever waits for it."""
    store, away = stops
    book = await store.join(JOBS, await store.lease(TTL))
    await book.plan([entry()])
    with away():
        written = asyncio.create_task(book.noted("a", "late"))
        await asyncio.sleep(0.2)
        await asyncio.wait_for(store.aclose(), 30)
        with pytest.raises(LedgerError):
            await written


async def test_a_write_lock_that_another_process_keeps_is_named_once(tmp_path, caplog):
    """What waits is told in one line of the log, and whoever reads hears why; nothing waits for longer than it must."""
    path = tmp_path / "jobs.sqlite"
    store = SqlStore(SqliteEngine(path, busy_seconds=0.05))
    await store.open()
    book = await store.join(JOBS, await store.lease(TTL))
    with _sqlite_away(path):
        written = [asyncio.create_task(book.plan([entry(f"r{n}")])) for n in range(3)]
        await asyncio.sleep(0.4)
    await asyncio.wait_for(asyncio.gather(*written), 5)
    told = [record.getMessage() for record in caplog.records if "write lock" in record.getMessage()]
    assert len(told) == 1
    assert "one that was stopped keeps it until it is woken or killed; what is to be written waits" in told[0]
    await store.aclose()
