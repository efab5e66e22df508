"""Random histories of a client in virtual time, and what must hold at the end of each.

A history is a service with habits, a script of faults, and what a user does: starts, waits, cancels, lets go, loses
the service for a while, closes the client and resumes what had not ended. Nothing here is random by itself: Hypothesis
draws the histories, for the suite and for `benchmarks/histories.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from typing import Any

import attrs
from hypothesis import strategies as st
from lying import LIES, Lie, Lying
from virtual_time import client, no_task_is_left, play_out

from a2e_async import (
    A2EError,
    Cadence,
    ClientClosedError,
    ImageToVideo,
    Job,
    JobCancelledError,
    JobDetachedError,
    Retry,
    StartUnknownError,
    TextToImage,
)
from a2e_async.core import tags
from a2e_async.core.hooks import Journal, Posted
from a2e_async.simulator.virtual import virtual_app

WINDOW = 60.0
REQUESTS = (
    TextToImage("a red kite"),
    TextToImage("four", max_images=4),
    ImageToVideo("http://example.com/a.png", prompt="it climbs", negative_prompt="no"),
    ImageToVideo("http://example.com/a.png", prompt="two", negative_prompt="no", number_of_images=2),
    ImageToVideo("http://example.com/a.png", prompt="[fail]", negative_prompt="no"),
)
ENOUGH = 20_000.0  # seconds in which everything has ended


@attrs.frozen
class Fault:
    """One line of the script of faults."""

    route: str
    kind: str
    details: dict[str, Any]


@attrs.frozen
class Act:
    """One thing the user does: `what` with a number, then a wait in seconds."""

    what: str
    number: int
    wait: float


@attrs.frozen
class History:
    """A service, its faults, and what its user does."""

    habits: dict[str, Any]
    faults: list[Fault]
    acts: list[Act]
    on_unknown: str
    lies: list[Lie] = attrs.field(factory=list)
    ahead: float = 0.0

    @property
    def names_are_kept(self):
        """Whether the service gives names back as they were sent."""
        return self.habits["names"] == "keep" and self.habits["list_names"] is None

    @property
    def list_is_quick(self):
        """Whether the list shows a task within the window in which it is looked for."""
        return self.habits["list_lag"] < WINDOW - 2


@attrs.define
class Outcome:
    """What a history came to."""

    starts: int = 0
    bills: int = 0
    doubles: int = 0
    refunded_doubles: int = 0
    unknown: int = 0
    lost: list[str] = attrs.field(factory=list)
    wrong: list[str] = attrs.field(factory=list)


_STATUS = st.sampled_from([500, 502, 503, 504, 408])
_UNCLEAR = st.one_of(
    st.tuples(st.just("status"), st.fixed_dictionaries({"status": _STATUS})),
    st.tuples(st.sampled_from(["reset", "html", "null", "empty", "cut_json", "stall"]), st.just({})),
    st.tuples(st.just("code"), st.just({"code": 500})),
)
_REFUSED = st.sampled_from(
    [
        ("status", {"status": 429, "retry_after": 2}),
        ("status", {"status": 503, "retry_after": 40}),
        ("status", {"status": 400}),
        ("status", {"status": 403}),
        ("redirect", {}),
        ("no_route", {}),
    ]
)
_POLLS = st.one_of(
    _UNCLEAR,
    _REFUSED,
    st.sampled_from([("unknown_status", {}), ("missing_id", {}), ("delay", {"seconds": 25}), ("success_false", {})]),
)


def _fault(routes, kinds, *, whens=("before", "after")):
    details = st.fixed_dictionaries(
        {"hits": st.sampled_from([1, 1, 2, 3, 8]), "skip": st.integers(0, 4), "when": st.sampled_from(whens)}
    )
    return st.builds(
        lambda route, kind, when: Fault(route, kind[0], {**kind[1], **when}), st.sampled_from(routes), kinds, details
    )


_GATEWAY = st.sampled_from(
    [
        ("status", {"status": 503, "retry_after": 5, "body": "html"}),
        ("status", {"status": 504, "retry_after": 0, "body": "html"}),
        ("status", {"status": 499, "body": "html"}),
    ]
)
# A list that is empty to the end of a search hides a task from everybody, which nothing can tell.
_SHORT_LIES = st.builds(Lie, st.just("empty"), st.integers(0, 1), st.integers(1, 3))
_LONG_LIES = st.builds(Lie, st.sampled_from([*LIES][1:]), st.integers(0, 6), st.sampled_from([1, 3, 8, 1_000]))
_FAULTS = st.one_of(
    _fault(["*.start"], _GATEWAY),
    _fault(["*.start"], _UNCLEAR),
    _fault(["*.start"], _REFUSED, whens=("before",)),
    _fault(["*.list"], _UNCLEAR),
    _fault(["*.batch", "*.detail", "*.delete"], _POLLS),
)
_HABITS = st.fixed_dictionaries(
    {
        "list_lag": st.sampled_from([0.0, 0.0, 0.7, 5.0, 31.0, 55.0, 62.0, 90.0, 400.0]),
        "names": st.sampled_from(["keep", "keep", "keep", "drop", 5, 20]),
        "list_names": st.sampled_from([None, None, None, "drop", 8, 20]),
        "task_seconds": st.sampled_from([0.0, 3.0, 20.0, 100.0, 800.0]),
        "detail_lag": st.sampled_from([0.0, 0.0, 1.0, 6.0]),
        "detail_lag_as": st.sampled_from(["404", "null"]),
        "siblings_in_reply": st.booleans(),
        "instant_old_form": st.booleans(),
        "first_status": st.sampled_from(["initialized", "initialized", "sent"]),
    }
)
_ACTS = st.builds(
    Act,
    st.sampled_from(["start", "start", "start", "many", "wait", "cancel", "detach", "outage", "resume", "sleep"]),
    st.integers(0, 60),
    st.sampled_from([0.0, 0.01, 0.06, 0.5, 3.0, 20.0, 61.0, 150.0]),
)


def _settled(history):
    """Leave out what nothing can hold: names that are lost in a list that shows them only after the window."""
    return history if history.names_are_kept or history.list_is_quick else attrs.evolve(history, on_unknown="raise")


HISTORIES = st.builds(
    History,
    _HABITS,
    st.lists(_FAULTS, max_size=5),
    st.lists(_ACTS, min_size=1, max_size=12),
    st.sampled_from(["resend", "resend", "raise"]),
    st.lists(st.one_of(_SHORT_LIES, _LONG_LIES), max_size=2),
    st.sampled_from([0.0, 0.0, 0.0, 240.0, -240.0, 660.0, -660.0]),
).map(_settled)


@attrs.define(eq=False)
class _Intent:
    """One start of the user, over all clients that had to do with it."""

    tag: str
    request: Any
    jobs: list[Job[Any]] = attrs.field(factory=list)
    unwanted: bool = False
    posted: Posted | None = None


class _Notes(Journal):
    """Notes what a later process must know of the POSTs of an intent, as a batch does."""

    def __init__(self, intent):
        self._intent = intent

    async def sending(self, _tag, letter, at):
        """Note a POST."""
        known = self._intent.posted
        letters = "".join(sorted({*(known.letters if known else ""), letter}))
        first = at if known is None else known.first
        self._intent.posted = Posted(first=first, last=at, letters=letters)


class _Warnings(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


class _Play:
    def __init__(self, history):
        self.history = history
        self.sim = virtual_app(coins=10_000_000, **history.habits)
        for fault in history.faults:
            self.sim.faults.add(fault.route, fault.kind, **fault.details)
        self.intents: list[_Intent] = []
        self.wire = Lying(self.sim, history.lies, history.ahead)
        self.a2e = self._client()

    def _client(self):
        return client(self.sim, http=self.wire, cadence=Cadence(delay=2.5), retry=Retry(unknown_window=WINDOW))

    def start(self, number):
        """Start one request under a tag of our own."""
        tag = f"intent{len(self.intents):06}"
        intent = _Intent(tag, REQUESTS[number % len(REQUESTS)])
        self.intents.append(intent)
        self._send(intent, self.a2e)

    def _send(self, intent, a2e):
        a2e = a2e.with_options()
        a2e._options = attrs.evolve(a2e._options, journal=_Notes(intent))
        intent.jobs.append(a2e.start(intent.request, tag=intent.tag, on_unknown=self.history.on_unknown, timeout=None))

    def _again(self, intent):
        """Resume an intent as a batch does: by its ids, else by its tag and the service's times of its POSTs."""
        if intent.jobs[-1].task_ids:
            intent.jobs.append(self.a2e.attach(type(intent.request), *intent.jobs[-1].task_ids, timeout=None))
            return
        view = self.a2e.with_options()
        if intent.posted is not None:
            view._options = attrs.evolve(view._options, find_first=True, sent_before=intent.posted)
        self._send(intent, view)

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
        elif act.what in ("cancel", "detach") and live:
            for _ in range(act.number % 7):  # at whichever wait it is just then
                await asyncio.sleep(0)
            await self.give_up(live[act.number % len(live)], act.what)
        await asyncio.sleep(act.wait)

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
        await self.a2e.aclose()
        self.a2e = self._client()
        await self.a2e.open()
        for intent in self.intents:
            if not intent.unwanted and isinstance(intent.jobs[-1].error, JobDetachedError | ClientClosedError):
                self._again(intent)

    async def run(self):
        """Play the history to its end, and give the tags of the jobs that have not ended."""
        async with asyncio.timeout(10 * ENOUGH):
            await self.a2e.open()
            for act in self.history.acts:
                await self.act(act)
            with contextlib.suppress(TimeoutError):
                await self.a2e.drain(timeout=ENOUGH)
            hanging = [intent.tag for intent in self.intents if not intent.jobs[-1].done()]
            await self.a2e.aclose()
        await no_task_is_left()
        return hanging


