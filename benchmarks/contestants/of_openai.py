"""openai: `videos.create_and_poll`, which polls each 1 s unless the server says otherwise."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openai import AsyncOpenAI, DefaultAioHttpClient

from benchmarks.contestants import Video


@asynccontextmanager
async def opened(url: str, *, aiohttp_transport: bool = False) -> AsyncIterator[Video]:
    """Open a client.

    Args:
        url: Where the server listens.
        aiohttp_transport: Send over aiohttp instead of httpx.
    """
    warnings.simplefilter("ignore", DeprecationWarning)  # it has announced the end of this part of its API
    http = DefaultAioHttpClient() if aiohttp_transport else None
    async with AsyncOpenAI(api_key="sk-example", base_url=f"{url}/openai/v1", http_client=http) as client:

        async def video(words: str) -> object:
            video = await client.videos.create_and_poll(prompt=words, model="sora-2", seconds="4")
            if video.status != "completed":
                raise RuntimeError(video.status)
            return video.id

        yield video
