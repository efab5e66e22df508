"""The tasks of one start that its answer does not name: a start of four videos is answered with the first.

Nearly all starts are answered with one task as an object (service.md 0.3), and one of image to video makes up to eight
(service.md 1). The others were paid for like the first. They are looked for as long as a lost start is, and once more
when all that are known have ended; the request's own number bounds what is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable

from a2e_async.core import replies, tags, wire
from a2e_async.core.absence import Reading, Row, letter_of
from a2e_async.core.records import Record
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.starts.attempt import Attempt
from a2e_async.engine.starts.sender import Sender
from a2e_async.engine.starts.sweep import Span
from a2e_async.errors import A2EError

_log = logging.getLogger("a2e_async")


class Siblings:
    """Collects them.

    Args:
        sender: Who has sent the start.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def found(self, attempt: Attempt) -> AsyncIterator[list[Row]]:
        """Give the tasks of a start again and again, until there are as many as were asked for or the window is over.

        One answer of the list serves all starts that lack tasks at the moment.
        """
        finder, loop = self._sender.finder(attempt.job.family), asyncio.get_running_loop()
        wanted = attempt.job.family.tasks_asked(attempt.request)
        known = {replies.row_id(row): row for row in attempt.rows}
        span = Span(floor=finder.before(await self._sender.learn_first(attempt)))

        def is_enough(reading: Reading) -> bool:
            return len(known.keys() | self._in(attempt, reading)) >= wanted

        for due in [loop.time() + seconds for seconds in self._sender.retry.sweep_times()]:
            with contextlib.suppress(Exception):  # one list or token that fails; the start was taken all the same
                shown = self._in(attempt, await finder.sweeps.read(span, due, is_enough))
                self._learn(attempt, [row for task_id, row in shown.items() if task_id not in known])
                known = shown | known
            yield _in_order(attempt, known)
            if len(known) >= wanted:
                return

    async def late(self, attempt: Attempt, job: AnyJob) -> tuple[list[Record], bool]:
        """Give the tasks of a start that have shown up only now, when those that were known have all ended.

        Returns:
            The tasks, and whether these are surely all: the list shows every task that was known before.
        """
        if attempt.worker is not None and not attempt.worker.done():
            await asyncio.wait([attempt.worker])  # it gathers them still
        if not attempt.is_short():
            return [], True
        rows = await self._now(attempt)
        known = set(map(replies.row_id, attempt.rows))  # also to who asks at the same time, once they are noted below
        fresh = [row for row in rows if replies.row_id(row) not in known]
        attempt.rows += fresh
        self._learn(attempt, fresh)
        if attempt.is_short():
            _tell_of_missing(job, attempt.asked, list(map(replies.row_id, attempt.rows)))
        is_sure = not attempt.is_short() or _shows(rows, known)
        return [wire.record(job.family, row) for row in fresh], is_sure

    async def of_another(self, job: AnyJob, asked: int) -> tuple[list[Record], bool]:
        """Give the tasks of a start that another process had not found by its end; see `late`.

        Args:
            job: The job that was resumed with those that it had found.
            asked: How many the start asked for.
        """
        made = [record.created_at.timestamp() for record in job.records if record.created_at is not None]
        rows = await self._of_window(job, min(made, default=None), asked)
        fresh = [row for row in rows if replies.row_id(row) not in job.task_ids]
        if len(job.task_ids) + len(fresh) < asked:
            _tell_of_missing(job, asked, [*job.task_ids, *map(replies.row_id, fresh)])
        return [wire.record(job.family, row) for row in fresh], _shows(rows, job.task_ids)

    async def _of_window(self, job: AnyJob, first: float | None, asked: int) -> list[Row]:
        """Look for the tasks of a start until all are there, or the list cannot lag behind it any more."""
        retry, loop, now = self._sender.retry, asyncio.get_running_loop(), self._sender.now()
        age = 0.0 if first is None or now is None else now - first
        late, begun = max(retry.unknown_window - age, 0.0), loop.time()
        rows: list[Row] = []
        for wait in (0.0, *retry.sweep_times()):
            await asyncio.sleep(max(begun + wait - loop.time(), 0.0))
            rows = self._of_send(job, await self._search(job, first)) or rows
            if len(rows) >= asked or (_shows(rows, job.task_ids) and wait >= late):
                break
        return rows

    def _of_send(self, job: AnyJob, rows: tuple[Row, ...]) -> list[Row]:
        """Give the rows of the send that the known tasks of a job are of, as they were made."""
        letters = {replies.row_id(row): letter_of(job.family, row, job.tag or "") for row in rows}
        sends = {letter for task_id, letter in letters.items() if task_id in job.task_ids}
        knows = self._sender.finder(job.family).knows
        ours = {one for one in letters if letters[one] in sends and (one in job.task_ids or not knows(one))}
        return [row for row in reversed(rows) if replies.row_id(row) in ours]

    async def _now(self, attempt: Attempt) -> list[Row]:
        rows = await self._search(attempt.job, attempt.first)
        return [row for row in reversed(rows) if self._is_sibling(attempt, row)]

    async def _search(self, job: AnyJob, first: float | None) -> tuple[Row, ...]:
        try:
            return await self._sender.finder(job.family).search_once(job.tag or "", first)
        except A2EError as error:
            _log.warning("the siblings of tag %s could not be looked for: %s", job.tag, error)
            return ()

    def _learn(self, attempt: Attempt, rows: list[Row]) -> None:
        """Remember whose these tasks are: a later start under the same tag must not take them for its own."""
        finder, tag = self._sender.finder(attempt.job.family), attempt.job.tag or ""
        for row in rows:
            finder.learn(row, attempt.name(letter_of(attempt.job.family, row, tag) or tags.FIRST), attempt.first)

    def _in(self, attempt: Attempt, reading: Reading) -> dict[str, Row]:
        rows = reading.with_tag(attempt.job.family, attempt.job.tag or "")
        return {replies.row_id(row): row for row in rows if self._is_sibling(attempt, row)}

    def _is_sibling(self, attempt: Attempt, row: Row) -> bool:
        """Whether a row with the tag is of the same send, and not of an earlier start under the same tag."""
        family, tag, task_id = attempt.job.family, attempt.job.tag or "", replies.row_id(row)
        letter = letter_of(family, attempt.rows[0], tag)
        ours = task_id in map(replies.row_id, attempt.rows) or not self._sender.finder(family).knows(task_id)
        return ours and letter in (None, letter_of(family, row, tag))


def _shows(rows: Iterable[Row], task_ids: Iterable[str]) -> bool:
    return set(task_ids) <= set(map(replies.row_id, rows))


def _tell_of_missing(job: AnyJob, asked: int, known: list[str]) -> None:
    words = "the start of tag %s asked for %d tasks, and %d are known: %s"
    facts = {"tag": job.tag, "task_ids": job.task_ids}
    _log.warning(words, job.tag, asked, len(known), ", ".join(known), extra=facts)


def _in_order(attempt: Attempt, known: dict[str, Row]) -> list[Row]:
    """Sort the tasks of a start as they were made: those that the answer named first, then as the list has them."""
    named = {replies.row_id(row): row for row in attempt.rows}
    return [*named.values(), *(row for task_id, row in reversed(known.items()) if task_id not in named)]
