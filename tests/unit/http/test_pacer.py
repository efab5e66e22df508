"""The pace of requests, in virtual time."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from virtual_time import caught, play_out

from a2e_async import A2EClient, ClientClosedError, TextToImage
from a2e_async.engine.http.pacer import Pacer
from a2e_async.simulator.virtual import DirectTransport, virtual_app


def now():
    """Give the virtual time in seconds since the test began."""
    return asyncio.get_running_loop().time()


async def times_of(pacer, number, *, start=False):
    """Let so many requests wait for their turn at once, and give when each had it."""

    async def one():
        await pacer.turn(start=start)
        return now()

    return sorted(await asyncio.gather(*(one() for _ in range(number))))


async def cancelled(tasks):
    """Cancel tasks and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_without_a_rate_nobody_waits():
    """No rate means no wait, for any number of requests."""

    async def story():
        assert await times_of(Pacer(None), 1000) == [0.0] * 1000

    play_out(story())


@pytest.mark.parametrize("rate", [0.5, 20, 300])
def test_no_second_sees_more_than_the_rate(rate):
    """Requests leave one by one, evenly, with no burst at the beginning and none after a rest."""

    async def story():
        pacer = Pacer(rate)
        first = await times_of(pacer, 80)
        await asyncio.sleep(10)
        second = await times_of(pacer, 80)
        for times in (first, second):
            gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
            assert min(gaps) == pytest.approx(1 / rate, rel=1e-6)
            assert max(gaps) == pytest.approx(1 / rate, rel=1e-6)
        assert first[0] == 0
        assert second[0] == pytest.approx(first[-1] + 10)

    play_out(story())


def test_slots_of_the_cancelled_are_given_back():
    """Fifty cancelled waiters take no time from those who come after them."""

    async def story():
        pacer = Pacer(10)
        await pacer.turn(start=False)
        waiting = [asyncio.create_task(pacer.turn(start=False)) for _ in range(50)]
        await asyncio.sleep(0.01)
        await cancelled(waiting)
        await pacer.turn(start=False)
        assert now() == pytest.approx(0.1)

    play_out(story())


def test_waiters_behind_the_cancelled_move_up():
    """Who stands behind cancelled waiters gets the turn that they would have had."""

    async def story():
        pacer = Pacer(10)
        await pacer.turn(start=False)
        leaving = [asyncio.create_task(pacer.turn(start=False)) for _ in range(50)]
        await asyncio.sleep(0)
        staying = asyncio.create_task(times_of(pacer, 3))
        await asyncio.sleep(0.01)
        await cancelled(leaving)
        assert await staying == pytest.approx([0.1, 0.2, 0.3])

    play_out(story())


def test_a_turn_that_was_given_to_the_cancelled_is_given_back():
    """A waiter that is cancelled in the very moment of its turn does not cost a slot."""

    async def story():
        pacer = Pacer(10)
        await pacer.turn(start=False)
        waiting = asyncio.create_task(pacer.turn(start=False))
        behind = asyncio.create_task(times_of(pacer, 1))
        asyncio.get_running_loop().call_at(0.1, lambda: asyncio.get_running_loop().call_soon(waiting.cancel))
        await asyncio.sleep(0.05)
        assert await behind == pytest.approx([0.1])
        assert waiting.cancelled()

    play_out(story())


def test_starts_go_first():
    """A start that comes last has its turn before polls that wait already."""

    async def story():
        pacer = Pacer(10)
        await pacer.turn(start=False)
        polls = asyncio.create_task(times_of(pacer, 3))
        await asyncio.sleep(0.01)
        assert await times_of(pacer, 2, start=True) == pytest.approx([0.1, 0.2])
        assert await polls == pytest.approx([0.3, 0.4, 0.5])

    play_out(story())


def test_the_order_of_arrival_is_kept():
    """Among equals the first who came goes first."""

    async def story():
        pacer, order = Pacer(100), []

        async def one(number):
            await pacer.turn(start=False)
            order.append(number)

        await asyncio.gather(*map(one, range(20)))
        assert order == list(range(20))

    play_out(story())


