"""Result files, whole or absent.

Laws of this file: no name of a result ever stands for half a file; what a stranger sends is bounded, checked and never
run; a URL is refreshed once, because results expire after about three days while their task does not.

A download streams into a hidden file beside its target, resumes after a break when the host proves that the file is
still the same (ETag and length), is checked for length and kind, written through to the disk and only then given a
name that is free. A file is known by its source, the output of a task or a URL, never by its name or length.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from weakref import WeakValueDictionary

import aiohttp
import attrs

from a2e_async.core import urls
from a2e_async.core.retry import Retry
from a2e_async.core.secrets import SignedUrl
from a2e_async.core.transfers import Transfers
from a2e_async.engine.files.disk import holder_of, hop, hop_for
from a2e_async.engine.files.hosts import Hosts, InsideError
from a2e_async.engine.files.kinds import NoMediaError
from a2e_async.engine.files.packing import BadPackingError
from a2e_async.engine.files.parts import PLACE, Kept, Part, Target
from a2e_async.engine.files.streams import OK, BrokenError, Stream, is_complete, read_head, strong_etag
from a2e_async.engine.files.turns import Turns
from a2e_async.engine.http.failures import MANY_FILES, cause_of, words_of
from a2e_async.errors import A2EError, DownloadError

Relink = Callable[[], Awaitable[str | None]]

_log = logging.getLogger("a2e_async")

_LOCKED_SECONDS = 0.1
_SAID_AFTER, _PATIENCE = 3.0, 60.0  # seconds for which somebody else may hold our hidden file, and not write into it
_UNCHANGED = 304
_OF_THE_WAY = (aiohttp.ClientError, TimeoutError, ConnectionError, UnicodeError)


@attrs.frozen(kw_only=True)
class WantedFile:
    """One file to fetch.

    Attributes:
        url: Its URL.
        stem: Its name, without a suffix.
        output: Which output of which task it is, "" for a bare URL, whose file may change.
        relink: Gives a fresh URL when this one has expired, or None.
    """

    url: str = attrs.field(converter=SignedUrl)
    stem: str
    output: str = ""
    relink: Relink | None = None

    def target(self, folder: Path) -> Target:
        """Give what it becomes in this folder."""
        place = f"{self.output}\0{urls.without_query(self.url)}"
        return Target(folder, self.stem, _half(place) + _half(self.output or self.url), urls.suffix_of(self.url))


class Downloads:
    """Fetches files.

    Args:
        retry: How often a broken transfer is tried again, and after which waits.
        transfers: How large and how slow a file may be.
        hosts: The way to file hosts.
    """

    def __init__(self, retry: Retry, transfers: Transfers, hosts: Hosts) -> None:
        self._retry = retry
        self._rules = transfers
        self._hosts = hosts
        self._busy: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()
        self._turns = Turns()

    async def fetch(self, wanted: WantedFile, folder: Path) -> Path:
        """Fetch one file; gives its path, whose suffix follows what the file is.

        Raises:
            DownloadError: The file could not be fetched whole.
        """
        failure: A2EError
        try:
            self._hosts.judge(wanted.url)
            async with asyncio.timeout(self._rules.longest):
                return await self._alone(wanted, wanted.target(folder))
        except TimeoutError:
            words = f"{wanted.stem}: incomplete after {self._rules.longest:g} s (Transfers.longest)"
            failure = DownloadError(words, url=urls.without_query(wanted.url))
        except (OSError, ValueError) as error:  # ValueError: a folder's name with a NUL
            failure = _disk_failure(error, wanted, folder)
        except A2EError as error:
            failure = error
        raise failure

    async def _alone(self, wanted: WantedFile, target: Target) -> Path:
        """Fetch a file when nobody else of this client fetches the same."""
        lock = self._busy.get(target.part)
        if lock is None:
            self._busy[target.part] = lock = asyncio.Lock()
        async with lock, self._hosts.place(wanted.url):
            opened = await self._opened(wanted, target)
            if isinstance(opened, Path):
                return opened
            kept, part = opened
            try:
                return await self._tries(wanted, part, kept)
            finally:
                if not part.is_closed:
                    await hop(part.let_go)

    async def _opened(self, wanted: WantedFile, target: Target) -> Path | tuple[Kept | None, Part]:
        """Find what an earlier download has made, or have the hidden file for us alone.

        Waits for whoever else fetches the same file, in whatever process: it may be finished by then.
        """
        began = moved = asyncio.get_running_loop().time()
        told, size = False, -1
        while True:
            async with self._turns.turn():
                kept, part = await hop_for(_let_go, _open, wanted, target)
            if part is not None:
                return kept, part
            if kept is not None and wanted.output:
                return kept[0]
            now, grown = asyncio.get_running_loop().time(), await hop(_size_of, target.part)
            size, moved = (grown, now) if grown != size else (size, moved)
            if now - moved > _PATIENCE:
                words = f"{holder_of(target.part)} is downloading it, and has made no progress for {_PATIENCE:g} s"
                raise DownloadError(f"{target.stem}: {words}", url=urls.without_query(wanted.url))
            if not told and now - began > _SAID_AFTER:
                told = True
                _log.warning("%s: waiting for %s, which downloads the same file", target.stem, holder_of(target.part))
            await asyncio.sleep(_LOCKED_SECONDS)

    async def _tries(self, wanted: WantedFile, part: Part, kept: Kept | None) -> Path:
        failures, relinked, url = 0, False, wanted.url
        while True:
            try:
                return await self._fetch(url, part, kept)
            except DownloadError as error:
                if relinked or not error.expired or wanted.relink is None:
                    raise
                expired: DownloadError | None = error
            except (BrokenError, BadPackingError, NoMediaError, *_OF_THE_WAY) as error:
                expired, broken = None, error
                failures += 1
                if failures >= self._retry.attempts or _is_hopeless(error):
                    failure = _given_up(broken, failures, part.target.stem, url)
                    break
            if expired is not None:
                relinked, url = True, await _fresh(wanted.relink, expired)
            else:
                await asyncio.sleep(self._retry.wait(failures, random.random()))  # noqa: S311 - spreads load
        raise failure

    async def _fetch(self, url: str, part: Part, kept: Kept | None) -> Path:
        headers = {"Accept-Encoding": "identity"}
        if part.size and part.etag:
            headers |= {"Range": f"bytes={part.size}-", "If-Range": part.etag}
        elif kept is not None and kept[1]:
            headers |= {"If-None-Match": kept[1]}
        async with self._hosts.get(url, headers) as reply:
            etag = strong_etag(reply)
            if kept is not None and (reply.status == _UNCHANGED or (reply.status in OK and etag and etag == kept[1])):
                return kept[0]
            stream = Stream(self._rules, self._retry.stall_seconds, part, url)
            if not is_complete(reply, part):
                answer = read_head(reply, part, url)
                if answer is None:
                    await hop(part.drop)
                    raise BrokenError("the host cannot resume where the last try ended")
                await stream.take(reply, answer)
            async with self._turns.turn():
                return await hop(stream.finish, reply.headers.get("Content-Type", ""))


def _half(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:PLACE]


def _open(wanted: WantedFile, target: Target) -> tuple[Kept | None, Part | None]:
    kept = target.kept()
    if kept is not None and wanted.output:  # what a task has made never changes
        return kept, None
    part = Part.take(target)
    return (kept, part) if part is not None else (None, None)


def _let_go(opened: tuple[Kept | None, Part | None]) -> None:
    if opened[1] is not None:
        opened[1].let_go()


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


async def _fresh(relink: Relink | None, expired: DownloadError) -> str:
    why: A2EError | None = None
    url: str | None = None
    try:
        url = await relink() if relink is not None else None
    except A2EError as error:
        why = error
    if not url:
        raise expired from why
    return url


def _is_hopeless(error: Exception) -> bool:
    """Whether another try would end as this one."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return isinstance(error.os_error, InsideError)
    return isinstance(error, aiohttp.InvalidURL | UnicodeError)


