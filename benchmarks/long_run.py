"""The long run: a mixed load under random faults, for hours; memory, handles, threads and tasks must stay flat.

    python -m benchmarks.long_run [--minutes 30] [--users 30]     real time, over sockets, with files, a store, webhooks
    python -m benchmarks.long_run --days 7 [--every 20]           virtual time, a user every 20 s

The simulated service is a process of its own in real time, so that the memory measured is the client's. At the end the
book must balance: no tag billed twice, no start that nobody had, nothing left running. One JSON line per figure; exit
code 1 where something is not as it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import gc
import json
import logging
import random
import statistics
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
from aiohttp import web

from a2e_async import A2EClient, Webhook
from a2e_async.simulator import serve
from a2e_async.simulator.virtual import DirectTransport, run_virtually, virtual_app
from a2e_async.web.aiohttp import setup
from benchmarks.common import figure
from benchmarks.mixed_load import MixedLoad, bad_weather
from benchmarks.webhooks import free_port, memory

SECRET = "the secret of a long run"
SAMPLES = 120
WARM = 4  # the first quarter is warm-up
MOST_GROWTH = 1.15
MOST_MORE = 8
UNITS = {"memory": "MiB", "client_bytes": "bytes"}
LOOSE = 1.5  # users come and go, and the newest 2,000 tasks of each family are remembered; a leak would be many times


@attrs.define
class Samples:
    """What was held, again and again."""

    taken: list[dict[str, float]] = attrs.field(factory=list)

    def take(self) -> None:
        """Take one."""
        folder = Path("/proc/self/fd")
        held = {
            "memory": memory(),
            "handles": len(list(folder.iterdir())) if folder.exists() else 0,
            "threads": threading.active_count(),
            "tasks": len(asyncio.all_tasks()),
            "objects": len(gc.get_objects()),
            "client_bytes": client_bytes(),
        }
        self.taken.append(held)

    def growth(self, name: str) -> tuple[float, float, float]:
        """Give the medians of the second and of the last quarter, and their ratio."""
        values = [one[name] for one in self.taken]
        quarter = max(1, len(values) // WARM)
        early, late = statistics.median(values[quarter : 2 * quarter] or values), statistics.median(values[-quarter:])
        return early, late, late / max(early, 1)


def client_bytes() -> int:
    """Weigh all objects of the package but the simulator's, and the containers that they hold themselves."""
    kinds = (dict, list, set, tuple, collections.deque, collections.OrderedDict)
    ours = [one for one in gc.get_objects() if _is_ours(type(one))]
    held = {id(one): one for one in ours}
    for one in ours:
        held |= {id(inner): inner for inner in gc.get_referents(one) if isinstance(inner, kinds)}
    return sum(sys.getsizeof(one) for one in held.values())


def _is_ours(kind: type) -> bool:
    module = str(getattr(kind, "__module__", ""))
    return module.startswith("a2e_async.") and not module.startswith("a2e_async.simulator")


