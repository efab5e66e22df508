"""The learned cadence: how soon ends are noticed, and how many polls that takes, in virtual time."""

from __future__ import annotations

import asyncio
import math
import random
from itertools import pairwise

import attrs
import pytest
from benchmark import figures
from trials import IMAGES, USUAL, VIDEOS, Start, on_paper, trial
from virtual_time import IMAGE, VIDEO, caught, client, virtual

from a2e_async import Cadence, JobDetachedError
from a2e_async.core.polling.learned import Learned


def videos(count, *, shortest=20.0, longest=60.0, seed=1):
    """Give starts of videos, all at once."""
    dice = random.Random(seed)
    return [Start(0.0, VIDEOS, dice.uniform(shortest, longest)) for _ in range(count)]


def mixed(seconds, seed=1):
    """Give 200 starts a second, half images of 3 to 8 s, half videos of 60 to 120 s."""
    dice = random.Random(seed)
    kinds = ((VIDEOS, 60, 120), (IMAGES, 3, 8))
    return [
        Start(number / 200, family, dice.uniform(shortest, longest))
        for number in range(200 * seconds)
        for family, shortest, longest in [kinds[number % 2]]
    ]


def test_a_hundred_videos_from_an_empty_memory():
    """100 videos of 20 to 60 s take 0.83 polls each at most, and their ends are noticed after 0.42 s."""
    played = trial(videos(100))
    assert played.polls_a_job <= 0.83
    assert played.delay <= 0.42
    assert max(played.first[VIDEOS]) < 1
    assert played.peak <= 10


def test_a_thousand_videos_from_an_empty_memory():
    """1,000 videos of 20 to 60 s take 0.45 polls each at most, never more than ten in a second."""
    played = trial(videos(1000))
    assert played.polls_a_job <= 0.45
    assert played.delay <= 0.6
    assert max(played.all_delays) < 5
    assert played.peak <= 10


def test_a_thousand_videos_with_hints():
    """When a webhook tells of every end it is noticed within a tenth of a second; hints share polls."""
    played = trial(videos(1000), hints=True)
    assert played.polls_a_job <= 0.6
    assert played.delay <= 0.1
    assert played.peak <= 10


def test_a_mixed_stream_under_the_cap():
    """200 starts a second, images and videos: half the delay of a sweep round all ids (2.5 s), under the same cap."""
    played = on_paper(mixed(100))
    assert played.delay <= 1.25
    assert played.peak <= 10
    assert sum(played.delays[IMAGES]) / len(played.delays[IMAGES]) <= 0.5
    assert max(played.all_delays) < 20
    assert max(map(max, played.first.values())) < 10
    assert len(played.all_delays) == 20_000


@pytest.mark.parametrize("seed", range(3))
def test_the_gates_hold_for_other_dice(seed):
    """What the figures say is no luck of the dice."""
    hundred, thousand = on_paper(videos(100, seed=seed)), on_paper(videos(1000, seed=seed))
    assert hundred.polls_a_job <= 0.83
    assert hundred.delay <= 0.46
    assert thousand.polls_a_job <= 0.45
    assert thousand.delay <= 0.5


@pytest.mark.parametrize("count", [1, 10, 60])
def test_what_ends_at_once_is_noticed_at_once(count):
    """Where few tasks are, one that ends within a moment is noticed after 0.15 s, for the one poll that it needs."""
    played = on_paper([Start(float(number), VIDEOS, 0.02) for number in range(count)])
    assert len(played.polls) == count
    assert played.delay <= 0.16


@pytest.mark.parametrize("shortest", [0.02, 1.0, 20.0])
@pytest.mark.parametrize("gap", [0.0, 0.1, 1.0])
def test_sooner_polls_are_a_fifth_more_at_most(shortest, gap):
    """However tasks come and end: never more than 1.2 polls in the time of an interval, beside one at the beginning."""
    starts = [Start(number * gap, VIDEOS, shortest * (1 + number % 7)) for number in range(100)]
    played = on_paper(starts)
    lasted = max(start.at + start.seconds for start in starts) + 2 * USUAL.interval
    assert len(played.polls) <= 1.2 * lasted / USUAL.interval + 2


