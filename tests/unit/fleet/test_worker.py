"""Workers on one batch: every row once, whoever dies, and never more than all of them together may."""

from __future__ import annotations

import asyncio
import socket

import pytest
from batch_command import until
from batches import image, images, one_bill_each, service, video
from fleets import Peak, all_done, entries, planned_batch, states, stores, work, worker
from photos import photo

from a2e_async import BudgetExceededError, LedgerError, UsageError
from a2e_async.batch import rows_of_files
from a2e_async.fleet.planning import attempt_anew
from a2e_async.fleet.terms import MARK, read_terms, stop
from a2e_async.store.entries import State


async def test_two_workers_bring_every_row_once(tmp_path):
    """Chains included: each row is billed once, its file is there, and says which machine has it."""
    rows = [*images(12), *(video(f"v{at}", f"r{at}") for at in range(4))]
    async with service() as sim, stores(2) as views:
        await planned_batch(views[0], rows)
        workers = [worker(view, sim, tmp_path / "out") for view in views]
        await work(*workers)
        found = await entries(views[0])
        assert all_done(await states(views[1]), 16)
        assert one_bill_each(sim, 16)
        assert all((tmp_path / "out" / file.path).is_file() and file.host for e in found.values() for file in e.files)
        assert sum(sum(one.ends.values()) for one in workers) == 16


async def test_who_dies_is_taken_over(tmp_path):
    """A worker that is gone in the middle leaves its rows to the others: what it has sent is found, not sent again."""
    async with service(task_seconds=6) as sim, stores(2) as views:
        await planned_batch(views[0], images(12))
        first = asyncio.create_task(worker(views[0], sim, tmp_path / "out").run())
        await until(lambda: len(sim.book.starts) >= 3)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await work(worker(views[1], sim, tmp_path / "out"))
        assert all_done(await states(views[1]), 12)
        assert one_bill_each(sim, 12)


async def test_no_more_run_than_all_may_together(tmp_path):
    """Three workers share six places: never more than six tasks run, and most of the places are used."""
    async with service(task_seconds=20) as sim, stores(3) as views:  # so long that a slow machine fills the places, too
        await planned_batch(views[0], images(18), max_running=6)
        async with Peak(sim) as peak:
            await work(*(worker(view, sim, tmp_path / "out") for view in views))
        assert 5 <= peak.most <= 6
        assert one_bill_each(sim, 18)


async def test_coins_are_counted_for_all(tmp_path):
    """Three workers with 100 coins for 30 rows of 10: ten rows are started, each worker says why it stopped."""
    async with service() as sim, stores(3) as views:
        await planned_batch(views[0], images(30), max_coins=100)
        workers = [worker(view, sim, tmp_path / "out") for view in views]
        await work(*workers)
        assert sim.book.spent == 100
        assert {type(one.stopped_by) for one in workers} <= {BudgetExceededError, type(None)}
        assert any(one.stopped_by for one in workers)
        counted = list((await states(views[0])).values())
        assert (counted.count(State.DONE), counted.count(State.PLANNED)) == (10, 20)


async def test_a_stop_reaches_every_worker(tmp_path):
    """What runs goes on to its end, nothing more is started, and planning it again lets it go on."""
    async with service(task_seconds=6) as sim, stores(2) as views:
        await planned_batch(views[0], images(20), max_running=4)
        working = asyncio.create_task(work(*(worker(view, sim, tmp_path / "out") for view in views)))
        await until(lambda: len(sim.book.starts) >= 3)
        await stop(views[0], "b", "enough")
        await working
        assert set((await states(views[0])).values()) == {State.DONE, State.PLANNED}
        await planned_batch(views[0], images(20))
        await work(worker(views[0], sim, tmp_path / "out"))
        assert one_bill_each(sim, 20)


async def test_rows_that_are_no_more_listed_are_not_started(tmp_path):
    """Somebody has taken them out of the file: they stay planned, and nobody waits for them."""
    async with service() as sim, stores(1) as (store,):
        await planned_batch(store, images(4))
        await store.list_only("b", ["r1", "r3"])
        await work(worker(store, sim, tmp_path / "out"))
        assert {row_id for row_id, state in (await states(store)).items() if state is State.DONE} == {"r1", "r3"}
        assert one_bill_each(sim, 2)


async def test_failed_rows_are_attempted_anew_once(tmp_path):
    """Each new attempt is a new intent with a tag of its own; what is done stays as it is."""
    async with service() as sim, stores(1) as (store,):
        await planned_batch(store, [image("good"), image("bad", "a kite [fail]")])
        await work(worker(store, sim, tmp_path / "out"))
        lease = await store.lease()
        assert await attempt_anew(store, lease, "b", {State.FAILED}) == (["bad"], [])
        await lease.aclose()
        await work(worker(store, sim, tmp_path / "out"))
        assert (await states(store)) == {"good": State.DONE, "bad": State.FAILED}
        assert sorted(sim.book.bills_by_tag().values()) == [1, 1, 1]


