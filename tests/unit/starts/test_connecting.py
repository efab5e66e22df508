"""While the connection of a start is set up nothing of it has left: it may be let go of, its right to send may end."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from virtual_time import IMAGE, client, virtual

from a2e_async import (
    ClientClosedError,
    JobCancelledError,
    JobDetachedError,
    Journal,
    Retry,
    StartUnknownError,
    TransportError,
)
from a2e_async.simulator.virtual import DirectTransport

CONNECT = 4.0
BILL = 10


class Connecting(DirectTransport):
    """Takes a while to connect for each start, and asks then whether it may leave."""

    asks = True

    def __init__(self, app, connect=CONNECT, failures=()):
        super().__init__(app, 0.05)
        self.connect = connect
        self.failures = list(failures)
        self.asked = 0

    async def send(self, request, headers, leaving=None):
        """Connect first."""
        if leaving is not None:
            await asyncio.sleep(self.connect)
            if self.failures:
                raise self.failures.pop(0)
            self.asked += 1
            leaving()
        return await super().send(request, headers)


class Hesitating(Journal):
    """A journal whose right to send runs out while a connection is set up, so many times."""

    def __init__(self, times):
        self.times = times
        self.sent = []

    async def sending(self, _tag, letter, _at):
        """Note that a POST is about to leave."""
        self.sent.append(letter)

    def leaves(self):
        """Say no at first."""
        self.times -= 1
        return self.times < 0


@pytest.mark.parametrize("how", ["cancel", "detach"])
@virtual(opened=False)
async def test_a_start_that_is_let_go_of_while_it_connects_is_not_sent(sim, how):
    """Cancel gives True at once, detach its error, no coin stays held, and the connection carries nothing."""
    async with client(sim, http=Connecting(sim), budget=BILL) as a2e:
        job = a2e.start(IMAGE, price=BILL)
        await asyncio.sleep(CONNECT / 2)
        if how == "cancel":
            async with asyncio.timeout(0.1):
                assert await job.cancel() is True
            assert isinstance(job.error, JobCancelledError)
            assert job.error.refunded is True
        else:
            job.detach()
            assert isinstance(job.error, JobDetachedError)
        await asyncio.sleep(2 * CONNECT)
        assert not sim.world.book.starts
        assert not sim.counters["text_to_image.start"]
        assert (a2e.spent, a2e.reserved) == (0, 0)


@virtual(opened=False)
async def test_closing_a_client_waits_for_no_connection(sim):
    """Nothing of the start has left, so there is no answer to wait for."""
    a2e = await client(sim, http=Connecting(sim, 100)).open()
    job = a2e.start(IMAGE)
    await asyncio.sleep(1)
    async with asyncio.timeout(0.1):
        await a2e.aclose()
    assert isinstance(job.error, ClientClosedError)
    assert not sim.world.book.starts


@virtual(opened=False)
async def test_a_right_to_send_that_runs_out_meanwhile_is_asked_for_anew(sim):
    """The POST waits until it was written down again, and leaves once."""
    wire, journal = Connecting(sim), Hesitating(2)
    async with client(sim, http=wire) as a2e:
        view = a2e.with_options()
        view._options = attrs.evolve(view._options, journal=journal)
        await view.start(IMAGE)
    assert journal.sent == ["a", "a", "a"]
    assert wire.asked == 3
    assert len(sim.world.book.starts) == 1


@virtual(opened=False)
async def test_a_time_limit_that_passes_while_it_connects_leaves_no_doubt(sim):
    """The words of the failure tell nothing, that nothing had left tells all: it is tried again, and not looked for."""
    late = [TransportError("no answer in time", sent=True), ValueError("odd")]
    async with client(sim, http=Connecting(sim, failures=late)) as a2e:
        await a2e.start(IMAGE)
        assert a2e.stats().recovered == 0
    assert len(sim.world.book.starts) == 1
    assert not sim.counters["text_to_image.list"]


@virtual(opened=False)
async def test_connections_that_never_come_are_no_unknown_start(sim):
    """After the last attempt the error says that nothing was sent."""
    late = [TransportError("no answer in time", sent=True) for _ in range(3)]
    async with client(sim, http=Connecting(sim, failures=late), retry=Retry(attempts=3)) as a2e:
        job = a2e.start(IMAGE)
        with pytest.raises(TransportError) as caught:
            await job
    assert not isinstance(caught.value, StartUnknownError)
    assert caught.value.sent is False
    assert not sim.world.book.starts
