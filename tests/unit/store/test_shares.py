"""Permits: parts of a limit, whatever processes want, never add up to more than it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from a2e_async.store.shares import Permits, fair_parts, next_permits

DEMANDS = st.dictionaries(st.integers(1, 9), st.integers(0, 60), min_size=1)


@given(st.integers(0, 100), DEMANDS)
def test_fair_parts_add_up_to_the_limit(limit, demands):
    """All of it is given, to somebody."""
    assert sum(fair_parts(limit, demands).values()) == limit


@given(st.integers(0, 100), DEMANDS)
def test_nobody_waits_while_another_has_more_than_its_part(limit, demands):
    """Who gets less than it wants gets as much as anybody, but for one."""
    parts = fair_parts(limit, demands)
    short = [one for one in demands if parts[one] < demands[one]]
    for one in short:
        assert all(parts[one] >= parts[other] - 1 for other in demands)


@given(
    st.integers(0, 50),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 80), st.floats(0, 1), st.integers(0, 5)), max_size=40),
)
def test_permits_never_pass_the_limit_and_nobody_loses_what_it_uses(limit, turns):
    """In whatever order processes ask, and whatever they want then."""
    had = dict.fromkeys(range(4), 0)
    wanted = dict.fromkeys(range(4), 0)
    for one, demand, part, _orphans in turns:
        wanted[one] = demand
        used = int(had[one] * part)
        parts = [Permits(other, had[other], wanted[other]) for other in had]
        had[one] = next_permits(limit, parts, one, used, 0)
        assert had[one] >= used
        assert sum(had.values()) <= limit


def test_what_nobody_watches_takes_places():
    """A dead process's tasks run on at the service."""
    assert next_permits(10, [Permits(1, 0, 50)], 1, 0, 4) == 6
    assert next_permits(10, [Permits(1, 0, 50)], 1, 0, 40) == 0
