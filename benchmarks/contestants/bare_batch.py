"""Bare aiohttp as somebody writes it who knows of batchDetail: one poller, up to 100 ids a poll, and nothing else.

It has no tags, no repeats, no deadline, no pace and no errors of its own: one bad reply ends it. What it costs is the
least that such a client can cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from benchmarks.contestants import Video, bare

_IDS = 100


async def _poll(http: aiohttp.ClientSession, running: dict[str, asyncio.Future[str]], interval: float) -> None:
    while True:
        await asyncio.sleep(interval)
        ids = list(running)
        for first in range(0, len(ids), _IDS):
            for row in await bare.batch(http, ids[first : first + _IDS]):
                if link := bare.url_of(row):
                    running.pop(row["_id"]).set_result(link)


@asynccontextmanager
async def opened(url: str, *, interval: float = 1.0, **connector: Any) -> AsyncIterator[Video]:  # noqa: ANN401 - aiohttp's
    """Open a session.

    Args:
        url: Where the server listens.
        interval: Seconds between two rounds of polls.
        **connector: What `aiohttp.TCPConnector` takes.
    """
    async with bare.session(url, **connector) as http:
        running: dict[str, asyncio.Future[str]] = {}
        polling = asyncio.create_task(_poll(http, running, interval))

        async def video(words: str) -> object:
            row = await bare.start(http, words)
            if link := bare.url_of(row):
                return link
            ended = running[row["_id"]] = asyncio.get_running_loop().create_future()
            return await ended

        yield video
        polling.cancel()
