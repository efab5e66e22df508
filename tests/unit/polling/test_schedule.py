"""When tasks are polled, and which of them share a poll."""

from __future__ import annotations

import collections
import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async import UsageError
from a2e_async.core.polling.cohorts import Waiting
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.schedule import Cadence, PollQueue

VIDEOS, IMAGES = ("videos", False), ("images", False)
DUE = Cadence().interval
SOON = 0.17 * DUE
NEVER = 1e9


class Task(Waiting):
    """A task with a name."""

    __slots__ = ("name",)

    def __init__(self, name, born=0.0, asked=None, *, teaches=True):
        super().__init__(born, teaches=teaches)
        self.name = name
        self.asked = born if asked is None else asked

    def __repr__(self):
        return str(self.name)


def hundred(_group):
    """Allow a hundred tasks in a poll."""
    return 100


def queue_of(*tasks, group=VIDEOS, learned=None, cadence=None):
    """Make a queue of tasks of one group."""
    queue = PollQueue(cadence or Cadence(), learned or Learned())
    for task in tasks:
        queue.add(group, task)
    return queue


def named(count, born=0.0, **how):
    """Make tasks that can be told apart."""
    return [Task(number, born, **how) for number in range(count)]


def names(look):
    """Give the names of a poll's tasks."""
    return [task.name for task in look[1]]


def drain(queue, now, limit=hundred):
    """Take everything that is due."""
    taken = []
    while (look := queue.take(now, limit)) is not None:
        taken.append(look)
    return taken


def knowing(ended, lived, family="videos"):
    """Make a memory of so many tasks that ended and lived on in each of the first bins."""
    learned = Learned()
    learned.recall(Learned().kept() | {"families": {family: {"ended": ended, "lived": lived}}})
    return learned


def videos_of_a_minute():
    """Make a memory of 500 videos that all ran for a minute."""
    learned = Learned()
    for _ in range(500):
        task = Task("taught")
        learned.running("videos", [task], 60.0)
        learned.ended("videos", task, 61.0)
    learned.ages("videos").weigh(0.0)
    return learned


@pytest.mark.parametrize("field", ["delay", "polls_per_second", "polls_in_flight"])
def test_a_cadence_without_sense_is_refused(field):
    """Each setting must be a number above 0, and the error names it."""
    for value in (0, -1, math.inf, math.nan, True, "1", None):
        with pytest.raises(UsageError, match=rf"^Cadence\.{field}: must be"):
            Cadence(**{field: value})


@pytest.mark.parametrize("cap", [0.1, 1, 10, 50])
def test_the_gap_keeps_the_cap_for_any_second(cap):
    """As many polls as a second allows are a little more than a second apart, first to last but one."""
    assert 1 < Cadence(polls_per_second=cap).gap * cap < 1.05


def test_the_interval_leaves_time_for_the_way():
    """An end falls half an interval before a poll in the mean, which is less than the delay that is wanted."""
    assert 0.6 < Cadence(delay=0.8).interval / 2 < 0.8


def test_an_empty_queue_has_nothing():
    """Nothing is due and nothing will be."""
    queue = queue_of()
    assert queue.next_due() is None
    assert queue.take(1e9, hundred) is None


def test_a_task_is_due_an_interval_after_it_was_asked_for():
    """A new one before, where few wait. It is taken then and not earlier, once."""
    queue = queue_of(Task("a", 5.0))
    assert queue.next_due() == 5.0 + SOON
    assert queue.take(5.0 + SOON - 0.001, hundred) is None
    (task,) = queue.take(5.0 + SOON, hundred)[1]
    task.asked = 5.0 + SOON
    queue.add(("videos", False), task)
    assert queue.next_due() == 5.0 + SOON + DUE
    assert queue.take(5.0 + SOON + DUE - 0.001, hundred) is None
    assert names(queue.take(5.0 + SOON + DUE, hundred)) == ["a"]
    assert queue.next_due() is None
    assert queue.take(NEVER, hundred) is None


def test_the_earliest_counts():
    """Tasks may be added in any order, and those that are not due yet share the poll of one that is."""
    queue = queue_of(*(Task(born, born) for born in (7.0, 3.0, 5.0, 3.5)))
    assert queue.next_due() == 3.0 + SOON
    assert sorted(names(queue.take(7.1, hundred))) == [3.0, 3.5, 5.0, 7.0]


def test_of_more_than_a_look_has_room_for_those_asked_for_just_now_wait():
    """With more than 100 tasks nobody is asked for again within half an interval."""
    queue = queue_of(*named(150), *(Task("fresh", 0.0, asked=9.9) for _ in range(50)))
    first, second = (queue.take(10.0, hundred) for _ in range(2))
    assert "fresh" not in names(first)
    assert names(second).count("fresh") == 50  # what is left has room in one poll


