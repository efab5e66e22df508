"""One shard of a batch, brought as far as it goes by one process: whatever delivers shards calls `run_shard`.

Laws of this file. Who claims a shard holds it alone; the store refuses whatever an earlier holder still writes. Before
each POST the lease is asked whether this process may still send. What an earlier holder has sent is looked for before
anything is sent for it. A shard is given back whatever ends its run, and never run twice by one process, which would
meet its own starts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import attrs

from a2e_async.batch.budget import BatchBudget
from a2e_async.batch.estimates import Estimates
from a2e_async.batch.journal import OnChange
from a2e_async.batch.leaving import to_its_end
from a2e_async.batch.outputs import RowSource
from a2e_async.batch.owner import Owner
from a2e_async.batch.room import RowPlaces
from a2e_async.batch.rows import Row, as_given
from a2e_async.batch.runner import RowsRun
from a2e_async.batch.steps import Steps
from a2e_async.client import A2EClient
from a2e_async.engine.jobs.options import Options
from a2e_async.store.entries import Entry, State
from a2e_async.store.ports import Lease, Ledger, Store

MOST_ROWS = 500
_FEWEST_SHARDS = 32
_FEWEST_ROWS = 8
_OPEN = frozenset(state for state in State if not state.final)


@attrs.frozen(kw_only=True)
class Ways:
    """How the rows of shards are brought to their files.

    Attributes:
        folder: Where files go.
        room: Where rows between start and files have their places; all shards of a process share it.
        options: How starts are sent and watched.
        budget: What pays for them; None: nothing bounds them.
        service: What stands for the service; by default its address.
        same_account: Whether the token is another one of the account that the store belongs to.
        host: What the manifest calls this machine; "" leaves it out.
        on_change: Told of each change of a row, after it was written down.
    """

    folder: Path = Path()
    room: RowPlaces = attrs.field(factory=lambda: RowPlaces(200))
    options: Options = attrs.field(factory=Options)
    budget: BatchBudget | None = None
    service: str | None = None
    same_account: bool = False
    host: str = ""
    on_change: OnChange = lambda _entry: None


@attrs.frozen(kw_only=True)
class ShardEnd:
    """What became of a shard in one process.

    Attributes:
        no: Its number.
        ends: How many rows ended in which state.
        left: How many of its rows have not come to an end.
        stopped_by: The error for which nothing more was started, or None.
    """

    no: int
    ends: Counter[State]
    left: int
    stopped_by: Exception | None


def shard_size(rows: int) -> int:
    """Give how many rows a shard of a batch gets: 500, fewer in a small batch, so that all machines have work."""
    return max(_FEWEST_ROWS, min(MOST_ROWS, rows // _FEWEST_SHARDS))


async def run_shard(
    store: Store,
    lease: Lease,
    a2e: A2EClient,
    batch: str,
    no: int,
    *,
    ways: Ways | None = None,
    on_open: Callable[[RowsRun, int], None] = lambda _run, _rows: None,
) -> ShardEnd | None:
    """Bring the rows of one shard as far as they go, and give it back.

    Args:
        store: The open store.
        lease: This process's lease.
        a2e: The open client.
        batch: The batch's name.
        no: The shard's number.
        ways: How rows are brought to their files; by default into the current folder, 200 at once.
        on_open: Told of the run, which can be stopped, and of how many rows it has, when the shard was claimed.

    Returns:
        What became of it; None while somebody else holds it, or when nobody does any more what was to be done.

    Raises:
        FencedError: The lease is gone.
        LedgerError: The store cannot be used, or belongs to another service or account.
    """
    ledger = await store.claim(batch, no, lease)
    if ledger is None:
        return None
    try:
        return await _run(ledger, a2e, _Asked(no, lease, ways or Ways(), on_open))
    finally:
        await to_its_end(ledger.aclose())


@attrs.frozen
class _Asked:
    """What `run_shard` was asked for."""

    no: int
    lease: Lease
    ways: Ways
    on_open: Callable[[RowsRun, int], None]


async def _run(ledger: Ledger, a2e: A2EClient, asked: _Asked) -> ShardEnd:
    ways = asked.ways
    owner = await Owner.check(ledger, a2e, service=ways.service, same_account=ways.same_account)
    estimates = Estimates(ledger, a2e.learned)
    budget = ways.budget or BatchBudget(None, 0, a2e)
    steps = Steps(
        ways.folder,
        a2e,
        ledger,
        owner=owner,
        options=ways.options,
        budget=budget,
        on_change=ways.on_change,
        right=asked.lease,
        host=ways.host,
    )
    run = RowsRun(ways.folder, ledger, steps, estimates, room=ways.room, again=(), shared=True)
    rows, run.made = await _open_rows(ledger)
    asked.on_open(run, len(rows))
    ends: Counter[State] = Counter()
    try:
        async for outcome in run.run(rows):
            ends[outcome.entry.state] += 1
    except Exception as error:
        if error is not run.stopped_by:
            raise
    finally:
        await to_its_end(run.leave())
    left = len(await ledger.in_states(_OPEN))
    return ShardEnd(no=asked.no, ends=ends, left=left, stopped_by=run.stopped_by)


async def _open_rows(ledger: Ledger) -> tuple[list[Row], dict[str, RowSource]]:
    """Give the rows of a shard that have not come to an end, and what is made already of what they take.

    What was sent comes first: it runs at the service whether somebody looks or not. A row whose source has failed is
    given together with it, so that it hears of it.
    """
    entries = [entry for entry in await ledger.in_states(_OPEN) if entry.listed]
    entries.sort(key=lambda entry: not (entry.letters or entry.task_ids))
    rows = list(map(as_given, entries))
    sources = await ledger.known(_missing(rows))
    made = {entry.id: _made(entry) for entry in sources.values() if entry.state is State.DONE and entry.task_ids}
    failed = [entry for entry in sources.values() if entry.state in (State.FAILED, State.REFUSED)]
    return [*map(as_given, failed), *rows], made


def _missing(rows: Sequence[Row]) -> list[str]:
    there = {row.id for row in rows}
    return list(dict.fromkeys(_not_in(there, (source for row in rows for source in row.sources()))))


def _not_in(there: Collection[str], ids: Iterable[str]) -> Iterable[str]:
    return (one for one in ids if one not in there)


def _made(entry: Entry) -> RowSource:
    return RowSource(entry.id, entry.family, entry.task_ids)
