"""A store, open for a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from a2e_async.engine.settings import STORE_VARIABLE
from a2e_async.errors import UsageError
from a2e_async.store.opening import open_store
from a2e_async.store.ports import Store


@asynccontextmanager
async def opened_store(url: str | None) -> AsyncIterator[Store]:
    """Open a store for a block.

    Raises:
        UsageError: There is no address.
        LedgerError: It cannot be used.
    """
    if url is None:
        raise UsageError(f"no store: set {STORE_VARIABLE}, or give --store with an address such as postgresql://db/a2e")
    store = open_store(url)
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()
