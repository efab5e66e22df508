"""Uploads: each content once, as a URL that everybody who needs it shares.

What is free comes before what is paid: a file is examined before its URL is asked for, and a content whose URL is known
is asked for no more. A URL lasts for about three days; one that has less than a day to live is made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TypeAlias, TypeGuard

from a2e_async.calls import credits as credit_calls
from a2e_async.calls import storage
from a2e_async.core import inputs, urls
from a2e_async.core.inputs import NO_MEMORY, FaultError, Upload, UploadMemory
from a2e_async.core.retry import Retry
from a2e_async.core.transfers import Progress, Transfers
from a2e_async.engine.engine import Engine
from a2e_async.engine.files.contents import Content, content_of
from a2e_async.engine.files.disk import hop
from a2e_async.engine.files.examining import Examined, Examiner, check_kind
from a2e_async.engine.files.hosts import Hosts
from a2e_async.engine.files.puts import Puts
from a2e_async.engine.jobs.events import Uploaded
from a2e_async.errors import A2EError, StartUnknownError, UsageError, again

_DAY: Final = 86_400.0
_LASTS: Final = 3  # days, unless the name of the bucket says otherwise
_DAYS = re.compile(r"(\d{1,3})days?\b")
_MOST_KEPT: Final = 100_000
_Sent: TypeAlias = tuple[Upload, UploadMemory | None]
"""An upload, and the memory in which it is written down already."""


class Uploads:
    """Gives the URLs of files, each uploaded once by its content.

    Args:
        engine: Where URLs are asked for, coins are counted and events are told.
        hosts: The way to file hosts.
        retry: How often a broken transfer is tried again, and after which waits.
        transfers: How large files may be, and how many are sent at once.
    """

    def __init__(self, engine: Engine, hosts: Hosts, retry: Retry, transfers: Transfers) -> None:
        self._engine = engine
        self._puts = Puts(retry, hosts)
        self._price = transfers.upload_price
        self._examiner = Examiner(transfers.largest)
        self._places = asyncio.Semaphore(min(transfers.per_host, transfers.at_once))
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._running: dict[tuple[str, str], asyncio.Task[_Sent]] = {}
        self._lost: dict[str, tuple[float, StartUnknownError]] = {}

    def hold(self, value: object) -> Content:
        """Take a path, bytes or an open file, such that it can be read later.

        Raises:
            FaultError: It is an open file that cannot be read.
            UsageError: It is none of these.
        """
        return content_of(value, self._examiner.largest)

    async def examine(self, content: Content, kind: str | None = None) -> Examined:
        """Find out what a file is.

        Raises:
            FaultError: It cannot be read, is empty, too large, or no image, video or audio.
        """
        return await hop(self._examiner.examine, content, kind)

    async def upload(self, value: object, kind: str | None, progress: Progress | None, memory: UploadMemory) -> Upload:
        """Give the URL of a file that somebody hands in.

        Raises:
            UsageError: It cannot be read, is empty, or is no image, video or audio.
            StartUnknownError: The answer with the URL was lost; it may have been charged, and is not asked for again.
            TransportError: The file could not be sent.
        """
        check_kind(kind)
        content: Content | None = None
        told: list[int] = []

        def tell(sent: int, size: int) -> None:
            told[:] = [sent]
            if progress is not None:
                progress(sent, size)

        try:
            content = self.hold(value)
            file = await self.examine(content, kind)
            found = await self.url_of(file, memory, progress=tell)
        except FaultError as fault:
            name = inputs.name_of(value) if content is None else content.name
            raise UsageError(f"upload: {name} {fault}") from fault
        if told != [file.size]:  # others have sent it
            tell(file.size, file.size)
        return found

    async def url_of(
        self,
        file: Examined,
        memory: UploadMemory = NO_MEMORY,
        *,
        suffixes: Sequence[str] = (),
        progress: Progress | None = None,
        since: float = math.inf,
    ) -> Upload:
        """Give the URL of a file: the one that is known for its content, or a new one, which all share who ask for it.

        Args:
            file: The file.
            memory: Where uploads are remembered beyond the client's life; written before this returns.
            suffixes: What the path of the URL must end in, () for anything.
            progress: Called with the bytes sent and the bytes in all, where this is what sends them.
            since: When it was wanted, by the loop's clock. Where the answer with its URL was lost after that, it is not
                asked for again: the lost one may have been charged for this very wish. By default it is wanted now.
        """
        identity = file.identity
        if memory is not NO_MEMORY and (recalled := await memory.recall(identity)) is not None:
            await self._learn_clock()
            if self._serves(recalled, suffixes):
                return recalled
        lost_at, lost = self._lost.get(identity, (-math.inf, None))
        if lost is not None and since <= lost_at:
            raise again(lost)
        kept = self._kept.get(identity)
        written: UploadMemory | None = None
        if self._serves(kept, suffixes):
            upload = kept
        else:
            upload, written = await self._shared(file, suffixes, progress, memory)
        if memory is not NO_MEMORY and memory is not written:
            await memory.remember(identity, upload)
        return upload

    def _serves(self, upload: Upload | None, suffixes: Sequence[str]) -> TypeGuard[Upload]:
        now = self._engine.service.server_time()
        if upload is None or now is None or upload.expires - now < _DAY:
            return False
        return not suffixes or urls.suffix_of(upload.url) in suffixes

    async def _learn_clock(self) -> None:
        """Hear the service's time, by which URLs end: a wrong clock of this machine would send one that is dead."""
        service = self._engine.service
        if service.server_time() is None:
            with contextlib.suppress(A2EError):
                await service.ask_again(credit_calls.balance())

    async def _shared(
        self, file: Examined, suffixes: Sequence[str], progress: Progress | None, memory: UploadMemory
    ) -> _Sent:
        """Send a file, or wait for whoever sends it; whoever waits no more takes it from nobody else."""
        place = (file.identity, file.suffix if suffixes else "")
        task = self._running.get(place)
        if task is None:
            task = self._running[place] = asyncio.create_task(self._sent(file, progress, memory), name="a2e upload")
            task.add_done_callback(lambda _task: self._ended(place, _task))
        return await asyncio.shield(task)

    def _ended(self, place: tuple[str, str], task: asyncio.Task[_Sent]) -> None:
        self._running.pop(place, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; where nobody does any more, nothing is lost

    async def _sent(self, file: Examined, progress: Progress | None, memory: UploadMemory) -> _Sent:
        """Send a file; it keeps its place until it is remembered: a death loses as many uploads as there are places."""
        events = self._engine.events
        async with self._places:
            began = events.now() if events.heard else 0.0
            try:
                upload = await self._send(file, progress)
            except Exception as error:
                self._tell(file, began, error=error)
                raise
            self._kept[file.identity] = upload
            self._lost.pop(file.identity, None)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            self._tell(file, began, upload)
            with contextlib.suppress(A2EError):  # whoever has the memory tries it once more, and is told
                await memory.remember(file.identity, upload)
                return upload, memory
            return upload, None

    async def _send(self, file: Examined, progress: Progress | None) -> Upload:
        """Ask for a URL and put the file there. One whose answer is lost may have been charged: its coins stay held."""
        budget = self._engine.budget
        held = await budget.hold(self._price, f"the upload of {file.name}")
        try:
            link = await storage.ask_for_url(self._engine.service, file.key, file.kind, file.size)
        except StartUnknownError as error:
            self._lost[file.identity] = asyncio.get_running_loop().time(), error
            raise
        except asyncio.CancelledError:
            raise
        except BaseException:
            await budget.settle_upload(held, None, charged=False)
            raise
        await budget.settle_upload(held, link.coins)
        now = self._engine.service.server_time() or time.time()
        await self._puts.put(link.put_url, file, progress)
        days = _DAYS.search(link.bucket)
        lasts = _DAY * (int(days[1]) if days else _LASTS)
        return Upload(link.public_url, now + lasts, self._price if link.coins is None else link.coins)

    def _tell(self, file: Examined, began: float, upload: Upload | None = None, error: Exception | None = None) -> None:
        events = self._engine.events
        if events.heard:
            event = Uploaded(
                at=events.now(),
                began=began or events.now(),
                name=file.name,
                kind=file.kind,
                size=file.size,
                digest=file.digest,
                url="" if upload is None else upload.url,
                coins=None if upload is None else upload.coins,
                error=error,
            )
            events.tell(event)

    async def aclose(self) -> None:
        """End what is still being sent."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
