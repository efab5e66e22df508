"""The way into an event loop that runs in a thread of its own, for code that has none."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, TypeVar, cast

from a2e_async.errors import ClientClosedError, UsageError

T = TypeVar("T")

_HAS_A_LOOP = (
    "a2e_async.blocking() is for code without an event loop, and one is running here, which it would bring to a "
    "standstill; use `async with A2EClient() as a2e:` and `await` (a notebook takes both at the top of a cell)"
)


_FORKED = (
    "the client was opened before this process was forked, and its event loop stayed with the parent; open one in each "
    "process: in post_fork of gunicorn, in worker_process_init of Celery, or at the first use"
)


@contextmanager
def in_a_thread() -> Iterator[Any]:
    """Run an event loop in a thread of its own for the length of the block; gives anyio's portal to it.

    As anyio's `start_blocking_portal`, but that the block may be left in a forked process: there the thread is gone,
    and whoever waited for its answer would wait for ever.
    """
    from anyio.from_thread import BlockingPortal  # noqa: PLC0415 - not needed to import the package

    begun: concurrent.futures.Future[BlockingPortal] = concurrent.futures.Future()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            begun.set_result(portal)
            await portal.sleep_until_stopped()

    # A daemon: a program that ends without closing its client ends all the same.
    thread = threading.Thread(target=partial(asyncio.run, serve()), name="a2e loop", daemon=True)
    thread.start()
    portal, process, cancel = begun.result(), os.getpid(), False
    try:
        yield portal
    except BaseException:
        cancel = True
        raise
    finally:
        if os.getpid() == process:
            with suppress(RuntimeError):  # it has ended by itself
                portal.call(portal.stop, cancel)
            thread.join()


class Portal:
    """The way into the event loop of one client, while it is open."""

    def __init__(self) -> None:
        self._open: Any = None
        self._process = 0

    def open(self, portal: Any) -> None:  # noqa: ANN401 - anyio loads late
        """Let calls through to an open portal of anyio; None lets through no more."""
        self._open, self._process = portal, os.getpid()

    @property
    def is_open(self) -> bool:
        """Whether the loop runs, in this process."""
        return self._open is not None and not self.was_forked

    @property
    def was_forked(self) -> bool:
        """Whether it was opened in the process from which this one was forked."""
        return self._open is not None and self._process != os.getpid()

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
        if self.was_forked:
            raise UsageError(_FORKED)
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
            if isinstance(stream, AsyncGenerator) and self.is_open:
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
