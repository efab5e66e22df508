"""What seldom happens to a batch: broken ledgers, odd lists, lost files, and listeners that fail."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest
from batches import KITE, client, image, service
from ledgers import entry, opened

from a2e_async import A2EError, DownloadError, Result
from a2e_async.batch import Batch, FileEntry, Outcome, State
from a2e_async.batch.budget import BatchBudget
from a2e_async.batch.copies import Copies
from a2e_async.batch.filelock import _holder
from a2e_async.batch.inputs import OutputOf
from a2e_async.batch.intake import Intake
from a2e_async.batch.journal import RowJournal, tell
from a2e_async.batch.ledger_file import FILE_NAME, LedgerFile, in_words, make_safe
from a2e_async.batch.manifest import without_secrets
from a2e_async.batch.outputs import Outputs, RowSource
from a2e_async.batch.owner import Owner
from a2e_async.batch.room import RowPlaces
from a2e_async.batch.rows import as_given
from a2e_async.batch.runner import RowsRun, _without_source
from a2e_async.batch.schema import ABOUT, STEPS, statements
from a2e_async.batch.stored import read_entries
from a2e_async.core.family import family_of
from a2e_async.engine.jobs.options import Options
from a2e_async.errors import LedgerError
from a2e_async.store.entries import RowEvent


def test_final_is_what_nothing_is_left_to_do_for():
    """Rows that are done, and those that ended without their files."""
    assert [state for state in State if not state.final] == list(State)[:4]


class Account:
    """A client whose list has these records, and which finds nothing by a tag."""

    def __init__(self, *records):
        self._records = records

    async def records(self, _family, *, limit):
        """Give the records."""
        for record in self._records[:limit]:
            yield record

    async def find(self, _family, _tag):
        """Find nothing."""


@pytest.mark.parametrize("tag", ["listed", "older", "absent"])
async def test_a_copy_takes_over_only_what_is_found(tmp_path, tag):
    """A tag that is not in the list, lies before the batch began, or is found no more, is no start of another copy."""
    async with opened(tmp_path) as book:
        new, old = datetime.now(UTC), datetime.fromtimestamp(0, UTC)
        records = [
            SimpleNamespace(created_at=at, tag=name) for at, name in ((new, None), (None, "listed"), (old, "older"))
        ]
        ledger = SimpleNamespace(copied=True, place=book.place, kept=book.kept)
        copies = Copies(Account(*records), ledger)
        assert await copies.started(family_of("text_to_image"), tag) == ()
        await copies.aclose()


@contextlib.asynccontextmanager
async def broken(folder):
    """Give an open batch whose ledger can do no more, with one row that was planned."""
    async with service() as sim, client(sim) as a2e, Batch.open(folder, a2e) as batch:
        known = (await batch.ledger.plan([entry("kite")]))["kite"]
        with pytest.raises(LedgerError):
            await batch.ledger.write(("this is no SQL", ()))
        yield batch, known


async def test_a_broken_ledger_is_the_error_of_whatever_meets_it(tmp_path):
    """Of a row that is given up, of one that failed, and of a run that begins."""
    async with broken(tmp_path) as (batch, known):
        steps = batch._steps
        outcome = await steps.give_up(KITE, known, RowEvent.REFUSED, "why", A2EError("why"))
        assert isinstance(outcome.error, LedgerError)
        for error in (DownloadError("gone"), LedgerError("closed")):
            assert isinstance((await steps._failed(KITE, known, error)).error, LedgerError)
        with pytest.raises(LedgerError):
            [outcome async for outcome in batch.run([KITE])]


async def test_a_batch_that_was_stopped_starts_nothing(tmp_path):
    """A row whose turn came at that very moment is let go of."""
    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        batch.stop()
        assert batch._steps._start(KITE.request(), "abcdefgh", Options()).done()
        assert sim.book.starts == []


async def test_a_result_without_a_file_is_an_error(tmp_path):
    """A row is not done because there was nothing to download."""
    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        with pytest.raises(DownloadError, match="name no file"):
            await batch._steps._fetch(KITE, Result(()))


@pytest.mark.skipif(sys.platform != "linux", reason="a file that cannot be read, even by root")
async def test_a_file_that_cannot_be_read_is_not_there(tmp_path):
    """The row is brought again."""
    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        batch._steps._folder = Path("/proc/self")
        done = entry(state=State.DONE, files=(FileEntry(path="mem", bytes=0, sha256="00"),))
        assert not await batch._steps._is_there(done)


def test_a_lock_file_that_cannot_be_read_names_no_process(tmp_path):
    """Its holder is another process all the same."""
    with (tmp_path / "lock").open("wb", buffering=0) as file:
        assert _holder(file) == "another process"


async def test_urls_of_images_are_few_and_never_made_up():
    """The oldest go first; a task that names none is an error with the line that helps."""

    async def record(_family, _task_id):
        return SimpleNamespace(urls=())

    outputs = Outputs(SimpleNamespace(record=record))
    for number in range(10_001):
        outputs.keep(f"row-{number}", ["https://example.com/a.png"])
    assert len(outputs._known) == 10_000
    with pytest.raises(DownloadError, match="redo row-0"):
        await outputs.of(RowSource("row-0", "text_to_image", ("t",)), OutputOf("row-0"))


async def test_a_row_that_somebody_else_has_changed_stops_its_start(book):
    """Before the POST leaves; ids that were paid for are told in the log."""
    await book.plan([entry()])
    journal = RowJournal(book, entry(), Owner(book, b"", None), lambda _entry: None)
    with pytest.raises(LedgerError, match="changed by somebody else"):
        await journal.sending("abcdefgh", "a", 1.0)


def test_a_listener_that_fails_stops_no_row(caplog):
    """Its error is logged."""

    def fail(_entry):
        raise ZeroDivisionError

    tell(fail, entry())
    assert "on_change failed for row a" in caplog.text


async def test_an_account_is_learned_only_from_records_that_name_it(book):
    """Records without a user teach nothing."""
    owner = Owner(book, b"", None)
    await owner.learn([SimpleNamespace(raw=None), SimpleNamespace(raw={"user_id": 7})])
    assert await book.kept("user") is None


@pytest.mark.parametrize(("told", "spent"), [(None, 20), (7.0, 17)])
async def test_what_an_earlier_life_holds_counts_until_the_service_names_coins(told, spent):
    """Then those count in its place."""
    budget = BatchBudget(100, 20, None)
    async with budget.pays(None, 10) as held:
        held.coins = told
    assert budget._coins.spent == spent


def test_a_row_is_taken_as_it_was_given_last():
    """The edited version where there is one."""
    row = entry(edited=("text_to_image", {"prompt": "a boat"}))
    assert as_given(row).fields == {"prompt": "a boat"}
    assert as_given(attrs.evolve(row, edited=None)).fields == {"prompt": "a kite"}


def test_values_of_any_depth_are_shown_to_a_depth():
    """A page does not fail on what a row's author has nested."""
    deep = "secret"
    for _ in range(60):
        deep = [deep]
    assert "secret" not in str(without_secrets(deep))


