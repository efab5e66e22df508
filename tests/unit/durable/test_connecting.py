"""The right to send is asked for last of all, when the connection of a start is there, which may take seconds."""

from __future__ import annotations

import asyncio

import pytest
from durable import KITE, Wire, durable, ended

from a2e_async import FencedError, JobDetachedError

LEASE = 1.0


class Connecting(Wire):
    """A way to the service on which connections for starts are set up when the test lets them.

    Attributes:
        connected: Set when a connection may come to be.
        waits: How many starts wait for theirs.
        asked: How many have asked whether they may leave.
    """

    asks = True

    def __init__(self, sim):
        super().__init__(sim, 0.002)
        self.connected = asyncio.Event()
        self.waits = self.asked = 0

    async def send(self, request, headers, leaving=None):
        """Connect, ask, and send."""
        if leaving is not None:
            self.waits += 1
            await self.connected.wait()
            self.asked += 1
            leaving()
        return await super().send(request, headers)


async def connecting(world, **options):
    """Give a process whose start waits for its connection, and the job."""
    a2e = await world.process(http=Connecting(world.sim), lease=LEASE, **options)
    job = a2e.start(KITE, key="order-1")
    while not a2e.wire.waits:  # noqa: ASYNC110 - the journal writes in real time
        await asyncio.sleep(0.01)
    return a2e, job


def lease_of(a2e):
    """Give the lease of a process."""
    return a2e._shared.opened.durable._holdings.lease


@durable()
async def test_nothing_is_sent_by_a_process_whose_lease_was_lost_while_it_connected(world):
    """Its row is another one's: the POST is kept back although it was written down, and the heir sends the only one."""
    sleeper, job = await connecting(world)
    lease = lease_of(sleeper)
    lease._beat = lambda: asyncio.sleep(3600)  # it hears and says nothing more
    heir = await world.process(lease=LEASE)
    (found,) = await ended(heir, "order-1")
    sleeper.wire.connected.set()
    await asyncio.sleep(0.1)
    lease.lose("another process took it for dead")
    with pytest.raises(FencedError):
        await job
    assert found.state == "done"
    assert sleeper.wire.asked == 1
    assert world.starts == 1


@durable()
async def test_a_right_to_send_that_has_run_out_is_waited_for(world):
    """The store is away when the connection comes: the POST leaves when it is back, written down anew."""
    a2e, job = await connecting(world)
    lease = lease_of(a2e)
    until, lease._until = lease._until, 0.0
    a2e.wire.connected.set()
    await asyncio.sleep(0.02)
    assert world.starts == 0
    lease._until = until + 10
    lease._renewed.set()
    await job
    assert a2e.wire.asked == 2
    assert world.starts == 1


@durable()
async def test_a_connection_that_took_long_has_the_time_of_the_post_written_down_anew(world):
    """Whoever looks for the start later looks near the time that stands in its row."""
    a2e, job = await connecting(world)
    before = (await a2e._shared.opened.durable._store.find("order-1")).sent_last
    await asyncio.sleep(1.1)
    a2e.wire.connected.set()
    await job
    assert a2e.wire.asked == 2
    assert (await a2e._shared.opened.durable._store.find("order-1")).sent_last > before + 1


@durable()
async def test_a_start_that_is_detached_while_it_connects_is_started_by_nobody(world):
    """Nothing has left, so its row says that it was not sent: no later process looks for it, or sends it."""
    a2e, job = await connecting(world)
    job.detach()
    with pytest.raises(JobDetachedError):
        await job
    a2e.wire.connected.set()
    (found,) = await ended(a2e, "order-1")
    assert (found.state, found.task_ids) == ("refused", ())
    await a2e.aclose()
    heir = await world.process()
    await asyncio.sleep(0.2)
    assert heir.wire.sent == []
    assert world.starts == 0
