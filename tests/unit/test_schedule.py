"""When tasks are looked at, and which of them share a look."""

from __future__ import annotations

import collections
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async import UsageError
from a2e_async.core.schedule import Cadence, LookQueue


def hundred(_group):
    """Allow a hundred tasks in a look."""
    return 100


def drain(queue, now, limit=hundred):
    """Take everything that is due."""
    taken = []
    while (look := queue.take(now, limit)) is not None:
        taken.append(look)
    return taken


@pytest.mark.parametrize("delay", [0.01, 0.5, 2.5, 60.0])
def test_a_task_is_due_at_the_next_tick(delay):
    """The next look comes after now, at most an interval later, and at a whole number of intervals."""
    cadence = Cadence(delay=delay)
    for now in (0.0, 0.3, 0.999, 1.0, 12345.678):
        due = cadence.next_due(now)
        assert now < due <= now + cadence.interval * 1.000001
        assert due / cadence.interval == pytest.approx(round(due / cadence.interval))


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=0, max_value=1e9), st.sampled_from([0.01, 0.5, 7.3]))
def test_due_times_never_go_back(one, other, delay):
    """Of two moments the later one is never due earlier, and moments of one tick share their look exactly."""
    cadence = Cadence(delay=delay)
    first, second = sorted((one, other))
    assert cadence.next_due(first) <= cadence.next_due(second)
    assert cadence.next_due(first) - first <= cadence.interval * 1.001


@pytest.mark.parametrize("field", ["delay", "looks_per_second", "looks_in_flight"])
def test_a_cadence_without_sense_is_refused(field):
    """Each setting must be a number above 0, and the error names it."""
    for value in (0, -1, math.inf, math.nan, True, "1", None):
        with pytest.raises(UsageError, match=rf"^Cadence\.{field}: must be"):
            Cadence(**{field: value})


def test_the_gap_between_looks():
    """So many looks a second are so far apart."""
    assert Cadence(looks_per_second=10).gap == pytest.approx(0.1)
    assert Cadence(delay=0.5).interval == 1.0


def test_an_empty_queue_has_nothing():
    """Nothing is due and nothing will be."""
    queue = LookQueue()
    assert queue.next_due() is None
    assert queue.take(1e9, hundred) is None


def test_nothing_is_taken_before_its_tick():
    """A task is taken at its tick and not before, once."""
    queue = LookQueue()
    queue.add("films", "a", 5.0)
    assert queue.next_due() == 5.0
    assert queue.take(4.999, hundred) is None
    assert queue.take(5.0, hundred) == ("films", ["a"])
    assert queue.next_due() is None
    assert queue.take(9.0, hundred) is None


def test_the_earliest_tick_counts():
    """Tasks may be added in any order."""
    queue = LookQueue()
    for due in (7.0, 3.0, 5.0, 3.0):
        queue.add("films", due, due)
    assert queue.next_due() == 3.0
    assert queue.take(5.0, hundred) == ("films", [3.0, 3.0, 5.0])
    assert queue.next_due() == 7.0


def test_groups_never_share_a_look():
    """Each look has tasks of one group, and groups take turns: a long line delays nobody else's."""
    queue = LookQueue()
    for number in range(250):
        queue.add("films", number, 1.0)
    queue.add("pictures", "p", 1.0)
    assert queue.take(1.0, hundred) == ("films", list(range(100)))
    assert queue.next_due() == -math.inf
    assert drain(queue, 1.0) == [
        ("pictures", ["p"]),
        ("films", list(range(100, 200))),
        ("films", list(range(200, 250))),
    ]


def test_the_limit_is_asked_for_each_group():
    """A family's own limit bounds its looks."""
    queue = LookQueue()
    for number in range(5):
        queue.add("films", number, 1.0)
        queue.add("alone", number, 1.0)
    sizes = collections.Counter((group, len(items)) for group, items in drain(queue, 1.0, {"films": 3, "alone": 1}.get))
    assert sizes == {("films", 3): 1, ("films", 2): 1, ("alone", 1): 5}


def test_a_set_stays_together_and_goes_first():
    """Tasks that are looked at as a set meet no others, and are cut only at the limit."""
    queue = LookQueue()
    queue.add("films", "due", 0.0)
    queue.add_set("films", list(range(150)))
    queue.add_set("films", ["x"])
    assert queue.next_due() == -math.inf
    assert drain(queue, 0.0) == [
        ("films", list(range(100))),
        ("films", list(range(100, 150))),
        ("films", ["x"]),
        ("films", ["due"]),
    ]


def test_a_hint_goes_before_its_group():
    """A hurried task is looked at now, before the others of its group."""
    queue = LookQueue()
    queue.add("films", "a", 0.0)
    queue.add("films", "later", 9.0)
    assert queue.take(0.0, lambda _group: 1) == ("films", ["a"])
    queue.hurry("films", "b")
    queue.hurry("films", "c")
    assert queue.next_due() == -math.inf
    assert queue.take(0.0, hundred) == ("films", ["c", "b"])


def test_a_hurried_group_shares_its_look_with_what_is_due():
    """A hint makes no look of its own when its group has one now anyway."""
    queue = LookQueue()
    for number in range(3):
        queue.add("films", number, 1.0)
    queue.hurry("films", "hint")
    assert drain(queue, 1.0) == [("films", ["hint", 0, 1, 2])]


def test_staggered_starts_share_looks():
    """1,000 tasks that were started a little apart make ten full looks a tick, not hundreds of small ones."""
    cadence = Cadence(delay=2.5)
    dice = random.Random(7)
    queue = LookQueue()
    for task in range(1000):
        queue.add("films", task, cadence.next_due(dice.uniform(0, 60)))
    ticks = {}
    while (now := queue.next_due()) is not None and now < 300:
        for _group, tasks in drain(queue, now):
            ticks.setdefault(now, []).append(len(tasks))
            for task in tasks:
                queue.add("films", task, cadence.next_due(now + dice.uniform(0, 0.9)))
    steady = [sizes for tick, sizes in ticks.items() if tick > 65]
    assert len(steady) == 46
    assert all(sizes == [100] * 10 for sizes in steady)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=300),
    st.integers(min_value=1, max_value=7),
)
def test_every_task_is_taken_once_and_in_time(added, limit):
    """However tasks are added, each is taken once, at its tick, by its own group, and within the limit."""
    queue = LookQueue()
    for number, (group, due) in enumerate(added):
        queue.add(group, (number, group, due), float(due))
    taken = []
    for now in range(21):
        for group, items in drain(queue, float(now), lambda _group: limit):
            assert 1 <= len(items) <= limit
            assert all(item[1] == group and item[2] == now for item in items)
            taken += items
    assert sorted(taken) == [(number, group, due) for number, (group, due) in enumerate(added)]
    assert queue.next_due() is None