async def playing(load: MixedLoad, samples: Samples, seconds: float, crowd: Callable[[], Awaitable[None]]) -> None:
    """Let users play for so long, with a sample now and then."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    users = asyncio.create_task(crowd())
    while (left := end - loop.time()) > 0 and not users.done():
        await asyncio.sleep(min(left, seconds / SAMPLES))
        gc.collect()
        samples.take()
    users.cancel()
    await asyncio.gather(users, return_exceptions=True)
    await load.a2e.drain(timeout=3600)


def crowd_of(load: MixedLoad, count: int) -> Callable[[], Awaitable[None]]:
    """Let so many users play at once; each is followed by another."""

    async def one() -> None:
        while True:
            await load.user()

    async def crowd() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one())

    return crowd


def stream_of(load: MixedLoad, every: float) -> Callable[[], Awaitable[None]]:
    """Let a user come every so many seconds."""

    async def stream() -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(load.dice.expovariate(1 / every))
                group.create_task(load.user())

    return stream


def tell(load: MixedLoad, samples: Samples, book: dict[str, Any], *, alone: bool) -> bool:
    """Print all figures; says whether all is well.

    Where the service is in this process, too, its book grows with each start: the process's memory is told then and
    not judged; what the client's own objects weigh is.
    """
    wrong = {}
    for name in samples.taken[0]:
        early, late, ratio = samples.growth(name)
        figure(name, late, UNITS.get(name, name), early=round(early, 1), ratio=round(ratio, 3))
        limit = MOST_GROWTH if name in ("memory", "threads") else LOOSE
        judged = name != "objects" and (alone or name != "memory")
        if judged and ratio > limit and late - early > MOST_MORE:
            wrong[name] = ratio
    figure("users", sum(load.played.values()), "users", **load.played)
    figure("errors_told", sum(load.errors.values()), "errors", **load.errors)
    figure("files_whole", load.files, "files")
    stats, starts = load.a2e.stats(), book["starts"]
    wrong |= {"doubles": book["doubles"]} if book["doubles"] else {}
    wrong |= {"running": stats.running} if stats.running else {}
    unexplained = starts - book["starts_refunded"] - len(load.paid) - load.errors["StartUnknownError"]
    wrong |= {"starts that no job had": unexplained} if unexplained > 0 else {}
    figure(
        "book",
        starts,
        "starts",
        **{name: value for name, value in book.items() if name != "starts"},
        taken_by_jobs=len(load.paid),
        client_spent=stats.spent,
    )
    figure("wrong", len(wrong), "things", at_most=0, **wrong)
    return not wrong


def balance(sim_book: Any) -> dict[str, Any]:  # noqa: ANN401 - the simulator's
    """Give what the book says."""
    starts = sim_book.starts
    return {
        "starts": len(starts),
        "starts_refunded": sum(start.refunded >= start.coins for start in starts),
        "charged": sim_book.charged,
        "refunded": sim_book.refunded,
        "doubles": len(sim_book.doubles),
    }


async def in_virtual_time(days: float, every: float, seed: int) -> bool:
    """Play days in virtual time, in this process."""
    dice = random.Random(seed)
    app = virtual_app(coins=10**9, media="tiny", seed=seed)
    weather = asyncio.create_task(bad_weather(app.faults, dice, 600, files=False))
    samples = Samples()
    transport = DirectTransport(app, latency=0.05)
    async with A2EClient("sk_simulator", base_url="http://127.0.0.1:1", http=transport) as a2e:
        load = MixedLoad(a2e=a2e, dice=dice, folder=None)
        await playing(load, samples, days * 86_400, stream_of(load, every))
    weather.cancel()
    return tell(load, samples, balance(app.world.book), alone=False)


async def in_real_time(minutes: float, users: int, seed: int) -> bool:
    """Play minutes in real time, as a web application whose service is a process of its own."""
    samples = Samples()
    with tempfile.TemporaryDirectory() as scratch:
        folder, port = Path(scratch), free_port()
        service, url = await service_process(seed)
        a2e = A2EClient(
            "sk_simulator",
            base_url=url,
            webhook=Webhook(f"http://127.0.0.1:{port}/a2e/webhook", token=SECRET),
            store=f"sqlite:///{folder}/jobs.sqlite",
        )
        app = web.Application()
        setup(app, a2e)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        load = MixedLoad(a2e=a2e, dice=random.Random(seed), folder=folder / "files")
        try:
            await playing(load, samples, minutes * 60, crowd_of(load, users))
            book = await book_of(service)
        finally:
            await runner.cleanup()
    return tell(load, samples, book, alone=True)


async def service_process(seed: int) -> tuple[asyncio.subprocess.Process, str]:
    """Start the service, and give its process and where it is."""
    words = (sys.executable, "-m", "benchmarks.long_run", "--serve", str(seed))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())["url"]


async def book_of(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Let the service end, and give what its book says."""
    told, _ = await process.communicate(b"\n")
    book: dict[str, Any] = json.loads(told)
    return book


async def be_the_service(seed: int) -> None:
    """Serve, with a fault now and then, until a line comes in."""
    async with serve(speed=20, coins=10**9, media="tiny", seed=seed) as sim:
        weather = asyncio.create_task(bad_weather(sim.faults, random.Random(seed), 2, files=True))
        sys.stdout.write(json.dumps({"url": sim.url}) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        weather.cancel()
        sys.stdout.write(json.dumps(balance(sim.book) | {"webhooks": dict(sim.webhooks)}))


def main() -> int:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="of real time (default 30)")
    parser.add_argument("--users", type=int, default=30, help="at once, in real time (default 30)")
    parser.add_argument("--days", type=float, help="of virtual time, in its place")
    parser.add_argument("--every", type=float, default=20, help="seconds between users, in virtual time (default 20)")
    parser.add_argument("--seed", type=int, default=1, help="where chance begins (default 1)")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.getLogger("a2e_async").setLevel(logging.ERROR)  # faults are what it is about
    if given.serve is not None:
        asyncio.run(be_the_service(given.serve))
        return 0
    if given.days is not None:
        return 0 if run_virtually(in_virtual_time(given.days, given.every, given.seed)) else 1
    return 0 if asyncio.run(in_real_time(given.minutes, given.users, given.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
