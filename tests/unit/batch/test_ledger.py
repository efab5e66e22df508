"""The ledger of a batch: what is written and read."""

from __future__ import annotations

import pytest
from ledgers import FILE, entry, opened

from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.stored import read_coins, read_entries
from a2e_async.errors import LedgerError
from a2e_async.store.entries import MOVES, RowEvent, State, tag_of


async def test_a_row_goes_through_all_of_its_life(book):
    """Each write changes what it says and nothing else."""
    known = (await book.plan([entry(fields={"prompt": "höher 🪁"})]))["a"]
    assert (known.state, known.attempt, known.fields) == (State.PLANNED, 1, {"prompt": "höher 🪁"})
    await book.intended("a", "abcdefgh", 1)
    await book.accepted("a", ["t1", "t2"], 20)
    await book.finished("a", coins=None)
    await book.noted("a", "the file host is down")
    known = (await book.known(["a"]))["a"]
    assert (known.state, known.tag, known.task_ids, known.coins, known.error) == (
        State.COMPLETED, "abcdefgh", ("t1", "t2"), 20, "the file host is down",
    )  # fmt: skip
    await book.downloaded("a", [FILE])
    known = (await book.known(["a"]))["a"]
    assert (known.state, known.files, known.error) == (State.DONE, (FILE,), "")
    times = known.planned_at, known.intended_at, known.accepted_at, known.finished_at, known.done_at
    assert list(times) == sorted(times)


@pytest.mark.parametrize("event", [RowEvent.FAILED, RowEvent.EXPIRED])
async def test_a_bad_end_keeps_its_words_and_can_be_attempted_again(book, event):
    """A new attempt forgets tag, ids and error, and remembers what the old one cost."""
    state = MOVES[event][1]
    await book.plan([entry(), entry("b")])
    await book.intended("a", "abcdefgh", 1)
    await book.accepted("a", ["t1"], 20)
    await book.ended("a", event, "x" * 5000)
    known = (await book.known(["a"]))["a"]
    assert (known.state, len(known.error)) == (state, 2000)
    assert await book.again(["a", "b"], [state]) == ["a"]
    known = (await book.known(["a"]))["a"]
    assert (known.state, known.attempt, known.tag, known.task_ids, known.coins, known.error) == (
        State.PLANNED, 2, None, (), None, "",
    )  # fmt: skip
    assert await book.coins() == 20
    assert await book.counts() == {State.PLANNED: 2}


async def test_a_released_row_waits_as_if_it_had_never_been_sent(book):
    """What was surely not taken has no tag and no intent."""
    await book.plan([entry()])
    await book.intended("a", "abcdefgh", 1)
    await book.released("a", "no route")
    known = (await book.known(["a"]))["a"]
    assert (known.state, known.tag, known.intended_at, known.error) == (State.PLANNED, None, None, "no route")


async def test_an_intent_of_the_same_tag_keeps_its_time(book):
    """A resume does not make an old intent young; a new tag has a time of its own."""
    await book.plan([entry()])
    await book.intended("a", "abcdefgh", 1)
    await book.write(("UPDATE rows SET intended_at = 5.0", ()))
    await book.intended("a", "abcdefgh", 1)
    assert (await book._ask("SELECT intended_at FROM rows"))[0][0] == 5.0
    await book.intended("a", "bcdefghi", 2)
    assert (await book._ask("SELECT intended_at FROM rows"))[0][0] > 1e9


async def test_planning_changes_only_what_was_not_begun(book):
    """An edited row is taken over as long as it is planned, and the first version stays after that."""
    await book.plan([entry(), entry("b")])
    await book.intended("b", "abcdefgh", 1)
    new = {"prompt": "another"}
    known = await book.plan([entry(fields=new), entry("b", fields=new), entry("c")])
    assert [known[row].fields["prompt"] for row in "abc"] == ["another", "a kite", "a kite"]
    before = book.counters.writes
    await book.plan([entry(fields=new), entry("b", fields=new), entry("c")])
    assert book.counters.writes == before


async def test_entries_are_read_in_order_while_the_ledger_is_in_use(tmp_path):
    """A reader beside the writer sees what was written, in the order in which rows were planned."""
    async with opened(tmp_path) as book:
        await book.plan([entry(row) for row in "cab"])
        await book.intended("a", "abcdefgh", 1)
        entries = list(read_entries(tmp_path / FILE_NAME))
        assert [(one.id, one.state.value) for one in entries] == [("c", "planned"), ("a", "intended"), ("b", "planned")]


async def test_the_coins_of_all_attempts_are_read_beside_the_writer(tmp_path):
    """What an earlier attempt has cost counts for whoever reads the file, too."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        await book.intended("a", "abcdefgh", 1)
        await book.accepted("a", ["t1"], 20)
        await book.ended("a", RowEvent.FAILED, "why")
        await book.again(["a"], [State.FAILED])
        assert read_coins(tmp_path / FILE_NAME) == 20


def test_a_folder_without_a_ledger_holds_no_batch(tmp_path):
    """Reading begins nothing."""
    with pytest.raises(LedgerError, match="holds no batch"):
        list(read_entries(tmp_path / FILE_NAME))
    assert not any(tmp_path.iterdir())


async def test_text_that_utf_8_has_no_bytes_for_is_kept(book):
    """A lone surrogate from a service or a caller stops nothing."""
    known = await book.plan([entry(fields={"prompt": "a\ud800"})])
    assert known["a"].fields == {"prompt": "a\ud800"}
    await book.accepted("a", ["t\udfff"], 10**400)
    await book.ended("a", RowEvent.FAILED, "b\ud800")
    known = (await book.known(["a"]))["a"]
    assert (known.task_ids, known.coins, known.error) == (("t\udfff",), None, "b?")


def test_tags_differ_by_batch_row_and_attempt():
    """The same intent has the same tag, and every other another one."""
    tags = {tag_of(batch, row, attempt) for batch in ("x", "y") for row in ("a", "b") for attempt in (1, 2)}
    assert len(tags) == 8
    assert tag_of("x", "a", 1) == tag_of("x", "a", 1)
