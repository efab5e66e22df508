"""The fence: no row is written by the old holder after another process has taken it over."""

from __future__ import annotations

import pytest
from fence_race import race

pytestmark = pytest.mark.timeout(400)


async def test_no_write_comes_after_a_takeover(views):
    """Three writers hammer while another process takes over and reads: what it has read stays."""
    assert await race(views, 6) == (0, 0)


@pytest.mark.slow
async def test_no_write_comes_after_any_of_150_takeovers(views):
    """The same, often enough that a fence without its locks would fail half of the time."""
    if views.kind == "memory":
        pytest.skip("one connection is no race")
    assert await race(views, 150, seed=2) == (0, 0)


async def test_without_the_locks_writes_come_late(views):
    """This race can be lost: the same statements without their locks write rows that are another's already."""
    if views.kind == "memory":
        pytest.skip("one connection is no race")
    takeovers, rows = await race(views, 40, fenced=False, rows=5)
    assert takeovers == 1
    assert rows > 0
