"""Plays a history in virtual time: a simulated service, a user, and the clients that the user opens in turn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import attrs
from histories import REQUESTS, WINDOW
from lying import Lying
from virtual_time import client, no_task_is_left

from a2e_async import A2EClient, A2EError, Cadence, ClientClosedError, Job, JobDetachedError, Retry
from a2e_async.core.family import family_of
from a2e_async.core.hooks import Journal, Posted
from a2e_async.engine.jobs.coins import Coins
from a2e_async.engine.jobs.options import Options
from a2e_async.simulator.virtual import virtual_app

ENOUGH = 20_000.0  # seconds in which everything has ended


@attrs.define(eq=False)
class Life:
    """The life of one client.

    Attributes:
        a2e: The client.
        coins: What it counts, also after it was closed.
        began: How many starts the service had taken before.
        ended: How many it had taken when the client was closed.
        jobs: What was started here.
        accepted: The ids that its journal was given.
        counted: What it had spent and reserved after each act.
    """

    a2e: A2EClient
    coins: Coins
    began: int
    ended: int = 0
    jobs: list[Job[Any]] = attrs.field(factory=list)
    accepted: set[str] = attrs.field(factory=set)
    counted: list[tuple[float, float]] = attrs.field(factory=list)

    def count(self):
        """Note what is spent and reserved now."""
        self.counted.append((self.coins.spent, self.coins.reserved))


@attrs.define(eq=False)
class Intent:
    """One start of the user, over all clients that had to do with it."""

    tag: str
    request: Any
    jobs: list[Job[Any]] = attrs.field(factory=list)
    unwanted: bool = False
    posted: Posted | None = None


class _Notes(Journal):
    """Notes what a later process must know of the POSTs of an intent, as a batch does."""

    def __init__(self, intent, life):
        self._intent, self._life = intent, life

    async def sending(self, _tag, letter, at):
        """Note a POST."""
        known = self._intent.posted
        letters = "".join(sorted({*(known.letters if known else ""), letter}))
        first = at if known is None else known.first
        self._intent.posted = Posted(first=first, last=at, letters=letters)

    async def accepted(self, _tag, task_ids, _coins):
        """Note tasks."""
        self._life.accepted |= set(task_ids)


class Warnings(logging.Handler):
    """Keeps what the user was warned of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        """Keep a warning."""
        self.texts.append(record.getMessage())


class Play:
    """Plays one history.

    Attributes:
        sim: The simulated service.
        intents: What the user wanted.
        lives: The clients, one after the other.
    """

    def __init__(self, history):
        self.history = history
        self.sim = virtual_app(coins=10_000_000, **history.habits)
        for fault in history.faults:
            self.sim.faults.add(fault.route, fault.kind, **fault.details)
        self.intents: list[Intent] = []
        self.lives: list[Life] = []
        self._wire = Lying(self.sim, history.lies, history.ahead)
        self._seconds: list[Job[Any]] = []  # jobs that watch tasks which another job watches, too

    async def _open(self):
        retry, cadence, budget = Retry(unknown_window=WINDOW), Cadence(delay=2.5), self.history.budget
        rate = self.history.rate
        a2e = client(self.sim, http=self._wire, cadence=cadence, retry=retry, budget=budget, rate=rate)
        await a2e.open()
        self.lives.append(Life(a2e, a2e._parts().engine.coins, len(self.sim.world.book.starts)))

    async def _close(self):
        life = self.lives[-1]
        await life.a2e.aclose()
        life.ended = len(self.sim.world.book.starts)

    def start(self, number):
        """Start one request under a tag of our own."""
        tag = f"intent{len(self.intents):06}"
        intent = Intent(tag, REQUESTS[number % len(REQUESTS)])
        self.intents.append(intent)
        self._send(intent)

    def _send(self, intent, **options):
        life = self.lives[-1]
        view = life.a2e.with_options()
        view._options = attrs.evolve(view._options, journal=_Notes(intent, life), **options)
        intent.jobs.append(view.start(intent.request, tag=intent.tag, on_unknown=self.history.on_unknown, timeout=None))
        life.jobs.append(intent.jobs[-1])

    def _again(self, intent):
        """Resume an intent as a batch does: by its ids, else by its tag and the service's times of its POSTs."""
        if intent.jobs[-1].task_ids:
            asked = family_of(type(intent.request)).tasks_asked(intent.request)
            intent.jobs.append(self._attach(intent, tag=intent.tag, options=Options(tasks=asked)))
        elif intent.posted is not None:
            self._send(intent, find_first=True, sent_before=intent.posted)
        else:
            self._send(intent)

    def _attach(self, intent, **known):
        return self.lives[-1].a2e.attach(type(intent.request), *intent.jobs[-1].task_ids, timeout=None, **known)

    async def act(self, act):
        """Do one thing."""
        live = [intent for intent in self.intents if not intent.jobs[-1].done()]
        if act.what == "start":
            self.start(act.number)
        elif act.what == "many":
            for number in range(act.number % 12):
                self.start(number)
        elif act.what == "outage":
            await self.outage(act.number * 2)
        elif act.what == "sleep":  # the clock of the event loop stood still, that of the service did not
            self.sim.world.clock.start += act.number * 7_000.0
        elif act.what == "resume":
            await self.resume()
        elif act.what == "attach":
            self._seconds += [self._attach(intent) for intent in live[: act.number % 4] if intent.jobs[-1].task_ids]
        elif act.what in ("cancel", "detach") and live:
            for _ in range(act.number % 7):  # at whichever wait it is just then
                await asyncio.sleep(0)
            await self.give_up(live[act.number % len(live)], act.what)
        await asyncio.sleep(act.wait)
        self.lives[-1].count()

    async def give_up(self, intent, how):
        """Cancel a job, or let go of it."""
        if how == "detach":
            intent.unwanted = True
            intent.jobs[-1].detach()
            return
        with contextlib.suppress(A2EError):  # the job goes on, or has ended with its own error
            intent.unwanted |= await intent.jobs[-1].cancel()

    async def outage(self, seconds):
        """Let the service do its work and answer nothing but 503."""
        routes = ("start", "batch", "detail", "list")
        rules = [self.sim.faults.add(f"*.{route}", "status", status=503, hits=None, when="after") for route in routes]
        await asyncio.sleep(seconds)
        for rule in rules:
            rule.hits = 0

    async def resume(self):
        """Close the client as a process ends, and let another one go on with what had not ended."""
        await self._close()
        await self._open()
        for intent in self.intents:
            if not intent.unwanted and isinstance(intent.jobs[-1].error, JobDetachedError | ClientClosedError):
                self._again(intent)

    async def run(self):
        """Play the history to its end, and give the tags of the jobs that have not ended."""
        async with asyncio.timeout(10 * ENOUGH):
            await self._open()
            for act in self.history.acts:
                await self.act(act)
            with contextlib.suppress(TimeoutError):
                await self.lives[-1].a2e.drain(timeout=ENOUGH)
            hanging = [intent.tag for intent in self.intents if not intent.jobs[-1].done()]
            hanging += [", ".join(job.task_ids) for job in self._seconds if not job.done()]
            self.lives[-1].count()
            await self._close()
        await no_task_is_left()
        return hanging
