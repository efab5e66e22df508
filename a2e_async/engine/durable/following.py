"""Jobs whose rows a live process holds: how they go on is read from the store, all of them in one question.

Law of this file: nothing is sent and nothing is polled for them. What is asked here costs the store one read a second
or two, however many jobs are followed, and the service nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.errors import LedgerError
from a2e_async.store.entries import Entry
from a2e_async.store.ports import Ledger

_log = logging.getLogger("a2e_async")

_SOON, _LATER = 0.25, 2.0
_SLOWER = 1.3
_AT_ONCE = 500  # rows of one question


class Followed:
    """The jobs that this process follows.

    Args:
        ledger: Gives the ledger that is asked.
        changed: Told of each job whose row has changed, with the row; takes it off where it is followed no more.
    """

    def __init__(self, ledger: Callable[[], Ledger], changed: Callable[[AnyJob, Entry], Awaitable[None]]) -> None:
        self._ledger = ledger
        self._changed = changed
        self._jobs: dict[str, AnyJob] = {}
        self._seen: dict[str, Entry] = {}
        self._some = asyncio.Event()
        self._soon = asyncio.Event()

    def add(self, key: str, job: AnyJob, entry: Entry) -> None:
        """Follow a job."""
        self._jobs[key], self._seen[key] = job, entry
        self._some.set()
        self.hurry()

    def take(self, key: str) -> AnyJob | None:
        """Follow the job of this key no more, and give it; None where none is followed."""
        self._seen.pop(key, None)
        return self._jobs.pop(key, None)

    def __len__(self) -> int:
        return len(self._jobs)

    def hurry(self) -> None:
        """Ask at once: something has happened."""
        self._soon.set()

    async def run(self) -> None:
        """Ask again and again while there is somebody to follow, until cancelled."""
        pause = _SOON
        while True:
            await self._some.wait()
            pause = _SOON if self._soon.is_set() else min(pause * _SLOWER, _LATER)
            self._soon.clear()
            try:
                await self._ask()
            except LedgerError as error:  # the store is away: the jobs go on where they are
                _log.debug("the store cannot be asked how jobs go on: %s", error)
            if not self._jobs:
                self._some.clear()
                continue
            try:
                async with asyncio.timeout(pause):
                    await self._soon.wait()
            except TimeoutError:
                pass

    async def _ask(self) -> None:
        for key, job in list(self._jobs.items()):
            if job.done():
                self.take(key)
        keys = list(self._jobs)
        for begin in range(0, len(keys), _AT_ONCE):
            rows = await self._ledger().known(keys[begin : begin + _AT_ONCE])
            for key, entry in rows.items():
                known = self._jobs.get(key)
                if known is not None and entry != self._seen.get(key):
                    self._seen[key] = entry
                    await self._changed(known, entry)
