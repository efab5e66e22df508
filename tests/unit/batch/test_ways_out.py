"""What goes wrong in the middle of a run: whoever waits hears of it, and the next run goes on from there."""

from __future__ import annotations

import asyncio
import threading

import pytest
from batches import KITE, client, image, images, one_bill_each, play, service, video
from fleets import planned_batch, states, stores
from ledgers import opened

from a2e_async import LedgerError, UsageError
from a2e_async.batch import Batch, Row, State, folders, rows_of_files
from a2e_async.batch.inputs import OutputOf
from a2e_async.batch.shards import Ways, run_shard
from a2e_async.batch.sources import check_rows


async def test_a_ledger_that_cannot_say_what_earlier_runs_have_made_stops_the_run(tmp_path):
    """The row that waits for it is not refused: the next run, with a ledger that answers, starts it."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        async with client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
            real = batch.ledger.known

            async def known(ids):
                if list(ids) == ["kite"]:
                    raise LedgerError("the disk is gone")
                return await real(ids)

            batch.ledger.known = known
            with pytest.raises(LedgerError, match="the disk is gone"):
                await anext(batch.run([video("video", "kite")]))
        run = await play(tmp_path, sim, [video("video", "kite")])
        assert run.outcomes["video"].entry.state is State.DONE
        assert one_bill_each(sim, 2)


async def test_what_is_asked_of_a_ledger_as_it_breaks_is_refused_with_the_same_words(tmp_path):
    """Nobody waits for ever for a thread that has ended."""
    async with opened(tmp_path) as book:
        begun, go_on = threading.Event(), threading.Event()

        def check():
            begun.set()
            go_on.wait(20)
            raise LedgerError("the folder was replaced")

        book._writer._place.check = check
        first = asyncio.create_task(book.keep("a", "1"))
        await asyncio.to_thread(begun.wait, 20)
        second = asyncio.create_task(book.keep("b", "2"))
        await asyncio.sleep(0)
        go_on.set()
        told = await asyncio.gather(first, second, return_exceptions=True)
        assert [str(one) for one in told] == ["the folder was replaced"] * 2
        assert told[0] is not told[1]


def test_rows_that_take_two_are_told_of_one_trouble_each():
    """One whose sources are both missing, one of a row and a circle, and what waits behind both ways of a fork."""
    takes = lambda name, *sources: Row(name, "virtual_try_on", {"image_urls": [*map(OutputOf, sources)]})  # noqa: E731
    circle = [image("x", image_from="y"), image("y", image_from="x")]
    fork = [takes("left", "gone"), takes("right", "gone"), takes("end", "left", "right")]
    checked = check_rows([image("a"), takes("half", "a", "x"), *circle, *fork])
    told = {one.id: one.message for one in checked.bad}
    assert sorted(told) == ["end", "half", "left", "right", "x", "y"]
    assert len(checked.bad) == 6
    assert told["left"] == told["right"] == told["end"] == "image_urls: there is no usable row gone"
    assert [row.id for row in checked.rows] == ["a"]


async def test_a_fault_in_a_shard_is_raised_and_gives_the_shard_back(tmp_path):
    """It is not a way to end for rows: another worker brings them to their end."""
    ways = Ways(folder=tmp_path)
    async with service() as sim, stores(2) as views, client(sim) as a2e:
        await planned_batch(views[0], images(3))

        def spoil(run, _rows):
            async def broken(_rows):
                raise ZeroDivisionError
                yield

            run.run = broken

        lease = await views[0].lease()
        with pytest.raises(ZeroDivisionError):
            await run_shard(views[0], lease, a2e, "b", 0, ways=ways, on_open=spoil)
        end = await run_shard(views[1], await views[1].lease(), a2e, "b", 0, ways=ways)
        assert end.left == 0
        assert set((await states(views[1])).values()) == {State.DONE}
        assert one_bill_each(sim, 3)


async def test_a_store_that_goes_away_while_rows_are_read_stops_the_shard(tmp_path):
    """What was read before goes on to its end; the rest is left to the next worker."""
    ways = Ways(folder=tmp_path)
    async with service() as sim, stores(1) as (store,), client(sim) as a2e:
        await planned_batch(store, images(3))
        claim = store.claim

        async def claimed(*what):
            ledger = await claim(*what)
            if ledger is not None:

                async def away(_entries):
                    raise LedgerError("it is away")

                ledger.plan = away
            return ledger

        store.claim = claimed
        lease = await store.lease()
        end = await run_shard(store, lease, a2e, "b", 0, ways=ways)
        assert str(end.stopped_by) == "it is away"
        assert (end.left, sim.book.starts) == (3, [])
        store.claim = claim
        assert (await run_shard(store, lease, a2e, "b", 0, ways=ways)).left == 0


def test_a_pattern_that_stands_for_too_many_files_is_refused(tmp_path, monkeypatch):
    """Before all of them were read: the words name the limit."""
    monkeypatch.setattr(folders, "_MOST_FILES", 3)
    for number in range(6):
        (tmp_path / f"{number}.png").write_bytes(b"x")
    with pytest.raises(UsageError, match="stands for more than 3 files"):
        rows_of_files(f"{tmp_path}/*.png", "image_to_video", prompt="she waves", negative_prompt="blurry")
