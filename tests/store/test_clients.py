"""Clients over a file and over a database: what they do when it goes away, and when one of them dies."""

from __future__ import annotations

import asyncio
import hashlib
import logging

import pytest
from durable import BOAT, KITE, durable, ended
from postgres_server import PASSWORD

from a2e_async import LedgerError, TextToImage
from a2e_async.store.opening import open_store

LEASE = 2.0
TOKEN = "sk_simulator"
TABLES = ("about", "batches", "leases", "shards", "rows", "purses", "limits", "uploads")


class At:
    """A store at an address, as several processes open it."""

    def __init__(self, url):
        self._url = url

    def another(self):
        """Give another process's store."""
        return open_store(self._url)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Give each kind of store that outlives its process."""
    if request.param == "sqlite":
        return At(f"sqlite:///{tmp_path}/jobs.sqlite")
    server = request.getfixturevalue("server")
    asyncio.run(server.empty())
    return At(server.url)


@durable(real=True, task_seconds=3600)
async def test_nothing_is_sent_while_the_database_is_away_and_ends_are_told_when_it_is_back(world, server):
    """A job whose task ends meanwhile is told when its end is written down, and a start waits; neither is lost."""
    await server.empty()
    world.store = At(server.url)
    a2e = await world.process(lease=LEASE)
    running = a2e.start(KITE, key="running")
    await running.accepted()
    await asyncio.to_thread(server.down)
    world.sim.world.clock.start += 3600  # its task ends now, which took some time to stop the server
    try:
        await asyncio.sleep(LEASE / 2 + 0.3)
        waiting = a2e.start(BOAT, key="waiting")
        await asyncio.sleep(LEASE)
        assert not running.done()
        assert not waiting.done()
        assert world.starts == 1
    finally:
        await asyncio.to_thread(server.up)
    assert (await running).urls
    await waiting.accepted()
    world.sim.world.clock.start += 3600
    assert (await waiting).urls
    assert world.starts == 2
    assert [one.state for one in await ended(a2e, "running", "waiting")] == ["done", "done"]


@durable(real=True, task_seconds=0.5)
async def test_an_immediate_restart_of_the_database_is_hardly_noticed(world, server):
    """Jobs of every stage go on, and each is billed once."""
    await server.empty()
    world.store = At(server.url)
    a2e = await world.process(lease=10.0)
    jobs = [a2e.start(TextToImage(f"kite {n}"), key=f"k{n}") for n in range(40)]
    await jobs[0].accepted()
    await asyncio.to_thread(server.down)
    await asyncio.to_thread(server.up)
    assert all(result.urls for result in await asyncio.gather(*jobs))
    assert world.starts == 40


@durable(real=True)
async def test_the_jobs_of_a_dead_process_come_to_their_end(world, place):
    """Accepted, on the wire and queued: another process finishes each, and each was billed once."""
    world.store = place
    dead, heir = await world.process(max_starts=2), await world.process()
    accepted = [dead.start(TextToImage(f"kite {n}"), key=f"a{n}") for n in range(5)]
    await asyncio.gather(*(job.accepted() for job in accepted))
    dead.wire._latency = 5  # from now on the service takes a start, and the answer is never seen
    for n in range(6):
        dead.start(TextToImage(f"boat {n}"), key=f"b{n}")
    await asyncio.sleep(0.5)
    await world.kill(dead)
    found = await ended(heir, *(f"a{n}" for n in range(5)), *(f"b{n}" for n in range(6)))
    assert [one.state for one in found] == ["done"] * 11
    assert world.starts == 11


@durable(real=True)
async def test_a_hundred_keys_given_to_two_processes_at_once_are_a_hundred_bills(world, place):
    """Whichever of them starts one, both are given its result."""
    world.store = place
    both = [await world.process(lease=10.0) for _ in range(2)]
    jobs = [[a2e.start(TextToImage(f"kite {n}"), key=f"k{n}") for n in range(100)] for a2e in both]
    first, second = [await asyncio.gather(*some) for some in jobs]
    assert [one.urls for one in first] == [one.urls for one in second]
    assert world.starts == 100


@durable(real=True)
async def test_neither_the_token_nor_a_password_is_written_anywhere(world, place, caplog):
    """Not in a table, a log, a repr or an error; the account is a keyed hash."""
    caplog.set_level(logging.DEBUG)
    world.store = place
    a2e = await world.process(token=TOKEN)
    await a2e.start(KITE, key="k1")
    store = place.another()
    await store.open()
    tables = [await store._engine.read(f"SELECT * FROM {table}") for table in TABLES]
    told = f"{tables} {store!r} {store.place} {vars(a2e)} {[record.getMessage() for record in caplog.records]}"
    await store.aclose()
    assert "a red kite" in told
    assert TOKEN not in told
    assert PASSWORD not in told
    assert hashlib.sha256(TOKEN.encode()).hexdigest() not in told


@durable(real=True)
async def test_another_account_is_refused_with_both_named(world, place):
    """By the beginning of a hash; nothing is sent, and the store stays as it is."""
    world.store = place
    first = await world.process(token=TOKEN)
    await first.start(KITE, key="k1")
    with pytest.raises(LedgerError, match=r"a token of account [0-9a-f]{8}, and this token is of account [0-9a-f]{8}"):
        await world.process(token="sk_another")
    assert world.starts == 1
    assert [one.state for one in await ended(first, "k1")] == ["done"]


@durable(real=True)
async def test_another_account_is_refused_also_before_anything_was_started(world, place):
    """A process that is open may start at any moment; once it has closed, the store is anybody's."""
    world.store = place
    first = await world.process(token=TOKEN)
    with pytest.raises(LedgerError, match="Nothing was sent"):
        await world.process(token="sk_another")
    await first.aclose()
    await world.process(token="sk_another")
