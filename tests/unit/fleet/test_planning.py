"""What planning a long file costs, counted: calls of each row, and how often the disk is waited for."""

from __future__ import annotations

import contextlib
import cProfile
import pstats
from collections import deque

import pytest

from a2e_async.batch.sources import read_rows
from a2e_async.batch.spool import Spool
from a2e_async.errors import LedgerError
from a2e_async.fleet.planning import plan
from a2e_async.fleet.terms import Terms
from a2e_async.store.memory import MemoryStore
from a2e_async.store.sql_store import SqlStore
from a2e_async.store.sqlite import SqliteEngine

ROWS = 400
MOST_CALLS_TO_READ = 200  # 185 now, 297 before each row was read with its columns known
MOST_CALLS_TO_SPOOL = 60  # 54 now, 83 before


@pytest.fixture
def table(tmp_path):
    """A table in which every tenth row takes the image of the one before it."""
    path = tmp_path / "rows.csv"
    lines = ["id,family,prompt,negative_prompt,image_from"]
    for at in range(ROWS):
        takes = at % 10 == 9
        lines.append(
            f"r{at},image_to_video,it dips {at},blurry,r{at - 1}" if takes else f"r{at},text_to_image,a {at},,"
        )
    path.write_text("\n".join(lines))
    return path


def calls_of_each(work):
    """Count the calls that some work needs for each row."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return pstats.Stats(profile).total_calls / ROWS


def test_reading_a_row_takes_few_calls(table):
    """A million rows must be read within a minute; calls are counted, which no other work on the machine changes."""
    deque(read_rows(table), maxlen=0)  # what is made once for all rows
    assert calls_of_each(lambda: deque(read_rows(table), maxlen=0)) <= MOST_CALLS_TO_READ


def test_spooling_and_cutting_a_row_takes_few_calls(table):
    """So must they be checked against each other and cut."""
    rows = list(read_rows(table))

    def work():
        with contextlib.closing(Spool.of(rows)) as spool:
            deque(spool.cut(100), maxlen=0)

    assert calls_of_each(work) <= MOST_CALLS_TO_SPOOL


async def test_shards_share_commits(table, tmp_path):
    """Forty shards are on the disk after at most eight commits: a disk is waited for five times, not forty."""
    commits = []

    class Watched(SqliteEngine):
        @contextlib.contextmanager
        def _connect(self):
            with super()._connect() as db:
                db.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
                yield db

    store = SqlStore(Watched(tmp_path / "fleet.sqlite"))
    await store.open()
    try:
        with contextlib.closing(Spool.of(read_rows(table))) as spool:
            before = len(commits)
            assert await plan(store, "b", spool, Terms(), size=10) == 40
            assert len(commits) - before <= 10
        assert [shard.no for shard in await store.open_shards("b")] == list(range(40))
    finally:
        await store.aclose()


async def test_a_store_that_breaks_while_shards_are_cut_is_told(table):
    """The first error is raised, and the batch stays one that nobody works on."""
    store = MemoryStore()
    await store.open()
    await store.aclose()
    with contextlib.closing(Spool.of(read_rows(table))) as spool, pytest.raises(LedgerError):
        await plan(store, "b", spool, Terms())
