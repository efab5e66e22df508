"""Sends a start, and finds it when its answer is lost: `attempt.py` has the table and the laws that hold here.

The order before every POST is: its turn, the token, the journal, the connection, the last question (`Departure`),
the POST; nothing is awaited between the last two. So whatever is written down as sent may have been sent, and what is
not written down was not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from a2e_async.core import replies, tags, wire
from a2e_async.core.absence import Row, letter_of
from a2e_async.core.family import Family
from a2e_async.core.hooks import Posted, Webhook
from a2e_async.core.retry import Verdict
from a2e_async.engine.http.failures import is_stale
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.live import LiveJobs
from a2e_async.engine.jobs.options import NO_JOURNAL
from a2e_async.engine.starts.attempt import Attempt, Departure
from a2e_async.engine.starts.doubles import clean_up
from a2e_async.engine.starts.finder import Finder, Finding, Search
from a2e_async.errors import ProtocolError

_log = logging.getLogger("a2e_async")

_LOST_KEPT = 10_000


class Sender:
    """Sends the start of one job at a time, and finds it again when its answer is lost.

    Args:
        service: Where starts are sent.
        webhook: Sent along with every start that takes one.
        live: The jobs of this client.

    Attributes:
        retry: How long lost starts are looked for.
    """

    def __init__(self, service: Service, webhook: Webhook | None, live: LiveJobs) -> None:
        self.retry = service.retry
        self._service = service
        self._webhook = webhook
        self._live = live
        self._finders: dict[str, Finder] = {}
        self._lost: OrderedDict[str, Posted] = OrderedDict()

    def finder(self, family: Family) -> Finder:
        """Give the one finder of a family."""
        known = self._finders.get(family.name)
        if known is None:
            known = self._finders[family.name] = Finder(family, self._service, self._live)
        return known

    def now(self) -> float | None:
        """Give the service's time, None where it is not known."""
        return self._service.server_time()

    async def aclose(self) -> None:
        """Stop finding."""
        for finder in self._finders.values():
            await finder.aclose()

    async def send(self, attempt: Attempt) -> None:
        """Send a start until its tasks are known, as `attempt.rows`.

        Raises:
            ServiceError: The start was refused.
            TransportError: The service could not be reached.
            StartUnknownError: The start may have been taken, and the list does not tell.
        """
        job = attempt.job
        letter = tags.FIRST
        posted = self._posted_before(job)
        if job.tag is not None and (job.options.find_first or posted is not None):
            finding = await self._find_first(attempt, job.tag, posted)
            if finding.rows:
                job.twice_since = None if posted is None else posted.first or 0.0
                self._recover(attempt, finding)
                return
            again = posted is None or (job.options.on_unknown == "resend" and tags.SECOND not in posted.letters)
            if not finding.absent or not again:
                raise attempt.unknown(search_again=finding.provable)
            if posted is not None:
                letter, job.twice_since = tags.SECOND, posted.first or 0.0
        while not await self._post(attempt, letter):
            finding = await self._find(attempt)
            if finding.rows:
                self._recover(attempt, finding)
                return
            wanted = job.options.on_unknown == "resend" and not attempt.unwanted
            if not finding.absent or not wanted or letter == tags.SECOND:
                raise attempt.unknown(search_again=finding.provable)
            job.twice_since, attempt.lost = attempt.first or 0.0, None
            letter = tags.SECOND

    async def clean_up(self, job: AnyJob, letter: str) -> dict[str, float]:
        """After a second send: look for tasks of the other send, and delete those that have not begun.

        Args:
            job: The job.
            letter: The letter of the send whose tasks it has.

        Returns:
            The doubles, and the coins of each that stay charged.
        """
        return await clean_up(self._service, self.finder(job.family), job, letter)

    async def learn_first(self, attempt: Attempt) -> float | None:
        """Give the service's time of the first POST of a start, also where its clock was not known then.

        Then it is counted back from now, and by this machine's clock where that says that it is longer ago: between the
        POST and now the machine may have slept, and nothing else has noticed.
        """
        if attempt.first is None and attempt.began is not None:
            await self.finder(attempt.job.family).learn_clock()
            now = self._service.server_time()
            attempt.first = None if now is None else min(now - attempt.began.longest_passed(), attempt.began.wall)
        return attempt.first

    # Finding.

    def _posted_before(self, job: AnyJob) -> Posted | None:
        """Give what is known of POSTs before this job's: of another process, or of a lost start of this client."""
        given = job.options.sent_before if job.options.find_first else None
        return given or (self._lost.get(job.tag) if job.tag is not None else None)

    async def _find_first(self, attempt: Attempt, tag: str, posted: Posted | None) -> Finding:
        """Look for a start before it is sent: another process may have sent it, or this one, and lost its answer.

        The names to look for and the times are those that were written down then: no clock of this process knows them.
        """
        job = attempt.job
        if not job.family.is_findable:
            return Finding(provable=False)
        finder = self.finder(job.family)
        await finder.learn_clock()
        letters = tags.FIRST if posted is None else posted.letters
        search = Search(
            tag=tag,
            names=tuple(map(attempt.name, letters)),
            first=None if posted is None else posted.first,
            last=None if posted is None else posted.last,
            sent=posted is not None,
            wanted=attempt.asked,
            since=asyncio.get_running_loop().time(),
            at_once=True,
        )
        if posted is not None:
            attempt.first, attempt.letters = posted.first, posted.letters
        attempt.looking = True
        try:
            return await finder.find(search)
        finally:
            attempt.looking = False

    async def _find(self, attempt: Attempt) -> Finding:
        """Look for a start whose answer was lost just now; without a tag in a list there is nothing to find it by."""
        job, began = attempt.job, attempt.began
        if job.tag is None or not job.family.is_findable or began is None:
            return Finding(provable=False)
        await self.learn_first(attempt)
        self._remember_lost(job.tag, attempt)
        search = Search(
            tag=job.tag,
            names=tuple(map(attempt.name, attempt.letters)),
            first=attempt.first,
            here=True,
            age=began.longest_passed,
            wanted=attempt.asked,
            account=attempt.account,
            since=began.loop,
        )
        return await self.finder(job.family).find(search)

    def _remember_lost(self, tag: str, attempt: Attempt) -> None:
        """Remember a lost start, so that a later one under its tag looks for it first, whoever asks for it."""
        self._lost[tag] = Posted(first=attempt.first, last=None, letters=attempt.letters)
        if len(self._lost) > _LOST_KEPT:
            self._lost.popitem(last=False)

    def _recover(self, attempt: Attempt, finding: Finding) -> None:
        """Take over the tasks that were found: those of the first send where both were taken.

        A second send may show up while it is looked for itself: then the first has run for longer, and the other one
        is the double that may still be deleted for its coins.
        """
        job = attempt.job
        by_letter: dict[str, list[Row]] = {}
        for row in reversed(finding.rows):  # the list has the newest first
            by_letter.setdefault(letter_of(job.family, row, job.tag or "") or "", []).append(row)
        _log.info("recovered the lost start of tag %s", job.tag, extra={"tag": job.tag, "family": job.family.name})
        self._service.counts.recovered += 1
        if self._service.events.heard:
            self._service.events.recovered(job)
        if len(by_letter) > 1:
            job.twice_since = attempt.first or job.twice_since or 0.0
        letter = min(by_letter)
        self._take(attempt, by_letter[letter], attempt.name(letter), letter)

    def _take(self, attempt: Attempt, rows: list[Row], name: str, letter: str) -> None:
        """Note the tasks of a start, and learn from their rows how this service tells names and times."""
        finder = self.finder(attempt.job.family)
        attempt.on_wire, attempt.rows, attempt.letter = True, rows, letter  # on the wire until they are written down
        for row in rows:
            finder.learn(row, name, attempt.first)
        if self._lost:
            self._lost.pop(attempt.job.tag or "", None)

    # Sending.

    async def _post(self, attempt: Attempt, letter: str) -> bool:
        """Send one start; gives False when nobody knows whether it was taken.

        Sent again here is only what was surely not taken: a connection that failed before the request left, a 429, the
        service's own 503 with Retry-After. A reset after the service did its work looks just like one before it.
        """
        job, service, name = attempt.job, self._service, attempt.name(letter)
        request = wire.start(job.family, attempt.request, name=name, webhook=self._webhook)
        failures, renewed = 0, False
        while True:
            # Where nothing has to be awaited before the POST nothing is: `_turn` would cost each start a coroutine.
            is_simple = job.options.journal is NO_JOURNAL and service.access is not None
            if not is_simple or attempt.unwanted or not service.pacer.take():
                await self._turn(attempt, letter)
            access, departure = service.access, Departure(attempt, letter, service)
            try:
                rows = self._rows_of(job, await service.ask(request, departure), name)
            except Exception as raised:  # noqa: BLE001 - nobody knows what it left behind
                attempt.on_wire = False
                if departure.kept:
                    continue  # its turn comes again, or it is not wanted any more
                error, kind = departure.outcome(raised)
                if kind is Verdict.UNKNOWN:
                    attempt.lose(error)
                    return False
                error.attempts = failures = failures + 1
                if not renewed and is_stale(error) and await service.renews(access):
                    renewed = True  # the token has changed since, and a start that was refused costs nothing
                    continue
                if kind is Verdict.REFUSED or failures >= service.retry.attempts:
                    raise error from None
                if not attempt.unwanted:
                    await service.rest(failures, error)
            else:
                self._take(attempt, rows, name, letter)
                return True

    async def _turn(self, attempt: Attempt, letter: str) -> None:
        """Wait until a POST may leave, and write down that it does: nothing is awaited between this and the POST."""
        job, service = attempt.job, self._service
        if not attempt.unwanted and not service.pacer.take():
            await service.pacer.turn(start=True)
        while not attempt.unwanted:
            if service.access is None:
                await service.authorize()
            if job.options.journal is not NO_JOURNAL and not attempt.unwanted:
                if job.family.is_findable:  # who looks for it later needs the service's time, and has no other clock
                    await self.finder(job.family).learn_clock()
                await job.options.journal.sending(job.tag, letter, service.server_time())
            if service.access is not None:  # it was not refused meanwhile
                break
        if attempt.unwanted:
            raise attempt.unsent()

    def _rows_of(self, job: AnyJob, data: object, name: str) -> list[Row]:
        """Give the tasks that a start was answered with; where only some have our tag, those.

        Proxies mix answers up, and what came into an idle connection is taken for the answer to the next request
        (aiohttp 3.14.5): the task of another start is no answer to this one, nor is one that was answered before.
        """
        finder = self.finder(job.family)
        rows: dict[str, Row] = {key: row for row in replies.rows_of(data) if (key := replies.row_id(row))}
        if not rows:
            raise ProtocolError("the start was answered without a task id")
        ours = [row for key, row in rows.items() if not (finder.knows(key) or self._is_foreign(job, row, name))]
        if not ours:
            raise ProtocolError("the start was answered with the task of another start")
        if len(ours) == 1:
            return ours
        return [row for row in ours if job.tag and letter_of(job.family, row, job.tag)] or ours

    @staticmethod
    def _is_foreign(job: AnyJob, row: Row, name: str) -> bool:
        """Whether an answered task is surely another start's, because it carries another whole tag.

        A name that is cut or missing says nothing: services shorten names, and what was paid for is not given up.
        """
        shown = wire.name_in(job.family, row)
        if not isinstance(shown, str) or shown == name or tags.is_cut(shown, name):
            return False
        mark = tags.find(shown)
        return mark is not None and mark[0] != job.tag
