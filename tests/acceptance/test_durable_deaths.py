"""Several processes with one store: killed, stopped, with wrong clocks, and without their database."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from pgbouncer import missing_pgbouncer, pgbouncer
from postgres_server import missing, postgres_server

from a2e_async import simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(110)]

SUPPORT = Path(__file__).parents[1] / "support"
LEASE = 1.5
PRICE = 10


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path):
    """Give the address of an empty store of each kind that lives in a file or a server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/jobs.sqlite"
        return
    if why := missing():
        pytest.skip(why)
    with postgres_server() as server:
        yield server.url


class Worker:
    """One process, see `durable_worker.py`."""

    def __init__(self, sim, store, *, seed=0, env=None, **options):
        self.words = json.dumps({"seed": seed, **options})
        own = {"A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token, "A2E_STORE": store}
        self.env = {**os.environ, **own, **(env or {})}

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        script = str(SUPPORT / "durable_worker.py")
        self.child = await asyncio.create_subprocess_exec(
            sys.executable, script, self.words, env=self.env, stdout=pipe, stderr=pipe
        )
        return self

    async def __aexit__(self, *_):
        if self.child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.child.kill()
        await self.child.communicate()

    async def begun(self):
        """Wait until it has started its jobs."""
        assert await self.child.stdout.readline() == b"begun\n", (await self.child.stderr.read()).decode()

    async def ends(self):
        """Give how its jobs ended, by the kind of the end."""
        line = await self.child.stdout.readline()
        assert line, (await self.child.stderr.read()).decode()
        return json.loads(line)

    async def ends_of_all(self):
        """Give the same of a process that nobody waited for yet."""
        await self.begun()
        return await self.ends()


def peak_of(sim):
    """Give the most tasks that ran at once, by the service's own times."""
    moments = [(task.created, 1) for task in sim.world.tasks] + [(task.ends, -1) for task in sim.world.tasks]
    most = now = 0
    for _at, step in sorted(moments):
        now += step
        most = max(most, now)
    return most


async def billed(sim, count):
    """Wait until the service has billed so many starts."""
    while len(sim.book.starts) < count:  # noqa: ASYNC110 - the simulator wakes nobody
        await asyncio.sleep(0.02)


async def test_limits_hold_over_four_processes_with_kills(address):
    """The same 90 keys in four processes, two of which are killed: each billed once, never more than 12 at once."""
    how = {"count": 90, "client": {"lease": LEASE, "max_running": 12}}
    async with simulator.serve(task_seconds=1.0, media="tiny") as sim, contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(Worker(sim, address, seed=n, **how)) for n in range(4)]
        await asyncio.gather(*(worker.begun() for worker in workers))
        for n, worker in enumerate(workers[:2]):
            await billed(sim, 20 + 20 * n)
            worker.child.kill()
        ends = await asyncio.gather(*(worker.ends() for worker in workers[2:]))
        assert ends == [{"Result": 90}] * 2
        assert len(sim.book.starts) == 90
        assert 0.85 * 12 <= peak_of(sim) <= 12


async def test_a_rate_holds_over_four_processes_with_a_kill(address):
    """Each has a quarter of 40 requests a second, then a third: never passed, and 85 % used by 240 starts."""
    rate, processes = 40, 4
    how = {"count": 60, "client": {"lease": LEASE, "rate": rate}}
    async with simulator.serve(task_seconds=60, media="tiny") as sim, contextlib.AsyncExitStack() as stack:
        workers = [Worker(sim, address, seed=n, name=f"of-{n}", **how) for n in range(processes)]
        for worker in workers:
            await stack.enter_async_context(worker)
        await billed(sim, 20)  # a newcomer waits until the others have made room
        began, asked = asyncio.get_running_loop().time(), sum(sim.counters.values())
        await billed(sim, 100)
        workers[0].child.kill()
        await billed(sim, 220)
        seconds, asked = asyncio.get_running_loop().time() - began, sum(sim.counters.values()) - asked
    moments = sorted(task.created for task in sim.world.tasks)[20:]
    most = max(bisect.bisect(moments, moment + 1) - number for number, moment in enumerate(moments))
    assert most <= rate + processes
    assert 0.85 * rate <= asked / seconds <= 1.02 * rate


