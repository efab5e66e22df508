"""A batch whose ledger is in memory does what one with a file does, and leaves no ledger behind."""

from __future__ import annotations

import pytest
from batches import client, images, one_bill_each, play, service

from a2e_async import VoiceTraining
from a2e_async.batch import Batch, MemoryLedger, Row, State
from a2e_async.batch.ledger import FolderLedger
from a2e_async.errors import LedgerError


async def test_a_second_run_goes_on_where_the_first_one_ended(tmp_path):
    """With the same ledger nothing is paid for again; with another one everything is."""
    ledger = MemoryLedger()
    async with service() as sim:
        await play(tmp_path, sim, images(2), ledger=ledger)
        run = await play(tmp_path, sim, images(4), ledger=ledger)
        assert {one.entry.state for one in run.outcomes.values()} == {State.DONE}
        assert one_bill_each(sim, 4)
        await play(tmp_path, sim, images(1), ledger=MemoryLedger())
        assert len(sim.book.starts) == 5
    assert not list(tmp_path.glob("*ledger*"))


async def test_it_serves_one_batch_at_a_time(tmp_path):
    """A second one is refused while the first is open, and welcome after it."""
    place = MemoryLedger()
    async with service() as sim, client(sim) as a2e:
        async with Batch.open(tmp_path, a2e, ledger=place) as first:
            with pytest.raises(LedgerError, match="open in another batch"):
                await FolderLedger.open(tmp_path, place)
            batch_id = first.ledger.batch_id
        async with Batch.open(tmp_path, a2e, ledger=place) as second:
            assert second.ledger.batch_id == batch_id


async def test_a_row_that_makes_no_file_is_done_when_its_task_is(tmp_path):
    """A trained voice is a record; nothing is waited for, and a second run sends nothing."""
    voice = VoiceTraining(["https://a.example/b.mp3"], name="mine", gender="female")
    ledger, asked = MemoryLedger(), []
    async with service() as sim:
        for _ in range(2):
            run = await play(tmp_path, sim, [Row("voice", voice)], ledger=ledger)
            assert (run.outcomes["voice"].entry.state, run.outcomes["voice"].paths) == (State.DONE, ())
            asked.append(sum(count for name, count in sim.counters.items() if name.startswith("voice_training")))
        assert one_bill_each(sim, 1)
    assert asked[0] == asked[1]
