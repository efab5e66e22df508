"""The stores over which the one suite of their rules runs: in memory, in a file, and in a PostgreSQL of its own."""

from __future__ import annotations

import contextlib

import pytest
from postgres_server import missing, postgres_server

from a2e_async.store.memory import MemoryStore
from a2e_async.store.opening import open_store


@pytest.fixture(scope="session")
def server():
    """Give a PostgreSQL, begun once for all tests of this process."""
    if why := missing():
        pytest.skip(why)
    with postgres_server() as one:
        yield one


class Views:
    """One store as several processes see it; each view is opened by `another`, and all are closed at the end."""

    def __init__(self, make, kind):
        self.kind = kind
        self._make = make
        self.open_ones = []

    async def another(self):
        """Open a view of the store, as another process has it."""
        store = self._make()
        await store.open()
        self.open_ones.append(store)
        return store


async def _views(kind, request, tmp_path):
    if kind == "postgres":
        server = request.getfixturevalue("server")
        await server.empty()
        return Views(lambda: open_store(server.url), kind)
    if kind == "sqlite":
        return Views(lambda: open_store(f"sqlite:///{tmp_path / 'jobs.sqlite'}"), kind)
    memory = MemoryStore()
    return Views(memory.another, kind)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def views(request, tmp_path):
    """Give each kind of store, as several processes see it."""
    made = await _views(request.param, request, tmp_path)
    try:
        yield made
    finally:
        for store in made.open_ones:
            with contextlib.suppress(RuntimeError):
                await store.aclose()


@pytest.fixture
async def store(views):
    """Give an open store of each kind."""
    return await views.another()


@pytest.fixture
async def ledger(store):
    """Give the ledger of a shard of each kind, in a batch."""
    return await store.join("trial", await store.lease())
