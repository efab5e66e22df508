"""runwayml: create, then its own wait (a poll each 4.5 to 7.5 s)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runwayml import AsyncRunwayML, DefaultAioHttpClient

from benchmarks.contestants import IMAGE, Video


@asynccontextmanager
async def opened(url: str, *, aiohttp_transport: bool = False) -> AsyncIterator[Video]:
    """Open a client.

    Args:
        url: Where the server listens.
        aiohttp_transport: Send over aiohttp instead of httpx.
    """
    http = DefaultAioHttpClient() if aiohttp_transport else None
    async with AsyncRunwayML(api_key="key_example", base_url=f"{url}/runway", http_client=http) as client:

        async def video(words: str) -> object:
            task = await client.image_to_video.create(
                model="gen4_turbo", prompt_image=IMAGE, prompt_text=words, ratio="1280:720", duration=5
            )
            ended = await task.wait_for_task_output()
            if ended.status != "SUCCEEDED":
                raise RuntimeError(ended.status)
            return ended.output[0]

        yield video
