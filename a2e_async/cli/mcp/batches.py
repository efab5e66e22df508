"""The batches of an agent: each is a rows file and a folder beside it, which `a2e batch` reads as well."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch import Batch, Outcome, Row, read_file
from a2e_async.batch.atomic import AtomicFile
from a2e_async.client import A2EClient
from a2e_async.errors import A2EError, InvalidRequestError, KeyConflictError, UsageError

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TICK = 5.0
_SHOWN = 20

Progress = Callable[[float, float, str], Awaitable[None]]


@attrs.define(eq=False)
class _Going:
    """A batch that runs in this process."""

    rows: Sequence[Row]
    task: asyncio.Task[None] = attrs.field(init=False)
    outcomes: dict[str, Outcome] = attrs.field(factory=dict)
    stopped_by: A2EError | None = None

    def counts(self) -> dict[str, int]:
        """Give how many rows have come how far."""
        return dict(Counter(outcome.entry.state.word for outcome in self.outcomes.values()))


@attrs.define(eq=False)
class Batches:
    """Runs the batches of an agent by their keys.

    Args:
        a2e: The open client.
        folder: Where their rows files and folders are.
        max_coins: Most coins that each of them may cost in all its lives.
    """

    a2e: A2EClient
    folder: Path
    max_coins: float
    _going: dict[str, _Going] = attrs.field(factory=dict)

    async def run(
        self, key: str, rows: Sequence[dict[str, Any]] | None, seconds: float, progress: Progress
    ) -> dict[str, Any]:
        """Begin a batch or go on with it, wait so many seconds at most, and tell how it stands.

        Args:
            key: Its name, of which its rows file and its folder have theirs.
            rows: Its rows, or None for those that it has.
            seconds: How long to wait.
            progress: Called now and then with the rows that have ended, the rows in all and some words.

        Raises:
            UsageError: The key cannot be a name of a folder, or there is no such batch.
            KeyConflictError: The key stands for other rows.
            InvalidRequestError: A row is wrong; nothing was started.
        """
        if not _KEY.fullmatch(key):
            raise UsageError("key: of a batch must be 1 to 64 letters, digits, '.', '_' or '-', for it names a folder")
        known = await asyncio.to_thread(self._rows, key, rows)
        going = self._going.get(key)
        if going is None or (going.task.done() and len(going.outcomes) < len(known)):
            going = self._going[key] = _Going(known)
            going.task = asyncio.create_task(self._work(key, going), name=f"a2e batch {key}")
        await _wait(going, seconds, progress)
        return self._told(key, going)

    async def aclose(self) -> None:
        """Leave all batches; the answers of starts that are on the wire are written down."""
        tasks = [going.task for going in self._going.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _rows(self, key: str, rows: Sequence[dict[str, Any]] | None) -> Sequence[Row]:
        """Write the rows file of a key, or compare it with the one that is there, and read it."""
        path = self.folder / f"{key}.jsonl"
        if rows is not None:
            text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
            if not path.exists():
                _write(path, text)
            elif path.read_text(encoding="utf-8") != text:
                raise KeyConflictError(f"the key {key!r} stands for a batch of other rows: take another key for them")
        elif not path.exists():
            raise UsageError(f"there is no batch with the key {key!r}: give its rows")
        found = read_file(path)
        if found.bad:
            if rows is not None and not (self.folder / key).exists():
                path.unlink()  # nothing was begun with it: the key is free for the rows put right
            first, *others = found.bad
            more = f" (and {len(others)} more)" if others else ""
            raise InvalidRequestError(f"rows: {first}{more}; nothing was started")
        return found.rows

    async def _work(self, key: str, going: _Going) -> None:
        try:
            async with Batch.open(self.folder / key, self.a2e, max_coins=self.max_coins) as batch:
                async for outcome in batch.run(going.rows):
                    going.outcomes[outcome.row.id] = outcome
        except A2EError as error:
            going.stopped_by = error

    def _told(self, key: str, going: _Going) -> dict[str, Any]:
        bad = [one for one in going.outcomes.values() if one.entry.state.bad or one.error is not None]
        left = len(going.rows) - sum(one.entry.state.final for one in going.outcomes.values())
        told: dict[str, Any] = {
            "key": key,
            "state": "running" if not going.task.done() else "stopped" if left else "ended",
            "rows": len(going.rows),
            "left": left,
            "states": going.counts(),
            "folder": str(self.folder / key),
            "paths": [str(path) for one in going.outcomes.values() for path in one.paths],
            "failed": [{"id": one.row.id, "error": str(one.error or one.entry.error)} for one in bad[:_SHOWN]],
        }
        return told | ({} if going.stopped_by is None else {"stopped_by": str(going.stopped_by)})


async def _wait(going: _Going, seconds: float, progress: Progress) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while not going.task.done() and (left := until - loop.time()) > 0:
        await asyncio.wait([going.task], timeout=min(left, _TICK))
        words = ", ".join(f"{count} {word}" for word, count in going.counts().items())
        await progress(len(going.outcomes), len(going.rows), words)


def _write(path: Path, text: str) -> None:
    file = AtomicFile(path)
    try:
        file.text.write(text)
        file.finish()
        file.put()
    except BaseException:
        file.discard()
        raise
