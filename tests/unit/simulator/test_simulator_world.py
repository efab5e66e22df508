"""The simulated service without sockets: clocks, life of a task, coins, refunds, lists and names."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from a2e_async.simulator import ManualClock, RefusedError, ScaledClock, Switches, World

VIDEO = {"prompt": "it climbs", "negative_prompt": "blurry", "image_url": "http://example.com/a.png"}


def world(**switches):
    """Make a world that stands still, with tasks of 10 seconds."""
    return World(ManualClock(), Switches(**{"task_seconds": 10.0, **switches}))


def image(**fields):
    """Make a body of the newer text to image form."""
    return {"prompt": "a red kite", **fields}


def test_a_task_goes_through_all_statuses_in_order():
    """The statuses follow the clock from initialized to completed."""
    sim = world()
    task = sim.start("text_to_image", image())[0]
    seen = []
    for _ in range(110):
        seen.append(sim.status(task))
        sim.clock.advance(0.1)
    assert list(dict.fromkeys(seen)) == ["initialized", "sent", "pending", "processing", "completed"]


def test_first_status_sent_leaves_initialized_out():
    """With first_status="sent" a task can never be cancelled for a refund."""
    sim = world(first_status="sent")
    task = sim.start("text_to_image", image())[0]
    assert sim.status(task) == "sent"
    with pytest.raises(RefusedError, match="while it is sent"):
        sim.delete("text_to_image", task.id)


def test_run_times_come_from_the_seed_and_stay_in_range():
    """The same seed gives the same run times, within the family's range."""

    def times(seed):
        sim = World(ManualClock(), Switches(seed=seed))
        return [sim.start("image_to_video", VIDEO)[0].pace for _ in range(50)]

    assert times(1) == times(1) != times(2)
    assert all(5 <= seconds <= 20 for seconds in times(1))


@pytest.mark.parametrize("how", [3, (3, 3), lambda family, body: len(body["prompt"]) - 7])
def test_run_time_is_a_number_a_range_or_a_function(how):
    """task_seconds takes all three forms."""
    sim = world(task_seconds=how)
    assert sim.start("text_to_image", image())[0].pace == 3


def test_starts_charge_by_image_and_by_five_seconds_of_video():
    """Prices multiply by images, by videos and by each begun five seconds."""
    sim = world(coins=1000)
    sim.start("text_to_image", image(max_images=3))
    sim.start("image_to_video", {**VIDEO, "video_time": 15, "number_of_images": 2})
    assert [start.coins for start in sim.book.starts] == [30, 180]
    assert (sim.coins, sim.book.charged, sim.book.spent) == (790, 210, 210)


def test_prices_can_be_set():
    """The switch `prices` replaces the price of one unit."""
    sim = world(prices={"text_to_image": 7})
    sim.start("text_to_image", image(max_images=2))
    assert sim.book.charged == 14


@pytest.mark.parametrize(("poor", "status"), [("400", 400), ("402", 402), ("200", 200)])
def test_too_few_coins_start_nothing(poor, status):
    """A start that costs more than there is gets the refusal that was chosen and leaves the coins alone."""
    sim = world(coins=9, poor=poor)
    with pytest.raises(RefusedError, match="Insufficient coins") as caught:
        sim.start("text_to_image", image())
    assert caught.value.status == status
    assert caught.value.code != 0
    assert (sim.coins, sim.book.starts, len(sim.tasks)) == (9, [], 0)


def test_a_failed_task_is_refunded_when_it_fails_and_not_before():
    """The refund comes with the failure and is dated by it."""
    sim = world()
    task = sim.start("text_to_image", image(prompt="a kite [fail:nsfw]"))[0]
    sim.clock.advance(9.9)
    assert (sim.book.refunded, sim.status(task)) == (0, "processing")
    sim.clock.advance(100)
    assert (sim.book.refunded, sim.status(task), task.failure[0]) == (10, "failed", "nsfw")
    assert sim.book.movements[-1].at == task.ends
    assert (sim.coins, sim.book.spent) == (10_000, 0)


def test_refunds_of_failures_can_be_switched_off():
    """Without refunds_failures the coins of a failed task are gone."""
    sim = world(refunds_failures=False)
    sim.start("text_to_image", image(prompt="[fail]"))
    sim.clock.advance(11)
    assert (sim.book.refunded, sim.coins) == (0, 9_990)


def test_a_stuck_task_fails_after_two_hours_with_a_refund():
    """[stuck] runs into the timeout, which is refunded whatever the other switch says."""
    sim = world(refunds_failures=False)
    task = sim.start("text_to_image", image(prompt="[stuck]"))[0]
    sim.clock.advance(7199)
    assert sim.status(task) == "processing"
    sim.clock.advance(1)
    assert (sim.status(task), task.failure[0], sim.book.spent) == ("failed", "timeout", 0)


