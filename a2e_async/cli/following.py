"""From the client's events to the board: where each job stands, and that the service is away."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from a2e_async.cli.display.board import WATCHED, Row
from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.core.retry import Retry
from a2e_async.core.status import Status
from a2e_async.engine.jobs.events import Accepted, Changed, Event, HealthChanged, Retried
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import TransportError

_SHORT_OUTAGE = 3.0  # seconds; a poll that fails now and then is nobody's business
_LIMIT = 1_000_000
_ATTEMPTS = Retry().attempts  # of what is not sent yet; the client of a command that starts tasks has this one


class Following:
    """Shows on the board what the events of a client tell, while it is open.

    Args:
        run: The run of the command.
        a2e: The client, which is open.
    """

    def __init__(self, run: Run, a2e: A2EClient) -> None:
        self.run = run
        self.a2e = a2e
        self._events = a2e.events(_LIMIT)
        self._task: asyncio.Task[None] | None = None
        self._rows: dict[Job[Any], Row] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._alarmed = False
        self._held_up = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name="a2e display")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.close()
        self._silence()
        if self._task is not None:
            await self._task

    def show(self, job: Job[Any], row: Row) -> None:
        """Show a job in a row from now on."""
        self._rows[job] = row
        if job.task_ids:  # it was accepted before it had a row
            self._show(job)

    def leave(self, job: Job[Any]) -> None:
        """Show a job no more: it has ended, and who waited for it says the rest."""
        self._rows.pop(job, None)

    async def _follow(self) -> None:
        async for event in self._events:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        if self._held_up and isinstance(event, Accepted):
            self._held_up = False
            self.run.board.notice("")
        match event:
            case Accepted(job=job) | Changed(job=job) if job in self._rows:
                self._show(job)
            case Retried(failures=failures, error=TransportError(sent=False) as error):
                self.run.board.notice(f"{error.message}; retrying ({failures + 1}/{_ATTEMPTS})")
                self._held_up = True
            case HealthChanged(well=False):
                self._alarm = asyncio.get_running_loop().call_later(_SHORT_OUTAGE, self._sound)
            case HealthChanged(outage=seconds):
                if self._alarmed:
                    self.run.board.notice(f"the service is back after {seconds:.0f} s")
                self._silence()

    def _show(self, job: Job[Any]) -> None:
        # An attached task has no status before the first poll.
        known = job.status if job.status is not Status.UNKNOWN else None
        self.run.board.change(self._rows[job], known.value if known else WATCHED, coins=job.coins)

    def _sound(self) -> None:
        self._alarmed = True
        self.run.board.notice("the service does not answer, or not well; jobs go on (-v shows why)")

    def _silence(self) -> None:
        self._alarmed = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
