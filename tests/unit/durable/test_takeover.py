"""What a process leaves is gone on with by another one: the dead, the closed, and the one that slept."""

from __future__ import annotations

import asyncio

import pytest
from durable import BOAT, KITE, durable, ended
from virtual_time import until

from a2e_async import ClientClosedError, FencedError, ImageToVideo, JobDetachedError, Retry, TextToImage

LEASE = 1.0
FOUR = ImageToVideo("http://example.com/a.png", prompt="four", negative_prompt="no", number_of_images=4)


@durable()
async def test_the_jobs_of_a_dead_process_come_to_their_end(world):
    """Accepted, on the wire and queued: each is finished by the other process, and each was billed once."""
    dead, heir = await world.process(max_starts=2), await world.process()
    accepted = [dead.start(TextToImage(f"kite {n}"), key=f"a{n}") for n in range(5)]
    await asyncio.gather(*(job.accepted() for job in accepted))
    dead.wire._latency = 5  # from now on the service takes a start, and the answer is never seen
    keys = [*(f"a{n}" for n in range(5)), *(f"b{n}" for n in range(6))]
    for n in range(6):
        dead.start(TextToImage(f"boat {n}"), key=f"b{n}")
    await asyncio.sleep(0.3)
    await world.kill(dead)
    assert world.starts == 7
    found = await ended(heir, *keys)
    assert [one.state for one in found] == ["done"] * 11
    assert all(one.urls for one in found)
    assert world.starts == 11


@durable()
async def test_a_job_that_is_followed_becomes_ours_when_its_process_dies(world):
    """Whoever waits for it here gets the result all the same."""
    dead, heir = await world.process(), await world.process()
    job = dead.start(KITE, key="order-1")
    await job.accepted()
    followed = heir.start(KITE, key="order-1")
    await followed.accepted()
    await world.kill(dead)
    assert (await followed).task_ids == job.task_ids
    assert world.starts == 1


@durable(task_seconds=1)
async def test_closing_gives_back_at_once(world):
    """Nobody waits for a lease to run out: with one of an hour the next process goes on at once."""
    first = await world.process(lease=3600)
    running, queued = first.start(KITE, key="order-1"), None
    await running.accepted()
    first.wire._latency = 5
    await first.aclose()
    with pytest.raises(JobDetachedError):
        await running
    second = await world.process(lease=3600)
    (found,) = await ended(second, "order-1")
    assert found.task_ids == running.task_ids
    assert world.starts == 1
    assert queued is None


@durable()
async def test_what_was_never_sent_is_started_by_the_next_process(world):
    """A queued job ends here with ClientClosedError; its row is planned, and the next process starts it."""
    first = await world.process(max_running=1, lease=3600)
    jobs = [first.start(one, key=one.prompt) for one in (KITE, BOAT)]
    await jobs[0].accepted()
    await first.aclose()
    with pytest.raises(ClientClosedError):
        await jobs[1]
    assert world.starts == 1
    second = await world.process()
    await ended(second, KITE.prompt, BOAT.prompt)
    assert world.starts == 2


@durable(task_seconds=2)
async def test_who_has_slept_lets_go_of_its_jobs(world):
    """A process that was taken for dead ends its jobs with FencedError, and goes on with a new lease."""
    sleeper = await world.process(lease=LEASE)
    job = sleeper.start(KITE, key="order-1")
    await job.accepted()
    lease = sleeper._shared.opened.durable._holdings.lease
    beat, lease._beat = lease._beat, lambda: asyncio.sleep(3600)  # it hears and says nothing more
    heir = await world.process(lease=LEASE)
    while not heir._shared.opened.durable._jobs:  # noqa: ASYNC110 - it takes over by itself
        await asyncio.sleep(0.05)
    lease._task.cancel()
    lease._task = asyncio.create_task(lease._renew())
    lease._beat = beat
    with pytest.raises(FencedError, match="order-1"):
        await job
    assert (await sleeper.start(BOAT, key="order-2")).urls
    (found,) = await ended(heir, "order-1")
    assert found.task_ids == job.task_ids
    assert world.starts == 2


@durable()
async def test_a_job_without_a_key_is_durable_too(world):
    """Its key is random, and can be asked for."""
    dead = await world.process()
    job = dead.start(KITE)
    await job.accepted()
    await world.kill(dead)
    heir = await world.process()
    (found,) = await ended(heir, job.key)
    assert found.task_ids == job.task_ids
    assert found.request == KITE


@durable()
async def test_what_was_read_of_a_row_before_it_was_taken_over_is_not_believed(world):
    """Rows that were planned when they were read may have been sent by the time their process is dead."""
    dead, heir = await world.process(max_running=1), await world.process()
    keys = [f"order-{n}" for n in range(6)]
    jobs = [dead.start(TextToImage(key), key=key) for key in keys]
    await jobs[0].accepted()
    dead.wire._latency = 5
    store, claimed = heir._shared.opened.durable._holdings._store, asyncio.Event()
    claim = store.claim

    async def late(*what):
        await claimed.wait()
        return await claim(*what)

    store.claim = late
    same = [heir.start(TextToImage(key), key=key) for key in keys]  # read as planned, and placed one by one
    await asyncio.sleep(0.2)
    dead._shared.opened.engine.starter.places.limit = 6
    await asyncio.sleep(0.2)
    await world.kill(dead)
    assert world.starts == 6
    await asyncio.sleep(1.2)
    claimed.set()
    await asyncio.gather(*same)
    assert world.starts == 6


