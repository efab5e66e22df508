"""Keys: the same key is the same job and one bill, in one process and in several, now and later."""

from __future__ import annotations

import asyncio

import pytest
from durable import BOAT, KITE, durable

from a2e_async import BudgetExceededError, JobFailedError, KeyConflictError, RejectedRequestError, TextToImage
from a2e_async.errors import InvalidRequestError


@durable()
async def test_the_same_key_in_one_process_is_the_same_job(world):
    """Two starts of one key are one job with one bill."""
    a2e = await world.process()
    job = a2e.start(KITE, key="order-1")
    assert a2e.start(KITE, key="order-1") is job
    assert job.key == "order-1"
    await job
    assert world.starts == 1


@durable()
async def test_a_key_that_has_ended_gives_its_end_without_a_request(world):
    """In the same process and in another one the result is there at once, and nothing is sent."""
    a2e = await world.process()
    result = await a2e.start(KITE, key="order-1")
    other = await world.process()
    for client in (a2e, other):
        before = len(client.wire.sent)
        again = client.start(KITE, key="order-1")
        assert await again == result
        assert again.task_ids == result.task_ids
        assert len(client.wire.sent) == before
    assert world.starts == 1


@durable()
async def test_a_job_of_a_living_process_is_followed(world):
    """The second process sends and polls nothing, and gets the same result."""
    first, second = await world.process(), await world.process()
    job = first.start(KITE, key="order-1")
    await job.accepted()
    followed = second.start(KITE, key="order-1")
    await followed.accepted()
    assert followed.task_ids == job.task_ids
    assert await followed == await job
    assert second.wire.sent == []
    assert world.starts == 1


@durable()
async def test_many_keys_in_two_processes_at_once_are_one_bill_each(world):
    """A hundred keys, each given to both processes at the same moment: a hundred bills."""
    both = await world.process(), await world.process()
    jobs = [a2e.start(TextToImage(f"kite {n}"), key=f"order-{n}") for n in range(100) for a2e in both]
    results = await asyncio.gather(*jobs)
    assert world.starts == 100
    assert [one.task_ids for one in results[::2]] == [one.task_ids for one in results[1::2]]


@durable()
async def test_a_key_for_another_request_is_refused(world):
    """Here at once, of another process as the end of the job; both requests are named and nothing is sent."""
    a2e = await world.process()
    await a2e.start(KITE, key="order-1").accepted()
    with pytest.raises(KeyConflictError, match=r"a red kite.*a blue boat") as caught:
        a2e.start(BOAT, key="order-1")
    assert caught.value.key == "order-1"
    other = await world.process()
    with pytest.raises(KeyConflictError, match=r"a red kite.*a blue boat"):
        await other.start(BOAT, key="order-1")
    assert world.starts == 1


@durable(fail_every=1)
async def test_a_failed_job_fails_again_with_all_that_is_known(world):
    """The error of a key that has ended has the class, the code and the ids of the first one."""
    a2e = await world.process()
    with pytest.raises(JobFailedError) as first:
        await a2e.start(KITE, key="order-1")
    other = await world.process()
    with pytest.raises(JobFailedError) as second:
        await other.start(KITE, key="order-1")
    told = lambda error: (error.message, error.code, error.refunded, error.task_ids, error.tag)  # noqa: E731
    assert told(second.value) == told(first.value)
    assert world.starts == 1


@durable()
async def test_a_key_is_text_that_can_be_shown(world):
    """Anything else is refused before anything is sent."""
    a2e = await world.process()
    for wrong in ("", " ", "x" * 101, "a\nb", 17):
        with pytest.raises(InvalidRequestError, match="key: must be printable text of 1 to 100 characters"):
            a2e.start(KITE, key=wrong)


@durable()
async def test_a_key_that_was_refused_for_no_fault_of_its_own_is_tried_by_any_process(world):
    """Its process lives and has ended it for lack of coins: another one that has some starts it, once."""
    poor, rich, third = [await world.process(budget=limit) for limit in (5, None, None)]
    with pytest.raises(BudgetExceededError):
        await poor.start(KITE, key="order-1", price=10)
    results = await asyncio.gather(*(a2e.start(KITE, key="order-1") for a2e in (rich, third)))
    assert results[0].task_ids == results[1].task_ids
    assert (await poor.find_job("order-1")).state == "done"
    assert world.starts == 1
    assert await poor.start(KITE, key="order-1") == results[0]


@durable()
async def test_a_key_whose_request_was_refused_stays_so_in_every_process(world):
    """The service has said no to the request itself: nobody sends it again."""
    world.sim.faults.add("text_to_image.start", "status", status=400, hits=None)
    first, second = await world.process(), await world.process()
    for a2e in (first, second):
        with pytest.raises(RejectedRequestError):
            await a2e.start(KITE, key="order-1")
    assert second.wire.sent == []
