"""Random histories of a client: a service with habits, a script of faults, and what a user does.

The user starts, waits, cancels, lets go, attaches once more, loses the service for a while, closes the client and
resumes what had not ended. Nothing here is random by itself: Hypothesis draws the histories, for the suite and for
`benchmarks/histories.py`. `history_plays.py` plays one, `history_verdicts.py` says what it came to.
"""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import strategies as st
from lying import LIES, Lie

from a2e_async import ImageToVideo, TextToImage

WINDOW = 60.0
REQUESTS = (
    TextToImage("a red kite"),
    TextToImage("four", max_images=4),
    ImageToVideo("http://example.com/a.png", prompt="it climbs", negative_prompt="no"),
    ImageToVideo("http://example.com/a.png", prompt="two", negative_prompt="no", number_of_images=2),
    ImageToVideo("http://example.com/a.png", prompt="[fail]", negative_prompt="no"),
)


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
    budget: float | None = None
    rate: float | None = None

    @property
    def names_are_kept(self):
        """Whether the service gives names back as they were sent."""
        return self.habits["names"] == "keep" and self.habits["list_names"] is None

    @property
    def list_is_quick(self):
        """Whether the list shows a task within the window in which it is looked for."""
        return self.habits["list_lag"] < WINDOW - 2


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
    _fault(["quote", "balance"], _POLLS),
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
    st.sampled_from(["start"] * 3 + ["many", "wait", "cancel", "detach", "attach", "outage", "resume", "sleep"]),
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
    st.sampled_from([None, None, None, 25.0, 65.0, 150.0, 1_000.0]),
    st.sampled_from([None, None, None, 2.0, 20.0]),
).map(_settled)
