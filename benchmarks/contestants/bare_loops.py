"""Bare aiohttp as most people write it: a start, then a loop of its own for each job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.contestants import Video, bare


@asynccontextmanager
async def opened(url: str, *, interval: float = 1.0, **connector: Any) -> AsyncIterator[Video]:  # noqa: ANN401 - aiohttp's
    """Open a session.

    Args:
        url: Where the server listens.
        interval: Seconds between two looks at one job.
        **connector: What `aiohttp.TCPConnector` takes.
    """
    async with bare.session(url, **connector) as http:

        async def video(words: str) -> object:
            row = await bare.start(http, words)
            while (link := bare.url_of(row)) is None:
                await asyncio.sleep(interval)
                row = await bare.detail(http, row["_id"])
            return link

        yield video
