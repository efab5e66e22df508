"""Rows that many ask for at the same time are read together: one query for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from a2e_async.errors import A2EError, LedgerError, again
from a2e_async.store.entries import Entry

_MOST: Final = 500

Read = Callable[[list[str]], Awaitable[dict[str, Entry]]]


class RowReads:
    """Reads rows by their ids.

    Args:
        read: Reads all of them with one query.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._wanted: list[tuple[Sequence[str], asyncio.Future[dict[str, Entry]]]] = []
        self._task: asyncio.Task[None] | None = None

    async def known(self, ids: Sequence[str]) -> dict[str, Entry]:
        """Give what is known of these rows, as it stood when this was asked or later."""
        told: asyncio.Future[dict[str, Entry]] = asyncio.get_running_loop().create_future()
        self._wanted.append((ids, told))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="a2e store reads")
        return await told

    async def _run(self) -> None:
        while self._wanted:
            await asyncio.sleep(0)  # who is woken by the same write asks in the same moment
            some, self._wanted = self._wanted[:_MOST], self._wanted[_MOST:]
            try:
                found = await self._read(list(dict.fromkeys(one for ids, _told in some for one in ids)))
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                for _ids, told in some:
                    if not told.done():
                        told.set_exception(_own(error))
                continue
            for ids, told in some:
                if not told.done():
                    told.set_result({one: found[one] for one in ids if one in found})


def _own(error: Exception) -> A2EError:
    """Give an error of its own to each caller, for each says which tasks it concerns."""
    return again(error) if isinstance(error, A2EError) else LedgerError(f"rows cannot be read: {type(error).__name__}")
