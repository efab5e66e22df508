"""One attempt to start a job, and how sure we are of what became of it.

The service charges a start as soon as it takes it (service.md 0.7), and has no idempotency key (0.4): the same POST
twice is two bills. So how sure the outcome of a POST is decides what may follow:

    what happened                              how sure            what we do
    no connection; refused before work (429,   surely not taken    send again after a wait, so many times
      the service's own 503 with Retry-After)
    400 to 404, a `code` that names a reason   surely refused      raise, never repeat
    401 for a token that has changed since     surely refused      send again once, with the new one
    reset, no answer in time, 408, 5xx, a      unknown             find it by its tag and recover it; send again,
      page, cut JSON, the task of another                            once, only when its absence is proven; else
      start, an error of ours meanwhile                              StartUnknownError
    the process died after `Journal.sending`   unknown             the same, in the next process
    the process died before it                 surely not sent     start it

The laws of this room:

1. Between a POST whose outcome is unknown and the next POST of its job stands a proof of absence (`core/absence.py`).
2. A job is sent at most twice, as "a" and as "b". After a lost "b" it is looked for and never sent again: the list
   cannot tell a task that is late from one that was never made, and each wrong guess is another bill.
3. What may have been paid for is named to the user: by its task ids, or where these are not known by its tag.
4. Reserved coins come back only when the service has surely not taken the start.
5. A POST is written down before it leaves, its answer before anybody is told: a process can die at every await.
6. Whether a POST is still wanted, and may be sent by this process, is asked last of all, when its connection is there.
   Until then it counts as unsent: whoever lets go of it is told that nothing was sent, and nothing is.
"""

from __future__ import annotations

import asyncio
from typing import Any

import attrs

from a2e_async.core import tags, wire
from a2e_async.core.absence import Row
from a2e_async.core.family import Request
from a2e_async.core.retry import Verdict, verdict
from a2e_async.engine.http.moment import Moment
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.options import NO_JOURNAL
from a2e_async.errors import A2EError, ClientClosedError, JobCancelledError, StartUnknownError, TransportError


