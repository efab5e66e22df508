"""Reading the list of a family once, as far as is needed: from its top, or where it is deep by seeking.

Lists come newest first in pages by number (service.md 0.6), so that a row is where its age puts it: of 20,000 newer
rows a handful of pages is asked for instead of two hundred. That holds only while the order holds; a list that is seen
to stand in another order is read on to its end.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from a2e_async.core import wire
from a2e_async.core.absence import LONGEST_CHANGE, Page, Reading, read_page
from a2e_async.core.family import Family
from a2e_async.core.http import HttpRequest
from a2e_async.errors import ProtocolError

_FIRST_PAGES = 4  # read in any case: a list sorted by the last change has what we look for on top
_PAGES_BELOW = 10  # and so many below, for it may also stand under rows that changed just after it was made
_PAGES_BELOW_IN_DEPTH = 2


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Span:
    """Which part of a list is wanted, by when its rows were created by the service's time.

    Attributes:
        floor: From then on.
        top: Until then.
        deep: Whether the reading is to prove something: then more is read than may be needed.
    """

    floor: float = -math.inf
    top: float = math.inf
    deep: bool = False

    def joined(self, other: Span) -> Span:
        """Give the span of both."""
        return Span(floor=min(self.floor, other.floor), top=max(self.top, other.top), deep=self.deep or other.deep)


class Sweep:
    """Reads a list once.

    Args:
        ask: Sends a request and gives the reply's data.
        family: Whose list.
        span: Which part of it.
        most_pages: Most pages that are asked for.
        now: The service's time, None when it is not known.
        enough: Whether what was read so far is all that anybody wants.
    """

    def __init__(
        self,
        ask: Callable[[HttpRequest], Awaitable[Any]],
        family: Family,
        span: Span,
        *,
        most_pages: int,
        now: float | None = None,
        enough: Callable[[Reading], bool] = lambda _reading: False,
    ) -> None:
        self.reading = Reading()
        self._ask = ask
        self._family = family
        self._span = span
        self._most_pages = most_pages
        self._now = now
        self._enough = enough
        self._size = family.page_limit
        self._below = 0

    async def read(self) -> Reading:
        """Read it.

        Raises:
            A2EError: A page cannot be had, or is no list.
        """
        number = 1
        while self.reading.pages < self._most_pages:
            page = await self._page(number)
            if number == 1:
                self._size = len(page.rows) + len(page.unread) or self._size  # the whole list, or all that this gives
                self._shift_by_clocks(page)
            self.reading.take(page)
            if self._is_over(page):
                break
            number = await self._seek(number) if self._is_far_above(number, page) else number + 1
        return self.reading

    async def _page(self, number: int) -> Page:
        page = read_page(await self._ask(wire.listing(self._family, number, self._size)))
        if page is None:
            raise ProtocolError(f"{self._family.name}: the list was answered without rows")
        return page

    def _shift_by_clocks(self, first: Page) -> None:
        """Make room for the service's clocks: one tells `createdAt`, another the header Date that times a POST.

        No row is made after the moment at which it is shown. So how old the newest row says that it is bounds how far
        its clock can be behind, and what it says to be in the future is how far it is ahead.
        """
        if self._now is None or not math.isfinite(first.newest):
            return
        ahead = first.newest - self._now
        span = self._span
        self._span = attrs.evolve(span, floor=span.floor + min(ahead, 0.0), top=span.top + max(ahead, 0.0))

    def _is_over(self, page: Page) -> bool:
        reading, floor = self.reading, self._span.floor
        if reading.ended or not reading.sound or self._enough(reading):
            return True
        if not reading.ordered:
            return False
        if not self._span.deep:
            return page.oldest < floor or reading.has_all
        self._below += page.newest < floor and reading.proves_order
        below = _PAGES_BELOW if reading.top == math.inf else _PAGES_BELOW_IN_DEPTH
        return self._below > 0 and (self._below > below or page.newest < floor - LONGEST_CHANGE)

    def _is_far_above(self, number: int, page: Page) -> bool:
        reading = self.reading
        seekable = reading.proves_order and reading.top == math.inf and number >= _FIRST_PAGES
        return seekable and page.oldest > self._span.top

    async def _seek(self, above: int) -> int:
        """Give the number of the first page that has rows of the span; all on page `above` are newer than it."""
        low, step, high = above, 1, above
        while self.reading.pages < self._most_pages:
            high = low + step
            if not await self._is_newer(high):
                break
            low, step = high, 2 * step
        while high - low > 1 and self.reading.pages < self._most_pages:
            middle = (low + high) // 2
            low, high = (middle, high) if await self._is_newer(middle) else (low, middle)
        if not self.reading.ordered:
            return above + 1
        self.reading.top = self._span.top
        return low + 1

    async def _is_newer(self, number: int) -> bool:
        """Whether every row of a page is newer than the span; notes what it shows."""
        reading = self.reading
        page = await self._page(number)
        reading.pages += 1
        reading.note(page)
        reading.ordered = reading.ordered and page.falls and page.newest <= reading.newest
        return reading.ordered and bool(page.rows) and page.oldest > self._span.top
