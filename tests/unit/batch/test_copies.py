"""A ledger that is a copy, or was put back, looks for what it calls planned before it starts it."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from batches import KITE, bring_to, client, images, play, service, states, video

from a2e_async.batch import Batch, State
from a2e_async.batch.ledger_file import FILE_NAME


def all_once(sim, count):
    """Whether so many rows were billed, each once."""
    bills = sim.book.bills_by_tag()
    return len(bills) == count and set(bills.values()) == {1}


@pytest.mark.parametrize("how", ["a copy of the folder", "a backup that is put back", "a ledger without its WAL"])
async def test_what_another_copy_has_started_is_taken_over(tmp_path, how, caplog):
    """Whatever the copy lacks: rows, states, or all of them; nothing is billed twice."""
    folder, copy = tmp_path / "out", tmp_path / "copy"
    async with service() as sim:
        if how == "a ledger without its WAL":
            async with client(sim) as a2e, Batch.open(folder, a2e) as batch:
                copy.mkdir()
                shutil.copy(folder / FILE_NAME, copy / FILE_NAME)
                assert len([outcome async for outcome in batch.run(images(6))]) == 6
        else:
            await play(folder, sim, images(6)[:1])
            await bring_to(folder, images(6)[1], State.PLANNED)
            shutil.copytree(folder, copy)
            await play(folder, sim, images(6))
        if how == "a backup that is put back":
            shutil.rmtree(folder)
            copy.rename(folder)
            shutil.copy(folder / FILE_NAME, folder / "restored")
            (folder / "restored").replace(folder / FILE_NAME)
            copy = folder
        assert all_once(sim, 6)
        await play(copy, sim, images(6))
        assert all_once(sim, 6)
        assert set((await states(copy)).values()) == {State.DONE}
        assert "is a copy of a ledger" in caplog.text
        await play(copy, sim, images(8))  # it stays one
        assert all_once(sim, 8)


async def test_the_original_is_no_copy(tmp_path, caplog):
    """One that is opened again and again is no copy, nor one whose folder was renamed between two runs."""
    async with service() as sim:
        await play(tmp_path / "out", sim, images(2))
        (tmp_path / "out").rename(tmp_path / "other")
        await play(tmp_path / "other", sim, images(4))
    assert "copy" not in caplog.text


async def test_a_copy_whose_list_cannot_be_had_starts_nothing(tmp_path):
    """The row says why, and waits."""
    async with service() as sim:
        await bring_to(tmp_path / "out", KITE, State.PLANNED)
        shutil.copytree(tmp_path / "out", tmp_path / "copy")
        sim.faults.add("text_to_image.list", "status", status=500, hits=None)
        run = await play(tmp_path / "copy", sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.PLANNED
        assert run.outcomes["kite"].error is not None
        assert not sim.book.starts


async def test_a_copy_reads_each_list_once(tmp_path):
    """However many rows it has: one reading for each family."""
    async with service() as sim:
        await bring_to(tmp_path / "out", KITE, State.PLANNED)
        shutil.copytree(tmp_path / "out", tmp_path / "copy")
        rows = [KITE, *images(20), video("video", "kite"), video("video2", "r3")]
        await play(tmp_path / "copy", sim, rows)
        assert set((await states(tmp_path / "copy")).values()) == {State.DONE}
        assert sim.counters["text_to_image.list"] <= 4
        assert sim.counters["image_to_video.list"] <= 4


async def test_a_copy_that_is_left_at_once_leaves_nothing_behind(tmp_path):
    """What it still asks for ends with it."""
    async with service(latency=20) as sim:
        await bring_to(tmp_path / "out", KITE, State.PLANNED)
        shutil.copytree(tmp_path / "out", tmp_path / "copy")
        async with client(sim) as a2e, Batch.open(tmp_path / "copy", a2e) as batch:
            outcomes = batch.run([KITE])
            first = asyncio.ensure_future(anext(outcomes))
            await asyncio.sleep(0.2)
            first.cancel()
            await asyncio.wait([first])
        assert not sim.book.starts
