"""A web service with a store, for `uvicorn durable_app:app`: A2E_STORE, A2E_LEASE and the usual variables say where."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException

from a2e_async import A2EClient, Cadence, ImageToVideo, Retry, TextToImage
from a2e_async.errors import KeyConflictError
from a2e_async.web import lifespan

a2e = A2EClient(
    lease=float(os.environ.get("A2E_LEASE", "2")),
    cadence=Cadence(delay=0.2),
    retry=Retry(unknown_window=3),
    max_starts=8,
)
app = FastAPI(lifespan=lifespan(a2e))


@app.post("/images", status_code=202)
async def image(prompt: str, idempotency_key: Annotated[str, Header()]) -> dict[str, Any]:
    """Start an image once for each key; answers when it can no longer be lost."""
    try:
        job = a2e.start(TextToImage(prompt), key=idempotency_key)
        await job.accepted()
    except KeyConflictError as error:
        raise HTTPException(409, error.message) from None
    return {"key": job.key, "task_ids": job.task_ids}


@app.post("/videos", status_code=202)
async def video(prompt: str, idempotency_key: Annotated[str, Header()]) -> dict[str, Any]:
    """Start an image and a video of it; answers when the image is accepted, and then both are written down."""
    first = a2e.start(TextToImage(prompt), key=f"{idempotency_key}-image")
    a2e.start(ImageToVideo(first, prompt=prompt, negative_prompt="blurry"), key=idempotency_key)
    await first.accepted()
    return {"key": idempotency_key}


@app.get("/jobs/{key}")
async def state(key: str) -> dict[str, Any]:
    """Give what the store has of a job."""
    stored = await a2e.find_job(key)
    if stored is None:
        raise HTTPException(404)
    return stored.to_dict()
