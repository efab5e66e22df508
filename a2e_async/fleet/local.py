"""Processes of this machine that work on a batch: begun, watched, replaced, and ended with this one.

Laws of this file. A process that was killed, or whose lease was taken, is replaced; one that has left by itself has
said why, and another one would say the same. Where processes die one after the other and no row ends between, no more
are begun. A process is told the token and the store by its environment, and learns by the end of its standard input
that this one is gone: nobody works on for somebody who has died.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

FENCED: Final = 75
"""The exit code of a worker whose lease is gone, or whose store is away; whoever watches it begins another one."""

_LONGEST_LINE = 1 << 20
_MOST_DEATHS = 10  # in a row, before a row has ended
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_PATIENCE = 15.0  # for a worker that was told to leave at once
_WINDOWS: Final = sys.platform == "win32"
_NEW_GROUP: Final = 0x200  # of processes on Windows


@attrs.define(eq=False)
class LocalWorker:
    """One place for a process.

    Attributes:
        number: Its number, counted from 1.
        process: Its process, None between two.
        lives: How many processes it has had.
        code: How the last one ended, None while it runs.
    """

    number: int
    process: asyncio.subprocess.Process | None = None
    lives: int = 0
    code: int | None = None


class LocalWorkers:
    """Runs so many processes until they have nothing left to do.

    Args:
        count: How many.
        words: The command of each.
        environment: What its environment has besides this process's own.
        on_line: Told of each line that one has printed on stdout.
        on_words: Told of each line that one has printed on stderr, with its number.
        on_news: Told of a death, and of what is done about it.
        progress: Gives a number that grows when rows have ended.

    Attributes:
        workers: The places.
    """

    def __init__(
        self,
        count: int,
        words: Sequence[str],
        environment: Mapping[str, str],
        *,
        on_line: Callable[[str], None],
        on_words: Callable[[int, str], None],
        on_news: Callable[[str], None],
        progress: Callable[[], int],
    ) -> None:
        self.workers = [LocalWorker(number) for number in range(1, count + 1)]
        self._words = words
        self._environment = {**os.environ, **environment}
        self._on_line = on_line
        self._on_words = on_words
        self._on_news = on_news
        self._progress = progress
        self._stopping = False
        self._deaths = 0
        self._seen = 0

    @property
    def alive(self) -> int:
        """How many processes run."""
        return sum(one.process is not None for one in self.workers)

    async def run(self) -> list[int]:
        """Run until every process has left; gives how each place's last one ended."""
        tasks = [asyncio.create_task(self._keep(one), name=f"a2e worker {one.number}") for one in self.workers]
        try:
            await asyncio.gather(*tasks)
        finally:
            await self._end(tasks)
        return [one.code or 0 for one in self.workers]

    def stop(self) -> None:
        """Let every process start nothing more, and leave when its running rows have ended."""
        self._stopping = True
        for one in self.workers:
            self._signal(one)

    def kill(self, number: int) -> int | None:
        """Kill a process as the system does when memory is short; gives its id, None when it does not run."""
        process = self.workers[number - 1].process
        if process is None or process.returncode is not None:
            return None
        process.kill()
        return process.pid

    async def _keep(self, one: LocalWorker) -> None:
        wait = _FIRST_WAIT
        while not self._stopping:
            began = time.monotonic()
            one.code = await self._live(one)
            if not self._is_to_be_replaced(one):
                return
            wait = _FIRST_WAIT if time.monotonic() - began > _LONGEST_WAIT else min(wait * 2, _LONGEST_WAIT)
            await asyncio.sleep(wait)

    def _is_to_be_replaced(self, one: LocalWorker) -> bool:
        died = one.code is not None and (one.code < 0 or one.code == FENCED)
        if not died or self._stopping:
            return False
        seen, self._seen = self._seen, self._progress()
        self._deaths = 1 if self._seen > seen else self._deaths + 1
        how = "lost its lease or the store" if one.code == FENCED else f"was killed ({_signal_name(-(one.code or 0))})"
        if self._deaths > _MOST_DEATHS:
            self._on_news(f"worker {one.number} {how}, {self._deaths} in a row without a row's end: none is begun anew")
            return False
        self._on_news(f"worker {one.number} {how}: another one is begun, and its rows are taken over")
        return True

    async def _live(self, one: LocalWorker) -> int:
        process = one.process = await asyncio.create_subprocess_exec(
            *self._words,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=not _WINDOWS,  # Ctrl-C of a terminal reaches this process alone, which passes it on
            creationflags=_NEW_GROUP if _WINDOWS else 0,
        )
        one.lives += 1
        if self._stopping:
            self._signal(one)
        try:
            await asyncio.gather(
                _each_line(process.stdout, self._on_line),
                _each_line(process.stderr, lambda line: self._on_words(one.number, line)),
            )
            return await process.wait()
        finally:
            if process.returncode is not None:
                one.process = None

    def _signal(self, one: LocalWorker) -> None:
        if one.process is not None and one.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                one.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))

    async def _end(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Leave nobody behind: a second signal lets a process leave at once, and what does not listen is killed."""
        self._stopping = True
        left = [one for one in self.workers if one.process is not None]
        for one in left:
            self._signal(one)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in left:
            await _gone(one)


async def _gone(one: LocalWorker) -> None:
    process = one.process
    if process is None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_PATIENCE):
            one.code = await process.wait()
    except TimeoutError:
        process.kill()
        one.code = await process.wait()
    one.process = None


async def _each_line(stream: asyncio.StreamReader | None, tell: Callable[[str], None]) -> None:
    assert stream is not None  # noqa: S101 - it was asked for
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # longer than any line of ours
            continue
        if not line:
            return
        tell(line.decode("utf-8", "replace").rstrip("\r\n"))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