def test_failures_by_number_and_by_function():
    """fail_every fails each n-th task, `fails` whatever it says yes to."""
    sim = world(fail_every=3)
    assert [bool(sim.start("text_to_image", image())[0].failure) for _ in range(6)] == [False, False, True] * 2
    sim.change(fail_every=None, fails=lambda family, body: "red" in body["prompt"])
    assert [bool(sim.start("text_to_image", {"prompt": one})[0].failure) for one in ("red", "blue")] == [True, False]


def test_deleting_refunds_only_what_is_initialized():
    """The delete rules: refund while initialized, refusal while running, no refund after."""
    sim = world()
    first, second = (sim.start("text_to_image", image())[0] for _ in range(2))
    sim.delete("text_to_image", first.id)
    assert (sim.book.refunded, sim.coins) == (10, 9_990)
    with pytest.raises(RefusedError) as gone:
        sim.find("text_to_image", first.id)
    assert gone.value.status == 404
    sim.clock.advance(3)
    with pytest.raises(RefusedError) as running:
        sim.delete("text_to_image", second.id)
    assert running.value.status == 400
    sim.clock.advance(10)
    sim.delete("text_to_image", second.id)
    assert (sim.book.refunded, sim.page("text_to_image", 1, 10)) == (10, ([], 0))


def test_a_deleted_failed_task_is_not_refunded_twice():
    """A refund is given once, whatever follows."""
    sim = world()
    task = sim.start("text_to_image", image(prompt="[fail]"))[0]
    sim.clock.advance(20)
    sim.delete("text_to_image", task.id)
    sim.finish(task.id, failed=True)
    assert (sim.book.refunded, sim.coins) == (10, 10_000)


def test_finish_ends_a_task_now():
    """A test may end a task early, well or badly."""
    sim = world()
    good, bad = (sim.start("text_to_image", image())[0] for _ in range(2))
    sim.finish(good.id)
    sim.finish(bad.id, failed=True, code="nsfw")
    assert (sim.status(good.id), sim.status(bad), sim.book.refunded) == ("completed", "failed", 10)


def test_lists_are_newest_first_and_paged():
    """Pages cut the newest-first list, whatever has been deleted from it."""
    sim = world(task_seconds=0.5)
    ids = []
    for _ in range(7):
        ids.append(sim.start("text_to_image", image())[0].id)
        sim.clock.advance(1)
    sim.delete("text_to_image", ids.pop(3))
    pages = [[task.id for task in sim.page("text_to_image", number, 4)[0]] for number in (1, 2, 3)]
    assert pages == [ids[::-1][:4], ids[::-1][4:], []]
    assert sim.page("text_to_image", 1, 4)[1] == 6


def test_lists_lag_and_drop_what_has_expired():
    """list_lag hides the newest tasks, file_ttl drops the oldest."""
    sim = world(list_lag=5, file_ttl=100)
    old = sim.start("text_to_image", image())[0]
    assert sim.page("text_to_image", 1, 10) == ([], 0)
    sim.clock.advance(5)
    assert sim.page("text_to_image", 1, 10) == ([old], 1)
    sim.clock.advance(95)
    assert sim.page("text_to_image", 1, 10) == ([], 0)
    assert sim.find("text_to_image", old.id) is old


def test_detail_lag_hides_a_new_task_from_detail_and_batch():
    """For detail_lag seconds a task is not there."""
    sim = world(detail_lag=1)
    task = sim.start("text_to_image", image())[0]
    with pytest.raises(RefusedError):
        sim.find("text_to_image", task.id)
    assert (sim.batch("text_to_image", [task.id]), sim.is_new("text_to_image", task.id)) == ([], True)
    sim.clock.advance(1)
    assert sim.batch("text_to_image", [task.id]) == [task]


def test_tasks_are_found_under_their_own_family_only():
    """An id of another family is not found."""
    sim = world()
    task = sim.start("text_to_image", image())[0]
    with pytest.raises(RefusedError):
        sim.find("image_to_video", task.id)
    assert sim.batch("image_to_video", [task.id, "nobody"]) == []


@pytest.mark.parametrize(("names", "kept"), [("keep", "sunset ~abc"), ("drop", ""), (6, "sunset")])
def test_names_are_kept_dropped_or_cut(names, kept):
    """The service may not give names back as they came; the book has them as they were sent."""
    sim = world(names=names)
    task = sim.start("text_to_image", image(name="sunset ~abc"))[0]
    assert (task.name, sim.book.starts[0].name) == (kept, "sunset ~abc")