def test_groups_never_share_a_poll():
    """Each poll has tasks of one group."""
    queue = queue_of(*named(250))
    for number in range(3):
        queue.add(IMAGES, Task(number))
    polls = drain(queue, 9.0)
    assert collections.Counter(group for group, _tasks in polls) == {VIDEOS: 3, IMAGES: 1}
    assert sorted(len(tasks) for _group, tasks in polls) == [3, 50, 100, 100]


def test_the_limit_is_asked_for_each_group():
    """A family's own limit bounds its polls."""
    queue = queue_of(*named(5))
    for number in range(5):
        queue.add(("videos", True), Task(number))
    limits = {VIDEOS: 3, ("videos", True): 1}
    sizes = collections.Counter((group, len(tasks)) for group, tasks in drain(queue, 9.0, limits.get))
    assert sizes == {(VIDEOS, 3): 1, (VIDEOS, 2): 1, (("videos", True), 1): 5}


def test_a_set_stays_together_and_goes_first():
    """Tasks that are polled as a set meet no others, and are cut only at the limit."""
    queue = queue_of(Task("due"))
    queue.add_set(VIDEOS, named(150))
    queue.add_set(VIDEOS, [Task("x")])
    assert queue.next_due() == -math.inf
    assert [len(tasks) for _group, tasks in drain(queue, 9.0)] == [100, 50, 1, 1]


def test_hints_share_a_poll():
    """Tasks that were hinted at are polled now, all in one request, with others that were not asked for just now."""
    queue = queue_of(*named(60, born=5.0), *(Task("waits", 4.5) for _ in range(9)))
    hinted = [Task(f"hint {number}", 5.0) for number in range(30)]
    for task in hinted:
        queue.add(VIDEOS, task)
        queue.hurry(VIDEOS, task)
    assert queue.next_due() == -math.inf
    taken = names(queue.take(5.1, hundred))
    assert taken[:30] == [task.name for task in hinted]
    assert taken[30:] == ["waits"] * 9
    assert queue.take(5.1, hundred) is None


def test_hints_go_before_what_is_due():
    """Of two families the one with a hint is polled first."""
    queue = queue_of(*named(300))
    queue.take(8.9, hundred)
    queue.add(IMAGES, Task("other", 8.0))
    queue.take(8.9, hundred)
    queue.hurry(IMAGES, Task("hint", 8.9))
    assert names(queue.take(9.0, hundred)) == ["hint"]


def test_one_that_leaves_is_not_taken():
    """A task that was let go of waits no more, hurried or not."""
    stays, goes, hurried = Task("stays"), Task("goes"), Task("hurried")
    queue = queue_of(stays, goes, hurried)
    queue.hurry(VIDEOS, hurried)
    goes.leave()
    hurried.leave()
    assert [names(look) for look in drain(queue, 9.0)] == [["stays"]]
    assert queue.next_due() is None


# What is learned.


def test_the_likeliest_are_taken():
    """Of 200 videos those are asked for that are a minute old, if videos run for a minute."""
    young = [Task("young", 40.0, asked=80.0) for _ in range(100)]
    ripe = [Task("ripe", 27.0, asked=80.0) for _ in range(100)]
    look = queue_of(*young, *ripe, learned=videos_of_a_minute()).take(88.0, hundred)
    assert set(names(look)) == {"ripe"}


def test_a_look_goes_where_most_have_ended():
    """Fifty videos of which many have ended go before a hundred images of which few have."""
    videos = [Task("ripe", 27.0, asked=80.0) for _ in range(50)]
    queue = queue_of(*videos, learned=videos_of_a_minute())
    for _ in range(100):
        queue.add(IMAGES, Task("image", 0.0, asked=86.0))
    for group in (VIDEOS, IMAGES):
        queue._group(group).taken_at = 87.9
    assert queue.take(88.0, hundred)[0] == VIDEOS


def test_what_has_hardly_ended_rests():
    """Videos of a minute rest when they are half of one old, for three intervals at most, and not when they may end."""
    for age, most, least in ((30, 3 * DUE, 2 * DUE), (59.5, 1.5 * DUE, 0)):
        tasks = named(300, born=-age, asked=0.0)
        queue = queue_of(*tasks, learned=videos_of_a_minute())
        assert drain(queue, DUE * 0.99) == []
        now = DUE
        while queue.take(now, hundred) is None:
            now = queue.next_due()
        assert least <= now <= most


def test_a_single_task_rests_no_longer_than_three_intervals():
    """Where one poll reaches all, not even a sure estimate delays it for more than three intervals."""
    queue = queue_of(Task("a", -30.0, asked=0.0), learned=videos_of_a_minute())
    now = DUE
    while queue.take(now, hundred) is None:
        now = queue.next_due()
    assert 2 * DUE < now <= 3 * DUE


