"""fal-client: `subscribe`, which polls each 0.1 s.

It takes a host from the environment but always speaks https to it, so the one constant that its URLs are made of is
set here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import fal_client.client

from benchmarks.contestants import IMAGE, NEGATIVE, Video


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Video]:
    """Open a client."""
    fal_client.client.QUEUE_URL_FORMAT = f"{url}/fal/"
    client = fal_client.AsyncClient(key="example:example")

    async def video(words: str) -> object:
        sent = {"prompt": words, "image_url": IMAGE, "negative_prompt": NEGATIVE}
        return (await client.subscribe("a2e/video", arguments=sent))["video"]["url"]

    yield video
