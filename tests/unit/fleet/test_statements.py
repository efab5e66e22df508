"""What a row of a fleet costs its store, counted: a clock would tell what else the machine did."""

from __future__ import annotations

from batches import images, one_bill_each, service
from fleets import planned_batch, stores, work, worker

ROWS, SHARDS = 96, 8


async def counted(tmp_path, **terms):
    """Bring rows to their files, and give every statement that it took."""
    texts = []
    async with service(task_seconds=(0.1, 1.5)) as sim, stores(1) as (store,):
        await planned_batch(store, images(ROWS), size=ROWS // SHARDS, **terms)
        store._memory.db.set_trace_callback(texts.append)
        await work(worker(store, sim, tmp_path / "out", ttl=60))
        store._memory.db.set_trace_callback(None)
        assert one_bill_each(sim, ROWS)
    return texts


async def test_a_row_takes_two_statements_for_each_of_its_five_steps(tmp_path):
    """Who holds it, what it held and how it stands in one; what becomes of it in another; a third where coins move."""
    texts = await counted(tmp_path, max_coins=10 * ROWS, price=10)
    written = [text for text in texts if text.startswith("UPDATE rows SET") and "json_extract" not in text]
    asked = [text for text in texts if text.startswith("SELECT") and "FROM rows WHERE batch = 'b' AND id = 'r" in text]
    assert len(written) == 5 * ROWS
    assert len(asked) == 5 * ROWS
    assert sum(text.startswith("UPDATE purses") for text in texts) == ROWS


async def test_the_store_is_asked_for_shards_by_shard_and_not_by_row(tmp_path):
    """Each row's end frees a place; the store, which all processes ask, is asked when one may be filled."""
    texts = await counted(tmp_path, max_running=16)
    assert sum(text.startswith("WITH f AS") for text in texts) <= 3 * SHARDS