@pytest.mark.parametrize(
    ("family", "body"),
    [
        ("text_to_image", {}),
        ("text_to_image", {"prompt": "x", "max_images": 9}),
        ("text_to_image", {"prompt": "x", "model_type": "other"}),
        ("text_to_image", {"prompt": "x", "input_images": ["http://a/1"] * 3}),
        ("image_to_video", {**VIDEO, "prompt": None}),
        ("image_to_video", {**VIDEO, "negative_prompt": ""}),
        ("image_to_video", {**VIDEO, "image_url": None}),
        ("image_to_video", {**VIDEO, "image_url": "data:image/png;base64,AAAA"}),
        ("image_to_video", {**VIDEO, "image_url": "http://example.com/a b.png"}),
        ("image_to_video", {**VIDEO, "video_time": 7}),
        ("image_to_video", {**VIDEO, "model_type": "FLF2V"}),
        ("image_to_video", {**VIDEO, "webhook_url": "http://plain.example"}),
    ],
)
def test_bodies_that_break_a_rule_are_refused(family, body):
    """The documented rules of a start are kept, and nothing is charged."""
    sim = world()
    with pytest.raises(RefusedError) as caught:
        sim.start(family, body)
    assert (caught.value.status, sim.coins) == (400, 10_000)


def test_a_lora_needs_no_prompts():
    """With a lora, prompt and negative prompt may be missing."""
    assert world().start("image_to_video", {"lora": "l1", "image_url": "http://example.com/a.png"})


def test_moderation_can_be_skipped_for_minors_only():
    """[minor] is 1004 and may be skipped, [blocked] is 1003 and may not."""
    sim = world()
    codes = []
    for mark in ("[minor]", "[blocked]"):
        with pytest.raises(RefusedError) as caught:
            sim.start("image_to_video", {**VIDEO, "prompt": mark, "minor_suspected_skip": mark == "[blocked]"})
        codes.append(caught.value.code)
    assert codes == [1004, 1003]
    assert sim.start("image_to_video", {**VIDEO, "prompt": "[minor]", "minor_suspected_skip": True})


def test_the_book_groups_starts_by_tag():
    """Two sends of one intent count under the same tag, four images of one send count once."""
    sim = world()
    for name in ("kite ~k7f3q9x2m4pda", "kite ~k7f3q9x2m4pdb", "boat ~aaaaaaaaaaaaa", "no tag", "odd ~short1a"):
        sim.start("text_to_image", image(name=name, max_images=4))
    assert sim.book.bills_by_tag() == {"k7f3q9x2m4pd": 2, "a" * 12: 1}
    assert len(sim.book.starts_named("~k7f3q9x2m4pd")) == 2
    assert len(sim.book.tasks) == 20


def test_the_book_leaves_refunded_doubles_out_on_request():
    """A double that was deleted in time is not in the count of what remains billed."""
    sim = world()
    sim.start("text_to_image", image(name="~aaaaaaaaaaaaa"))
    double = sim.start("text_to_image", image(name="~aaaaaaaaaaaab"))[0]
    sim.delete("text_to_image", double.id)
    assert sim.book.bills_by_tag() == {"a" * 12: 2}
    assert sim.book.bills_by_tag(with_refunded=False) == {"a" * 12: 1}
    assert sim.book.starts[1].task_ids == (double.id,)


def test_twenty_thousand_tasks_stay_quick():
    """Lists, batches and details of a full service cost what they cost in an empty one."""
    sim = world(coins=10**9)
    ids = [sim.start("text_to_image", image(max_images=8))[0].id for _ in range(2_500)]
    began = time.process_time()
    for _ in range(100):
        assert len(sim.page("text_to_image", 150, 100)[0]) == 100
        assert len(sim.batch("text_to_image", ids[:100])) == 100
        assert sim.coins
    assert time.process_time() - began < 1
    assert Counter(len(one) for one in ids) == {24: 2_500}


def test_unknown_switches_and_values_are_refused():
    """A misspelt switch is an error, not a silent default."""
    with pytest.raises(TypeError):
        Switches(list_lagg=1)
    with pytest.raises(ValueError, match="poor"):
        Switches(poor="403")
    with pytest.raises(ValueError, match="names"):
        Switches(names="mangle")


def test_the_scaled_clock_follows_its_source():
    """Simulated time is the source's, times the speed."""
    real = [5.0]
    clock = ScaledClock(60, start=1000, source=lambda: real[0])
    real[0] += 2
    assert clock.now() == 1120
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(0)


async def test_the_manual_clock_wakes_sleepers_in_time():
    """A sleeper wakes when the clock has been advanced far enough, not before."""
    clock = ManualClock()
    sleeper = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)
    clock.advance(9)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(1)
    await sleeper
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