def play(history):
    """Play one history and say what it came to; `wrong` and `lost` must stay empty."""
    warnings = _Warnings()
    logger = logging.getLogger("a2e_async")
    logger.addHandler(warnings)
    told, logger.propagate = logger.propagate, False
    outcome = Outcome()

    async def story():
        play = _Play(history)
        hanging = await play.run()
        outcome.lost += [f"{tag} never ended" for tag in hanging]
        _judge(history, play, warnings.texts, outcome)

    try:
        play_out(story())
    finally:
        logger.removeHandler(warnings)
        logger.propagate = told
    return outcome


def _judge(history, play, texts, outcome):
    book = play.sim.world.book
    sent = Counter(tags.split(start.name)[1] for start in book.starts)
    outcome.starts = len(play.intents)
    outcome.bills = len(book.starts)
    for intent in play.intents:
        starts = [start for start in book.starts if start.tag == intent.tag]
        outcome.unknown += isinstance(intent.jobs[-1].error, StartUnknownError)
        if len(starts) > 1:
            _judge_double(history, intent, starts, texts, outcome)
            if _shows_in_time(history, play.sim.world, intent, starts) and not _names_twice(intent, texts):
                outcome.wrong.append(f"{intent.tag}: a second bill that nobody was told of")
        if starts and not _is_told(intent, starts, texts):
            outcome.lost.append(f"{intent.tag}: {starts} ended as {intent.jobs[-1].error!r}")
    if set(sent) - {intent.tag for intent in play.intents}:
        outcome.wrong.append(f"starts of nobody: {sent}")