async def test_followers_of_a_failed_row_are_refused(tmp_path):
    """Also when it has failed in an earlier run, of which this worker knows nothing."""
    async with service() as sim, stores(1) as (store,):
        await planned_batch(store, [image("bad", "a kite [fail]"), video("v", "bad")])
        await work(worker(store, sim, tmp_path / "out"))
        lease = await store.lease()
        await attempt_anew(store, lease, "b", {State.REFUSED})
        await lease.aclose()
        await work(worker(store, sim, tmp_path / "out"))
        found = await entries(store)
        assert (found["v"].state, found["v"].error) == (State.REFUSED, "its source bad failed")


async def test_a_new_row_takes_the_image_of_one_that_was_done_before(tmp_path):
    """It lies in another shard than the row that it takes from."""
    async with service() as sim, stores(1) as (store,):
        await planned_batch(store, [image("r")])
        await work(worker(store, sim, tmp_path / "out"))
        await planned_batch(store, [image("r"), video("v", "r")])
        await work(worker(store, sim, tmp_path / "out"))
        assert all_done(await states(store), 2)
        assert one_bill_each(sim, 2)


async def test_another_account_is_refused(tmp_path):
    """The worker says so in one sentence, and nothing was sent by it."""
    async with service() as sim, service(token="sk_other") as other, stores(1) as (store,):
        await planned_batch(store, images(4), service="the service")
        await work(worker(store, sim, tmp_path / "out"))
        await planned_batch(store, images(5), service="the service")
        stranger = worker(store, other, tmp_path / "out")
        await work(stranger)
        assert isinstance(stranger.stopped_by, LedgerError)
        assert "account" in str(stranger.stopped_by)
        assert not other.book.starts


async def test_another_version_is_refused(tmp_path):
    """Both are named, before anything is claimed."""
    async with service() as sim, stores(1) as (store,):
        await planned_batch(store, images(1), version="9.9")
        with pytest.raises(UsageError, match=r"planned by version 9\.9 of a2e-async, and this is"):
            await work(worker(store, sim, tmp_path / "out"))
        assert not sim.book.starts


async def test_another_folder_is_refused(tmp_path):
    """One that another batch writes into, and with `shared` one that does not show the batch's mark."""
    async with service() as sim, stores(1) as (store,):
        await planned_batch(store, images(1))
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / MARK).write_text("of somebody else")
        with pytest.raises(UsageError, match="belongs to another batch"):
            await work(worker(store, sim, tmp_path / "other"))
        await planned_batch(store, images(1), shared=True)
        with pytest.raises(UsageError, match="is not the folder that the other machines see"):
            await work(worker(store, sim, tmp_path / "empty"))
        with pytest.raises(UsageError, match="cannot be written to"):
            await work(worker(store, sim, tmp_path / "other" / MARK / "x"))
        assert not sim.book.starts


async def test_a_batch_that_is_not_there_is_named(tmp_path):
    """With the store that does not have it."""
    async with service() as sim, stores(1) as (store,):
        with pytest.raises(UsageError, match="there is no batch 'films' in"):
            await work(worker(store, sim, tmp_path / "out", batch="films"))
        with pytest.raises(UsageError, match="there is no batch"):
            await read_terms(store, "films")


async def test_a_machine_without_a_file_gives_its_row_back_unpaid(tmp_path):
    """It says which field, which file and on which machine; one that has the file starts the row."""
    for number in range(3):
        photo(tmp_path / "photos" / f"{number}.png", number)
    rows = rows_of_files(tmp_path / "photos", "image_to_video", prompt="p", negative_prompt="n")
    (tmp_path / "photos/1.png").rename(tmp_path / "1.png")
    async with service() as sim, stores(2) as (one, other):
        await planned_batch(one, rows)
        here = worker(one, sim, tmp_path / "out")
        await work(here)
        assert await states(one) == {"0.png": State.DONE, "1.png": State.PLANNED, "2.png": State.DONE}
        words = (await entries(one))["1.png"].error
        assert f"image_url: {tmp_path / 'photos/1.png'} cannot be read: No such file" in words
        assert f"(on {socket.gethostname()})" in words
        assert (here.ends, here.stopped_by) == ({State.DONE: 2, State.PLANNED: 1}, None)
        assert (len(sim.book.starts), sim.counters["presign"]) == (2, 2)
        (tmp_path / "1.png").rename(tmp_path / "photos/1.png")
        await work(worker(other, sim, tmp_path / "out"))
        assert all_done(await states(one), 3)
        assert len(sim.book.starts) == 3