def _given_up(error: Exception, failures: int, stem: str, url: str) -> DownloadError:
    shown = urls.without_query(url)
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, InsideError):
        return DownloadError(f"the URL {error.os_error}: {shown}", url=shown)
    if _is_hopeless(error):
        return DownloadError(f"the URL has no usable host: {shown}", url=shown)
    known = isinstance(error, BrokenError | BadPackingError | NoMediaError)
    words = str(error) if known else words_of(error)
    if isinstance(error, aiohttp.ClientPayloadError):
        words = "the host closed the connection before the end"
    if isinstance(error, aiohttp.ClientResponseError):  # its text repeats what a stranger sent
        words = "the file host sent an answer that cannot be read"
    failure = DownloadError(f"{stem}: incomplete after {failures} tries: {words}", url=shown)
    failure.__cause__ = None if known else cause_of(error)
    return failure


def _disk_failure(error: Exception, wanted: WantedFile, folder: Path) -> DownloadError:
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if isinstance(error, OSError) and error.errno in MANY_FILES:
        words += ": this process has too many files open (see ulimit -n); run fewer rows at once"
    text = f"{wanted.stem}: cannot be written to {folder}: {words}"
    failure = DownloadError(text, url=urls.without_query(wanted.url))
    failure.__cause__ = error.with_traceback(None)
    return failure
