"""The rows of a batch that one process runs, in the store of its client.

Laws of this file: all rows of such a batch lie in its first shard, so that whoever holds that one holds the batch, and
nobody else can begin a row of it; a batch that was cut into shards is worked on by shards alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from a2e_async.errors import LedgerError
from a2e_async.store.ports import JOBS, Lease, Ledger, Store

_FIRST: Final = 0


@contextlib.asynccontextmanager
async def held_batch(store: Store, name: str, ttl: float) -> AsyncIterator[tuple[Ledger, Lease]]:
    """Hold a batch of a store for a block; gives its ledger, and the lease that says when a start may be sent.

    Raises:
        LedgerError: Another process holds it, it was cut into shards, or the store cannot be used.
    """
    name = f"{name} batch" if name == JOBS else name
    if await store.kept(f"terms of {name}") is not None:
        raise LedgerError(
            f"the batch {name!r} in {store.place} is worked on in shards: run it with `a2e batch run --store`, or open "
            "it under another folder name"
        )
    lease = await store.lease(ttl)
    try:
        ledger = await _claimed(store, name, lease)
        try:
            yield ledger, lease
        finally:
            await ledger.aclose()
    finally:
        await lease.aclose()


async def _claimed(store: Store, name: str, lease: Lease) -> Ledger:
    ledger = await store.claim(name, _FIRST, lease)
    if ledger is not None:
        return ledger
    for holder in await store.holders(name):
        if any(shard.no == _FIRST for shard in holder.shards):
            raise _held(store, name, holder.worker)
    ledger = await store.join(name, lease)
    if ledger.shard == _FIRST:
        return ledger
    await ledger.aclose()  # somebody else was a moment earlier, and holds the first one
    raise _held(store, name, "another process")


def _held(store: Store, name: str, worker: str) -> LedgerError:
    return LedgerError(
        f"the batch {name!r} in {store.place} is open in {worker}: wait until it has ended; one that has died is taken "
        "over when its lease has run out"
    )
