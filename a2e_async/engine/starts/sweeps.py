"""The sweeps of one family's list: whoever wants to read it by the same moment shares one reading.

What is asked of the service so grows with time, and not with the number of starts that are looked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable

import attrs

from a2e_async.core.absence import Reading
from a2e_async.core.family import Family
from a2e_async.engine.http.service import Service
from a2e_async.engine.starts.sweep import Span, Sweep
from a2e_async.errors import A2EError

_PAGES_IN_A_GAP = 3  # the more a sweep reads, the longer the next one waits, so that more starts share it


@attrs.define(eq=False, repr=False)
class _Want:
    span: Span
    due: float
    enough: Callable[[Reading], bool]
    answer: asyncio.Future[Reading]


class Sweeps:
    """Reads one family's list while somebody wants it.

    Args:
        family: The family.
        service: Where its list is.
    """

    def __init__(self, family: Family, service: Service) -> None:
        self._family = family
        self._service = service
        self._gap = service.retry.sweep_times()[0]
        self._wants: list[_Want] = []
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._ready_at = -math.inf

    async def read(self, span: Span, due: float, enough: Callable[[Reading], bool] = lambda _reading: False) -> Reading:
        """Read part of the list not before a moment, together with all who want to by then.

        Args:
            span: Which part.
            due: The loop's time before which it does not begin.
            enough: Whether what was read so far is all that is wanted.

        Raises:
            A2EError: The list cannot be had; a token callable may raise anything else.
        """
        want = _Want(span, due, enough, asyncio.get_running_loop().create_future())
        self._wants.append(want)
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"a2e finder {self._family.name}")
        try:
            return await want.answer
        finally:
            with contextlib.suppress(ValueError):
                self._wants.remove(want)

    async def read_patiently(self, span: Span) -> Reading:
        """Read part of the list now; again after a wait, so many times, while it cannot be had.

        Raises:
            A2EError: It cannot be had.
        """
        failures = 0
        while True:
            try:
                return await self.read(span, asyncio.get_running_loop().time())
            except A2EError as error:
                failures += 1
                if failures >= self._service.retry.attempts:
                    raise
                await self._service.rest(failures, error)

    async def aclose(self) -> None:
        """Stop reading."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._wants:
            self._changed.clear()
            due = max(min(want.due for want in self._wants), self._ready_at)
            if due > loop.time():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._changed.wait()
                continue
            began, pages = loop.time(), 0
            for wants in _together([want for want in self._wants if want.due <= began]):
                pages += await self._serve(wants)
            self._ready_at = began + self._gap * max(1.0, pages / _PAGES_IN_A_GAP)

    async def _serve(self, wants: list[_Want]) -> int:
        span = wants[0].span
        for want in wants[1:]:
            span = span.joined(want.span)
        sweep = Sweep(
            self._service.ask,
            self._family,
            span,
            most_pages=self._service.retry.list_pages,
            now=self._service.server_time(),
            enough=lambda reading: all(want.enough(reading) for want in wants),
        )
        try:
            reading = await sweep.read()
        except Exception as error:  # noqa: BLE001 - a token callable may raise anything; whoever waits for it hears it
            for want in wants:
                if not want.answer.done():
                    want.answer.set_exception(error)
        else:
            for want in wants:
                if not want.answer.done():
                    want.answer.set_result(reading)
        finally:
            self._wants = [want for want in self._wants if want not in wants]
        return sweep.reading.pages


def _together(wants: list[_Want]) -> list[list[_Want]]:
    """Sort readings of the same part of the list together."""
    groups: list[list[_Want]] = []
    reached = -math.inf
    for want in sorted(wants, key=lambda want: want.span.floor):
        if groups and want.span.floor <= reached:
            groups[-1].append(want)
        else:
            groups.append([want])
        reached = max(reached, want.span.top)
    return groups
