"""Shards delivered by procrastinate: the store says what is open, and the engine may come late, twice or never."""

from __future__ import annotations

import contextlib

import pytest
from batches import images, one_bill_each, service
from fleets import all_done, planned_batch, states, work, worker
from postgres_server import PASSWORD, missing, postgres_server

from a2e_async.store.opening import open_store

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "PostgreSQL is here")
procrastinate = pytest.importorskip("procrastinate", reason="procrastinate is not installed here")
TTL = 2.0


@pytest.fixture(scope="module")
def database():
    """Give a PostgreSQL of this module's own."""
    with postgres_server() as server:
        yield server


@contextlib.asynccontextmanager
async def opened(database, count):
    """Open the store so often."""
    await database.empty()
    views = [open_store(database.url) for _ in range(count)]
    for one in views:
        await one.open()
    try:
        yield views
    finally:
        for one in views:
            await one.aclose()


def engine(database, store, made):
    """Give what makes a deliverer, and keep it."""
    from a2e_async.fleet.procrastinate import Delivery  # noqa: PLC0415 - an optional extra

    def make(batch, run_one):
        made.append(Delivery(database.url, store, batch, run_one, TTL))
        return made[-1]

    return make


async def jobs(database):
    """Give what the engine's table has of each job."""
    import psycopg  # noqa: PLC0415 - an optional extra

    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as db:
        found = await db.execute("SELECT status::text, args::text, queueing_lock FROM procrastinate_jobs")
        return await found.fetchall()


@pytest.mark.slow
async def test_delivered_shards_are_brought_once(tmp_path, database):
    """Two workers share them; each row is billed once, and the engine's table has no secret."""
    async with service() as sim, opened(database, 2) as views:
        await planned_batch(views[0], images(24), max_running=12)
        made = []
        await work(*(worker(one, sim, tmp_path / "out", ttl=TTL, engine=engine(database, one, made)) for one in views))
        assert all_done(await states(views[0]), 24)
        assert one_bill_each(sim, 24)
        assert len(made) == 2
        told = str(await jobs(database))
        assert PASSWORD not in told
        assert sim.token not in told


async def test_a_dead_workers_job_is_buried_by_the_second_sweep(database):
    """It stays that worker's own job; what it left open waits for somebody else as another one, and only once."""
    async with opened(database, 1) as (store,):
        await planned_batch(store, images(3), name="dead", size=3)
        delivery = engine(database, store, [])("dead", _nothing)
        async with delivery.app.open_async():
            await delivery._make_tables()
            await delivery.sweep()
            await _taken_by_somebody_dead(database)
            await delivery.sweep()
            assert sorted(status for status, args, _lock in await jobs(database) if "dead" in args) == ["doing", "todo"]
            await delivery.sweep()
            assert sorted(status for status, args, _lock in await jobs(database) if "dead" in args) == [
                "failed",
                "todo",
            ]


async def _statuses(database):
    return sorted(status for status, args, _lock in await jobs(database) if "dead" in args)


async def _nothing(_no):
    """Run no shard."""


async def _taken_by_somebody_dead(database):
    """Let a worker of the engine that gave no sign of life for an hour have the job."""
    import psycopg  # noqa: PLC0415 - an optional extra

    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as db:
        made = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        (worker_id,) = await (await db.execute(made)).fetchone()
        await db.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE args::text LIKE '%%dead%%'",
            (worker_id,),
        )
