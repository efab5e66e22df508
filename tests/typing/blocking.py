"""The types of the front that blocks; type-checked, never run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import a2e_async
from a2e_async import Result, TextToImage
from a2e_async.blocking import BlockingClient, BlockingJob


def types_of_the_front() -> None:
    """Every method has the parameters of the async client's, and gives what awaiting that gives."""
    with a2e_async.blocking("sk_x", max_starts=4) as a2e:
        assert_type(a2e, BlockingClient)
        assert_type(a2e.text_to_image("a red kite", width=1024), Result)
        job = a2e.start(TextToImage("a red kite"), timeout=60)
        assert_type(job, BlockingJob[Result])
        assert_type(job.result(timeout=3), Result)
        assert_type(a2e.attach("text_to_image", "65f0"), BlockingJob[Any])
        assert_type(a2e.as_completed([TextToImage("a")]), Iterator[BlockingJob[Result]])
        assert_type(a2e.gather([TextToImage("a")]), list[Result])
        assert_type(a2e.gather([TextToImage("a")], return_exceptions=True), list[Result | BaseException])
        assert_type(a2e.download(job.result(), "out/"), list[Path])
        assert_type(a2e.with_options(timeout=None), BlockingClient)
        assert_type(a2e.balance().coins, float)


def mistakes(a2e: BlockingClient) -> None:
    """Wrong parameters are found."""
    a2e.text_to_image("a red kite", wide=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    a2e.start(TextToImage("a red kite"), wide=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    a2e_async.blocking(wide=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