async def test_keys_and_kills_behind_pgbouncer():
    """Transactions of all processes share three connections: no statement needs one that was there before."""
    if why := missing() or missing_pgbouncer():
        pytest.skip(why)
    how = {"count": 40, "client": {"lease": LEASE, "max_running": 12, "budget": 400}, "price": PRICE}
    with postgres_server() as server, pgbouncer(server) as address:
        async with simulator.serve(task_seconds=0.5, media="tiny") as sim, contextlib.AsyncExitStack() as stack:
            workers = [await stack.enter_async_context(Worker(sim, address, seed=n, **how)) for n in range(3)]
            await asyncio.gather(*(worker.begun() for worker in workers))
            await billed(sim, 15)
            workers[0].child.kill()
            ends = await asyncio.gather(*(worker.ends() for worker in workers[1:]))
            assert ends == [{"Result": 40}] * 2
            assert len(sim.book.starts) == 40


async def test_a_budget_holds_over_four_processes_with_kills(address):
    """100 keys of 10 coins and a budget of 600: never more than that is spent, and at least 85 % of it."""
    how = {"count": 100, "price": PRICE, "client": {"lease": LEASE, "budget": 600}}
    async with simulator.serve(task_seconds=0.5, media="tiny") as sim, contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(Worker(sim, address, seed=n, **how)) for n in range(4)]
        await asyncio.gather(*(worker.begun() for worker in workers))
        for n, worker in enumerate(workers[:2]):
            await billed(sim, 10 + 15 * n)
            worker.child.kill()
        await asyncio.gather(*(worker.ends() for worker in workers[2:]))
        spent = PRICE * len(sim.book.starts)
        assert 0.85 * 600 <= spent <= 600


async def test_a_process_that_was_stopped_sends_and_loses_nothing():
    """Stopped for more than its lease: another one finishes its jobs; woken, it lets go of them and pays for none."""
    if why := missing():  # SQLite has one lock: who is stopped while it writes keeps it until it is woken
        pytest.skip(why)
    how = {"count": 20, "client": {"lease": LEASE, "max_running": 8}}
    with postgres_server() as server:
        await _stopped(server.url, how)


async def _stopped(address, how):
    async with simulator.serve(task_seconds=3, media="tiny") as sim, Worker(sim, address, **how) as sleeper:
        await sleeper.begun()
        await billed(sim, 8)
        sleeper.child.send_signal(signal.SIGSTOP)
        async with Worker(sim, address, seed=1, **how) as heir:
            assert await heir.ends_of_all() == {"Result": 20}
            sleeper.child.send_signal(signal.SIGCONT)
            ends = await sleeper.ends()
        assert set(ends) <= {"Result", "FencedError"}
        assert len(sim.book.starts) == 20


@pytest.mark.parametrize("wrong", [-300, 300])
async def test_a_wrong_clock_pays_for_nothing_twice(address, wrong):
    """A process whose clock is five minutes off dies with starts on the wire; the heir finds them by the service's."""
    how = {"count": 16, "client": {"lease": LEASE, "max_starts": 4}}
    clock = {"PYTHONPATH": str(SUPPORT / "wrong_clock"), "WRONG_CLOCK": str(wrong)}
    async with simulator.serve(task_seconds=1, media="tiny") as sim:
        sim.faults.add("text_to_image.start", "delay", seconds=30, hits=4, skip=4, when="after")
        async with Worker(sim, address, env=clock, **how) as dead:
            await dead.begun()
            await billed(sim, 8)
            await asyncio.sleep(0.3)
            dead.child.kill()
        async with Worker(sim, address, seed=1, **how) as heir:
            assert await heir.ends_of_all() == {"Result": 16}
        assert len(sim.book.starts) == 16


async def test_a_database_that_is_away_lets_no_start_leave():
    """Down for longer than the right to send lasts: nothing is sent; back, all is done, and each is billed once."""
    if why := missing():
        pytest.skip(why)
    how = {"count": 30, "client": {"lease": LEASE, "max_starts": 1}}
    with postgres_server() as server:
        async with simulator.serve(task_seconds=1, media="tiny") as sim, Worker(sim, server.url, **how) as worker:
            await worker.begun()
            await billed(sim, 5)
            await asyncio.to_thread(server.down)
            await asyncio.sleep(LEASE)
            then = len(sim.book.starts)
            await asyncio.sleep(6)
            assert len(sim.book.starts) == then
            await asyncio.to_thread(server.up)
            assert set(await worker.ends()) <= {"Result", "FencedError"}
            async with Worker(sim, server.url, seed=1, **how) as heir:
                assert await heir.ends_of_all() == {"Result": 30}
            assert len(sim.book.starts) == 30
