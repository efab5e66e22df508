"""What a batch has learned of its families is kept in its ledger, and the next run begins with it."""

from __future__ import annotations

import json

import pytest
from batches import client, images, play, service
from ledgers import opened

from a2e_async.batch import Batch
from a2e_async.batch.estimates import Estimates
from a2e_async.core.polling.learned import Learned

IMAGES = "text_to_image"


async def kept(folder):
    """Give what a ledger has of what was learned."""
    async with opened(folder) as book:
        return json.loads(await book.kept("learned") or "null")


def remembering():
    """Make a memory of images of 5 s."""
    learned = Learned()
    ages = learned.ages(IMAGES)
    for _ in range(100):
        ages.lived(0.0, 4.5)
        ages.ended(4.5, 5.0)
    return learned


async def test_a_batch_keeps_what_it_learned_and_begins_with_it(tmp_path):
    """The ends of a run are known to a client that opens the batch again."""
    async with service() as sim:
        await play(tmp_path, sim, images(20))
        ended = (await kept(tmp_path))["families"][IMAGES]["ended"]
        assert sum(ended) == pytest.approx(20, abs=0.01 * len(ended))  # each is rounded, and a slow machine has many
        async with client(sim) as a2e, Batch.open(tmp_path, a2e):
            assert a2e.learned.ages(IMAGES).ends[: len(ended)] == ended


async def test_a_run_that_learns_nothing_writes_nothing(tmp_path):
    """To open a batch and to leave it takes no write for the memory's sake."""
    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        before = batch.ledger.counters.writes
        await batch.leave()
        assert batch.ledger.counters.writes == before
    assert await kept(tmp_path) is None


async def test_it_is_written_now_and_then(tmp_path):
    """Also a batch that is killed has learned: if there is news it is written down, twice a minute at most."""
    clock = [100.0]
    learned = Learned()
    async with opened(tmp_path) as book:
        memory = Estimates(book, learned, lambda: clock[0])
        await memory.recall()
        learned.recall(remembering().kept())
        writes = []
        for clock[0] in (110.0, 131.0, 140.0, 170.0):
            await memory.keep_now_and_then()
            writes.append(book.counters.writes)
        assert writes == [0, 1, 1, 1]
        learned.ages(IMAGES).ended(0.0, 9.0)
        clock[0] = 210.0
        await memory.keep_now_and_then()
        assert book.counters.writes == 2


@pytest.mark.parametrize("words", ["", "x", "null", "[]", "{}", '{"scale": 1}', "[" * 100_000, "NaN"])
async def test_a_damaged_memory_is_passed_over(tmp_path, words):
    """A batch whose memory cannot be read runs as if it had none, and keeps a good one."""
    async with opened(tmp_path) as book:
        await book.keep("learned", words)
    async with service() as sim:
        run = await play(tmp_path, sim, images(8))
    assert len(run.outcomes) == 8
    assert run.stopped_by is None
    assert IMAGES in (await kept(tmp_path))["families"]


async def test_a_ledger_that_is_closed_loses_only_the_memory(tmp_path):
    """What cannot be written down is no error: it would only have saved polls."""
    async with opened(tmp_path) as book:
        learned = Learned()
        memory = Estimates(book, learned)
        await memory.recall()
    learned.recall(remembering().kept())
    await memory.keep()


async def test_words_are_kept_beside_the_rows(tmp_path):
    """Words kept under a key are those kept last; the batch's id and version stay."""
    async with opened(tmp_path) as book:
        batch_id = book.batch_id
        assert await book.kept("learned") is None
        await book.keep("learned", "one")
        await book.keep("learned", "two")
        assert await book.kept("learned") == "two"
    async with opened(tmp_path) as book:
        assert await book.kept("learned") == "two"
        assert book.batch_id == batch_id
