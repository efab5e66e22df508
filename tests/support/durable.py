"""Clients with a store, in virtual time and without sockets: several clients stand for several processes.

    @durable()
    async def test_something(world): ...

A `world` has a simulated service and a store in memory, which live in virtual time as the test does;
`world.process()` is a process. Stores with files and servers need real time: `@durable(real=True)`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import time

import attrs
from virtual_store import VirtualStore
from virtual_time import no_task_is_left, play_out

from a2e_async import A2EClient, Cadence, Retry, TextToImage
from a2e_async.simulator.answers.app import App
from a2e_async.simulator.virtual import DirectTransport
from a2e_async.simulator.world.clock import ScaledClock
from a2e_async.simulator.world.switches import Switches
from a2e_async.simulator.world.world import World

KITE = TextToImage("a red kite")
BOAT = TextToImage("a blue boat")
_SECONDS = 60
QUICK = {"cadence": Cadence(delay=0.05, polls_per_second=100), "retry": Retry(unknown_window=0.5)}


class Wire(DirectTransport):
    """The way of one process to the service, which can be cut: a request on it is never answered then.

    Attributes:
        cut: Set when the process has died.
        gate: Where starts stop right before they leave, as when the process is stopped there, or None.
        sent: Method and path of each request that left.
    """

    def __init__(self, sim, latency):
        super().__init__(sim, latency)
        self.cut = asyncio.Event()
        self.gate = None
        self.sent = []

    async def send(self, request, headers):
        """Answer one request, unless the process is dead by then."""
        if self.cut.is_set():
            await asyncio.Event().wait()
        if request.start and self.gate is not None:
            await self.gate.wait()
        self.sent.append(f"{request.method} {request.path}")
        reply = await super().send(request, headers)
        if self.cut.is_set():
            await asyncio.Event().wait()
        return reply


@attrs.define
class DurableWorld:
    """A simulated service, a store, and the processes that use them."""

    sim: App
    store: VirtualStore
    stack: contextlib.AsyncExitStack

    async def process(self, *, latency=0.002, lease=1.0, **options):
        """Begin a process; it is closed at the end of the test."""
        view = self.store.another()
        await view.open()
        self.stack.push_async_callback(view.aclose)
        wire = Wire(self.sim, latency)
        given = {"token": "sk_simulator", "http": wire, "store": view, "lease": lease, **QUICK, **options}
        a2e = A2EClient(base_url="http://127.0.0.1:1", **given)
        await a2e.open()
        self.stack.push_async_callback(a2e.aclose)
        a2e.wire = given["http"]
        return a2e

    async def kill(self, a2e):
        """Let a process die as SIGKILL does: nothing that it was about to do happens, and nothing is given back."""
        a2e.wire.cut.set()
        opened = a2e._shared.opened
        for job in list(opened.engine.live.jobs):
            job.options.journal.forsake()
        lease = opened.durable._holdings._lease
        dead = [
            lease._task,
            opened.engine._poller_task,
            *opened.durable._upkeep._tasks,
            *opened.engine.starter._workers,
        ]
        for task in dead:
            task.cancel()
        await asyncio.wait(dead)
        opened.durable._holdings._shards, opened.durable._holdings._lease = {}, None

    @property
    def starts(self):
        """How many starts the service has billed."""
        return len(self.sim.world.book.starts)


async def ended(a2e, *keys):
    """Give what the store has of these keys, once all of them have ended."""
    while True:
        found = [await a2e.find_job(key) for key in keys]
        if all(one is not None and one.final for one in found):
            return found
        await asyncio.sleep(0.05)


def durable(*, real=False, **switches):
    """Make a test of a coroutine that takes a `DurableWorld`."""

    def decorate(story):
        async def play(fixtures):
            async with contextlib.AsyncExitStack() as stack:
                clock = ScaledClock(start=time.time(), source=asyncio.get_running_loop().time)
                sim = App(World(clock, Switches(**{"coins": 10_000_000, "task_seconds": 0.3, **switches})))
                store = VirtualStore()
                await store.open()
                stack.push_async_callback(store.aclose)
                await story(DurableWorld(sim, store, stack), **fixtures)

        async def in_real_time(fixtures):
            async with asyncio.timeout(_SECONDS):
                await play(fixtures)
            await no_task_is_left()

        def test(**fixtures):
            if real:
                asyncio.run(in_real_time(fixtures))
            else:
                play_out(play(fixtures))

        functools.update_wrapper(test, story)
        del test.__wrapped__  # pytest must not see the coroutine behind it
        signature = inspect.signature(story)
        test.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
        return test

    return decorate
