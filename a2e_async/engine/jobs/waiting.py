"""Waiting for a job: a future for each waiter while it waits, and errors that keep nothing alive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TypeVar

from a2e_async.core.records import Record
from a2e_async.errors import ClientClosedError, UsageError

_log = logging.getLogger("a2e_async")

J = TypeVar("J")

_OURS = __name__.partition(".")[0] + "."


class Listener:
    """One reader of the updates of a job.

    Attributes:
        unread: Records that its reader has not taken yet.
    """

    __slots__ = ("unread", "waiter")

    def __init__(self, records: Sequence[Record]) -> None:
        self.unread = deque(records)
        self.waiter: asyncio.Future[None] | None = None

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for a record, or for the end of the job."""
        self.waiter = loop.create_future()
        await self.waiter

    def tell(self, record: Record) -> None:
        """Take a record in."""
        self.unread.append(record)
        self.wake()

    def wake(self) -> None:
        """Wake the reader."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


async def wait_among(loop: asyncio.AbstractEventLoop, waiters: list[asyncio.Future[None]]) -> None:
    """Wait among others until all are woken; a waiter that is cancelled leaves the list."""
    waiter = loop.create_future()
    waiters.append(waiter)
    try:
        await waiter
    finally:
        if not waiter.done() or waiter.cancelled():
            waiters.remove(waiter)


async def within(seconds: float | None, work: Awaitable[None], words: Callable[[], str]) -> None:
    """Wait for something, at most this many seconds.

    Raises:
        TimeoutError: They have passed; with these words, because asyncio's own error has none.
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
    raise TimeoutError(f"timed out after {seconds:g} s; {words()}")


def wake(waiters: list[asyncio.Future[None]] | None) -> None:
    """Wake all who wait."""
    for waiter in waiters or ():
        if not waiter.done():
            waiter.set_result(None)


def call_all(callbacks: Sequence[Callable[[J], None]] | None, job: J) -> None:
    """Call every callback of a job that has ended; one that raises stops neither the others nor other jobs."""
    for callback in callbacks or ():
        try:
            callback(job)
        except Exception:  # noqa: BLE001 - see above
            _log.exception("a callback raised at the end of a job; the job has ended all the same")


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
    each: BaseException | None = error
    while each is not None:
        frames = each.__traceback__
        while frames is not None:
            if str(frames.tb_frame.f_globals.get("__name__")).startswith(_OURS):
                with contextlib.suppress(RuntimeError):
                    frames.tb_frame.clear()
            frames = frames.tb_next
        each = each.__cause__
    return trace


def never_sent() -> ClientClosedError:
    """Build the error for a start that waited when its client was closed."""
    return ClientClosedError("the client was closed before this start was sent")
