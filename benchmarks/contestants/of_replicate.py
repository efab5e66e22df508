"""replicate: a prediction, then its own wait (a poll each 0.5 s); or `run`, which has the start held for 60 s."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from replicate.client import Client

from benchmarks.contestants import IMAGE, NEGATIVE, Video


@asynccontextmanager
async def opened(url: str, *, held: bool = False) -> AsyncIterator[Video]:
    """Open a client.

    Args:
        url: Where the server listens.
        held: Use `async_run`.
    """
    client = Client(api_token="r8_example", base_url=url)

    async def video(words: str) -> object:
        sent = {"prompt": words, "image": IMAGE, "negative_prompt": NEGATIVE}
        if held:
            return await client.async_run("a2e/video", input=sent)
        prediction = await client.predictions.async_create(version="0" * 64, input=sent)
        await prediction.async_wait()
        if prediction.status != "succeeded":
            raise RuntimeError(prediction.status)
        return prediction.output

    yield video
