"""Starts whose connection takes its time, over real sockets: nothing of them leaves before the last question."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from a2e_async import A2EClient, JobCancelledError, JobDetachedError, TextToImage
from a2e_async.simulator import serve

KITE = TextToImage("a red kite")
SESSIONS = ["ours", "the caller's"]


class SlowNames(AbstractResolver):
    """Looks names up when it is let, as a slow network does; the connection is a new one then."""

    def __init__(self):
        self.asked, self.may = asyncio.Event(), asyncio.Event()

    async def resolve(self, host, port=0, family=socket.AF_INET):
        """Give this machine's own address."""
        self.asked.set()
        await self.may.wait()
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self):
        """Hold nothing."""


@contextlib.asynccontextmanager
async def slow_client(whose):
    """Give a simulator, a client whose connections are slow, and what lets them come."""
    names = SlowNames()
    async with (
        serve(media="tiny", task_seconds=0.1) as sim,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=names)) as http,
        A2EClient(
            sim.token,
            base_url=sim.url.replace("127.0.0.1", "localhost"),
            http=http if whose == "the caller's" else None,
        ) as a2e,
    ):
        if whose == "ours":
            a2e._shared.opened.engine.service._transport._http = http
        yield sim, a2e, names


@pytest.mark.parametrize("whose", SESSIONS)
@pytest.mark.parametrize("how", ["cancel", "detach"])
async def test_a_start_that_is_let_go_of_while_it_connects_never_arrives(how, whose):
    """The connection is made, and no body follows; the next start goes out as ever."""
    async with slow_client(whose) as (sim, a2e, names):
        job = a2e.start(KITE)
        await names.asked.wait()
        if how == "cancel":
            assert await job.cancel() is True
            assert isinstance(job.error, JobCancelledError)
        else:
            job.detach()
            assert isinstance(job.error, JobDetachedError)
        names.may.set()
        other = a2e.start(TextToImage("a blue boat"))
        await other
        await asyncio.sleep(0.05)
        assert [start.task_ids for start in sim.book.starts] == [other.task_ids]


@pytest.mark.parametrize("whose", SESSIONS)
async def test_starts_over_connections_that_are_there_already_ask_too(whose):
    """The first ones make connections, the others share what there is, and each is billed once."""
    async with slow_client(whose) as (sim, a2e, names):
        names.may.set()
        await asyncio.gather(*[a2e.start(TextToImage(f"kite {n}")) for n in range(20)])
        await asyncio.gather(*[a2e.start(TextToImage(f"boat {n}")) for n in range(20)])
        assert len(sim.book.starts) == 40
