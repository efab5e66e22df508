"""Finding lost starts: one finder per family sweeps the list for all that are looked for together.

A start whose answer was lost may or may not have been taken. The list tells: tasks with the tag are taken over, and
absence is proven by evidence, never by silence (`core/absence.py`). The service's own time of the first and the last
POST says which part of the list is read; no clock of a worker does, for the one that sent may have been minutes off.

A start counts as absent only when all of these hold; each was the cause of a second bill where it did not:

- the last two readings were full and in order, the last one after the whole window: `find` says why;
- tasks that this client has known for long were in them (lists lag): one that hides a task may hide another;
- no row made since then has a name that may be ours, cut or changed; and this service gives names back at all, which
  was seen of one family (service.md 0.6);
- the start is younger than `Retry.proof_age` by the service's clock and by ours: lists drop what has expired
  (service.md 0.6), clocks are set, machines sleep;
- the account is the one that sent it: a token that was changed shows somebody else's list.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

import attrs

from a2e_async.core import replies, tags, wire
from a2e_async.core.absence import Proof, Reading, Row
from a2e_async.core.family import Family
from a2e_async.core.retry import Retry
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.live import LiveJobs
from a2e_async.engine.starts.sweep import Span
from a2e_async.engine.starts.sweeps import Sweeps
from a2e_async.errors import ProtocolError, UsageError

_PROOF = 2
_EXTRA_SWEEPS = 3
_MANY_PAGES = 10
_CLOCKS_APART = 900.0
_KNOWN_AT_MOST = 2_000


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Search:
    """A start that is looked for.

    Attributes:
        tag: Its tag.
        names: The names that it may have been sent with.
        first: The service's time of its first POST, None when it is not known.
        last: Of its latest POST, None for one that has just been lost.
        sent: Whether it may have been sent at all.
        here: Whether this client has sent it.
        age: Seconds since its first POST by the clocks of this machine, 0 for one of another process.
        wanted: How many tasks it asks for.
        account: Whose token sent it, None where another process did.
        since: The loop's time of its first POST here, or of now.
        at_once: Whether the first sweep begins now.
    """

    tag: str
    names: tuple[str, ...]
    first: float | None
    last: float | None = None
    sent: bool = True
    here: bool = False
    age: Callable[[], float] = lambda: 0.0
    wanted: int = 1
    account: str | None = None
    since: float = 0.0
    at_once: bool = False


@attrs.frozen(eq=False, repr=False)
class Finding:
    """What a search came to: the rows with the tag, and when there are none, what that proves.

    Attributes:
        rows: The rows with the tag, newest first.
        absent: Whether their absence is proven.
        provable: Whether a later search may still find them or prove their absence.
    """

    rows: tuple[Row, ...] = ()
    absent: bool = False
    provable: bool = True


class Finder:
    """Sweeps one family's list while starts of it are looked for.

    Args:
        family: The family.
        service: Where its list is.
        live: The jobs of this client, whose tasks and tags are known to be there.

    Attributes:
        sweeps: What reads the list.
    """

    def __init__(self, family: Family, service: Service, live: LiveJobs) -> None:
        self._family = family
        self._service = service
        self._retry: Retry = service.retry
        self._live = live
        # in an order of its own, for the first key of a plain dict is found by passing over all that are gone
        self._known: OrderedDict[str, tuple[float | None, float]] = OrderedDict()
        self._names_come_back = family.names_given_back
        self._behind: float | None = None
        self.sweeps = Sweeps(family, service)
        self._clock: asyncio.Task[None] | None = None

    async def find(self, search: Search) -> Finding:
        """Look for a lost start until it is found, its absence is proven or the window has passed.

        The last two sweeps must answer in full, the last one after the whole window: a service that is just coming up
        answers with an honest-looking empty list, and a start may reach it after its process has died. Rows with the
        tag end the search at any time: they are evidence even in a list that is wrong about everything else.
        """
        left = deque(self._times(search))
        span = Span(floor=self._floor(search), top=self._top(search))
        proof = Proof(span.floor)
        extra = 0
        while left:
            deep = len(left) <= _PROOF or extra > 0 or (search.at_once and not proof.begun)
            try:
                reading = await self.sweeps.read(attrs.evolve(span, deep=deep), left.popleft(), self._is_enough(search))
            except Exception:  # noqa: BLE001 - a token callable may raise anything; a failed sweep proves nothing
                proof.broken()
                continue
            if rows := self._rows_of(search, reading):
                return Finding(rows)
            if deep:
                proof.take(reading, proves=self._proves(search, reading, span.floor))
            if reading.pages > _MANY_PAGES:  # what costs so much is done as often as a proof needs it
                left = deque([*left][-1:])
            if not left and 0 < proof.full < _PROOF and extra < _EXTRA_SWEEPS:
                left.append(asyncio.get_running_loop().time() + self._retry.sweep_times()[0])
                extra += 1
        young = self._is_young(search)
        access = self._service.access
        elsewhere = search.account is not None and (access is None or access.account != search.account)
        absent = self._names_come_back and not elsewhere and young is True and proof.full >= _PROOF
        over = absent and len(search.names) > 1  # both sends, and a third is never made: no later search tells more
        return Finding(absent=absent, provable=self._names_come_back and young is not False and not over)

    async def search_once(self, tag: str, first: float | None) -> tuple[Row, ...]:
        """Give the rows with this tag as the list has them now.

        Args:
            tag: The tag.
            first: The service's time before which there is none, None when it is not known.

        Raises:
            UsageError: Starts of this family carry no name, so that no list tells whether a tag is there.
            A2EError: The list cannot be had.
        """
        if not self._family.is_findable:
            raise UsageError(f"{self._family.name}: starts carry no name, so none can be found by its tag")
        floor = self.before(first)
        reading = await self.sweeps.read_patiently(Span(floor=floor, deep=True))
        found = tuple(reading.with_tag(self._family, tag))
        if not found and not reading.is_full(floor):
            raise ProtocolError(f"{self._family.name}: the list was not given in full, the tag may be in the rest")
        return found

    async def learn_clock(self) -> None:
        """Ask for one row when the service's clock is not known yet; all who ask at once share one request."""
        if self._service.server_time() is None:
            if self._clock is None or self._clock.done():
                self._clock = asyncio.create_task(self._ask_for_clock(), name=f"a2e clock {self._family.name}")
            await asyncio.wait([self._clock])

    def learn(self, row: Row, name: str, sent_at: float | None) -> None:
        """Learn from an accepted start: its task is there, whether names come back, and how clocks differ.

        Args:
            row: What the service answered.
            name: The name that was sent.
            sent_at: The service's time of the POST.
        """
        shown, created = wire.name_in(self._family, row), wire.created_at(row)
        if shown is not None and (shown != name or not self._names_come_back):  # else it tells nothing new
            sent = tags.find(name)
            whole = isinstance(shown, str) and tags.find(shown) == sent
            self._names_come_back = whole and self._family.names_given_back if sent else self._names_come_back
        if created is not None and sent_at is not None:
            self._behind = max(self._behind or 0.0, sent_at - created)
        since = self._service.server_time() if created is None else created
        self._known[replies.row_id(row)] = (since, asyncio.get_running_loop().time())
        while len(self._known) > _KNOWN_AT_MOST:
            self._known.popitem(last=False)

    def knows(self, task_id: str) -> bool:
        """Whether a task is known to be that of a start that was answered before."""
        return task_id in self._known

    def was_deleted(self, task_id: str) -> None:
        """Expect a task in the list no more."""
        self._live.was_deleted(task_id)

    async def aclose(self) -> None:
        """Stop sweeping; whoever still searches is cancelled with it."""
        await self.sweeps.aclose()
        if self._clock is not None and not self._clock.done():
            self._clock.cancel()
            await asyncio.wait([self._clock])

    # What is read, and when.

    def _times(self, search: Search) -> list[float]:
        now = asyncio.get_running_loop().time()
        after = [now + seconds for seconds in self._retry.sweep_times()]
        return [now, *after] if search.at_once else after

    def before(self, first: float | None) -> float:
        """Give the creation before which no task of a start can say that it is, whose first POST was then."""
        return -math.inf if first is None else first - self._retry.margin - (self._behind or 0.0)

    def _floor(self, search: Search) -> float:
        now = self._service.server_time()
        if search.first is None and not search.sent and now is not None:
            return now - self._retry.proof_age
        return self.before(search.first)

    def _top(self, search: Search) -> float:
        return math.inf if search.last is None else search.last + self._retry.unknown_window + self._retry.margin

    def _is_enough(self, search: Search) -> Callable[[Reading], bool]:
        """Whether all tasks of the start are there; after a second send those of the first may lie further below."""
        one_send = len(search.names) == 1
        return lambda reading: one_send and len(self._rows_of(search, reading)) >= search.wanted

    async def _ask_for_clock(self) -> None:
        with contextlib.suppress(Exception):  # a token callable may raise anything
            await self._service.ask(wire.listing(self._family, 1, 1))

    # What it proves.

    def _proves(self, search: Search, reading: Reading, floor: float) -> bool:
        """Whether a reading without the tag speaks for it that the start was never taken."""
        floor = min(floor, self._floor(search))  # how far the clocks differ may have been learned since
        witnesses = list(self._witnesses(search))
        known = {*self._known, *(task_id for task_id, _created in witnesses)}
        names_from = floor - self._unmeasured(reading)
        return (
            reading.is_full(floor)
            and not reading.lacks(witnesses)
            and not reading.hides_a_name(self._family, names_from, search.names, known, self._is_of_another(search))
        )

    def _unmeasured(self, reading: Reading) -> float:
        """Give by how much `createdAt` may be behind the header Date, while no answer of a start has told it.

        It cannot be more than the newest row of the list is old, and clocks of servers differ by minutes, not by hours.
        """
        now = self._service.server_time()
        if self._behind is not None or now is None or reading.newest == -math.inf:
            return 0.0
        return min(max(now - reading.newest, 0.0), _CLOCKS_APART)

    def _is_of_another(self, search: Search) -> Callable[[str], bool]:
        return lambda tag: tag != search.tag and self._live.tagged(tag) is not None

    def _witnesses(self, search: Search) -> Iterable[tuple[str, float]]:
        """Give the tasks that the list must show: where one is missing that was there before, the start may be, too."""
        loop_now, now = asyncio.get_running_loop().time(), self._service.server_time()
        here = [(one, created, at) for one, (created, at) in self._known.items() if created is not None]
        for task_id, created, known_at in (*here, *self._live.witnesses(self._family)):
            long_known = known_at <= search.since or known_at <= loop_now - self._retry.unknown_window
            if (
                task_id not in self._live.deleted
                and long_known
                and (now is None or now - created < self._retry.proof_age)
            ):
                yield task_id, created

    def _is_young(self, search: Search) -> bool | None:
        """Whether the list cannot have dropped the start yet, by the larger of both clocks: a sleep stops one.

        None when that is not known yet: a service that told no time was not reached at all.
        """
        now, age = self._service.server_time(), search.age()
        if not search.sent:
            return True
        if search.here and (search.first is None or now is None):
            return age < self._retry.proof_age
        if now is None:
            return None
        if search.first is None:
            return False  # it was sent by another process, nobody knows when: it may be of any age
        told = now - search.first
        return told > -self._retry.margin and max(told, age) < self._retry.proof_age

    def _rows_of(self, search: Search, reading: Reading) -> tuple[Row, ...]:
        """Give the rows with the tag, without those of an earlier start under it that this client had an answer to."""
        rows = reading.with_tag(self._family, search.tag)
        return tuple(row for row in rows if not (search.here and self.knows(replies.row_id(row))))
