"""The way into an event loop that runs in a thread of its own, for code that has none."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from typing import Any, TypeVar, cast

from a2e_async.errors import ClientClosedError, UsageError

T = TypeVar("T")

_HAS_A_LOOP = (
    "a2e_async.blocking() is for code without an event loop, and one is running here, which it would bring to a "
    "standstill; use `async with A2EClient() as a2e:` and `await` (a notebook takes both at the top of a cell)"
)


def in_a_thread() -> AbstractContextManager[Any]:
    """Run an event loop in a thread of its own for the length of the block."""
    from anyio.from_thread import start_blocking_portal  # noqa: PLC0415 - not needed to import the package

    return start_blocking_portal("asyncio")


class Portal:
    """The way into the event loop of one client, while it is open."""

    def __init__(self) -> None:
        self._open: Any = None

    def open(self, portal: Any) -> None:  # noqa: ANN401 - anyio loads late
        """Let calls through to an open portal of anyio; None lets through no more."""
        self._open = portal

    @property
    def is_open(self) -> bool:
        """Whether the loop runs."""
        return self._open is not None

    def wait(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine over there, and wait for its end; what ends the wait early cancels it."""
        done: T = self._result(work)
        return done

    def call(self, work: Callable[[], T]) -> T:
        """Call a function over there."""
        done: T = self._result(partial(_run, work))
        return done

    def _result(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the coroutine gives, or the function
        refuse_loop()
        future: concurrent.futures.Future[Any] = self._parts().start_task_soon(work)
        try:
            return future.result()
        finally:
            future.cancel()  # after Ctrl-C; a future that is done stays as it is

    def _parts(self) -> Any:  # noqa: ANN401 - anyio loads late
        if self._open is None:
            raise ClientClosedError("the client is not open; use `with a2e_async.blocking() as a2e:`")
        return self._open

    def within(self, context: AbstractAsyncContextManager[T]) -> AbstractContextManager[T]:
        """Give a block of `with` for one of `async with` over there."""
        refuse_loop()
        entered: AbstractContextManager[T] = self._parts().wrap_async_context_manager(context)
        return entered

    def each(self, stream: AsyncIterator[T]) -> Iterator[T]:
        """Give what an async iterator gives."""
        end = object()
        try:
            while True:
                item = self.wait(partial(_next, stream, end))
                if item is end:
                    return
                yield cast("T", item)
        finally:
            if isinstance(stream, AsyncGenerator) and self._open is not None:
                self.wait(stream.aclose)


async def _run(work: Callable[[], T]) -> T:
    return work()  # a job that comes of it is not awaited


async def _next(stream: AsyncIterator[T], end: object) -> T | object:
    return await anext(stream, end)


def refuse_loop() -> None:
    """Refuse to block a running event loop.

    Raises:
        UsageError: One is running in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UsageError(_HAS_A_LOOP)
