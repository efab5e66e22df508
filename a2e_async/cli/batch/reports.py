"""The report of a batch that several processes work on: now and then while they do, and at the end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from a2e_async.batch.own_columns import names_in
from a2e_async.batch.report import write_report
from a2e_async.cli.run import Run
from a2e_async.errors import A2EError
from a2e_async.fleet.looking import Look, entries_in_a_thread
from a2e_async.store.ports import Store

_SECONDS = 5.0
_SHARE_OF_TIME = 0.05  # that writing a large page may take


class FleetReport:
    """Writes manifests and page from what the store knows.

    Args:
        run: The run of the command.
        folder: Where they go.
        store: The open store.
        batch: The batch's name.
    """

    def __init__(self, run: Run, folder: Path, store: Store, batch: str) -> None:
        self._run = run
        self._folder = folder
        self._store = store
        self._batch = batch
        self._next = 0.0

    async def write_now_and_then(self, look: Look) -> None:
        """Write it if the last time is long enough ago; an error here is left to the end."""
        if time.monotonic() < self._next:
            return
        began = time.monotonic()
        try:
            await self._write(look, live=True)
        except (A2EError, OSError):
            self._next = time.monotonic() + 60
            return
        took = time.monotonic() - began
        self._next = time.monotonic() + max(_SECONDS, took / _SHARE_OF_TIME)

    async def write(self, look: Look) -> None:
        """Write it, and say where it is; an error here is told and changes nothing else."""
        try:
            page = await self._write(look, live=False)
        except (A2EError, OSError) as error:
            self._run.fail(error)
            return
        if not self._run.settings.json:
            self._run.output.result(str(page), {})
        self._run.output.note(f"open {page} in a browser")

    async def once(self, look: Look) -> Path:
        """Write it and give the page's path.

        Raises:
            LedgerError: The store cannot be asked.
            OSError: The folder cannot be written.
        """
        return await self._write(look, live=False)

    async def _write(self, look: Look, *, live: bool) -> Path:
        loop = asyncio.get_running_loop()
        more: dict[str, Any] = {"fleet": {"workers": look.workers(), "live": live}, "hosts": True}
        more["columns"] = await names_in(self._store, self._batch)
        return await asyncio.to_thread(
            lambda: write_report(self._folder, entries_in_a_thread(self._store, self._batch, loop), **more)
        )
