"""How far a batch is and who works on it, for people: looked up in the store, from any machine."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any

import attrs

from a2e_async.fleet.planning import counts_of
from a2e_async.store.entries import Entry, State
from a2e_async.store.ports import Holder, Store

_WINDOW = 60.0
_MOST_ERRORS = 20
_AHEAD = 500


@attrs.frozen(kw_only=True)
class Look:
    """What was seen of a batch at one moment.

    Attributes:
        counts: How many rows stand in which state.
        coins: What it has cost.
        holders: Who works on it, and what each holds of it.
        rates: Rows a second that each has ended over the last minute, by lease; None before that is known.
        at: When it was seen, in seconds since 1970.
    """

    counts: Mapping[State, int]
    coins: float
    holders: tuple[Holder, ...]
    rates: Mapping[int, float | None]
    at: float

    @property
    def left(self) -> int:
        """How many rows have not come to an end."""
        return sum(count for state, count in self.counts.items() if not state.final)

    def workers(self) -> list[dict[str, Any]]:
        """Give who works as plain values: for JSON, and for the page."""
        return [
            {
                "worker": one.worker,
                "lease": one.lease,
                "silent": round(one.silent, 1),
                "ttl": one.ttl,
                "places": one.places,
                "running": sum(shard.running for shard in one.shards),
                "shards": [shard.no for shard in one.shards],
                "open": sum(shard.open for shard in one.shards),
                "rate": None if (rate := self.rates.get(one.lease)) is None else round(rate, 3),
            }
            for one in self.holders
        ]


class Looker:
    """Looks at a batch now and then, and knows from that how fast everybody is.

    Args:
        store: The open store.
        batch: The batch's name.
    """

    def __init__(self, store: Store, batch: str) -> None:
        self._store = store
        self._batch = batch
        self._ended: dict[int, deque[tuple[float, int]]] = {}
        self._open: dict[tuple[int, int], int] = {}

    async def look(self) -> Look:
        """Look once.

        Raises:
            UsageError: There is no such batch.
            LedgerError: The store cannot be asked.
        """
        counts = await counts_of(self._store, self._batch)
        holders = tuple(await self._store.holders(self._batch))
        coins = await self._store.coins(self._batch)
        self._note(holders)
        rates = {one.lease: self._rate(one.lease) for one in holders}
        return Look(counts=counts, coins=coins, holders=holders, rates=rates, at=time.time())

    def _note(self, holders: Collection[Holder]) -> None:
        now, seen = time.monotonic(), dict[tuple[int, int], int]()
        for one in holders:
            ended = 0
            for shard in one.shards:
                key = (one.lease, shard.no)
                seen[key] = shard.open
                ended += max(0, self._open.get(key, shard.open) - shard.open)
            # A shard that was given back since had its last rows ended, too.
            ended += sum(left for key, left in self._open.items() if key[0] == one.lease and key not in seen)
            moments = self._ended.setdefault(one.lease, deque())
            moments.append((now, ended))
            while moments[0][0] < now - _WINDOW:
                moments.popleft()
        self._open = seen

    def _rate(self, lease: int) -> float | None:
        moments = list(self._ended.get(lease, ()))
        if len(moments) < 2:  # noqa: PLR2004 - the first one is where counting begins
            return None
        seconds = moments[-1][0] - moments[0][0]
        return sum(ended for _at, ended in moments[1:]) / seconds if seconds > 0 else None


async def errors_of(store: Store, batch: str, most: int = _MOST_ERRORS) -> list[tuple[State, str, int]]:
    """Give the errors of rows that ended badly, or that something went wrong with, the most frequent first."""
    errors: Counter[tuple[State, str]] = Counter()
    async for entry in store.entries(batch, states=frozenset(State) - {State.DONE}):
        if entry.error:
            errors[entry.state, " ".join(entry.error.split())] += 1
    return [(state, words, count) for (state, words), count in errors.most_common(most)]


def entries_in_a_thread(store: Store, batch: str, loop: asyncio.AbstractEventLoop) -> Iterator[Entry]:
    """Give the rows of a batch to another thread, some at a time; the loop asks the store for them.

    Args:
        store: The open store.
        batch: The batch's name.
        loop: The event loop that has opened it.
    """
    source = aiter(store.entries(batch))
    while page := asyncio.run_coroutine_threadsafe(_page(source), loop).result():
        yield from page


async def _page(source: AsyncIterator[Entry]) -> list[Entry]:
    page: list[Entry] = []
    async for entry in source:
        page.append(entry)
        if len(page) == _AHEAD:
            break
    return page
