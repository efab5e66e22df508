"""How far a batch is: rows by state, speed, time left, and coins."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping

import attrs

from a2e_async.client import A2EClient
from a2e_async.store.entries import Entry, State

_WINDOW = 60.0
_FEWEST_ENDS = 3


@attrs.define(eq=False, kw_only=True)
class Progress:
    """The state of every row, and what this run knows about speed and coins.

    Attributes:
        states: The state of each row.
        counts: How many rows are in each state.
        spent_before: Coins of earlier runs.
        spent_now: Coins of this run, as far as they are known yet.
        to_spend: Coins that could be spent when this run began, or None when that is not known.
        outage: Seconds since the service last answered a poll, None while it answers.
        workers: How many processes work on it, None: this one.
    """

    states: dict[str, State] = attrs.field(factory=dict)
    counts: Counter[State] = attrs.field(factory=Counter)
    spent_before: float = 0
    spent_now: float = 0
    to_spend: float | None = None
    outage: float | None = None
    workers: int | None = None
    _began: float = attrs.field(factory=time.monotonic)
    _ends: deque[float] = attrs.field(factory=deque)

    @classmethod
    def of(cls, states: Iterable[tuple[str, State]]) -> Progress:
        """Begin with the states that are known."""
        known = dict(states)
        return cls(states=known, counts=Counter(known.values()))

    def change(self, entry: Entry) -> None:
        """Count a row in its new state."""
        before = self.states.get(entry.id)
        if before is entry.state:
            return
        if before is not None:
            self.counts[before] -= 1
        self.counts[entry.state] += 1
        self.states[entry.id] = entry.state
        if entry.state.final and (before is None or not before.final):
            self._ends.append(time.monotonic())

    def look(self, counts: Mapping[State, int], spent: float, workers: int) -> None:
        """Take over what was seen of a batch that other processes work on.

        Args:
            counts: How many rows stand in which state.
            spent: What the batch has cost.
            workers: How many processes work on it.
        """
        ended = sum(count for state, count in counts.items() if state.final) - (self.total - self.open)
        if self.workers is not None:  # what had ended before the first time is no speed of this run
            self._ends.extend([time.monotonic()] * max(0, ended))
        if self.workers is None:
            self.spent_before = spent
        self.counts, self.spent_now, self.workers = Counter(counts), spent - self.spent_before, workers

    def restart(self, row_id: str) -> None:
        """Count a row as planned again."""
        self.counts[self.states[row_id]] -= 1
        self.counts[State.PLANNED] += 1
        self.states[row_id] = State.PLANNED

    def update(self, a2e: A2EClient) -> None:
        """Take over what the client knows about coins and the service."""
        if self.workers is None:
            self.spent_now, self.outage = a2e.spent, a2e.outage

    @property
    def shown(self) -> dict[State, int]:
        """How many rows are in each state, in the order of a row's life; a bad state only when a row is in it."""
        return {state: self.counts[state] for state in State if self.counts[state] or not state.bad}

    @property
    def spent(self) -> float:
        """Coins of all runs, as far as they are known yet."""
        return self.spent_before + self.spent_now

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self.counts.total()

    @property
    def open(self) -> int:
        """How many rows are not final yet."""
        return sum(count for state, count in self.counts.items() if not state.final)

    @property
    def bad(self) -> int:
        """How many rows ended without their files."""
        return sum(count for state, count in self.counts.items() if state.bad)

    @property
    def seconds(self) -> float:
        """How long this run has taken so far."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float | None:
        """Rows that became final per second, over the last minute; None before three have."""
        now = time.monotonic()
        while self._ends and self._ends[0] < now - _WINDOW:
            self._ends.popleft()
        if len(self._ends) < _FEWEST_ENDS:
            return None
        return len(self._ends) / max(min(_WINDOW, now - self._began), 0.001)

    @property
    def seconds_left(self) -> float | None:
        """How long this run may still take, None when that is not known."""
        rate = self.rate
        return self.open / rate if rate else None

    def speed_text(self) -> str:
        """Say how fast rows end, and how long the rest will take."""
        rate, left = self.rate, self.seconds_left
        parts = [f"{rate:.3g} rows/s" if rate else "", f"about {_duration(left)} left" if left else ""]
        return " · ".join(filter(None, parts))

    def coins_text(self) -> str:
        """Say what was spent and what is left."""
        spent = f"{self.spent:g} coins spent"
        return spent if self.to_spend is None else f"{spent}, {max(0.0, self.to_spend - self.spent_now):g} left"

    def health_text(self) -> str:
        """Say whether the service answers."""
        return "API healthy" if self.outage is None else f"no answer from the API for {_duration(self.outage)}"

    def line(self) -> str:
        """Sum up everything in one line."""
        others = [f"{count} {state.word}" for state, count in self.shown.items() if count and state is not State.DONE]
        outage = self.health_text() if self.outage is not None else ""
        parts = [self.done_text(), *others, self.speed_text() if self.open else "", self.coins_text(), outage]
        return " · ".join(filter(None, parts))

    def done_text(self) -> str:
        """Say how many rows are done."""
        workers = "" if self.workers is None else f", {self.workers} at work"
        return f"{self.counts[State.DONE]} of {self.total} done{workers}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
