"""The clients under measurement: ours, two written by hand on bare aiohttp, and four peers.

Each module has one function `opened(url, **options)`, an async context manager that gives a coroutine function: it
takes a prompt, starts one video, waits for its end and returns; when it raises, the job is lost.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs

Video = Callable[[str], Awaitable[object]]

IMAGE = "https://example.net/image.png"
NEGATIVE = "blurry, low quality"


@attrs.frozen(kw_only=True)
class Contestant:
    """One client in one manner of use.

    Attributes:
        module: The module of this package that drives it.
        manner: How it is used, for people.
        imports: What must be importable, and is imported before anything is measured.
        packages: The distributions whose versions are reported.
        options: What makes it this manner.
        most: Most jobs at once that it is measured with.
    """

    module: str
    manner: str
    imports: tuple[str, ...]
    packages: tuple[str, ...]
    options: dict[str, Any] = attrs.field(factory=dict)
    most: int = 5_000

    def opened(self, url: str, **more: Any) -> AbstractAsyncContextManager[Video]:  # noqa: ANN401 - its own options
        """Open the client for a block."""
        driver = importlib.import_module(f"benchmarks.contestants.{self.module}")
        opened: AbstractAsyncContextManager[Video] = driver.opened(url, **{**self.options, **more})
        return opened


_AIO = {"aiohttp_transport": True}

CONTESTANTS: dict[str, Contestant] = {
    "a2e_async": Contestant(
        module="ours",
        manner="`await a2e.start(request)`",
        imports=("a2e_async",),
        packages=("a2e-async", "aiohttp"),
        most=100_000,
    ),
    "bare batch": Contestant(
        module="bare_batch",
        manner="hand-written aiohttp, one poller, 100 ids a poll",
        imports=("aiohttp",),
        packages=("aiohttp",),
        most=100_000,
    ),
    "bare loops": Contestant(
        module="bare_loops",
        manner="hand-written aiohttp, a loop of 1 s for each job",
        imports=("aiohttp",),
        packages=("aiohttp",),
        most=100_000,
    ),
    "replicate": Contestant(
        module="of_replicate",
        manner="`predictions.async_create()`, then `async_wait()`",
        imports=("replicate",),
        packages=("replicate", "httpx"),
    ),
    "replicate run": Contestant(
        module="of_replicate",
        manner="`async_run()`, whose start is held until the end",
        imports=("replicate",),
        packages=("replicate", "httpx"),
        options={"held": True},
    ),
    "fal-client": Contestant(
        module="of_fal",
        manner="`AsyncClient.subscribe()`",
        imports=("fal_client",),
        packages=("fal-client", "httpx"),
    ),
    "runwayml": Contestant(
        module="of_runway",
        manner="`image_to_video.create().wait_for_task_output()`",
        imports=("runwayml",),
        packages=("runwayml", "httpx"),
    ),
    "runwayml aiohttp": Contestant(
        module="of_runway",
        manner="the same with its aiohttp transport",
        imports=("runwayml", "httpx_aiohttp"),
        packages=("runwayml", "httpx", "httpx-aiohttp", "aiohttp"),
        options=_AIO,
    ),
    "openai": Contestant(
        module="of_openai",
        manner="`videos.create_and_poll()`",
        imports=("openai",),
        packages=("openai", "httpx2"),
    ),
    "openai aiohttp": Contestant(
        module="of_openai",
        manner="the same with its aiohttp transport",
        imports=("openai", "aiohttp"),
        packages=("openai", "httpx2", "aiohttp"),
        options=_AIO,
    ),
}

OURS, BATCH, LOOPS = "a2e_async", "bare batch", "bare loops"
PEERS = tuple(name for name in CONTESTANTS if name not in (OURS, BATCH, LOOPS))
