"""Sweeps of a list that grows while it is read, one page after the other."""

from __future__ import annotations

import asyncio
import random

import pytest
from virtual_time import virtual

from a2e_async import TransportError
from a2e_async.core.family import family_of
from a2e_async.engine.starts.sweep import Span, Sweep
from a2e_async.engine.starts.sweeps import Sweeps

FAMILY = family_of("text_to_image")


class GrowingList:
    """A service whose list has more rows with each request.

    Args:
        rows: How many it has at first.
        grows: How many it gains with each request.
        cap: The most it gives at once.
        until: How many it has in the end.
    """

    def __init__(self, rows: int, grows: int = 0, cap: int = 100, until: int = 1000) -> None:
        self.rows, self.grows, self.cap, self.until, self.asked = rows, grows, cap, until, 0

    async def ask(self, request):
        """Give one page, newest first, after a turn of the loop for others."""
        self.asked += 1
        query = dict(request.query)
        page, size = int(query["pageNum"]), min(int(query["pageSize"]), self.cap)
        first = self.rows - (page - 1) * size
        found = [{"_id": f"id{number}", "name": f"kite {number}"} for number in range(first, max(first - size, 0), -1)]
        self.rows = min(self.rows + self.grows, self.until)
        await asyncio.sleep(0)
        return found


async def read(service: GrowingList):
    """Read that list as a proof needs it; gives the rows and whether that was in full."""
    reading = await Sweep(service.ask, FAMILY, Span(deep=True), most_pages=200).read()
    return reading.rows, reading.is_full(0.0)


@pytest.mark.parametrize("rows", [0, 1, 3, 99, 100, 101, 250])
async def test_growing_list(rows):
    """Rows that are added between two pages spoil a sweep of a tiny list at most, and none of the next."""
    service = GrowingList(rows, grows=2)
    for _ in range(2):
        await read(service)
    now = service.rows
    found, full = await read(service)
    assert full
    assert set(found) >= {f"id{number}" for number in range(1, now + 1)}


