"""Many clients in one process, as a web application or a test suite has them."""

from __future__ import annotations

import pytest
from benchmark import figures


@pytest.mark.timeout(400)  # nothing here depends on time
def test_two_hundred_clients_leave_nothing_behind():
    """Opened and closed in development mode, warnings as errors: no task, no file, no complaint is left."""
    measured = figures("clients", interpreter=("-X", "dev", "-W", "error"))
    assert measured["asyncio tasks left behind"] == measured["complaints"] == 0
