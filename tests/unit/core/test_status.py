"""Every spelling of a status, and which status may follow which."""

from __future__ import annotations

import pytest

from a2e_async.core.status import SPELLINGS, Status, least_advanced, may_follow, read_status

READ = {
    "init": Status.INITIALIZED,
    "initialized": Status.INITIALIZED,
    "start": Status.SENT,
    "sent": Status.SENT,
    "pending": Status.PENDING,
    "pendding": Status.PENDING,
    "process": Status.PROCESSING,
    "processing": Status.PROCESSING,
    "copy": Status.PROCESSING,
    "success": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "done": Status.COMPLETED,
    "finish": Status.COMPLETED,
    "fail": Status.FAILED,
    "failed": Status.FAILED,
    "error": Status.FAILED,
}
LIFE = [Status.INITIALIZED, Status.SENT, Status.PENDING, Status.PROCESSING, Status.COMPLETED]
FOLLOWERS = {
    Status.UNKNOWN: list(Status),
    Status.INITIALIZED: [*LIFE, Status.FAILED],
    Status.SENT: [*LIFE[1:], Status.FAILED],
    Status.PENDING: [*LIFE[2:], Status.FAILED],
    Status.PROCESSING: [*LIFE[3:], Status.FAILED],
    Status.COMPLETED: [],
    Status.FAILED: [],
}


@pytest.mark.parametrize(("spelling", "status"), READ.items())
def test_spellings(spelling, status):
    """Every spelling the service is known to use is read, in any case and with spaces round it."""
    for written in (spelling, spelling.upper(), spelling.title(), f" {spelling}\n"):
        assert read_status(written) is status


@pytest.mark.parametrize("value", ["", "queued", "cancelled", "completed!", None, True, 100, 1.5, [], {"a": 1}])
def test_what_is_not_known_is_still_running(value):
    """A spelling or a value that nobody knows is UNKNOWN, which is not final."""
    assert read_status(value) is Status.UNKNOWN
    assert not Status.UNKNOWN.final


def test_only_completed_and_failed_are_final():
    """Two statuses end a task, and every spelling of the table belongs to a known status."""
    assert {status for status in Status if status.final} == {Status.COMPLETED, Status.FAILED}
    assert Status.UNKNOWN not in SPELLINGS.values()


def test_ranks_follow_the_life_of_a_task():
    """Ranks grow along a task's life, UNKNOWN ranks lowest, and both ends rank the same."""
    ranks = [status.rank for status in [Status.UNKNOWN, *LIFE]]
    assert ranks == sorted(set(ranks))
    assert Status.FAILED.rank == Status.COMPLETED.rank


@pytest.mark.parametrize(("old", "followers"), FOLLOWERS.items())
def test_which_status_may_follow(old, followers):
    """A final status never changes, and a late, older answer never sets a task back."""
    assert {new for new in Status if may_follow(old, new)} == set(followers)


@pytest.mark.parametrize(
    ("statuses", "least"),
    [
        ([Status.COMPLETED], Status.COMPLETED),
        ([Status.COMPLETED, Status.SENT, Status.PROCESSING], Status.SENT),
        ([Status.COMPLETED, Status.FAILED], Status.FAILED),
        ([Status.FAILED, Status.COMPLETED], Status.FAILED),
        ([Status.PROCESSING, Status.UNKNOWN], Status.UNKNOWN),
    ],
)
def test_least_advanced(statuses, least):
    """Of several tasks the least advanced counts, and a failed one before a completed one."""
    assert least_advanced(statuses) is least