@pytest.mark.parametrize("cap", [1, 20, 80])
async def test_few_at_once(cap):
    """A service that gives few at once is read in pages of that size."""
    service = GrowingList(45, cap=cap)
    found, full = await read(service)
    assert (len(found), full, service.asked) == (45, True, -(-45 // min(cap, 45)) + 1)


async def test_sweeps_at_the_same_time():
    """Sweeps that run at once do not send each other back to the first page for ever."""
    service = GrowingList(80, grows=1, until=99)
    async with asyncio.timeout(5):
        ends = await asyncio.gather(*(read(service) for _ in range(10)))
    assert all(full for _rows, full in ends)
    assert service.asked < 100


class DatedList:
    """A service with so many rows, one each `gap` seconds, the newest of them made at `newest`.

    Args:
        rows: How many.
        gap: Seconds from one to the next.
        counts: Whether it says how many it has.
        order: What becomes of the rows, newest first, before they are cut into pages.
    """

    newest = 1_750_000_000.0

    def __init__(self, rows, gap=1.0, *, counts=True, order=lambda rows: rows):
        stamps = [self.newest - number * gap for number in range(rows)]
        made = [{"_id": f"id{n}", "name": f"x ~{n:012}a", "createdAt": stamp} for n, stamp in enumerate(stamps)]
        self.rows = order(made)
        self.counts, self.asked = counts, 0

    async def ask(self, request):
        """Give one page."""
        self.asked += 1
        page, size = int(request.query["pageNum"]), int(request.query["pageSize"])
        rows = self.rows[(page - 1) * size : page * size]
        return {"rows": rows, "count": len(self.rows)} if self.counts else {"rows": rows}


def around(row, gap=1.0, *, deep=True):
    """Give the span in which the row of this number can be, as a resume asks for it."""
    made = DatedList.newest - row * gap
    return Span(floor=made - 5, top=made + 65, deep=deep)


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("gap", [0.05, 0.3, 1.0, 20.0])
@pytest.mark.parametrize("row", [0, 150, 3_000, 19_999])
async def test_a_deep_list_is_read_by_seeking(row, gap, counts):
    """Under 20,000 newer rows a start is found, and its absence seen, in some 30 requests, not in 200."""
    service = DatedList(20_000, gap, counts=counts)
    span = around(row, gap)
    reading = await Sweep(service.ask, FAMILY, span, most_pages=200, now=DatedList.newest).read()
    inside = {one["_id"] for one in service.rows if span.floor <= one["createdAt"] <= span.top}
    assert f"id{row}" in reading.rows
    assert inside <= reading.rows.keys()
    assert reading.is_full(span.floor)
    assert service.asked <= 22 + len(inside) / 100


@pytest.mark.parametrize("order", ["oldest first", "shuffled", "by another time", "one pinned"])
async def test_a_list_in_another_order_is_read_to_its_end(order):
    """Where the order does not hold nothing is sought: every page is read, and the row is found wherever it stands."""
    orders = {
        "oldest first": lambda rows: rows[::-1],
        "shuffled": lambda rows: random.Random(3).sample(rows, len(rows)),
        "by another time": lambda rows: rows[7:] + rows[:7],
        "one pinned": lambda rows: [rows[-5], *rows[:-5], *rows[-4:]],
    }
    service = DatedList(1_050, order=orders[order])
    reading = await Sweep(service.ask, FAMILY, around(3), most_pages=200, now=DatedList.newest).read()
    assert "id3" in reading.rows
    assert len(reading.rows) == 1_050
    assert reading.is_full(around(3).floor)


async def test_a_list_in_another_order_that_has_no_end_is_not_full():
    """What could not be read to its end proves nothing."""
    service = DatedList(5_000, order=lambda rows: rows[::-1])
    reading = await Sweep(service.ask, FAMILY, around(3), most_pages=20, now=DatedList.newest).read()
    assert service.asked == 20
    assert not reading.is_full(around(3).floor)


async def test_a_seek_that_meets_another_order_reads_on():
    """A list that stands newest first only at its top is read on from there."""
    service = DatedList(3_000, order=lambda rows: rows[:600] + rows[:599:-1])
    reading = await Sweep(service.ask, FAMILY, around(2_900), most_pages=200, now=DatedList.newest).read()
    assert "id2900" in reading.rows
    assert len(reading.rows) == 3_000


@pytest.mark.parametrize("most", [5, 7, 12])
async def test_a_seek_that_may_ask_no_more_is_not_full(most):
    """The bound of pages holds while the place is sought, too, and what was read until then proves nothing."""
    service = DatedList(20_000)
    reading = await Sweep(service.ask, FAMILY, around(19_000), most_pages=most, now=DatedList.newest).read()
    assert service.asked == most
    assert not reading.is_full(around(19_000).floor)


class Slow(DatedList):
    """A service whose list takes a second, and may fail after it."""

    error = None

    async def ask(self, request):
        """Give one page."""
        await asyncio.sleep(1)
        if self.error:
            raise self.error
        return await super().ask(request)


@pytest.mark.parametrize("error", [None, TransportError("reset")])
@virtual()
async def test_one_who_gives_up_leaves_the_shared_reading_to_the_others(a2e, sim, error):
    """Of two who share a sweep one is cancelled in its middle: the other has its answer, or its error."""
    slow = Slow(3)
    slow.error, slow.retry, slow.server_time = error, a2e._parts().engine.sender.retry, lambda: None
    sweeps = Sweeps(FAMILY, slow)
    ours, other = (asyncio.ensure_future(sweeps.read(Span(), 0.0)) for _ in range(2))
    await asyncio.sleep(0.5)
    ours.cancel()
    (answer,) = await asyncio.gather(other, return_exceptions=True)
    assert ours.cancelled()
    assert answer is error if error else len(answer.rows) == 3


async def test_rows_under_rows_that_changed_later_are_found():
    """A list sorted by the last change has rows on top that were made long before a start, and have just ended."""
    service = DatedList(250, order=lambda rows: [*rows[1:], rows[0]])
    reading = await Sweep(service.ask, FAMILY, Span(floor=DatedList.newest - 0.5, deep=True), most_pages=200).read()
    assert "id0" in reading.rows


async def test_a_quick_look_stops_at_the_floor():
    """What need prove nothing reads one page where the newest rows are older than what is looked for."""
    service = DatedList(5_000)
    await Sweep(service.ask, FAMILY, Span(floor=DatedList.newest + 5), most_pages=200).read()
    assert service.asked == 1


async def test_what_is_enough_ends_a_reading():
    """Once everybody has what they look for no further page is asked for."""
    service = DatedList(5_000)

    def enough(reading):
        return "id150" in reading.rows

    await Sweep(service.ask, FAMILY, Span(), most_pages=200, enough=enough).read()
    assert service.asked == 2
