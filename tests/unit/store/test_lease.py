"""The right to send: half of a lease since its last beat was sent, and nothing while the store is away."""

from __future__ import annotations

import asyncio
import logging

import pytest

from a2e_async.errors import FencedError, LedgerError
from a2e_async.store.lease import HeldLease, boottime, until

ALIVE, GONE = True, False


class Machine:
    """A machine whose clock goes on while it sleeps, and a store that answers its beats as told."""

    def __init__(self):
        self.now = 100.0
        self.answers = []
        self.ended = 0
        self._turns = asyncio.Event()
        self.lease = HeldLease(7, 12.0, self.now, self._beat, self._end, clock=lambda: self.now, sleep=self._sleep)

    async def _sleep(self, seconds):
        assert seconds == 2.0
        self._turns.clear()
        await self._turns.wait()

    async def _beat(self):
        answer = self.answers.pop(0)
        self.now += getattr(answer, "takes", 0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _end(self):
        self.ended += 1

    async def beats(self, answer, *, after=2.0):
        """Let time pass and the next beat be answered so."""
        self.now += after
        self.answers.append(answer)
        await asyncio.sleep(0)
        self._turns.set()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def machine():
    """Give a machine that has just taken a lease of 12 seconds."""
    made = Machine()
    yield made
    await made.lease.aclose()


async def _sends(machine):
    """Say whether a start may leave now."""
    asking = asyncio.ensure_future(machine.lease.fresh())
    for _ in range(5):
        await asyncio.sleep(0)
    if not asking.done():
        asking.cancel()
        return False
    asking.result()
    return True


async def test_the_right_is_half_a_lease_from_when_the_beat_was_sent(machine):
    """To the moment: at half of it nothing leaves any more, whatever the store grants."""
    machine.now += 5.99
    assert await _sends(machine)
    machine.now += 0.01
    assert not await _sends(machine)
    await machine.beats(ALIVE, after=0)
    assert await _sends(machine)


async def test_a_beat_whose_answer_was_late_counts_from_when_it_was_sent(machine):
    """A process that slept between the question and the answer has no right to send for that."""

    async def slow():
        machine.now += 30.0
        return True

    machine.lease._beat = slow
    machine._turns.set()
    await asyncio.sleep(0)
    await machine.beats(ALIVE)
    assert not await _sends(machine)


async def test_nothing_leaves_while_the_store_is_away_and_all_goes_on_after_it(machine, caplog):
    """However long it lasts, the lease is not taken for lost; it is said once, and that it is over."""
    caplog.set_level(logging.INFO, "a2e_async")
    waiting = None
    for turn in range(20):
        await machine.beats(LedgerError("the database is away"))
        if turn == 5:
            waiting = asyncio.ensure_future(machine.lease.fresh())
    assert not machine.lease.lost
    assert waiting is not None
    assert not waiting.done()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await machine.beats(ALIVE)
    await asyncio.wait_for(waiting, 1)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_lease_that_is_gone_in_the_store_raises_for_all_who_wait(machine):
    """Each is given an error of its own, and nothing is asked of the store any more."""
    for _ in range(4):
        await machine.beats(LedgerError("away"))
    waiting = [asyncio.ensure_future(machine.lease.fresh()) for _ in range(2)]
    gone = asyncio.ensure_future(machine.lease.gone())
    await machine.beats(GONE)
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in errors] == [FencedError, FencedError]
    assert errors[0] is not errors[1]
    await asyncio.wait_for(gone, 1)
    assert machine.lease.lost
    await machine.lease.aclose()
    assert machine.ended == 0


async def test_closing_ends_it_in_the_store_once(machine):
    """Nothing is sent after it; a store that is away is no reason to fail."""

    async def away():
        machine.ended += 1
        raise LedgerError("away")

    machine.lease._end = away
    await machine.lease.aclose()
    await machine.lease.aclose()
    assert machine.ended == 1
    with pytest.raises(FencedError, match="lease 7 of this process is gone: it was closed"):
        await machine.lease.fresh()


async def test_a_machine_that_slept_sends_nothing_until_it_was_asked(machine):
    """The clock goes on while it sleeps: it wakes without a right."""
    await machine.beats(ALIVE)
    machine.now += 100
    assert not await _sends(machine)


def test_the_clock_never_goes_back_and_counts_seconds():
    """It is one that nobody sets."""
    first = boottime()
    assert 0 <= boottime() - first < 60


async def test_what_is_listened_to_ends_with_the_lease(machine):
    """Also while nothing comes."""
    coming = asyncio.Queue()

    async def source():
        while True:
            yield await coming.get()

    heard = []

    async def listen():
        heard.extend([one async for one in until(machine.lease, source())])

    listening = asyncio.create_task(listen())
    coming.put_nowait("t1")
    for _ in range(10):
        await asyncio.sleep(0)
    await machine.lease.aclose()
    await asyncio.wait_for(listening, 1)
    assert heard == ["t1"]
