"""Sweeps of a list that grows while it is read, one page after the other."""

from __future__ import annotations

import asyncio

import pytest

from a2e_async.core.family import family_of
from a2e_async.engine.starts.sweep import Span, Sweep

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
