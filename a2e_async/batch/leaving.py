"""What is carried out to its end although whoever waits for it is cancelled: paid ids would be lost otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def to_its_end(leaving: Coroutine[Any, Any, None]) -> None:
    """Carry a coroutine out to its end also when we are cancelled; the cancellation is passed on then."""
    task = asyncio.create_task(leaving, name="a2e batch leave")
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
