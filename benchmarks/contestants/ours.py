"""Ours, with its defaults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from a2e_async import A2EClient, ImageToVideo
from benchmarks.contestants import IMAGE, NEGATIVE, Video


@asynccontextmanager
async def opened(url: str, *, tagging: bool = True, **options: Any) -> AsyncIterator[Video]:  # noqa: ANN401 - A2EClient's
    """Open a client.

    Args:
        url: Where the server listens.
        tagging: Whether starts are tagged.
        **options: What `A2EClient` takes.
    """
    async with A2EClient("sk_example", base_url=url, **options) as client:
        a2e = client if tagging else client.with_options(tagging=False)

        async def video(words: str) -> object:
            return await a2e.start(ImageToVideo(IMAGE, prompt=words, negative_prompt=NEGATIVE))

        yield video
