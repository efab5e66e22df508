"""What is learned of the ages at which tasks end, and how it is kept."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async.core.polling.ages import BINS, EDGES, Ages
from a2e_async.core.polling.cohorts import Waiting
from a2e_async.core.polling.learned import Learned


def taught(lengths, *, every=0.7, ages=None):
    """Teach ages with tasks of these lengths, each polled every so many seconds from its beginning on."""
    ages = ages or Ages()
    for number, length in enumerate(lengths):
        seen = 0.0
        while seen + every < length:
            ages.lived(seen, seen + every)
            seen += every
        ages.ended(seen, seen + every)
        if number % 50 == 0:
            ages.weigh(math.inf)
    ages.weigh(math.inf)
    return ages


def uniform(count, shortest, longest, seed=1):
    """Give lengths of tasks."""
    dice = random.Random(seed)
    return [dice.uniform(shortest, longest) for _ in range(count)]


def test_with_nothing_known_half_end_within_the_next_doubling():
    """Of a task of which nothing is known half the chance falls within the next doubling of its age."""
    for age in (2, 10, 100, 3600):
        assert Ages().chance(age, 2 * age) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("shortest", "longest"), [(3, 8), (20, 60), (60, 120), (600, 700)])
def test_the_share_finished_is_learned(shortest, longest):
    """From 2,000 tasks the share finished by each age is known to within some hundredths."""
    ages = taught(uniform(2000, shortest, longest), every=longest / 80)
    for part in range(11):
        age = shortest + (longest - shortest) * part / 10
        assert ages.share(age) == pytest.approx(part / 10, abs=0.08)
    assert ages.share(longest * 1.3) > 0.97


def test_the_share_is_never_taken_back():
    """The older a task the more is finished, from 0 on and never beyond 1, whatever was learned."""
    for ages in (Ages(), taught(uniform(300, 20, 60))):
        shares = [ages.share(age / 10) for age in range(20_000)]
        assert shares[0] == 0
        assert shares == sorted(shares)
        assert shares[-1] <= 1


def test_those_that_run_on_count_as_well():
    """Tasks that nobody has seen end say that few end at their age."""
    fresh, ages = Ages(), Ages()
    for _ in range(100):
        ages.lived(0.0, 30.0)
    ages.weigh(1.0)
    assert ages.chance(20, 21) < fresh.chance(20, 21) / 100


def test_a_task_that_is_left_has_lived_all_the_same():
    """Seconds lived are the same whether a task still runs, has ended or was let go of."""
    one, other = Ages(), Ages()
    for ages in (one, other):
        ages.lived(0.0, 7.0)
        ages.lived(7.0, 33.0)
    other.left(33.0)
    assert other.seconds == pytest.approx(one.seconds)
    assert sum(other.seconds) == pytest.approx(33)
    one.ended(33.0, 33.0)
    assert sum(one.seconds) == pytest.approx(33, abs=0.001)
    assert sum(one.ends) == pytest.approx(1)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=30))
def test_every_end_is_one_end(spans):
    """However long nothing was known of a task, its end counts once, and no bin goes below nothing."""
    ages = Ages()
    for one, other in spans:
        since, age = sorted((one, other))
        ages.lived(0.0, since)
        ages.ended(since, age)
    ages.weigh(1.0)
    assert sum(ages.ends) == pytest.approx(len(spans))
    assert min(ages.seconds) >= 0
    assert 0 <= ages.share(1e7) <= 1


def test_what_is_long_ago_counts_less():
    """After very many ends a service that has become slower is believed."""
    ages = taught(uniform(21_000, 3, 8))
    assert sum(ages.ends) <= 20_001
    taught(uniform(21_000, 30, 50), ages=ages, every=3)
    assert ages.share(20) < 0.6


def test_weighing_is_rare():
    """Twice a second is often enough; in between nothing changes."""
    ages = Ages()
    ages.lived(0.0, 100.0)
    before = ages.share(50)
    ages.weigh(1.0)
    changed = ages.share(50)
    assert changed < before
    ages.lived(0.0, 1000.0)
    ages.weigh(1.4)
    assert ages.share(50) == changed
    ages.weigh(1.5)
    assert ages.share(50) < changed


def test_one_task_says_little():
    """One that ran for long makes no one think that its elders are all done."""
    ages = Ages()
    ages.lived(0.0, 100.0)
    ages.weigh(1.0)
    assert ages.share(50) < Ages().share(50)


def learned_videos():
    """Give a memory of videos of 20 to 60 s."""
    learned = Learned()
    taught(uniform(2000, 20, 60), ages=learned.ages("videos"))
    return learned


def test_a_memory_is_kept_and_read():
    """What was learned goes to JSON and back, and says the same within a few hundredths."""
    before, after = learned_videos(), Learned()
    words = json.dumps(before.kept())
    assert len(words) < 6000
    after.recall(json.loads(words))
    for age in range(100):
        assert after.ages("videos").share(age) == pytest.approx(before.ages("videos").share(age), abs=0.03)
    assert sum(after.ages("videos").ends) == pytest.approx(500, abs=1)


def test_one_learns_on_from_a_memory():
    """What comes after it soon outweighs a memory that has grown old."""
    learned = Learned()
    learned.recall(learned_videos().kept())
    ages = learned.ages("videos")
    now = 0.0
    for length in uniform(2000, 3, 8):
        now += 0.1
        ages.ended(0.0, length)
        ages.weigh(now)
    assert ages.share(9) > 0.75


def test_a_memory_does_not_go_over_what_is_known():
    """Who has seen tasks of a family end needs no older memory of it; of another family it is taken."""
    learned = Learned()
    taught(uniform(50, 3, 8), ages=learned.ages("videos"))
    before = learned.ages("videos").ends
    kept = learned_videos().kept()
    learned.recall(kept | {"families": kept["families"] | {"songs": kept["families"]["videos"]}})
    assert learned.ages("videos").ends == before
    assert learned.ages("songs").share(70) > 0.9


DAMAGED = [
    None, 0, "", [], {}, {"scale": "other", "families": {}}, {"families": {"videos": {"ended": [1], "lived": [1]}}},
    *[
        Learned().kept() | {"families": families}
        for families in (
            None, [], "videos", {"videos": None}, {"videos": []}, {"videos": {"ended": [1]}},
            {"videos": {"ended": [1], "lived": "1"}}, {"videos": {"ended": [-1], "lived": [1]}},
            {"videos": {"ended": [True], "lived": [1]}}, {"videos": {"ended": [float("nan")], "lived": [1]}},
            {"videos": {"ended": [float("inf")], "lived": [1]}}, {"videos": {"ended": ["1"], "lived": [1]}},
            {"videos": {"ended": [1] * (BINS + 1), "lived": [1]}}, {"videos": {"ended": [10**400], "lived": [1]}},
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize("kept", DAMAGED)
def test_a_damaged_memory_is_no_memory(kept):
    """What cannot be read changes nothing and is no error."""
    learned = Learned()
    learned.recall(kept)
    assert learned.kept()["families"] == {}
    assert learned.ages("videos").share(10) == Ages().share(10)


def test_a_task_of_unknown_age_teaches_nothing():
    """Its polls are noted for itself alone."""
    learned, task = Learned(), Waiting(100.0, teaches=False)
    learned.running("videos", [task], 105.0)
    learned.ended("videos", task, 106.0)
    learned.left("videos", task)
    assert task.seen == 105.0
    assert learned.kept()["families"] == {}


def test_an_older_answer_teaches_nothing():
    """An answer that comes after a newer one takes nothing back."""
    learned, task = Learned(), Waiting(100.0)
    learned.running("videos", [task], 107.0)
    learned.running("videos", [task], 103.0)
    assert task.seen == 107.0
    assert sum(learned.ages("videos").seconds) == pytest.approx(7)


def test_the_bins_cover_a_day():
    """Ages are told apart from half a second to a day and more."""
    assert EDGES[1] == 0.5
    assert EDGES[-1] > 86_400