@attrs.define(eq=False, repr=False)
class Attempt:
    """What is being done to start one job.

    Attributes:
        job: The job.
        request: Its request.
        worker: The task that does it, the sender's at first, then the one that gathers its siblings.
        asked: How many tasks it asks for.
        on_wire: Whether a POST waits for its answer, or an answer for being written down.
        looking: Whether the list is searched for it, because it may have been taken.
        lost: The failure of the last POST that may have been taken, None once its absence is proven.
        doubted: Whether a POST of it ever was lost: absence that was proven is no answer of the service yet.
        letters: The send letters of its POSTs.
        letter: That of the POST its tasks come from.
        rows: The tasks that are known to come from it.
        closing: Whether the client is being closed, so that nothing more may be sent.
        taken_back: Whether somebody cancels it, and waits for the answer of a POST that has left.
        first: The service's time of the first POST, in seconds since 1970, None while its clock is not known.
        account: Whose token the last POST carried.
        began: The moment of the first POST by the clocks of this machine.
        over: Made by whoever waits for it; set when the worker has let go of the job.
    """

    job: AnyJob
    request: Request[Any]
    worker: asyncio.Task[None] | None
    asked: int = 1
    on_wire: bool = False
    looking: bool = False
    lost: A2EError | None = None
    doubted: bool = False
    letters: str = ""
    letter: str = ""
    rows: list[Row] = attrs.field(factory=list)
    closing: bool = False
    taken_back: bool = False
    first: float | None = None
    account: str | None = None
    began: Moment | None = None
    over: asyncio.Event | None = None

    @property
    def is_unsent(self) -> bool:
        """Whether nothing of it can be at the service, so that it may be taken back for nothing.

        A start that was doubted once stays doubted, also when its absence was proven since: a proof is strong enough
        for a second send, and a user who cancels is told "refunded" only of what was surely never charged.
        """
        before = self.job.options.sent_before is not None  # by another process
        return not (self.on_wire or self.looking or self.doubted or self.rows or before)

    @property
    def unwanted(self) -> bool:
        """Whether nothing more may be sent for it."""
        return self.closing or self.taken_back or self.job.done()

    def ending(self) -> asyncio.Event:
        """Give what is set when the worker has let go of the job."""
        self.over = self.over or asyncio.Event()
        return self.over

    def unsent(self) -> A2EError:
        """Build the error for a start that is not sent, as it is not wanted any more.

        One that was doubted is unknown: proven absence is no answer, and the task may still show up.
        """
        if self.doubted:
            return self.unknown()
        if self.taken_back:
            return JobCancelledError("the job was cancelled before its start was taken", refunded=True)
        return ClientClosedError("the client was closed before this start was taken")

    def name(self, letter: str) -> str:
        """Give the name that a send with this letter carries."""
        job = self.job
        name = wire.untagged_name(job.family, self.request)
        return tags.put(name, job.tag, letter, job.family.name_limit) if job.tag else name

    def leaves(self, letter: str, now: Moment, service_time: float | None, account: str | None) -> None:
        """Note that a POST leaves now, and whose token it carries."""
        self.account = account
        if self.began is None:
            self.began = now
            self.first = service_time if self.first is None else self.first
        if letter not in self.letters:
            self.letters += letter
        self.on_wire = True

    def lose(self, error: A2EError) -> None:
        """Note that nobody knows what has become of the last POST."""
        self.lost, self.doubted = error, True

    @property
    def missing(self) -> int:
        """How many tasks were asked for beyond those that are known; the service charges for all of them."""
        return max(self.asked - len(self.rows), 0)

    def is_short(self) -> bool:
        """Whether fewer tasks came back than were asked for, and the others can be looked for."""
        return len(self.rows) < self.asked and self.job.tag is not None and self.job.family.is_findable

    def unknown(self, *, search_again: bool = True) -> StartUnknownError:
        """Build the error for a start that may have been taken."""
        why = f": {self.lost.message}" if self.lost else ""
        words = f"the start may or may not have been taken, and was not sent again{why}"
        error = StartUnknownError(words, search_again=search_again)
        error.__cause__ = self.lost
        return error


class NotSentError(Exception):
    """The POST was kept from leaving; seen by the sender alone."""


@attrs.define(eq=False, repr=False)
class Departure:
    """Lets one POST leave, or keeps it from it; see `core.http.Leaving`.

    Attributes:
        left: Whether it has left; when an exchange has ended without, the service surely has not taken the start.
        kept: Whether it was kept from leaving.
    """

    _attempt: Attempt
    _letter: str
    _service: Service
    left: bool = False
    kept: bool = False

    def __call__(self) -> None:
        """Note that the POST leaves now, with whose token, and when.

        Raises:
            NotSentError: It may not.
        """
        attempt, service = self._attempt, self._service
        journal = attempt.job.options.journal
        if attempt.unwanted or not (journal is NO_JOURNAL or journal.leaves()):
            self.kept = True
            raise NotSentError
        access, now = service.access, Moment.now()
        attempt.leaves(self._letter, now, service.server_time(now), None if access is None else access.account)
        self.left = True

    def outcome(self, raised: Exception) -> tuple[A2EError, Verdict]:
        """Say what the failure of its exchange tells; one that is not ours is told by its kind alone."""
        error = raised if isinstance(raised, A2EError) else _foreign(raised)
        kind = verdict(error, self._attempt.job.family.refusals)
        if kind is Verdict.UNKNOWN and not self.left:
            kind = Verdict.NOT_RECEIVED
            if isinstance(error, TransportError):
                error.sent = False
        return error, kind


def _foreign(error: Exception) -> TransportError:
    """Say that the answer is lost, by the kind of the error alone: its words may hold anything."""
    return TransportError(f"the answer to the start could not be taken: {type(error).__name__}", sent=True)
