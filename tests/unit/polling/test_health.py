"""The service's health as polls find it, with the clock as a plain number."""

from __future__ import annotations

import pytest

from a2e_async import AuthenticationError, Retry
from a2e_async.engine.polling.health import Health

REFUSED = AuthenticationError("the token was refused", status=401)


@pytest.fixture(autouse=True)
def longest_waits(monkeypatch):
    """Let chance choose the longest wait each time."""
    monkeypatch.setattr("random.random", lambda: 1.0)


def test_all_is_well_at_first():
    """A new service counts as well, and a poll may go at once."""
    health = Health(Retry())
    assert health.well
    assert health.outage_since is None
    assert health.poll_from() <= 0


def test_each_failed_trial_doubles_the_pause():
    """After a failure polls pause, longer each time, up to the longest wait."""
    health, at, waits = Health(Retry()), 100.0, []
    for _ in range(9):
        health.failed(at)
        waits.append(health.poll_from() - at)
        at = health.poll_from()
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert health.outage_since == 100.0
    assert not health.well


def test_looks_that_fail_together_count_as_one():
    """Eight polls that were under way when the service went down make one failure, not eight."""
    health = Health(Retry())
    for late in range(8):
        health.failed(100.0 + late / 100)
    assert health.failures == 1
    assert health.poll_from() == 100.5


@pytest.mark.parametrize(("asked", "wait"), [(7.0, 7.0), (0.0, 0.5), (3600.0, 30.0)])
def test_the_service_says_how_long(asked, wait):
    """Retry-After counts where it is longer than our own wait, up to the longest wait."""
    health = Health(Retry())
    health.failed(100.0, asked)
    assert health.poll_from() == 100.0 + wait


def test_a_pause_is_never_shortened():
    """A short Retry-After of a late failure does not cut a longer pause."""
    health = Health(Retry())
    health.failed(100.0, 20.0)
    health.failed(100.1, 1.0)
    assert health.poll_from() == 120.0


def test_one_good_look_ends_the_outage():
    """After a good poll everything is as at first, also the length of the next pause."""
    health = Health(Retry())
    for at in (100.0, 101.0, 103.0):
        health.failed(at)
    health.succeeded()
    assert (health.well, health.outage_since, health.poll_from()) == (True, None, 0.0)
    health.failed(200.0)
    assert (health.outage_since, health.poll_from()) == (200.0, 200.5)


def test_a_token_is_refused_for_good_only_after_some_time():
    """Three refusals count when they span a minute; a burst of them does not."""
    health = Health(Retry())
    assert [health.token_refused(100.0 + at, REFUSED) for at in (0, 1, 2, 59.9)] == [None] * 4
    assert health.token_refused(160.0, REFUSED) is REFUSED


def test_two_refusals_are_not_enough():
    """However far apart, fewer than three refusals are a passing trouble."""
    health = Health(Retry())
    assert health.token_refused(100.0, REFUSED) is None
    assert health.token_refused(1000.0, REFUSED) is None
    assert health.token_refused(1001.0, REFUSED) is REFUSED


def test_a_good_look_forgets_refusals():
    """Refusals count only in a row."""
    health = Health(Retry())
    for at in (100.0, 155.0):
        health.token_refused(at, REFUSED)
    health.succeeded()
    assert [health.token_refused(at, REFUSED) for at in (200.0, 255.0)] == [None, None]


def test_the_bounds_are_settings():
    """The bounds come from `Retry`."""
    health = Health(Retry(token_refusals=1, token_seconds=0.0, first_wait=2.0, longest_wait=3.0))
    assert health.token_refused(1.0, REFUSED) is REFUSED
    health.failed(10.0)
    assert health.poll_from() == 12.0
    health.failed(12.0)
    assert health.poll_from() == 15.0
