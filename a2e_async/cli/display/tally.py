"""How far a batch is: rows by state, pace, what is left to do, and coins."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable

import attrs

from a2e_async.batch.entries import Entry, State
from a2e_async.client import A2EClient

STAGES = {state: state.word for state in State}
"""What each state is called on the display, in the order of a row's life."""

_WINDOW = 60.0
_LEAST_SAMPLE = 3


@attrs.define(eq=False, kw_only=True)
class Tally:
    """Where every row stands, and what this run has taught.

    Attributes:
        states: Where each row stands.
        counts: How many rows stand where.
        spent_before: Coins of earlier runs.
        spent_now: Coins of this run, as far as they are known.
        to_spend: Coins that there were at the beginning of this run, or None when that is not known.
        outage: Seconds for which the service has not answered polls, None while all is well.
    """

    states: dict[str, State] = attrs.field(factory=dict)
    counts: Counter[State] = attrs.field(factory=Counter)
    spent_before: float = 0
    spent_now: float = 0
    to_spend: float | None = None
    outage: float | None = None
    _began: float = attrs.field(factory=time.monotonic)
    _ends: deque[float] = attrs.field(factory=deque)

    @classmethod
    def of(cls, states: Iterable[tuple[str, State]]) -> Tally:
        """Begin with what is known of the rows."""
        known = dict(states)
        return cls(states=known, counts=Counter(known.values()))

    def change(self, entry: Entry) -> None:
        """Note where a row stands now."""
        before = self.states.get(entry.id)
        if before is entry.state:
            return
        if before is not None:
            self.counts[before] -= 1
        self.counts[entry.state] += 1
        self.states[entry.id] = entry.state
        if entry.state.final and (before is None or not before.final):
            self._ends.append(time.monotonic())

    def ask(self, a2e: A2EClient) -> None:
        """Ask the client for what it knows about coins and the service."""
        self.spent_now, self.outage = a2e.spent, a2e.outage

    @property
    def stages(self) -> dict[str, int]:
        """How many rows are in each stage."""
        found = dict.fromkeys(STAGES.values(), 0)
        for state, count in self.counts.items():
            found[STAGES[state]] += count
        return found

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self.counts.total()

    @property
    def open(self) -> int:
        """How many rows are not at their end."""
        return sum(count for state, count in self.counts.items() if not state.final)

    @property
    def bad(self) -> int:
        """How many rows have ended without their files."""
        return sum(count for state, count in self.counts.items() if state.bad)

    @property
    def seconds(self) -> float:
        """How long this run has lasted."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float | None:
        """Rows a second that came to their end in the last minute of this run, None before it is known."""
        now = time.monotonic()
        while self._ends and self._ends[0] < now - _WINDOW:
            self._ends.popleft()
        if len(self._ends) < _LEAST_SAMPLE:
            return None
        return len(self._ends) / max(min(_WINDOW, now - self._began), 0.001)

    @property
    def seconds_left(self) -> float | None:
        """How long this run may still last, None when that is not known."""
        rate = self.rate
        return self.open / rate if rate else None

    def pace(self) -> str:
        """Say how fast it goes and how long it takes."""
        rate, left = self.rate, self.seconds_left
        words = [f"{rate:.3g} rows/s" if rate else "", f"about {_span(left)} left" if left else ""]
        return " · ".join(filter(None, words))

    def money(self) -> str:
        """Say what was spent and what is left."""
        spent = f"{self.spent_before + self.spent_now:g} coins spent"
        return spent if self.to_spend is None else f"{spent}, {max(0.0, self.to_spend - self.spent_now):g} left"

    def health(self) -> str:
        """Say how the service is."""
        return "service well" if self.outage is None else f"no answer from the service for {_span(self.outage)}"

    def line(self) -> str:
        """Sum up everything in one line."""
        stages = self.stages
        done = stages.pop("done")
        counts = [f"{count} {stage}" for stage, count in stages.items() if count]
        outage = self.health() if self.outage is not None else ""
        words = [f"{done} of {self.total} done", *counts, self.pace() if self.open else "", self.money(), outage]
        return " · ".join(filter(None, words))


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