def test_rests_pay_for_polls_where_ends_are():
    """A client that knows when videos end notices them sooner, for no more polls than one that does not."""
    starts = videos(100)
    first = on_paper(starts)
    learned = Learned()
    learned.recall(first.learned)
    second = on_paper(videos(100, seed=5), learned=learned)
    assert second.delay <= 0.9 * first.delay
    assert len(second.polls) <= 1.05 * len(first.polls)


@pytest.mark.parametrize("count", [1, 10, 100])
def test_few_videos_are_noticed_soon_for_a_fifth_more_polls(count):
    """A client that knows videos of 20 to 60 s notices them after 0.3 s, whether it has one at a time or a hundred."""
    learned = Learned()
    learned.recall(on_paper(videos(300)).learned)
    crowds = [[65.0 * number, videos(count, seed=number + 1)] for number in range(60 // min(count, 6))]
    starts = [attrs.evolve(start, at=at) for at, crowd in crowds for start in crowd]
    played = on_paper(starts, learned=learned)
    usual = sum(math.ceil(max(start.seconds for start in crowd) / USUAL.interval) for _at, crowd in crowds)
    assert played.delay <= 0.31
    assert len(played.polls) <= 1.2 * usual


@pytest.mark.parametrize("longest", [20.5, 310.0])
def test_tasks_that_all_end_together(longest):
    """Videos that all run for the same time are noticed as soon, though nothing said that they would end then."""
    played = on_paper(videos(300, shortest=longest - 10, longest=longest))
    assert played.delay <= 0.7


def test_a_wrong_memory_costs_little_and_is_mended():
    """A client that remembers videos of a minute notices videos of 5 s within three intervals, and soon as usual."""
    kept = on_paper(videos(500, shortest=60, longest=61)).learned
    dice = random.Random(1)
    starts = [Start(number / 10, VIDEOS, dice.uniform(4, 6)) for number in range(1500)]
    played = trial(starts, kept=kept)
    assert max(played.delays[VIDEOS]) < 3.5
    assert sum(played.delays[VIDEOS][-500:]) / 500 <= 0.55


def test_what_was_learned_saves_polls():
    """The second hundred videos of a minute take fewer polls than the first, and are noticed as soon."""
    starts = videos(100, shortest=55, longest=60)
    first = trial(starts)
    second = trial(starts, kept=first.learned)
    assert len(second.polls) < 0.8 * len(first.polls)
    assert second.delay <= 0.6


def test_the_cap_holds_with_many_running():
    """20,000 running tasks never make more polls than the cap allows, nor larger ones."""
    starts = [Start(number / 1000, VIDEOS, 60 + number % 7) for number in range(20_000)]
    played = on_paper(starts, cadence=Cadence(polls_per_second=20))
    assert played.peak <= 20
    assert len(played.all_delays) == 20_000
    assert min(later - one for one, later in pairwise(played.polls)) >= 1 / 20


@pytest.mark.slow
def test_the_figures():
    """The benchmark of the cadence is within its targets: the mixed stream also beside a sweep, with a whole client."""
    shown = figures("cadence")
    assert shown["mixed, learned: delay, mean"] <= shown["mixed, swept: delay, mean"] / 2


@virtual(opened=False, task_seconds=30)
async def test_a_client_that_is_opened_again_knows_what_it_knew(sim):
    """What was learned outlives the closing of a client."""
    a2e = client(sim)
    for _ in range(2):
        async with a2e:
            await a2e.start(VIDEO)
    assert sum(a2e.learned.ages(VIDEOS).ends) == pytest.approx(2)
    assert a2e.learned.kept()["families"].keys() == {VIDEOS}


@virtual(task_seconds=30)
async def test_what_was_attached_to_teaches_nothing(a2e, sim):
    """The age of a task that somebody else started is not known: its end says nothing of others."""
    task = sim.world.start("text_to_image", {"prompt": "a kite"})[0]
    await a2e.attach("text_to_image", task.id)
    assert a2e.learned.kept()["families"] == {}


@virtual(task_seconds=1000)
async def test_a_job_that_was_let_go_of_has_lived(a2e, sim):
    """What was seen of it stays known, and nothing of it runs on."""
    job = a2e.start(IMAGE)
    await asyncio.sleep(100)
    job.detach()
    assert isinstance(await caught(job), JobDetachedError)
    await asyncio.sleep(100)
    ages = a2e.learned.ages(IMAGES)
    assert sum(ages.seconds) == pytest.approx(99, abs=2)
    assert not any(ages._running[1:])