async def test_rows_come_from_any_async_iterable(book):
    """Also from one that is no generator and cannot be closed."""

    class Rows:
        def __init__(self):
            self._left = [image("a"), image("b")]

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self._left:
                raise StopAsyncIteration
            return self._left.pop()

    wake = asyncio.Event()
    intake = Intake(Rows(), book, wake)
    await intake.take()
    await asyncio.wait_for(wake.wait(), 5)
    assert await intake.take()
    assert {intake.next()[0].id, intake.next()[0].id} == {"a", "b"}
    await intake.aclose()


async def test_a_ledger_that_breaks_while_rows_are_given_up_stops_the_run():
    """Each further row could only fail in the same way."""
    error = LedgerError("full")

    class Broken:
        async def give_up(self, row, known, *_words):
            return Outcome(row=row, entry=known, error=error)

        def stop(self):
            pass

    run = RowsRun(Path(), None, Broken(), None, room=RowPlaces(1), again=())
    nothing = SimpleNamespace(note=lambda _outcome: [])
    waiting = [(image("b", image_from="a"), entry("b"))]
    assert [outcome.error async for outcome in run._give_up(waiting, entry(state=State.FAILED), nothing)] == [error]
    assert run.stopped_by is error


@pytest.mark.parametrize(
    ("source", "event", "words"),
    [
        (None, RowEvent.NOTED, "is not among the rows"),
        (State.ACCEPTED, RowEvent.NOTED, "is not done yet"),
        (State.FAILED, RowEvent.REFUSED, "failed"),
        (State.UNKNOWN, RowEvent.REFUSED, "is unknown"),
    ],
)
def test_a_row_without_its_image_says_why(source, event, words):
    """And is refused only when the image will never come by itself."""
    found = _without_source(image("b", image_from="a"), None if source is None else entry(state=source))
    assert found[0] is event
    assert words in found[1]


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_ledger_that_is_moved_away_is_written_no_more(tmp_path, how):
    """What would be written into it now nobody would find."""
    place = LedgerFile(tmp_path)
    with contextlib.ExitStack() as held:
        place.open(held)
        place.check()
        place.path.rename(tmp_path / "other")
        if how == "replaced":
            place.path.write_bytes(b"")
        with pytest.raises(LedgerError, match="was deleted, renamed or replaced"):
            place.check()


def test_a_ledger_that_takes_too_long_to_read_says_so(tmp_path):
    """A file can be made so that a query on it never ends."""
    words = in_words(tmp_path, sqlite3.OperationalError("interrupted")).message
    assert "cannot be read in a sensible time" in words


def test_a_file_system_without_a_wal_is_refused():
    """As a database in memory has none."""
    with contextlib.closing(sqlite3.connect(":memory:")) as db, pytest.raises(sqlite3.OperationalError, match="memory"):
        make_safe(db)


def test_a_ledger_of_an_older_version_is_read_and_left_as_it_is(tmp_path):
    """Its rows are given as they would be if it were brought up to date."""
    path = tmp_path / FILE_NAME
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(ABOUT)
        for statement in statements(0):
            db.execute(statement)
        db.execute("INSERT INTO about VALUES ('version', '1')")
        db.execute("INSERT INTO rows (id, family, fields, state) VALUES ('a', 'text_to_image', '{}', 'intended')")
    before = path.read_bytes()
    assert [(one.id, one.letters) for one in read_entries(path)] == [("a", "a")]
    assert path.read_bytes() == before
    assert len(STEPS) > 1


async def test_a_ledger_without_an_id_is_damaged(tmp_path):
    """Its tags could not be derived."""
    async with opened(tmp_path):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("DELETE FROM about WHERE key = 'batch_id'")
        db.commit()
    with pytest.raises(LedgerError, match="it has no batch id"):
        async with opened(tmp_path):
            pass