@pytest.mark.parametrize("rate", [None, 10])
def test_a_pause_holds_everybody(rate):
    """In a pause nobody goes, neither who waits nor who comes, neither starts nor polls."""

    async def story():
        pacer = Pacer(rate)
        await pacer.turn(start=False)
        early = asyncio.create_task(times_of(pacer, 1))
        await asyncio.sleep(0)
        pacer.pause(5)
        await asyncio.sleep(1)
        late = await times_of(pacer, 1, start=True)
        assert late[0] >= 5
        assert (await early)[0] >= (5 if rate else 0)
        assert now() <= 5.2

    play_out(story())


def test_a_pause_is_never_shortened():
    """Of two pauses the longer one counts."""

    async def story():
        pacer = Pacer(None)
        pacer.pause(5)
        pacer.pause(1)
        assert await times_of(pacer, 2) == pytest.approx([5.0, 5.0])

    play_out(story())


def test_after_a_pause_the_rate_holds():
    """Those who waited for the end of a pause do not go all at once."""

    async def story():
        pacer = Pacer(10)
        pacer.pause(3)
        assert await times_of(pacer, 4) == pytest.approx([3.0, 3.1, 3.2, 3.3])

    play_out(story())


def test_close_leaves_no_timer():
    """After close no timer of the pacer fires any more, and nobody waits for a turn that never comes."""

    async def story():
        pacer = Pacer(1)
        await pacer.turn(start=False)
        waiting = asyncio.create_task(pacer.turn(start=False))
        await asyncio.sleep(0)
        pacer.close()
        assert isinstance(await caught(waiting), ClientClosedError)
        assert now() == 0
        assert not pacer.take()
        assert isinstance(await caught(pacer.turn(start=True)), ClientClosedError)
        pacer.close()

    play_out(story())


def test_looks_are_not_starved_by_a_long_queue_of_starts():
    """With a rate and many queued starts, running jobs are still polled and end long before the queue does."""

    async def main():
        transport = DirectTransport(virtual_app(task_seconds=5, coins=10_000), 0.01)
        async with A2EClient("sk_simulator", base_url="http://127.0.0.1:1", http=transport, rate=2) as a2e:
            loop = asyncio.get_running_loop()
            jobs = [a2e.start(TextToImage(f"kite {number}"), timeout=60) for number in range(100)]
            await jobs[0]
            assert loop.time() < 20
            for result in await asyncio.gather(*jobs):
                assert result.url

    play_out(main())


class LateLoop:
    """A loop whose timers ring a millisecond late."""

    now = rings_at = 0.0

    def time(self):
        """Give the time."""
        return self.now

    def call_at(self, when, _callback, _loop):
        """Note when to ring."""
        self.rings_at = when
        return asyncio.get_running_loop().call_soon(lambda: None)


async def test_late_timers_do_not_slow_the_rate():
    """A thousand a second are a thousand, though each timer rings late; what is missed is made up for."""
    loop, pacer = LateLoop(), Pacer(1000)
    turns = [asyncio.get_running_loop().create_future() for _ in range(2000)]
    pacer._starts.extend(turns)
    while loop.now < 1:
        loop.now = max(loop.now, loop.rings_at) + 0.001
        pacer._go(loop)
    assert 995 <= sum(turn.done() for turn in turns) <= 1006
    pacer.close()


def test_a_rate_may_change():
    """What waits goes at the new rate from the next turn on; at 0 nothing leaves until there is one again."""

    async def story():
        pacer = Pacer(0)
        waiting = asyncio.create_task(times_of(pacer, 4))
        await asyncio.sleep(100)
        assert not waiting.done()
        pacer.rate = 2
        await asyncio.sleep(0.6)
        pacer.rate = 0.5
        assert await waiting == pytest.approx([100, 100.5, 102.5, 104.5], abs=0.01)
        pacer.rate = None
        assert pacer.take()
        assert pacer.take()
        pacer.rate = 0
        assert not pacer.take()

    play_out(story())
