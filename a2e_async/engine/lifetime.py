"""The life of a client: what it was made with, what it consists of while it is open, and how it is opened and closed.

Opened and closed as often as its user likes, also in different tasks and out of order with other clients: nothing
here is held by a block of `async with`.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from a2e_async.core.family import Family, Request
from a2e_async.core.http import Transport
from a2e_async.core.polling.learned import Learned
from a2e_async.core.records import Result
from a2e_async.core.requests import require_public_links
from a2e_async.engine.engine import Engine
from a2e_async.engine.http.service import Service
from a2e_async.engine.http.session import HttpSession, Session
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.live import tell_of_abandoned
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.settings import Config
from a2e_async.errors import ClientClosedError, UsageError

R = TypeVar("R", bound=Result)

if TYPE_CHECKING:  # loaded with the first file, and with a store
    from a2e_async.engine.files.files import ClientFiles
    from a2e_async.engine.jobs.stored import StoredJob

_DEAD: Final = (
    "the event loop in which the client was opened has ended, as each `asyncio.run` ends its own; open the client "
    "again here, with `async with` or `await a2e.open()`, and watch its tasks with `a2e.attach(family, task_id)`"
)
WITHOUT_LOOP: Final = "code without an event loop takes `with a2e_async.blocking() as a2e:`"


class Durable(Protocol):
    """The durable jobs of an open client, as it uses them; only a client with a store loads `engine/durable`."""

    def start(self, family: Family, request: Request[R], options: Options, tag: str | None, key: str | None) -> Job[R]:
        """Start a request under a key, or give the job that this process has for it."""
        ...

    async def find(self, key: str) -> StoredJob | None:
        """Give what the store has of a key, None if nothing."""
        ...

    def all(self) -> AsyncIterator[StoredJob]:
        """Give all jobs of the store."""
        ...

    async def job_with(self, key: str) -> AnyJob | None:
        """Give a job for a key, whichever process has it, None where there is no such key."""
        ...

    def hint(self, task_id: str) -> None:
        """Tell the process that watches a task, which is not this one, that something has happened to it."""
        ...

    def batch(self, name: str) -> AbstractAsyncContextManager[tuple[Any, Any]]:
        """Hold a batch of the store for a block; gives its ledger and lease."""
        ...

    async def stop(self) -> None:
        """Start and take over nothing more."""
        ...

    async def aclose(self) -> None:
        """Give everything back to the store."""
        ...


class Opened:
    """What an open client consists of; shared by all views of it.

    Attributes:
        left_open: Logs its jobs when nobody closes it; it also does so when the program ends.
        durable: Its durable jobs, where it has a store.
    """

    left_open: weakref.finalize[..., Lifetime]
    durable: Durable | None = None

    def __init__(self, config: Config, learned: Learned) -> None:
        self.loop = _running_loop()
        own = config.http is None or isinstance(config.http, HttpSession)
        self.session = Session(config.base_url, config.http, tls=config.tls) if own else None  # type: ignore[arg-type]
        transport: Transport = self.session or config.http  # type: ignore[assignment]
        self._config = config
        self._files: ClientFiles | None = None
        self.engine = Engine(
            Service(
                transport, config.token, config.retry, config.rate, token_source=config.token_source, lang=config.lang
            ),
            cadence=config.cadence,
            retry=config.retry,
            max_starts=config.max_starts,
            budget=config.budget,
            webhook=config.webhook,
            on_unknown_price=config.on_unknown_price,
            learned=learned,
            max_running=config.max_running,
            check_urls=_unchecked if config.local else require_public_links,
            files=lambda: self.files.uploads,
        )

    async def open_store(self, config: Config) -> None:
        """Connect to the store, where there is one, and take over what dead processes have left in it."""
        if config.store is None:
            return
        from a2e_async.engine.durable.opening import open_jobs  # noqa: PLC0415 - who has no store waits for none of it

        self.durable = await open_jobs(self.engine, config)

    @property
    def files(self) -> ClientFiles:
        """What fetches and sends files."""
        if self._files is None:
            from a2e_async.engine.files.files import ClientFiles  # noqa: PLC0415 - most jobs need no file, and none at first

            self._files = ClientFiles(self._config, self.engine)
        return self._files

    async def aclose(self, seconds: float) -> None:
        """Close every part; waits only for answers to starts on the wire, at most so many seconds."""
        try:
            if self.durable is not None:
                await self.durable.stop()
            await self.engine.aclose(seconds)
        finally:
            if self.durable is not None:
                await self.durable.aclose()
            if self._files is not None:
                await self._files.aclose()
            if self.session is not None:
                await self.session.aclose()


def _unchecked(_request: object) -> None:
    """Let every URL pass: a service on this machine reaches this machine."""


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError(f"a client needs a running event loop of asyncio; {WITHOUT_LOOP}") from None


class Lifetime:
    """Whether a client is open; shared by all views of it.

    Attributes:
        opened: What it consists of while it is open.
        last: The engine of its last life, for what may be asked afterwards.
        learned: What it knows of the ages at which tasks end; it outlives a closing.
    """

    def __init__(self, config: Config) -> None:
        self.opened: Opened | None = None
        self.last: Engine | None = None
        self.learned = Learned()
        self._config = config
        self._closed = False
        self._closing: asyncio.Task[None] | None = None
        self._closings = 0
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the client on the running event loop; it may be open there already. A closing is waited for first.

        Raises:
            ClientClosedError: It was closed again while an earlier closing was waited for.
            UsageError: It is open, or is being closed, on another event loop.
        """
        asked = self._closings
        self._drop_dead()
        while self._closing is not None:  # both lives would share what the first one still holds
            closing = self._closing
            if closing.get_loop() is not asyncio.get_running_loop():
                raise UsageError("the client is being closed on another event loop; wait for its end there")
            await asyncio.wait([closing])  # `_closing_ended` runs before whoever waits for it
        if self._closings != asked:
            raise ClientClosedError("the client was closed before it was open again")
        if self.opened is not None:
            self.parts()
            return
        if self._config.store is None:
            self._begin(Opened(self._config, self.learned))
            return
        if self._opening is None:  # whoever opens it at the same time waits for the same end
            self._opening = asyncio.create_task(self._open_with_store(), name="a2e open")
            self._opening.add_done_callback(self._opening_ended)
        await self._opening

    async def _open_with_store(self) -> None:
        asked, opened = self._closings, Opened(self._config, self.learned)
        try:
            await opened.open_store(self._config)
        except BaseException:
            await opened.aclose(0)
            raise
        if self._closings != asked:
            await opened.aclose(0)
            raise ClientClosedError("the client was closed before it was open")
        self._begin(opened)

    def _begin(self, opened: Opened) -> None:
        self.opened, self._closed = opened, False
        opened.left_open = weakref.finalize(self, tell_of_abandoned, opened.engine.live)

    async def aclose(self) -> None:
        """Close the client, also when the one who waits for it is cancelled; closing twice does nothing."""
        self._drop_dead()
        if self.opened is None:
            self._closed = True
            self._closings += 1  # whoever waits to open it comes too late
        else:
            opened, self.opened, self._closed = self.parts(), None, True
            self._closings += 1
            opened.left_open.detach()
            self.last = opened.engine
            self._closing = asyncio.create_task(opened.aclose(self._config.close_timeout), name="a2e close")
            self._closing.add_done_callback(self._closing_ended)
        if self._closing is not None:
            await _whatever_comes(self._closing)

    def parts(self) -> Opened:
        """Give what the open client consists of.

        Raises:
            ClientClosedError: It is closed.
            UsageError: It was never opened, or belongs to another event loop.
        """
        opened = self.opened
        if opened is None:
            if self._closed:
                raise ClientClosedError("the client is closed; open another one with `async with A2EClient()`")
            raise UsageError("the client is not open; use `async with A2EClient() as a2e:` or `await a2e.open()`")
        try:
            here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if opened.loop.is_closed():
            raise UsageError(_DEAD)
        if here is not opened.loop:
            words = "it was used from another loop or thread"
            words += "" if here else f", where none is running; {WITHOUT_LOOP}"
            words += (
                "; IPython in a terminal can run each line in a loop of its own" if "IPython" in sys.modules else ""
            )
            raise UsageError(f"the client belongs to the event loop in which it was opened; {words}")
        return opened

    def _drop_dead(self) -> None:
        """Drop what was left open on a loop that has ended, as of an earlier `asyncio.run`, and log its jobs."""
        if self._closing is not None and self._closing.get_loop().is_closed():
            self._closing = None
        if self.opened is not None and self.opened.loop.is_closed():
            left, self.opened, self._closed = self.opened, None, True
            left.left_open.detach()
            self.last = left.engine
            tell_of_abandoned(left.engine.live)

    def _opening_ended(self, _opening: asyncio.Task[None]) -> None:
        """Let the client be opened once more after it was closed."""
        self._opening = None

    def _closing_ended(self, _closing: asyncio.Task[None]) -> None:
        """Let the client be opened and closed once more, also when nobody waits for the end of this closing."""
        self._closing = None


async def _whatever_comes(closing: asyncio.Task[None]) -> None:
    """Wait for the closing to end even when we are cancelled, or ids of paid starts were lost; then pass that on."""
    cancelled: asyncio.CancelledError | None = None
    while not closing.done():
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    closing.result()
