"""What a durable job asks of its store, counted beside a row of a batch: statements and commits, not seconds."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from batches import CLOSE, QUICK, images, service

from a2e_async import A2EClient, TextToImage
from a2e_async.batch import Batch
from a2e_async.store.sql_store import SqlStore
from a2e_async.store.sqlite import SqliteEngine

COUNT = 60
MOST_WRITES = 5  # planned, intended, sending, accepted, done
MOST_STATEMENTS = 10
ONE_BY_ONE = 3


class CountingEngine(SqliteEngine):
    """Counts the statements that the file is asked."""

    def __init__(self, path):
        super().__init__(path)
        self.seen = Counter()

    @contextlib.contextmanager
    def _connect(self):
        with super()._connect() as db:
            db.set_trace_callback(self._note)
            yield db
            db.set_trace_callback(None)

    def _note(self, statement):
        first, *rest = statement.split(maxsplit=3)
        self.seen["writes of rows"] += (first, *rest[:1]) == ("UPDATE", "rows") or rest[:2] == ["INTO", "rows"]
        self.seen["commits"] += first == "COMMIT"
        self.seen["statements"] += first not in ("BEGIN", "COMMIT")


@contextlib.asynccontextmanager
async def counted(path, sim):
    """Give a client with a store whose statements are counted from now on."""
    engine = CountingEngine(path)
    store = SqlStore(engine)
    await store.open()
    try:
        options = {"base_url": sim.url, "cadence": CLOSE, "retry": QUICK, "lease": 600}
        async with A2EClient(sim.token, store=store, **options) as a2e:
            await a2e.start(TextToImage("the first one"), key="first")
            engine.seen.clear()
            yield a2e, engine.seen
    finally:
        await store.aclose()


async def test_a_durable_job_asks_its_store_for_little_more_than_a_row_of_a_batch(tmp_path):
    """Five writes each, and at most one and a half times the statements and the commits of a batch's row."""
    async with service() as sim:
        async with counted(tmp_path / "jobs.sqlite", sim) as (a2e, seen):
            await asyncio.gather(*[a2e.start(TextToImage(f"kite {n}"), key=f"k{n}") for n in range(COUNT)])
            jobs = Counter(seen)
        async with (
            counted(tmp_path / "rows.sqlite", sim) as (a2e, seen),
            Batch.open(tmp_path / "out", a2e) as batch,
        ):
            seen.clear()
            _ = [outcome async for outcome in batch.run(images(COUNT))]
            rows = Counter(seen)
    assert jobs["writes of rows"] == MOST_WRITES * COUNT
    assert jobs["statements"] <= MOST_STATEMENTS * COUNT
    assert jobs["statements"] <= 1.5 * rows["statements"]
    assert jobs["commits"] <= 1.5 * rows["commits"]


async def test_jobs_at_once_share_their_commits_and_one_alone_has_few(tmp_path):
    """Sixty at once need fewer commits than jobs; one after the other needs one for each step, and none besides."""
    async with service() as sim, counted(tmp_path / "jobs.sqlite", sim) as (a2e, seen):
        await asyncio.gather(*[a2e.start(TextToImage(f"kite {n}"), key=f"k{n}") for n in range(COUNT)])
        at_once = seen["commits"]
        seen.clear()
        for n in range(ONE_BY_ONE):
            await a2e.start(TextToImage(f"boat {n}"), key=f"b{n}")
        assert at_once <= COUNT
        assert seen["commits"] <= (MOST_WRITES + 1) * ONE_BY_ONE
