"""Whatever happens, in whatever order: nothing is billed twice, and no job is lost."""

from __future__ import annotations

from histories import HISTORIES
from history_verdicts import play
from hypothesis import HealthCheck, given, settings


@settings(max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(HISTORIES)
def test_no_history_bills_twice_or_loses_a_job(history):
    """In 300 random histories: bills as often as may be, every bill known to its user, every coin counted once."""
    outcome = play(history)
    assert not outcome.wrong
    assert not outcome.lost
    assert not outcome.miscounted
