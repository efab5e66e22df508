"""What a batch learns of the ages at which tasks end is kept in its ledger, so that the next run begins with it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Final

from a2e_async.core.polling.learned import Learned
from a2e_async.errors import LedgerError
from a2e_async.store.ports import Ledger

_KEY: Final = "learned"
_SECONDS: Final = 30.0


class Estimates:
    """Carries what a client has learned into the ledger and back; losing it costs nothing but polls.

    Args:
        ledger: The open ledger.
        learned: What the client knows.
        clock: Gives the time in seconds.
    """

    def __init__(self, ledger: Ledger, learned: Learned, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._learned = learned
        self._words = ""
        self._clock = clock
        self._next = clock() + _SECONDS

    async def recall(self) -> None:
        """Give the client what an earlier run has learned; what cannot be read is passed over."""
        words = await self._ledger.kept(_KEY)
        with contextlib.suppress(ValueError, RecursionError):
            self._learned.recall(json.loads(words or "null"))
        self._words = self._now()

    async def keep_now_and_then(self) -> None:
        """Write it down, twice a minute at most."""
        if self._clock() >= self._next:
            self._next = self._clock() + _SECONDS
            await self.keep()

    async def keep(self) -> None:
        """Write it down if there is anything new; a ledger that is broken says so elsewhere."""
        words = self._now()
        if words != self._words:
            with contextlib.suppress(LedgerError):
                await self._ledger.keep(_KEY, words)
                self._words = words

    def _now(self) -> str:
        return json.dumps(self._learned.kept(), separators=(",", ":"))
