"""From rows to shards in a store, and from rows that have ended to rows that are attempted anew."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

import attrs

from a2e_async.batch.shards import shard_size
from a2e_async.batch.spool import Spool
from a2e_async.errors import UsageError
from a2e_async.fleet.terms import Terms, write_terms
from a2e_async.store.entries import Entry, State
from a2e_async.store.ports import JOBS, Lease, Store

T = TypeVar("T")

BEGUN = frozenset(State) - {State.PLANNED, State.FAILED, State.REFUSED, State.DONE}
"""States of rows that a simulator which has ended has forgotten."""

_MOST_AT_ONCE = 1000
_AT_ONCE = 8  # shards that are written together


def check_name(batch: str) -> str:
    """Give back a name that a batch may have.

    Raises:
        UsageError: It is none.
    """
    if not batch.strip() or not batch.isprintable() or len(batch) > 100 or batch == JOBS:  # noqa: PLR2004
        raise UsageError(f"name: must be printable text of 1 to 100 characters other than {JOBS!r}, not {batch!r:.120}")
    return batch


async def plan(store: Store, batch: str, spool: Spool, terms: Terms, *, size: int | None = None) -> int:
    """Write rows into shards; those that the batch has already stay where they are.

    Killed in the middle and called again it goes on: a shard is written as a whole or not at all.

    Args:
        store: The open store.
        batch: The batch's name.
        spool: The rows.
        terms: How the batch is run.
        size: How many rows a shard has at most; by default as many as suit the batch.

    Returns:
        How many shards are new.
    """
    check_name(batch)
    new = 0
    shards = spool.cut(size or shard_size(spool.count))
    ready = await _cut(shards)
    while ready:
        # What is asked for at once shares a commit, and the next shards are cut while it waits for the disk.
        adding = asyncio.gather(*[store.add_shard(batch, entries) for entries in ready])
        try:
            ready = await _cut(shards)
        finally:
            new += sum(no is not None for no in await adding)
    # Last of all: a batch that is planned in part is worked on by nobody.
    await write_terms(store, batch, attrs.evolve(terms, run=secrets.token_hex(8)))
    return new


async def _cut(shards: Iterator[list[Entry]]) -> list[list[Entry]]:
    return await asyncio.to_thread(list, itertools.islice(shards, _AT_ONCE))


async def attempt_anew(
    store: Store, lease: Lease, batch: str, states: Collection[State], ids: Collection[str] | None = None
) -> tuple[list[str], list[str]]:
    """Let rows be attempted anew, each as a new intent that is paid for again; whoever works on the batch starts them.

    Args:
        store: The open store.
        lease: This process's lease.
        batch: The batch's name.
        states: Only rows that stand in one of these states.
        ids: Only these rows; None: all.

    Returns:
        The rows that will be started, and those that somebody works on at this moment and that were left alone.
    """
    wanted: dict[int, list[str]] = {}
    known = None if ids is None else frozenset(ids)
    async for entry in store.entries(batch, states=states):
        if entry.shard is not None and (entry.id in known if known is not None else entry.listed):
            wanted.setdefault(entry.shard, []).append(entry.id)
    anew: list[str] = []
    held: list[str] = []
    for no, row_ids in wanted.items():
        ledger = await store.claim(batch, no, lease)
        if ledger is None:
            held += row_ids
            continue
        try:
            anew += await ledger.again(row_ids, states)
        finally:
            await ledger.aclose()
    return anew, held


async def counts_of(store: Store, batch: str) -> Mapping[State, int]:
    """Count the rows of a batch by state.

    Raises:
        UsageError: There is no such batch.
    """
    batches = await store.batches()
    if batch not in batches or batch == JOBS:
        names = ", ".join(f"{name!r:.60}" for name in sorted(batches) if name != JOBS)
        raise UsageError(f"there is no batch {batch!r:.120} in {store.place}{f'; there is {names}' if names else ''}")
    return batches[batch]


async def entries_of(store: Store, batch: str) -> list[Entry]:
    """Give all rows of a batch that is small enough to be held in memory."""
    return [entry async for entry in store.entries(batch)]


def in_pieces(ids: Iterable[T], size: int = _MOST_AT_ONCE) -> Iterator[list[T]]:
    """Give items some at a time."""
    piece: list[T] = []
    for one in ids:
        piece.append(one)
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece
