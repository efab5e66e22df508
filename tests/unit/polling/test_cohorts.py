"""Tasks by the time at which they began: the likeliest are found without asking each."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from a2e_async.core.polling.cohorts import Cohorts, Waiting


def waiting(born, asked=None):
    """Make a task."""
    task = Waiting(born)
    task.asked = born if asked is None else asked
    return task


def filled(tasks):
    """Make cohorts of tasks."""
    cohorts = Cohorts()
    for task in tasks:
        cohorts.put(task)
    return cohorts


def since(now):
    """Give the score of those who have waited longest."""
    return lambda task: now - task.asked


def test_a_cohort_is_in_the_order_of_its_last_polls():
    """Of tasks of one age the one that was asked for longest ago comes first, also when it was put back last."""
    tasks = [waiting(1.0, asked) for asked in (5.0, 6.0, 3.0)]
    cohorts = filled(tasks)
    assert [task.asked for task in cohorts.heads()] == [3.0]
    _sum, best = cohorts.best(since(10), 3, 10.0)
    assert [task.asked for task in best] == [3.0, 5.0, 6.0]


def test_tasks_of_other_ages_are_other_cohorts():
    """Each half second has a first of its own."""
    cohorts = filled(waiting(number / 10) for number in range(20))
    assert [task.born for task in cohorts.heads()] == [0.0, 0.5, 1.0, 1.5]


def test_one_that_leaves_is_gone():
    """A task that waits no more is not given, and may leave twice."""
    task, other = waiting(1.0), waiting(1.1)
    cohorts = filled([task, other])
    task.leave()
    task.leave()
    assert len(cohorts) == 1
    assert cohorts.best(since(5), 9, 5.0)[1] == [other]


def test_those_asked_for_just_now_are_left_out():
    """Only tasks that were asked for by a moment are given."""
    cohorts = filled([waiting(1.0, 2.0), waiting(1.0, 4.0), waiting(9.0)])
    assert [task.asked for task in cohorts.best(since(10), 9, 3.0)[1]] == [2.0]


def test_old_cohorts_are_joined():
    """There are few cohorts for however many tasks of whatever age, and none of them is wide for its age."""
    cohorts = filled(waiting(number / 20) for number in range(20 * 3600))
    assert len(cohorts) == 20 * 3600
    assert len(list(cohorts.heads())) < 120
    for cohort in cohorts._cohorts:
        births = [task.born for task in cohort.items]
        assert max(births) - min(births) <= max(0.5, 0.11 * (3600 - max(births)))
        assert [task.asked for task in cohort.items] == sorted(births)
        assert all(task.place is cohort.items for task in cohort.items)


def test_empty_cohorts_go():
    """What has no task any more is forgotten when the next cohort begins."""
    tasks = [waiting(float(number)) for number in range(100)]
    cohorts = filled(tasks)
    for task in tasks:
        task.leave()
    cohorts.put(waiting(200.0))
    assert len(cohorts._cohorts) == 1


@given(
    st.lists(st.tuples(st.floats(0, 300), st.floats(0, 50)), max_size=200),
    st.integers(1, 50),
    st.randoms(use_true_random=False),
)
def test_every_task_is_given_once(spans, most, dice):
    """However tasks come and go, each that waits is given once, and the best of those with nothing between them."""
    tasks = [waiting(born, born + later) for born, later in sorted(spans)]
    cohorts = filled(tasks)
    gone = set(dice.sample(tasks, len(tasks) // 3))
    for task in gone:
        task.leave()
    given_ = []
    while len(cohorts):
        _sum, best = cohorts.best(since(400), most, 400.0)
        assert 1 <= len(best) <= most
        for task in best:
            task.leave()
        given_ += best
    assert set(given_) == set(tasks) - gone
    assert len(given_) == len(set(given_))


def test_the_sum_is_that_of_the_scores():
    """What the best are worth is told with them; those that were asked for within a twentieth of a second are alike."""
    dice = random.Random(3)
    tasks = [waiting(born) for born in sorted(dice.uniform(0, 100) for _ in range(1000))]
    total, best = filled(tasks).best(since(100), 100, 100.0)
    longest = sorted((100 - task.asked for task in tasks), reverse=True)[:100]
    assert abs(total - sum(longest)) <= 100 * 0.05
    assert abs(sum(100 - task.asked for task in best) - sum(longest)) <= 100 * 0.05
