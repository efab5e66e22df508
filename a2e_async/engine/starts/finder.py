"""Finding lost starts: one finder per family sweeps the list for all lost tags together.

A start whose answer was lost may or may not have been taken. The list tells: a row with the tag is adopted, and the
start's absence is proven when the last two sweeps answered in full, the family is known to give names back, and the
start is young enough for the list not to have dropped it. In all other cases nobody knows, and nothing is sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from typing import Any

import attrs

from a2e_async.core import replies, tags, wire
from a2e_async.core.family import Family
from a2e_async.core.retry import Retry
from a2e_async.engine.http.service import Service
from a2e_async.errors import ProtocolError, UsageError

Row = Mapping[str, Any]

_PROOF = 2


@attrs.define(eq=False)
class Search:
    """One lost start.

    Attributes:
        tag: Its tag.
        name: The name it was sent with.
        floor: The service's time before which no row of it can be, in seconds since 1970.
        times: When the list is swept for it, in the event loop's time.
        aged: How old it was when it was lost, in seconds, None when it may never have been sent.
        hasty: Whether two full sweeps prove its absence before the window has passed, as it was lost long ago.
        full_sweeps: How many sweeps in a row have answered in full; two prove its absence.
    """

    tag: str
    name: str
    floor: float
    times: list[float]
    aged: float | None = None
    hasty: bool = False
    full_sweeps: int = 0
    answer: asyncio.Future[Finding] = attrs.field(factory=lambda: asyncio.get_running_loop().create_future())


@attrs.frozen
class Finding:
    """What a search came to: the rows with the tag, and when there are none, what that proves.

    Attributes:
        rows: The rows with the tag.
        absent: Whether their absence is proven.
        provable: Whether a later search may still find them or prove their absence.
    """

    rows: tuple[Row, ...] = ()
    absent: bool = False
    provable: bool = True


class Finder:
    """Sweeps one family's list while starts of it are lost.

    Attributes:
        names_come_back: Whether lists show names as they were sent; withdrawn when a reply or row shows otherwise.
    """

    def __init__(self, family: Family, service: Service, retry: Retry) -> None:
        self.names_come_back = family.names_given_back
        self._family = family
        self._service = service
        self._retry = retry
        self._searches: dict[str, Search] = {}
        self._task: asyncio.Task[None] | None = None
        self._clock: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._last_sweep = float("-inf")

    async def find(self, tag: str, name: str, floor: float, *, aged: float | None, at_once: bool = False) -> Finding:
        """Look for a lost start until it is found, its absence is proven or the window has passed.

        Args:
            tag: Its tag.
            name: The name it was sent with.
            floor: The service's time of the send, in seconds since 1970.
            aged: Seconds since the send, None when it may never have been sent.
            at_once: Begin now; and when it was surely lost longer ago than the window, let two full sweeps do.
        """
        now = asyncio.get_running_loop().time()
        after = self._retry.sweep_times()
        times = [now + seconds for seconds in ((0.0, *after) if at_once else after)]
        hasty = at_once and aged is not None and aged > self._retry.unknown_window + self._retry.margin
        search = Search(tag, name, floor - self._retry.margin, times, aged, hasty)
        self._searches[tag] = search
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"a2e finder {self._family.name}")
        try:
            return await search.answer
        finally:
            self._searches.pop(tag, None)

    async def look_once(self, tag: str, floor: float) -> tuple[Row, ...]:
        """Give the rows with this tag as the list has them now.

        Raises:
            UsageError: Starts of this family carry no name, so that no list tells whether a tag is there.
            A2EError: The list cannot be had.
        """
        if not self._family.is_findable:
            raise UsageError(f"{self._family.name}: starts carry no name, so none can be found by its tag")
        rows, full = await self._sweep(floor - self._retry.margin, {}, patient=True)
        found = _with_tag(self._family, rows, tag)
        if not found and not full:
            raise ProtocolError(f"{self._family.name}: the list was not given in full, the tag may be in the rest")
        return found

    async def learn_clock(self) -> None:
        """Ask for one row when the service's clock is not known yet; all who ask at once share one request."""
        if self._service.server_time() is None:
            if self._clock is None or self._clock.done():
                self._clock = asyncio.create_task(self._ask_for_clock(), name=f"a2e clock {self._family.name}")
            await asyncio.wait([self._clock])

    def check_name(self, row: Row, sent: str) -> None:
        """Withdraw the trust in names when a row of ours comes back without the tag it was sent with."""
        shown = wire.name_in(self._family, row)
        if shown is None or shown == sent:
            return
        if not isinstance(shown, str) or tags.split(shown)[1] is None or tags.is_cut(shown, sent):
            self.names_come_back = False

    async def aclose(self) -> None:
        """Stop sweeping; whoever still searches is cancelled with it."""
        running = [task for task in (self._task, self._clock) if task is not None and not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _ask_for_clock(self) -> None:
        with contextlib.suppress(Exception):  # a token callable may raise anything
            await self._service.ask(wire.listing(self._family, 1, 1))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        least_gap = self._retry.sweep_times()[0]
        while self._searches:
            self._news.clear()
            due = max(min(search.times[0] for search in self._searches.values()), self._last_sweep + least_gap)
            if due > loop.time():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._news.wait()
                continue
            self._last_sweep = loop.time()
            await self._round(dict(self._searches), self._last_sweep)

    async def _round(self, searches: dict[str, Search], began: float) -> None:
        if not searches:
            return
        try:
            rows, full = await self._sweep(min(search.floor for search in searches.values()), searches)
        except Exception:  # noqa: BLE001 - a token callable may raise anything; a failed sweep proves nothing
            rows, full = {}, False
        for search in searches.values():
            search.full_sweeps = search.full_sweeps + 1 if full else 0
            found = _with_tag(self._family, rows, search.tag)
            search.times = [time for time in search.times if time > began]
            if 0 < search.full_sweeps < _PROOF and not search.times:
                search.times = [began + self._retry.sweep_times()[0]]
            if found:
                self._answer(search, Finding(found))
            elif not search.times or (search.hasty and search.full_sweeps >= _PROOF):
                provable = self.names_come_back and self._is_young(search)
                absent = provable and search.full_sweeps >= _PROOF and search.aged != math.inf
                self._answer(search, Finding(absent=absent, provable=provable))

    def _answer(self, search: Search, finding: Finding) -> None:
        self._searches.pop(search.tag, None)
        if not search.answer.done():
            search.answer.set_result(finding)

    def _is_young(self, search: Search) -> bool:
        """Whether the list cannot have dropped the start yet; with an age that is not known, a later search tells."""
        known = search.aged is not None and search.aged != math.inf
        return not known or (search.aged or 0.0) + self._retry.unknown_window < self._retry.proof_age

    async def _sweep(
        self, floor: float, searches: Mapping[str, Search], *, patient: bool = False
    ) -> tuple[dict[str, Row], bool]:
        """Give all rows not older than `floor` by id, and whether the list answered in full."""
        ask = self._service.ask_again if patient else self._service.ask
        rows: dict[str, Row] = {}
        last: list[str] = []
        size = self._family.page_limit
        for page in range(1, self._retry.list_pages + 1):
            data = await ask(wire.listing(self._family, page, size))
            if not replies.is_list(data):
                return rows, False
            found = replies.rows_of(data)
            ids = [replies.row_id(row) for row in found]
            if not found:
                return rows, True
            if ids == last:  # this service does not turn pages
                return rows, False
            last = ids
            self._check_names(found, floor, searches)
            rows |= {task_id: row for task_id, row in zip(ids, found, strict=True) if task_id}
            newest, oldest = wire.created_at(found[0]), wire.created_at(found[-1])
            if newest is not None and oldest is not None and oldest < floor and oldest <= newest:
                return rows, True
            if page == 1:
                size = len(found)  # the whole list, or all that this service gives at once: page 2 of this size tells
        return rows, False

    def _check_names(self, rows: list[dict[str, Any]], floor: float, searches: Mapping[str, Search]) -> None:
        for row in rows:
            if (wire.created_at(row) or floor) < floor:
                continue
            shown = wire.name_in(self._family, row)
            if not isinstance(shown, str) or not shown or _is_cut(shown, searches):
                self.names_come_back = False


def _is_cut(shown: str, searches: Mapping[str, Search]) -> bool:
    """Whether a row may be one of those that are looked for, with a name that was not left as it was."""
    tagged = tags.split(shown)[1] is not None
    return any(
        tags.is_cut(shown, search.name) or (not tagged and search.tag in shown.lower()) for search in searches.values()
    )


def _with_tag(family: Family, rows: Mapping[str, Row], tag: str) -> tuple[Row, ...]:
    return tuple(row for row in rows.values() if letter_of(family, row, tag))


def letter_of(family: Family, row: Row, tag: str) -> str | None:
    """Give the send letter of a row with this tag, None when it has another tag or none."""
    shown = wire.name_in(family, row)
    if not isinstance(shown, str):
        return None
    _name, found, letter = tags.split(shown)
    return letter if found == tag else None