def _judge_double(history, intent, starts, texts, outcome):
    outcome.doubles += 1
    if history.on_unknown == "raise":
        outcome.wrong.append(f"{intent.tag}: {len(starts)} bills under on_unknown='raise'")
    elif history.list_is_quick or not history.names_are_kept:
        outcome.wrong.append(f"{intent.tag}: {len(starts)} bills")
    elif len(starts) > 2:
        outcome.wrong.append(f"{intent.tag}: {len(starts)} bills, more than a second one")
    refunded = [start for start in starts if start.refunded == start.coins]
    outcome.refunded_doubles += bool(refunded)


def _names_twice(intent, texts):
    return any("twice" in text and intent.tag in text for text in texts)


def _shows_in_time(history, world, intent, starts):
    """Whether the list shows the other send before the job that was started here settles."""
    last = intent.jobs[-1]
    if last.request is None or isinstance(last.error, JobDetachedError | JobCancelledError | ClientClosedError):
        return False
    ends = max((world.task(task_id).ends for task_id in last.task_ids), default=0.0)
    others = [start.at for start in starts if not set(start.task_ids) & set(last.task_ids)]
    return ends > min(others, default=ends) + history.habits["list_lag"] + 1


def _is_told(intent, starts, texts):
    """Whether the user knows of what was billed: by a result, by ids, or by the tag."""
    known = {task_id for job in intent.jobs for task_id in job.task_ids}
    ended = [job.error for job in intent.jobs]
    kinds = (StartUnknownError, JobDetachedError) if intent.unwanted else StartUnknownError
    by_error = any(isinstance(error, kinds) and error.tag == intent.tag for error in ended)
    by_log = any(intent.tag in text or any(one in text for start in starts for one in start.task_ids) for text in texts)
    return bool(known & {one for start in starts for one in start.task_ids}) or by_error or by_log
