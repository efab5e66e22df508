"""The life of a row is a table: an event changes a row only where the table says that it may come."""

from __future__ import annotations

import itertools

import pytest
from ledgers import FILE, entry

from a2e_async import (
    A2EError,
    AuthenticationError,
    BudgetExceededError,
    ClientClosedError,
    DownloadError,
    InsufficientCoinsError,
    InvalidRequestError,
    JobCancelledError,
    JobTimeoutError,
    MissingTokenError,
    NotFoundError,
    RateLimitedError,
    RejectedRequestError,
    ServiceError,
    StartUnknownError,
    TransportError,
    UsageError,
)
from a2e_async.batch.verdicts import KEPT_SECONDS, in_words, verdict
from a2e_async.store.entries import MOVES, RowEvent, State

VERBS = {
    RowEvent.INTENDED: lambda book: book.intended("a", "abcdefgh", 1, 10),
    RowEvent.SENDING: lambda book: book.sending("a", "a", 5.0),
    RowEvent.ACCEPTED: lambda book: book.accepted("a", ["t1"], 10),
    RowEvent.FINISHED: lambda book: book.finished("a", coins=10),
    RowEvent.DOWNLOADED: lambda book: book.downloaded("a", [FILE]),
    RowEvent.FAILED: lambda book: book.ended("a", RowEvent.FAILED, "why"),
    RowEvent.REFUSED: lambda book: book.ended("a", RowEvent.REFUSED, "why"),
    RowEvent.LOST: lambda book: book.ended("a", RowEvent.LOST, "why"),
    RowEvent.EXPIRED: lambda book: book.ended("a", RowEvent.EXPIRED, "why"),
    RowEvent.RELEASED: lambda book: book.released("a", "why"),
    RowEvent.AGAIN: lambda book: book.again(["a"], frozenset(State)),
    RowEvent.NOTED: lambda book: book.noted("a", "why"),
}


async def test_every_event_changes_a_row_only_from_the_states_of_the_table(book):
    """In any other state it says no, and the row is byte for byte as it was."""
    assert set(VERBS) == set(MOVES) == set(RowEvent)
    await book.plan([entry()])
    for event, state in itertools.product(RowEvent, State):
        await book.write(("UPDATE rows SET state = ?", (state.value,)))
        before = await book._ask("SELECT * FROM rows")
        allowed, after = MOVES[event]
        assert bool(await VERBS[event](book)) == (state in allowed), (event, state)
        if state in allowed:
            assert (await book._ask("SELECT state FROM rows"))[0][0] == (after or state).value
        else:
            assert await book._ask("SELECT * FROM rows") == before


def test_people_read_plain_words_for_states():
    """The words of the field, one for each state."""
    words = ["planned", "starting", "running", "downloading", "done", "failed", "refused", "unknown", "expired"]
    assert [state.word for state in State] == words


async def test_the_posts_of_a_start_are_kept_by_the_service_s_clock(book):
    """The first and the latest, with their letters; a release or a new attempt forgets them."""
    await book.plan([entry()])
    await book.intended("a", "abcdefgh", 1, 10)
    seen = []
    for letter, at in (("a", None), ("a", 7.0), ("b", 9.0)):
        await book.sending("a", letter, at)
        known = (await book.known(["a"]))["a"]
        seen.append((known.sent_first, known.sent_last, known.letters))
    assert seen == [(None, None, "a"), (None, 7.0, "a"), (None, 9.0, "ab")]
    await book.released("a", "")
    known = (await book.known(["a"]))["a"]
    assert (known.sent_first, known.sent_last, known.letters, known.price) == (None, None, "", None)


RUN = [
    UsageError("tag: is in use"),
    ClientClosedError("closed"),
    BudgetExceededError("b"),
    InsufficientCoinsError("c"),
    AuthenticationError("d"),
    MissingTokenError("e"),
    RateLimitedError("f"),
    TransportError("g"),
    JobCancelledError("h"),
    JobTimeoutError("i"),
    A2EError("j"),
    ZeroDivisionError(),
    ServiceError("k", status=503),
    StartUnknownError("l", search_again=True),
]


