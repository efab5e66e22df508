"""Which row of a batch has its turn, how many at once, and what sources may do."""

from __future__ import annotations

import asyncio
import time

import pytest
from batches import (
    KITE,
    image,
    images,
    video,
)

from a2e_async import (
    A2EClient,
    ImageToVideo,
    LedgerError,
    TextToImage,
    UsageError,
)
from a2e_async.batch import Batch, Row, State
from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.rows import Outcome
from a2e_async.store.entries import RowEvent


class Paced:
    """Brings rows in a time of its own and notes how many there are at once."""

    def __init__(self, batch, seconds=0.01, bad=()):
        self.ledger, self.seconds, self.bad = batch.ledger, seconds, bad
        self.now = self.most = 0
        self.order = []
        batch._steps = self

    def stop(self):
        """Stop nothing: what is under way ends soon."""

    async def answered(self):
        """Wait for nothing: nothing is sent."""

    async def aclose(self):
        """End nothing: nothing is asked for."""

    async def give_up(self, row, entry, _event, _words, error):
        """Write nothing down."""
        return Outcome(row=row, entry=entry, error=error)

    async def bring(self, row, entry, sources):
        """Note the row, and let it be done."""
        self.now += 1
        self.most = max(self.most, self.now)
        self.order.append((row.id, next(iter(sources), None)))
        await asyncio.sleep(self.seconds)
        self.now -= 1
        await self.ledger.accepted(row.id, ["t"], 1)
        if row.id in self.bad:
            await self.ledger.ended(row.id, RowEvent.FAILED, "bad")
        else:
            await self.ledger.downloaded(row.id, [])
        return Outcome(row=row, entry=(await self.ledger.known([row.id]))[row.id])


@pytest.fixture
async def batch(tmp_path):
    """Open a batch of three at once whose client is never asked."""
    async with A2EClient("sk_x") as a2e, Batch.open(tmp_path, a2e, max_running=3) as open_batch:
        yield open_batch


@pytest.mark.parametrize("kind", ["list", "generator", "async generator"])
async def test_no_more_rows_run_at_once_than_asked_for(batch, kind):
    """Rows come from anywhere, and every one is given once."""

    async def one_by_one():
        for row in images(20):
            await asyncio.sleep(0.002)
            yield row

    rows = {"list": images(20), "generator": (row for row in images(20)), "async generator": one_by_one()}[kind]
    course = Paced(batch)
    given = [outcome.row.id async for outcome in batch.run(rows)]
    assert sorted(given) == sorted(row.id for row in images(20))
    assert course.most == 3


async def test_rows_that_wait_for_a_image_hold_no_place(batch):
    """With three places and a hundred waiting rows the others go on."""
    course = Paced(batch)
    rows = [*(video(f"f{n}", "last") for n in range(100)), *images(10), image("last")]
    given = [outcome.row.id async for outcome in batch.run(rows)]
    assert given[:11].count("last") == 1
    assert all(source == "last" for row, source in course.order if row.startswith("f"))
    assert len(given) == 111
    assert course.most == 3


async def test_a_long_chain_goes_on_step_by_step(batch):
    """Each row has the image of the one before it."""
    course = Paced(batch, seconds=0)
    rows = [image("r0"), *(image(f"r{n}", image_from=f"r{n - 1}") for n in range(1, 30))]
    given = [outcome.row.id async for outcome in batch.run(reversed(rows))]
    assert given == [row.id for row in rows]
    assert course.order == [("r0", None), *((f"r{n}", f"r{n - 1}") for n in range(1, 30))]


async def test_a_slow_source_holds_nobody_up(batch):
    """Rows that are there run while the next one is waited for."""
    gate = asyncio.Event()

    async def rows():
        yield image("a")
        yield image("b")
        await gate.wait()
        yield image("c")

    Paced(batch)
    given = []
    async with asyncio.timeout(5):
        async for outcome in batch.run(rows()):
            given.append(outcome.row.id)
            if len(given) == 2:
                gate.set()
    assert given == ["a", "b", "c"]


async def test_a_slow_generator_is_not_read_to_its_end_first(batch):
    """A generator that takes its time blocks the loop only a row or two at a time."""
    Paced(batch, seconds=0)
    read = []

    def rows():
        for row in images(40):
            read.append(row.id)
            time.sleep(0.02)
            yield row

    given = [len(read) async for _outcome in batch.run(rows())]
    assert given[0] < 30
    assert len(given) == 40