def test_few_tasks_of_which_nothing_is_known_never_rest():
    """That the first ones have lived for long says nothing of when they end: they are asked for each interval."""
    learned = Learned()
    queue, now = queue_of(*named(50), learned=learned), 0.0
    for _ in range(100):
        group, tasks = queue.take(now + DUE, hundred)
        now += DUE
        for task in tasks:
            learned.running("videos", [task], now)
            task.asked = now
            queue.add(group, task)


@pytest.mark.parametrize("count", [1, 100, 300])
def test_an_estimate_never_delays_a_first_poll(count):
    """However sure it is that videos run for a minute, a new one is polled after one interval."""
    queue = queue_of(*named(count), learned=videos_of_a_minute())
    assert queue.next_due() == DUE
    assert sum(len(tasks) for _group, tasks in drain(queue, DUE)) == count


def test_new_tasks_have_a_look_soon_when_there_are_too_many():
    """Under the cap new videos have their first poll within some seconds, though riper ones wait."""
    queue = queue_of(*[Task("ripe", -55.0, asked=0.0) for _ in range(5000)], learned=videos_of_a_minute())
    new = named(50, born=1.0)
    for task in new:
        queue.add(VIDEOS, task)
    looked_at = {}
    for slot in range(60):
        now = 2.0 + slot / 10
        for task in (queue.take(now, hundred) or (None, []))[1]:
            looked_at.setdefault(task, now)
            task.asked = now
            queue.add(VIDEOS, task)
    assert max(looked_at.get(task, NEVER) for task in new) <= 3.5


def test_a_small_family_does_not_starve():
    """One image among 9,000 videos is asked for every few seconds, by its own interval or a little later."""
    queue = queue_of(*[Task("video", -55.0, asked=-20.0) for _ in range(9000)], learned=videos_of_a_minute())
    queue.add(IMAGES, Task("image", 0.0))
    times = [0.0]
    for slot in range(600):
        now = slot / 10
        group, tasks = queue.take(now, hundred)
        for task in tasks:
            task.asked = now
            queue.add(group, task)
        if group == IMAGES:
            times.append(now)
    assert max(later - one for one, later in itertools.pairwise(times)) < 2.5


def test_nobody_starves():
    """Videos whose estimate says that they never end are asked for all the same, under the cap, in turn."""
    learned = knowing([0.0] * 100, [1e6] * 100)
    tasks = named(1000, born=-10.0, asked=0.0)
    queue = queue_of(*tasks, *[Task("ripe", -900.0, asked=0.0) for _ in range(3000)], learned=learned)
    asked = set()
    for slot in range(1000):
        now = 1.0 + slot / 10
        for task in (queue.take(now, hundred) or (None, []))[1]:
            asked.add(task)
            task.asked = now
            queue.add(VIDEOS, task)
    assert set(tasks) <= asked


def test_a_task_of_unknown_age_is_not_taken_for_a_young_one():
    """What was attached to may be of any age: it counts like one of which nothing is known."""
    for born, teaches in ((44.0, False), (36.0, False), (44.0, True)):
        others = [Task("other", born, asked=80.0, teaches=teaches) for _ in range(100)]
        young = [Task("young", 40.0, asked=80.0) for _ in range(100)]
        look = queue_of(*young, *others, learned=videos_of_a_minute()).take(88.0, hundred)
        assert (set(names(look)) == {"other"}) is not teaches


def test_staggered_starts_share_polls():
    """A thousand tasks that were started a little apart make full polls, not hundreds of small ones."""
    dice, queue = random.Random(7), queue_of()
    for born in sorted(dice.uniform(0, 60) for _ in range(1000)):
        queue.add(VIDEOS, Task("video", born))
    sizes = []
    for slot in range(1000):
        now = 65 + slot / 10
        look = queue.take(now, hundred) or (VIDEOS, [])
        sizes.append(len(look[1]))
        for task in look[1]:
            task.asked = now
            queue.add(VIDEOS, task)
    assert sum(size > 0 for size in sizes) > 300
    assert all(size in (0, 100) for size in sizes[20:])


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=300),
    st.integers(min_value=1, max_value=7),
)
def test_every_task_is_taken_once_and_in_time(added, limit):
    """However tasks are added, each is taken once, when it is due or with one that is, by its own group."""
    queue = queue_of()
    for number, (family, born) in enumerate(sorted(added, key=lambda one: one[1])):
        queue.add((family, False), Task((number, family), float(born)))
    taken = []
    for tick in range(25):
        for group, tasks in drain(queue, float(tick), lambda _group: limit):
            assert 1 <= len(tasks) <= limit
            assert all(task.name[1] == group[0] for task in tasks)
            taken += tasks
    assert all(task.born + DUE <= 25 for task in taken)
    assert len(taken) == len(set(taken)) == len(added)
    assert queue.next_due() is None
