"""A store that is a copy, or was put back: what it calls planned may have been started by the other one."""

from __future__ import annotations

import shutil

from ledgers import entry

from a2e_async.store.opening import open_store
from a2e_async.store.ports import JOBS


async def _copied(store, batch=JOBS):
    """Say what the ledger of the first free shard of a store says of itself, and that of a new one."""
    lease = await store.lease()
    free = next(shard for shard in await store.open_shards(batch) if shard.batch == batch)
    return (await store.claim(batch, free.no, lease)).copied, (await store.join(batch, lease)).copied


async def test_a_store_that_is_opened_again_is_no_copy(views):
    """However often."""
    store = await views.another()
    await (await store.join(JOBS, await store.lease())).plan([entry()])
    await store.aclose()
    assert await _copied(await views.another()) == (False, False)


async def test_a_copy_of_a_file_knows_that_it_is_one(tmp_path, caplog):
    """Its rows that were there are looked for before they are started; new ones are not. The original is none."""
    store = open_store(f"sqlite:///{tmp_path}/jobs.sqlite")
    await store.open()
    await (await store.join(JOBS, await store.lease())).plan([entry()])
    await store.aclose()
    shutil.copy(tmp_path / "jobs.sqlite", tmp_path / "copy.sqlite")
    for name, copied in (("copy", True), ("copy", True), ("jobs", False)):
        again = open_store(f"sqlite:///{tmp_path}/{name}.sqlite")
        await again.open()
        assert await _copied(again) == (copied, False)
        await again.aclose()
    assert sum("is a copy" in record.message for record in caplog.records) == 1


async def test_a_standby_that_took_over_is_taken_for_a_copy(views):
    """Also while a process has it open: it may lack what was written last."""
    store = await views.another()
    await (await store.join("films", await store.lease())).plan([entry()])
    await store.keep("origin", "7713270603074905052/00000001")
    if views.kind == "memory":
        assert (await store._engine.read("SELECT 1"))[0][0] == 1
        return
    again = await views.another()
    await store.aclose()
    assert await _copied(again, "films") == (True, False)
    assert await again.kept("origin") == again._engine.origin
