"""Writes of many callers in one statement: what is asked for within some milliseconds shares a commit.

Laws of this file: a row stands once in a statement, and its writes keep their order; who was cancelled changes nothing
of what is written; what is not known to be written is written again, which its values allow; an intent that the purse
refused in company is asked for once more alone, for the others may have been too dear.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from a2e_async.errors import A2EError, BudgetExceededError, FencedError, LedgerError
from a2e_async.store import postgres_sql as sql
from a2e_async.store.engines import Change, Holding, Rows
from a2e_async.store.verbs import INTENDED, Verb

_GATHER_SECONDS: Final = 0.004
_MOST: Final = 1000  # rows of one statement
_CLOSE_SECONDS: Final = 5.0

Write = Callable[[str, Mapping[str, Any]], Awaitable[Rows]]


@attrs.define(eq=False)
class WaitingWrite:
    """A row that is to be written, and who waits for it.

    Attributes:
        holding: Whose row it is.
        row_id: Its id.
        verb: What is written, None for a row that is new.
        values: Its values.
        done: Gives whether it was written.
    """

    holding: Holding
    row_id: str
    verb: Verb | None
    values: dict[str, Any]
    done: asyncio.Future[bool]
    alone: bool = False


class Grouping:
    """Gathers writes.

    Args:
        write: Carries out a statement.
        place: The store's address, for messages.

    Attributes:
        limits: Most coins that a batch may hold and have spent, by its name.
        closing: Whether nothing is waited for any more.
        fenced: False takes the locks out, for the test that shows what they are for.
    """

    def __init__(self, write: Write, place: str) -> None:
        self.limits: dict[str, float] = {}
        self.closing = False
        self.fenced = True
        self._write = write
        self._place = place
        self._waiting: list[WaitingWrite] = []
        self._some = asyncio.Event()
        self._empty = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._until: float | None = None

    def open(self) -> None:
        """Begin to write; also once more after it was closed."""
        self.closing, self._until, self._waiting = False, None, []
        self._empty.set()
        self._task = asyncio.create_task(self._run(), name="a2e store writer")

    async def aclose(self) -> None:
        """Write what is waiting, for some seconds at most."""
        task, self._task = self._task, None
        if task is None:
            return
        await self.settled()
        self.closing = True
        task.cancel()
        await asyncio.wait([task])
        for one in self._waiting:
            _tell(one, LedgerError(f"{self._place} is closed; this was not written down"))

    async def settled(self) -> None:
        """Wait until everything that was asked for so far is written, once for some seconds at most."""
        now = asyncio.get_running_loop().time()
        self._until = now + _CLOSE_SECONDS if self._until is None else self._until
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._until - now)):
                await self._empty.wait()
        if self._empty.is_set():
            self._until = None

    async def change(self, change: Change) -> bool:
        """Write a row, if it stands where its verb may come."""
        return await self._put(change.place, change.row_id, change.verb, change.values)

    async def insert(self, holding: Holding, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows that are not there yet."""
        await asyncio.gather(*[self._put(holding, row["id"], None, row) for row in rows])

    def _put(
        self, holding: Holding, row_id: str, verb: Verb | None, values: dict[str, Any], *, alone: bool = False
    ) -> asyncio.Future[bool]:
        if self._task is None:
            raise LedgerError(f"{self._place} is closed")
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(WaitingWrite(holding, row_id, verb, values, done, alone))
        self._empty.clear()
        self._some.set()
        return asyncio.shield(done)

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            await asyncio.sleep(_GATHER_SECONDS)  # what other rows write in this moment shares the commit
            self._some.clear()
            for group in self._groups():
                await self._write_group(group)
                self._waiting = [one for one in self._waiting if not one.done.done()]
            if not self._waiting:
                self._empty.set()

    def _groups(self) -> list[list[WaitingWrite]]:
        """Give what waits in groups of one statement each; a row's second write stands in a later group."""
        rounds: list[dict[Any, list[WaitingWrite]]] = []
        seen: dict[tuple[str, str], int] = {}
        for one in self._waiting:
            place = seen.get((one.holding.batch, one.row_id), -1) + 1
            seen[one.holding.batch, one.row_id] = place
            if place == len(rounds):
                rounds.append({})
            kind = (one.verb, self._is_limited(one), id(one) if one.alone else 0)
            rounds[place].setdefault(kind, []).append(one)
        groups = [group for kinds in rounds for group in kinds.values()]
        return [group[at : at + _MOST] for group in groups for at in range(0, len(group), _MOST)]

    def _is_limited(self, one: WaitingWrite) -> bool:
        return one.verb is INTENDED and one.holding.batch in self.limits

    async def _write_group(self, group: list[WaitingWrite]) -> None:
        first = group[0]
        if first.verb is None:
            text = sql.INSERT
        else:
            text = sql.change(first.verb, limited=self._is_limited(first), fenced=self.fenced)
        try:
            found = await self._write(text, self._values(group))
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            if len(group) == 1:
                words = f"{self._place} could not be written: {type(error).__name__}"
                _tell(first, error if isinstance(error, A2EError) else LedgerError(words))
                return
            for one in group:  # one of them spoils it for all
                await self._write_group([one])
            return
        told = {n: (held, moved) for n, held, moved in found}
        for n, one in enumerate(group):
            await self._tell_of(one, *told.get(n, (False, False)), company=len(group) > 1)

    def _values(self, group: list[WaitingWrite]) -> dict[str, Any]:
        names = group[0].verb.names if group[0].verb is not None else ("key", "family", "fields", "planned_at")
        at = {
            "n": list(range(len(group))),
            "lease": [one.holding.lease for one in group],
            "batch": [one.holding.batch for one in group],
            "shard": [one.holding.shard for one in group],
            "id": [one.row_id for one in group],
            "limit": [self.limits.get(one.holding.batch) for one in group],
        }
        all_of = {
            "leases": sorted({one.holding.lease for one in group}),
            "batches": sorted({one.holding.batch for one in group}),
            "shards": sorted({one.holding.shard for one in group}),
        }
        return {**at, **all_of, **{name: [one.values[name] for one in group] for name in names}}

    async def _tell_of(self, one: WaitingWrite, held: bool, moved: bool, *, company: bool) -> None:  # noqa: FBT001 - of one row
        """Tell who waits for a row what has become of it."""
        if not held:
            words = f"another process holds shard {one.holding.shard} of {one.holding.batch} now"
            _tell(one, FencedError(words))
        elif moved or not self._is_limited(one):
            _tell(one, moved)
        elif company:
            await self._write_group([one])
        else:
            _tell(one, await self._refusal(one))

    async def _refusal(self, one: WaitingWrite) -> bool | A2EError:
        """Say why an intent was not written: its row stands elsewhere, or the purse has too little left."""
        at = {"batch": one.holding.batch, "id": one.row_id}
        try:
            states = await self._write("SELECT state FROM a2e.rows WHERE batch = %(batch)s AND id = %(id)s", at)
            taken = await self._write(sql.PURSE, {"batch": one.holding.batch})
        except A2EError as error:
            return error
        if not states or states[0][0] not in INTENDED.allowed:
            return False
        limit, price = self.limits[one.holding.batch], one.values["price"] or 0.0
        left = max(0.0, limit - (taken[0][0] if taken else 0.0))
        words = f"the start needs {price:g} coins, and {left:g} of {limit:g} are left for all processes together"
        return BudgetExceededError(words, needed=price, left=left)


def _tell(one: WaitingWrite, value: bool | A2EError) -> None:  # noqa: FBT001 - of one row
    if one.done.done():
        return
    if isinstance(value, A2EError):
        one.done.set_exception(value)
        one.done.exception()  # who was cancelled asks no more
    else:
        one.done.set_result(value)
