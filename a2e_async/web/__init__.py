"""Web applications: one client per process, a receiver of webhooks, and a job's status for the browser.

    webhook    the rules of a webhook, without any framework
    asgi       lifespan, receiver and event stream in plain ASGI: FastAPI, Starlette, Litestar, Quart
    aiohttp    the same for aiohttp.web
    sse        a job's status as server-sent events
    streams    the same for any job, by its key or its ids, in whatever process it runs
    example    a small application: `python -m a2e_async.web.example`

Tested with FastAPI from 0.100, Starlette from 0.27, Litestar from 2.4, Quart from 0.20 (its older streams take nothing
but bare generators) and aiohttp from 3.11, under uvicorn from 0.23 and hypercorn from 0.15.

With several processes a webhook reaches any one of them. With a store the one that watches the task hears of it at
once; without one it finds its end by its usual polls: hints make things faster, nothing depends on them.
"""

from __future__ import annotations

from a2e_async.web.asgi import Lifespan, SseResponse, lifespan, mounted, receiver
from a2e_async.web.sse import SSE_HEADERS, SseBody, sse
from a2e_async.web.streams import sse_of
from a2e_async.web.webhook import LIMIT, TOKEN_HEADER, Gate, Receipt, find_task_ids

__all__ = [
    "LIMIT",
    "SSE_HEADERS",
    "TOKEN_HEADER",
    "Gate",
    "Lifespan",
    "Receipt",
    "SseBody",
    "SseResponse",
    "find_task_ids",
    "lifespan",
    "mounted",
    "receiver",
    "sse",
    "sse_of",
]
