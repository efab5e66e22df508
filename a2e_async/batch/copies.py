"""A ledger that is a copy, or was put back: what it calls planned may have been started by another copy of it.

Copies share the batch's id and so the tags. Before a start of such a ledger the account's list is read once for each
family; a start whose tag is in it is taken over. That is a guard and no proof: two copies that run at the same time
can still start a row each.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from a2e_async.client import A2EClient
from a2e_async.core.family import Family
from a2e_async.store.ports import Ledger

_log = logging.getLogger("a2e_async")

_MARGIN = 24 * 3600.0  # the service's clock and ours may differ
_MOST = 20_000  # records of a list that are read


class Copies:
    """Knows which tags the account's lists have, if the ledger is a copy.

    Args:
        a2e: The open client.
        ledger: The open ledger.
    """

    def __init__(self, a2e: A2EClient, ledger: Ledger) -> None:
        self._a2e = a2e
        self._ledger = ledger
        self._swept: dict[str, asyncio.Task[frozenset[str]]] = {}

    async def started(self, family: Family, tag: str) -> tuple[str, ...]:
        """Give the ids of the tasks that another copy has started under this tag; none for the original.

        Raises:
            A2EError: The list cannot be had.
        """
        if not self._ledger.copied or not family.is_findable:
            return ()
        if family.name not in self._swept:
            self._swept[family.name] = asyncio.create_task(self._sweep(family), name="a2e copies")
        if tag not in await asyncio.shield(self._swept[family.name]):
            return ()
        job = await self._a2e.find(family, tag)
        if job is None:
            return ()
        job.detach()  # who watches it writes it down
        return tuple(job.task_ids)

    async def aclose(self) -> None:
        """End what is still being read."""
        for task in self._swept.values():
            task.cancel()
        if self._swept:
            await asyncio.wait(self._swept.values())

    async def _sweep(self, family: Family) -> frozenset[str]:
        begun = float(await self._ledger.kept("begun") or 0) - _MARGIN
        floor = datetime.fromtimestamp(max(begun, 0), UTC)
        words = "%s is a copy of a ledger: what it calls planned is looked for before it is started"
        _log.warning(words, self._ledger.place)
        tags: set[str] = set()
        async for record in self._a2e.records(family, limit=_MOST):
            if record.created_at is not None and record.created_at < floor:
                break
            if record.tag is not None:
                tags.add(record.tag)
        return frozenset(tags)
