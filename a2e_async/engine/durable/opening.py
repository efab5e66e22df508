"""Opens the store of a client, makes sure that it is this account's, and takes part in it."""

from __future__ import annotations

from a2e_async.engine.durable.durable import DurableJobs
from a2e_async.engine.durable.limits import SharedLimits
from a2e_async.engine.durable.owner import check_owner
from a2e_async.engine.engine import Engine
from a2e_async.engine.settings import Config
from a2e_async.store.opening import open_store
from a2e_async.store.ports import Store


async def open_jobs(engine: Engine, config: Config) -> DurableJobs:
    """Give the durable jobs of a client that is being opened.

    Raises:
        LedgerError: The store cannot be used, or belongs to another service or account.
        UsageError: Its address is none.
    """
    own = isinstance(config.store, str)
    store: Store = open_store(config.store) if own else config.store  # type: ignore[arg-type,assignment]  # checked
    limits = SharedLimits(running=config.max_running, rate=config.rate, budget=config.budget)
    if own:
        await store.open()
    jobs = DurableJobs(engine, store, config.lease, limits, own=own)
    try:
        await check_owner(store, engine, config.base_url)
        await jobs.open()
    except BaseException:
        await jobs.stop()
        await jobs.aclose()
        raise
    return jobs