async def test_a_quick_async_source_is_planned_many_rows_at_a_time(batch):
    """It is as quick as a list is."""

    async def rows():
        for row in images(300):
            await asyncio.sleep(0)
            yield row

    Paced(batch, seconds=0)
    before = batch.ledger.counters.commits
    batch._room.limit = 100
    assert len([outcome async for outcome in batch.run(rows())]) == 300
    assert batch.ledger.counters.commits - before < 150


async def test_an_endless_source_is_read_no_more_than_some_rows_ahead(batch):
    """Back-pressure: only what is soon needed is taken."""
    read = []

    def endless():
        n = 0
        while True:
            read.append(n)
            yield image(f"r{n}")
            n += 1

    Paced(batch)
    async for _outcome in batch.run(endless()):
        if batch.ledger.counters.writes > 520:
            break
    assert len(read) < 2100


async def test_a_source_that_fails_ends_the_run_with_its_own_error(batch):
    """After the rows that it has given."""
    Paced(batch)

    def rows():
        yield from images(5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _given = [outcome async for outcome in batch.run(rows())]
    assert (await batch.ledger.counts())[State.DONE] + (await batch.ledger.counts()).get(State.PLANNED, 0) == 5


async def test_requests_are_rows_and_equal_ones_are_numbered(batch):
    """A program's own requests: the same ids in every run."""
    Paced(batch)
    kite, other = TextToImage("a kite"), TextToImage("another")
    link = ImageToVideo("https://example.com/a.png", prompt="x", negative_prompt="y")
    requests = [kite, kite, other, kite, link]
    first = sorted([outcome.row.id async for outcome in batch.run(requests)])
    again = sorted([outcome.row.id async for outcome in batch.run(iter(requests))])
    assert first == again
    assert len(set(first)) == 5
    assert sum(row_id.startswith(min(first)[:16]) for row_id in first) >= 1


@pytest.mark.parametrize("rows", [[KITE, KITE], [KITE, image("kite", "another")], [image("a\nb")], [image("")]])
async def test_rows_of_the_same_or_no_id_are_refused(batch, rows):
    """A program that numbers its rows wrongly is told."""
    Paced(batch)
    with pytest.raises(UsageError):
        _given = [outcome async for outcome in batch.run(rows)]


@pytest.mark.parametrize("family", ["image_to_video", "image-to-video", ImageToVideo])
def test_a_row_takes_its_family_by_name_or_class(family):
    """How to get a Family is nobody's concern."""
    assert Row(id="a", family=family, fields={}).family.name == "image_to_video"


@pytest.mark.parametrize("wrong", [{"family": "image_to_vidoe"}, {"family": int}, {"family": 5}, {"fields": None}])
def test_a_row_that_is_none_is_refused_when_it_is_made(wrong):
    """Not by a ledger that seems damaged."""
    with pytest.raises(UsageError):
        Row(**{"id": "a", "family": "text_to_image", "fields": {"prompt": "a"}} | wrong)


async def test_what_is_no_row_is_refused(batch):
    """Neither text nor dictionaries are guessed at."""
    with pytest.raises((UsageError, TypeError)):
        _given = [outcome async for outcome in batch.run(["a kite"])]


@pytest.mark.parametrize("wrong", [{"max_running": 0}, {"max_running": 1.5}, {"max_running": None}, {"max_coins": -1}])
async def test_wrong_arguments_are_refused_at_once(tmp_path, wrong):
    """Before a folder is made."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Batch.open(tmp_path / "out", None, **wrong)
    assert not any(tmp_path.iterdir())


async def test_an_opening_that_fails_lets_go_of_the_ledger(tmp_path, monkeypatch):
    """Whatever goes wrong in it, the folder is free afterwards."""

    async def broken(_ledger):
        raise LedgerError("broken")

    async with A2EClient("sk_x") as a2e:
        with monkeypatch.context() as patch:
            patch.setattr(FolderLedger, "coins", broken)
            with pytest.raises(LedgerError, match="broken"):
                async with Batch.open(tmp_path, a2e):
                    pass
        async with Batch.open(tmp_path, a2e):
            pass
