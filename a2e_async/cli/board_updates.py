"""Keeps the board up to date from the client's events: the state of each job, and outages of the service."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from a2e_async.cli.display.board import WATCHED, BoardRow
from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.core.retry import Retry
from a2e_async.core.status import Status
from a2e_async.engine.jobs.events import Accepted, Changed, Event, HealthChanged, Retried
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import TransportError

_SHORT_OUTAGE = 3.0  # seconds; a single failed poll is not worth showing
_LIMIT = 1_000_000
_ATTEMPTS = Retry().attempts  # of what is not sent yet; the client of a command that starts tasks has this one


class BoardUpdates:
    """Shows the events of a client on the board while it is open.

    Args:
        run: The run of the command.
        a2e: The client, which is open.
    """

    def __init__(self, run: Run, a2e: A2EClient) -> None:
        self.run = run
        self.a2e = a2e
        self._events = a2e.events(_LIMIT)
        self._task: asyncio.Task[None] | None = None
        self._rows: dict[Job[Any], BoardRow] = {}
        self._outage_timer: asyncio.TimerHandle | None = None
        self._outage_shown = False
        self._retry_shown = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read_events(), name="a2e display")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.close()
        self._clear_outage()
        if self._task is not None:
            await self._task

    def add(self, job: Job[Any], row: BoardRow) -> None:
        """Show a job in a row of the board from now on."""
        self._rows[job] = row
        if job.task_ids:  # it was accepted before it had a row
            self._show(job)

    def remove(self, job: Job[Any]) -> None:
        """Stop showing a job: it has ended, and whoever waited for it shows the rest."""
        self._rows.pop(job, None)

    async def _read_events(self) -> None:
        async for event in self._events:
            self._handle(event)

    def _handle(self, event: Event) -> None:
        if self._retry_shown and isinstance(event, Accepted):
            self._retry_shown = False
            self.run.board.notice("")
        match event:
            case Accepted(job=job) | Changed(job=job) if job in self._rows:
                self._show(job)
            case Retried(failures=failures, error=TransportError(sent=False) as error):
                self.run.board.notice(f"{error.message}; retrying ({failures + 1}/{_ATTEMPTS})")
                self._retry_shown = True
            case HealthChanged(well=False):
                self._outage_timer = asyncio.get_running_loop().call_later(_SHORT_OUTAGE, self._show_outage)
            case HealthChanged(outage=seconds):
                if self._outage_shown:
                    self.run.board.notice(f"the API answers again after {seconds:.0f} s")
                self._clear_outage()

    def _show(self, job: Job[Any]) -> None:
        # An attached task has no status before the first poll.
        known = job.status if job.status is not Status.UNKNOWN else None
        self.run.board.change(self._rows[job], known.value if known else WATCHED, coins=job.coins)

    def _show_outage(self) -> None:
        self._outage_shown = True
        self.run.board.notice(
            "the API does not answer or answers with errors; running jobs are not affected (-v shows why)"
        )

    def _clear_outage(self) -> None:
        self._outage_shown = False
        if self._outage_timer is not None:
            self._outage_timer.cancel()
            self._outage_timer = None
