"""Batches for tests, against a simulated service on a socket that lives twenty times as fast as we do."""

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace

from ledgers import opened

from a2e_async import A2EClient, A2EError, simulator
from a2e_async.batch import Batch, Row
from a2e_async.batch.owner import Owner
from a2e_async.batch.steps import planned
from a2e_async.core import tags
from a2e_async.core.family import family_of
from a2e_async.core.polling.schedule import Cadence
from a2e_async.core.retry import Retry
from a2e_async.store.entries import State, tag_of

QUICK = Retry(first_wait=0.02, unknown_window=0.5, attempts=3, stall_seconds=2, missing_grace=0.2)
CLOSE = Cadence(delay=0.02, polls_per_second=100)
HOUR = 3600


def service(**switches):
    """Run a simulated service for a block; its tasks take a tenth of a second."""
    return simulator.serve(**{"speed": 20, "media": "tiny", "task_seconds": 2, "coins": 100_000, **switches})


def client(sim, **options):
    """Make a client of it that does not wait long for anything."""
    chosen = {"token": sim.token, "base_url": sim.url, "cadence": CLOSE, "retry": QUICK, "close_timeout": 2}
    return A2EClient(**chosen | options)


def image(row_id, prompt="a kite", **fields):
    """Make a row of an image."""
    source = fields.pop("image_from", None)
    family = family_of("text_to_image")
    return Row(id=row_id, family=family, fields={"prompt": prompt, **fields}, image_from=source)


def video(row_id, source, prompt="it climbs"):
    """Make a row of a video of another row's image."""
    fields = {"prompt": prompt, "negative_prompt": "blurry"}
    return Row(id=row_id, family=family_of("image_to_video"), fields=fields, image_from=source)


def images(count):
    """Make rows of images."""
    return [image(f"r{n}", f"kite number {n}") for n in range(count)]


async def play(folder, sim, rows, *, options=None, **opening):
    """Run a batch to its end; gives the outcomes by row, their order, and why it stopped."""
    outcomes = []
    async with client(sim, **(options or {})) as a2e, Batch.open(folder, a2e, **opening) as batch:
        try:
            async for outcome in batch.run(rows):
                outcomes.append(outcome)  # noqa: PERF401 - those before an error count
        except A2EError as error:
            if error is not batch.stopped_by:
                raise
    return SimpleNamespace(
        outcomes={outcome.row.id: outcome for outcome in outcomes},
        order=[outcome.row.id for outcome in outcomes],
        stopped_by=batch.stopped_by,
    )


async def entries(folder):
    """Give what the ledger of a folder knows, by row."""
    async with opened(folder) as book:
        return {entry.id: entry for entry in await book.in_states(frozenset(State))}


async def states(folder):
    """Give how far each row of a folder has come."""
    return {row_id: entry.state for row_id, entry in (await entries(folder)).items()}


async def bring_to(folder, row, state, *, sim=None, there=True, age=0.0, sent=True):
    """Put a row into a ledger as a process leaves it that was killed in this state; gives its tag.

    Args:
        folder: The batch's folder.
        row: The row.
        state: How far it has come; at most completed.
        sim: The service that has its task.
        there: Whether the service has taken the start.
        age: How long ago it was sent, in seconds.
        sent: Whether its POST has left.
    """
    async with opened(folder) as book:
        await book.plan([planned(row)])
        tag = tag_of(book.batch_id, row.id, 1)
        if state is State.PLANNED:
            return tag
        if sim is not None:
            await begun_at(book, sim)
        await book.intended(row.id, tag, 1)
        await book.write(("UPDATE rows SET intended_at = ? WHERE id = ?", (time.time() - age, row.id)))
        if sent:
            await book.sending(row.id, tags.FIRST, (time.time() if sim is None else sim.clock.now()) - age)
        if there:
            body = {"prompt": "x", "name": tags.put("a kite", tag, tags.FIRST, 100)}
            body |= {"negative_prompt": "y", "image_url": "https://example.com/a"} if any(row.inputs()) else {}
            ids = [task.id for task in sim.world.start(row.family.name, body)]
        if state in (State.ACCEPTED, State.COMPLETED):
            await book.accepted(row.id, ids, 10)
        if state is State.COMPLETED:
            await sim.clock.sleep(4)
            await book.finished(row.id, coins=10)
        return tag


async def begun_at(book, sim):
    """Bind a ledger to a simulated service and its account, as the first row that is begun does."""
    async with client(sim) as a2e:
        await Owner.check(book, a2e, service=None, same_account=False)


KITE = image("kite")


def one_bill_each(sim, count):
    """Whether so many rows were billed, each once."""
    bills = sim.book.bills_by_tag()
    return len(bills) == len(sim.book.starts) == count and set(bills.values()) == {1}


async def forget(sim):
    """Let the service deny all tasks that it has."""
    for task_id, task in list(sim.book.tasks.items()):
        sim.world.delete(task.family if isinstance(task.family, str) else task.family.name, task_id)


class Asked:
    """How often each route was asked since then."""

    def __init__(self, sim):
        self._sim = sim
        self._before = sim.counters.copy()

    def __call__(self, route="*"):
        """Give the requests of this route, by default those of all."""
        since = self._sim.counters - self._before
        return since.total() if route == "*" else sum(n for name, n in since.items() if name.endswith(route))


@contextlib.contextmanager
def asked(sim):
    """Count requests in a block."""
    yield Asked(sim)