def letters_of(world):
    """Give the send letters of all starts that the service has billed, in order."""
    return "".join(start.name[-1] for start in world.sim.world.book.starts)


@durable()
async def test_a_process_that_dies_between_its_check_and_its_post(world):
    """It stands in the row that the POST leaves, and it never did: it is looked for, and sent as the second letter."""
    dead = await world.process()
    dead.wire.gate = asyncio.Event()
    dead.start(KITE, key="order-1")
    await asyncio.sleep(0.5)
    assert (await dead.find_job("order-1")).state == "intended"
    await world.kill(dead)
    heir = await world.process()
    (found,) = await ended(heir, "order-1")
    assert (found.state, letters_of(world)) == ("done", "b")


@durable(task_seconds=3)
async def test_a_process_that_sleeps_between_its_check_and_its_post_and_wakes_during_the_look(world):
    """The heir finds the POST of the woken process and takes its task: one bill."""
    sleeper, heir = await world.process(), await world.process(retry=Retry(unknown_window=4))
    sleeper.wire.gate = asyncio.Event()
    job = sleeper.start(KITE, key="order-1")
    await asyncio.sleep(0.3)
    lease = sleeper._shared.opened.durable._holdings.lease
    lease._task.cancel()  # it says nothing more
    while not heir._shared.opened.durable._jobs:  # noqa: ASYNC110 - it takes over by itself
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    sleeper.wire.gate.set()
    (found,) = await ended(heir, "order-1")
    assert (found.state, letters_of(world)) == ("done", "a")
    lease.lose("it has slept")
    with pytest.raises(FencedError):
        await job


@durable(task_seconds=4)
async def test_the_window_that_remains_is_said_and_given_back(world, caplog):
    """Asleep for longer than lease and look together, its POST is a second bill: found at the end, and it is said."""
    sleeper, heir = await world.process(), await world.process()
    sleeper.wire.gate = asyncio.Event()
    job = sleeper.start(KITE, key="order-1")
    await asyncio.sleep(0.3)
    lease = sleeper._shared.opened.durable._holdings.lease
    lease._task.cancel()
    while letters_of(world) != "b":  # noqa: ASYNC110 - the service wakes nobody
        await asyncio.sleep(0.05)
    sleeper.wire.gate.set()
    await ended(heir, "order-1")
    assert letters_of(world) == "ba"
    assert [one for one in caplog.records if one.levelname == "WARNING" and "taken twice" in one.getMessage()]
    lease.lose("it has slept")
    with pytest.raises(FencedError):
        await job


@durable(task_seconds=1.5, list_lag=0.7)
async def test_tasks_that_a_dead_process_had_not_found_are_found_by_the_next(world):
    """The answer names one of four, and the process dies before the list shows the others: all four were paid for."""
    dead, heir = await world.process(), await world.process()
    job = dead.start(FOUR, key="order-1")
    await job.accepted()
    await world.kill(dead)
    (found,) = await ended(heir, "order-1")
    assert set(found.task_ids) == set(world.sim.world.book.starts[0].task_ids)
    assert (len(found.urls), found.coins, heir.spent) == (4, 120, 0)


@durable(task_seconds=3, list_lag=0.7)
async def test_a_followed_job_has_all_tasks_that_its_process_has_found(world):
    """They are polled to their end by whoever takes the job over, also those that showed up late."""
    dead, heir = await world.process(), await world.process()
    job = dead.start(FOUR, key="order-1")
    await job.accepted()
    followed = heir.start(FOUR, key="order-1")
    await followed.accepted()
    assert len(followed.task_ids) == 1
    await until(lambda: len(job.task_ids) == 4, 0.05)
    await world.kill(dead)
    result = await followed
    assert set(result.task_ids) == set(world.sim.world.book.starts[0].task_ids)
    assert len(result.urls) == 4


@durable()
async def test_a_row_that_was_sent_under_one_tag_goes_on_under_it(world):
    """Whoever starts its key with another tag has the job of the first one: its task is found by the tag it has."""
    dead = await world.process()
    dead.wire.gate = asyncio.Event()
    dead.start(KITE, key="one", tag="first4711first")
    await asyncio.sleep(0.5)
    await world.kill(dead)
    heir = await world.process()
    job = heir.start(KITE, key="one", tag="other4711other")
    assert (await job).urls
    assert job.tag == "first4711first"
    assert heir.start(BOAT, key="two", tag="other4711other").tag == "other4711other"
    assert [start.name.split("~")[-1][:-1] for start in world.sim.world.book.starts] == ["first4711first"]


@durable(task_seconds=5)
async def test_a_tag_that_another_job_has_taken_keeps_only_its_own_row_from_going_on(world, caplog):
    """Two tasks of one tag could not be told apart: it is said, and the other rows of the dead process go on."""
    dead, heir = await world.process(), await world.process()
    dead.wire.gate = asyncio.Event()
    for key, tag in (("one", "first4711first"), ("two", "other4711other")):
        dead.start(TextToImage(key), key=key, tag=tag)
    await asyncio.sleep(0.3)
    taken = heir.start(BOAT, key="three", tag="first4711first")
    await taken.accepted()
    await world.kill(dead)
    await ended(heir, "two")
    assert "the job of key one cannot be gone on with: UsageError" in [one.getMessage() for one in caplog.records]
    assert (await taken).urls
    assert world.starts == 2
