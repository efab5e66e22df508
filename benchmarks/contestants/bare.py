"""What both hand-written clients share: a session as aiohttp makes it, and the start that ours sends."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from benchmarks.contestants import IMAGE, NEGATIVE

BASE = "/api/v1/userImage2Video"


def session(url: str, **connector: Any) -> aiohttp.ClientSession:  # noqa: ANN401 - what TCPConnector takes
    """Open a session with aiohttp's defaults, at most 100 connections among them."""
    headers = {"Authorization": "Bearer sk_example", "Content-Type": "application/json"}
    return aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(**connector))


async def start(http: aiohttp.ClientSession, words: str) -> dict[str, Any]:
    """Start one video, with a name as long as one of ours; gives its row."""
    name = f"{words} ~k7f3q9x2m4pda"
    body = {"image_url": IMAGE, "prompt": words, "negative_prompt": NEGATIVE, "name": name}
    row: dict[str, Any] = await _data(http, "POST", f"{BASE}/start", body)
    return row


async def detail(http: aiohttp.ClientSession, task_id: str) -> dict[str, Any]:
    """Look at one video."""
    row: dict[str, Any] = await _data(http, "GET", f"{BASE}/{task_id}", None)
    return row


async def batch(http: aiohttp.ClientSession, ids: list[str]) -> list[dict[str, Any]]:
    """Look at up to a hundred videos."""
    rows: list[dict[str, Any]] = await _data(http, "POST", f"{BASE}/batchDetail", {"ids": ids})
    return rows


async def _data(http: aiohttp.ClientSession, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
    sent = None if body is None else json.dumps(body).encode()
    async with http.request(method, path, data=sent) as reply:
        reply.raise_for_status()
        return json.loads(await reply.read())["data"]


def url_of(row: dict[str, Any]) -> str | None:
    """Give the video's link when it has ended, else None.

    Raises:
        RuntimeError: It failed.
    """
    if row["current_status"] == "failed":
        raise RuntimeError(row["failed_message"])
    return str(row["result_url"]) if row["current_status"] == "completed" else None