def at(state, *, letters="", **more):
    """Make an entry in a state."""
    return entry(state=state, letters=letters, **more)


@pytest.mark.parametrize("error", RUN, ids=lambda error: type(error).__name__)
def test_what_concerns_the_run_never_ends_a_row(error):
    """Whatever the row's state, and also after a POST of an earlier run, whose fate it does not tell."""
    for state in State:
        assert verdict(error, at(state, letters="a"), at(state, letters="a"), 0.0) is RowEvent.NOTED
    event = verdict(error, at(State.PLANNED), at(State.INTENDED), 0.0)
    assert event in (RowEvent.NOTED, RowEvent.RELEASED)
    assert verdict(error, at(State.PLANNED), at(State.PLANNED), 0.0) is RowEvent.NOTED


@pytest.mark.parametrize(
    ("error", "state", "event"),
    [
        (InvalidRequestError("x"), State.PLANNED, RowEvent.REFUSED),
        (InvalidRequestError("x"), State.INTENDED, RowEvent.REFUSED),
        (RejectedRequestError("x", status=400), State.PLANNED, RowEvent.REFUSED),
        (RejectedRequestError("x", status=400), State.INTENDED, RowEvent.REFUSED),
        (NotFoundError("x", status=404), State.INTENDED, RowEvent.REFUSED),
        (StartUnknownError("x"), State.INTENDED, RowEvent.LOST),
        (TransportError("x"), State.INTENDED, RowEvent.RELEASED),
        (NotFoundError("x", status=404), State.COMPLETED, RowEvent.EXPIRED),
        (NotFoundError("x", status=404), State.DONE, RowEvent.EXPIRED),
        (RejectedRequestError("x", status=400), State.ACCEPTED, RowEvent.NOTED),
        (DownloadError("x", expired=True), State.COMPLETED, RowEvent.NOTED),
    ],
)
def test_what_is_said_of_the_row_ends_it(error, state, event):
    """By a table of the kind of error and where the row stands."""
    assert verdict(error, at(State.PLANNED), at(state, finished_at=0.0), 0.0) is event


def test_a_refusal_after_the_look_ends_also_what_an_earlier_run_had_sent():
    """But a rule of ours says nothing of what was sent: that stays to be looked for."""
    sent = at(State.INTENDED, letters="a")
    assert verdict(RejectedRequestError("x", status=400), sent, sent, 0.0) is RowEvent.REFUSED
    assert verdict(InvalidRequestError("x"), sent, sent, 0.0) is RowEvent.NOTED


@pytest.mark.parametrize(("state", "since"), [(State.ACCEPTED, "accepted_at"), (State.COMPLETED, "finished_at")])
def test_what_is_denied_is_given_up_only_when_results_are_kept_no_more(state, since):
    """Tasks may be hidden for a while: asking again is free, and giving up costs what was paid."""
    error = (
        NotFoundError("no such task", status=404) if state is State.ACCEPTED else DownloadError("gone", expired=True)
    )
    row = at(state, **{since: 100.0})
    assert verdict(error, row, row, 100.0 + KEPT_SECONDS - 1) is RowEvent.NOTED
    assert verdict(error, row, row, 100.0 + KEPT_SECONDS) is RowEvent.EXPIRED
    assert "redo a makes it again" in in_words(error, RowEvent.EXPIRED, row)


def test_every_error_has_words():
    """Also one that is none of ours and says nothing."""
    assert in_words(ZeroDivisionError(), RowEvent.NOTED, at(State.PLANNED)) == "ZeroDivisionError: "
    assert in_words(TransportError("no route"), RowEvent.RELEASED, at(State.PLANNED)) == "no route"
