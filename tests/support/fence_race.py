"""The race that the fence is for: a holder whose statements are under way while another process takes its shard."""

from __future__ import annotations

import asyncio
import contextlib
import random

from ledgers import entry

from a2e_async.errors import FencedError
from a2e_async.store.engines import Holding
from a2e_async.store.entries import State
from a2e_async.store.stored_ledger import StoredLedger

WRITERS = 3


def take_locks_out(store):
    """Let a store check who holds a shard and write its rows, without what keeps others from coming in between."""
    engine = store._engine
    if hasattr(engine, "_grouping"):
        engine._grouping.fenced = False
    else:
        engine._thread.fenced = False


_SLOW = """
CREATE OR REPLACE FUNCTION a2e.slow() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF current_setting('application_name') <> 'claimer' THEN PERFORM pg_sleep(0.03); END IF;
  RETURN NULL;
END $$
"""
_TRIGGER = "CREATE OR REPLACE TRIGGER slow BEFORE UPDATE ON a2e.rows FOR EACH STATEMENT EXECUTE FUNCTION a2e.slow()"


async def _let_writes_take_time(store):
    """Let each statement of a busy database take as long as on a slow one, after it has begun and before it writes."""
    for statement in (
        (_SLOW, _TRIGGER, "SET application_name = 'claimer'") if hasattr(store._engine, "_grouping") else ()
    ):
        await store._engine._write(statement, {})


async def _hammer(book, names):
    """Write the same rows over and over, each time otherwise, until another process holds them."""
    with contextlib.suppress(FencedError):
        for turn in range(100_000):
            await asyncio.gather(*[book.intended(name, f"tag{turn:09}", 1, float(turn)) for name in names])


async def _takeover(writers, claimer, batch, chance, rows):
    """Take a shard from writers at a random moment; gives how many of its rows were written after that."""
    lease = await writers[0].lease()
    his = await claimer.lease()
    first = await writers[0].join(batch, lease)
    names = [f"r{n}" for n in range(WRITERS * rows)]
    await first.plan([entry(name) for name in names])
    holding = Holding(batch, first.shard, lease.id)
    books = [StoredLedger(store._engine, holding, first.batch_id) for store in writers]
    hammers = [asyncio.create_task(_hammer(book, names[n::WRITERS])) for n, book in enumerate(books)]
    await asyncio.sleep(0.03 + chance.random() * 0.04)
    lease._task.cancel()
    await claimer._engine.write("UPDATE leases SET beat = beat - 1000 WHERE id = :id", id=lease.id)
    taken = await claimer.claim(batch, first.shard, his)
    assert taken is not None
    seen = {one.id: one for one in await taken.in_states(list(State))}
    await asyncio.wait(hammers, timeout=20)
    late = {one.id: one for one in await taken.in_states(list(State))}
    await his.aclose()
    return sum(late[name] != seen[name] for name in names), sum(one.tag is not None for one in seen.values())


async def race(views, takeovers, *, fenced=True, seed=1, rows=60):
    """Take over so many times; gives in how many takeovers a row was written late, and how many rows were.

    Without its locks the fence has failed with the first late row, and nothing more is tried.
    """
    chance = random.Random(seed)
    writers = [await views.another() for _ in range(WRITERS)]
    claimer = await views.another()
    await _let_writes_take_time(claimer)
    if not fenced:
        for store in writers:
            take_locks_out(store)
    told = []
    for number in range(takeovers):
        told.append(await _takeover(writers, claimer, f"race-{number}", chance, rows))
        if not fenced and told[-1][0]:
            break
    if fenced:  # else one takeover may do, at whatever moment it comes
        assert sum(written for _late, written in told) > len(told) * rows / 2, "the writers were not under way"
    return sum(late > 0 for late, _written in told), sum(late for late, _written in told)
