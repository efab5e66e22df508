"""What people ask of a store: who works on a batch, what it has cost, and which of its rows are still wanted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from a2e_async.store.engines import SqlEngine
from a2e_async.store.entries import State
from a2e_async.store.sharing import HeldShard, Holder, Shard
from a2e_async.store.values import CHARGED, LOST, dump

RUNNING_ROW: Final = "(r.state IN ('accepted', 'intended') AND (r.state = 'accepted' OR r.letters != ''))"
"""Of a row `r`, whether its tasks run, or may: the states are named once more for the index."""

_FREE = "NOT EXISTS (SELECT 1 FROM leases l WHERE l.id = s.lease AND l.beat + l.ttl >= store_clock())"
_NOT_OVER = ", ".join(f"'{state}'" for state in State if not state.final)
_HAS = "EXISTS (SELECT 1 FROM rows r WHERE r.batch = s.batch AND r.shard = s.no AND r.state IN ({}))"
_MAY_RUN = "'accepted', 'intended'"
_ALL = 1 << 40
_OVER = dump([state.value for state in State if state.final])


async def holders(engine: SqlEngine, batch: str) -> list[Holder]:
    """Give the processes that have a lease, each with the shards of the batch that it holds."""
    sql = (
        "SELECT l.id, l.worker, l.ttl, store_clock() - l.beat, l.permits, s.no, count(r.id), "
        "sum(CASE WHEN r.state IN (SELECT value FROM json_each(:over)) THEN 0 ELSE 1 END), "
        "sum(CASE WHEN r.state = 'accepted' THEN 1 ELSE 0 END) FROM leases l "
        "LEFT JOIN shards s ON s.lease = l.id AND s.batch = :batch LEFT JOIN rows r ON r.batch = s.batch AND "
        "r.shard = s.no GROUP BY l.id, l.worker, l.ttl, l.beat, l.permits, s.no ORDER BY l.id, s.no"
    )
    found: dict[int, Holder] = {}
    for number, worker, ttl, silent, permits, no, rows, left, running in await engine.read(
        sql, batch=batch, over=_OVER
    ):
        shards = (HeldShard(no=no, rows=rows, open=left, running=running),) if no is not None else ()
        before = found[number].shards if number in found else ()
        found[number] = Holder(
            lease=number,
            worker=worker,
            ttl=ttl,
            silent=max(0.0, float(silent)),
            places=permits,
            shards=(*before, *shards),
        )
    return list(found.values())


async def open_shards(engine: SqlEngine, batch: str, most: int) -> list[Shard]:
    """Give the shards of a batch, or of all for "", that nobody holds and that have rows which are not over.

    Which ones they are is found by the index alone, and only the rows of those that are given are counted: a batch of a
    million rows has two thousand shards, and every process asks.
    """
    sql = (
        "WITH f AS MATERIALIZED (SELECT s.batch, s.no FROM shards s WHERE s.done = 0 AND "  # noqa: S608 - constants
        f"(:batch = '' OR s.batch = :batch) AND {_FREE} AND {_HAS.format(_NOT_OVER)} "
        f"ORDER BY CASE WHEN {_HAS.format(_MAY_RUN)} THEN 0 ELSE 1 END, s.batch, s.no LIMIT :most) "
        f"SELECT f.batch, f.no, count(*), sum(CASE WHEN r.state IN ({_NOT_OVER}) THEN 1 ELSE 0 END), "
        f"sum(CASE WHEN {RUNNING_ROW} THEN 1 ELSE 0 END) FROM f JOIN rows r ON r.batch = f.batch AND r.shard = f.no "
        "GROUP BY f.batch, f.no ORDER BY f.batch, f.no"
    )
    found = await engine.read(sql, batch=batch, most=most if most >= 0 else _ALL)
    return [Shard(batch=one[0], no=one[1], rows=one[2], open=one[3], running=one[4]) for one in found]


async def coins(engine: SqlEngine, batch: str) -> float:
    """Add up the coins of a batch: what was charged in all attempts, and what may have been."""
    sql = f"SELECT coalesce(sum({CHARGED} + {LOST}), 0.0) FROM rows WHERE batch = :batch"  # noqa: S608 - constants
    return float((await engine.read(sql, batch=batch))[0][0])


async def list_only(engine: SqlEngine, batch: str, ids: Collection[str]) -> None:
    """Note that these are the rows of the rows file, and that all others are no more in it."""
    sql = (
        "UPDATE rows SET listed = CASE WHEN id IN (SELECT value FROM json_each(:ids)) THEN 1 ELSE 0 END "
        "WHERE batch = :batch AND listed != CASE WHEN id IN (SELECT value FROM json_each(:ids)) THEN 1 ELSE 0 END"
    )
    await engine.write(sql, batch=batch, ids=dump(list(ids)))
