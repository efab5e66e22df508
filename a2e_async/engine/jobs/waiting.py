"""Those who wait for a job: each has a future only while it waits, and an error that keeps nothing alive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TypeVar

from a2e_async.core.records import Record
from a2e_async.errors import UsageError

_log = logging.getLogger("a2e_async")

J = TypeVar("J")

_OURS = __name__.partition(".")[0] + "."


class Listener:
    """One reader of the updates of a job.

    Attributes:
        news: Records that were not read yet.
    """

    __slots__ = ("news", "waiter")

    def __init__(self, records: Sequence[Record]) -> None:
        self.news = deque(records)
        self.waiter: asyncio.Future[None] | None = None

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for news, or for the job's end."""
        self.waiter = loop.create_future()
        await self.waiter

    def tell(self, record: Record) -> None:
        """Take a record in."""
        self.news.append(record)
        self.wake()

    def wake(self) -> None:
        """Let the reader look whether there is anything."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


async def wait_among(loop: asyncio.AbstractEventLoop, waiters: list[asyncio.Future[None]]) -> None:
    """Wait with others until all are woken; whoever is cancelled leaves them."""
    waiter = loop.create_future()
    waiters.append(waiter)
    try:
        await waiter
    finally:
        if not waiter.done() or waiter.cancelled():
            waiters.remove(waiter)


async def within(seconds: float | None, work: Awaitable[None], words: Callable[[], str]) -> None:
    """Wait for something, so many seconds at most.

    Raises:
        TimeoutError: They have passed; with these words, for the one of asyncio has none.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await work
    except TimeoutError:
        if not limit.expired():
            raise
    else:
        return
    raise TimeoutError(f"{words()} after {seconds:g} s")


def wake(waiters: list[asyncio.Future[None]] | None) -> None:
    """Wake all who wait."""
    for waiter in waiters or ():
        if not waiter.done():
            waiter.set_result(None)


def call_all(callbacks: Sequence[Callable[[J], None]] | None, job: J) -> None:
    """Tell all who wanted to hear of a job's end; one that fails keeps neither others nor other jobs from it."""
    for callback in callbacks or ():
        try:
            callback(job)
        except Exception:  # noqa: BLE001 - see above
            _log.exception("a callback failed at the end of a job, which has ended all the same")


def check_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Refuse the use of a job from another loop or thread than its own."""
    try:
        here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if here is not loop:
        raise UsageError("a job belongs to the event loop of its client; it was used from another loop or thread")


def without_frames(error: BaseException) -> TracebackType | None:
    """Give the traceback of an error that ends a job, such that the error and the job do not keep each other alive.

    The frame that caught the error still runs and is left out; the others have ended, so their variables can go.
    """
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    error.__traceback__ = trace
    link: BaseException | None = error
    while link is not None:
        frames = link.__traceback__
        while frames is not None:
            if str(frames.tb_frame.f_globals.get("__name__")).startswith(_OURS):
                with contextlib.suppress(RuntimeError):
                    frames.tb_frame.clear()
            frames = frames.tb_next
        link = link.__cause__
    return trace
