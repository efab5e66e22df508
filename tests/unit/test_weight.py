"""What a job costs: bytes, not time, so that a busy machine changes nothing."""

from __future__ import annotations

import pytest
from benchmark import figures


@pytest.mark.timeout(400)  # it counts bytes, and a machine that is busy with other things may take its time
def test_twenty_thousand_jobs_are_light():
    """A queued or running job costs at most 4 KiB, and no asyncio task of its own."""
    measured = figures("weight")
    assert 100 < measured["memory of a queued job"] <= 1024
    assert 100 < measured["memory of a running job"] <= 4096
    assert 2 < measured["asyncio tasks with queued jobs"] <= 40
    assert measured["asyncio tasks with running jobs"] <= 10
