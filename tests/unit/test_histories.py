"""Whatever happens, in whatever order: nothing is billed twice, and no job is lost."""

from __future__ import annotations

from histories import HISTORIES, play
from hypothesis import HealthCheck, given, settings


@settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(HISTORIES)
def test_no_history_bills_twice_or_loses_a_job(history):
    """In 200 random histories every intent is billed as often as it may be, and every bill is known to its user."""
    outcome = play(history)
    assert not outcome.wrong
    assert not outcome.lost
