"""How the public API polls to a type checker; checked by mypy --strict and by pyright, never run.

Each `type: ignore` marks a line that must be refused: both checkers complain about one that they do not need.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, assert_type

import aiohttp

from a2e_async import (
    A2EClient,
    Balance,
    Cadence,
    ImageToVideo,
    Input,
    Job,
    JobFailedError,
    Quote,
    RateLimitedError,
    Record,
    Request,
    Result,
    Retry,
    Status,
    TextToImage,
    Webhook,
)

IMAGE = TextToImage("a red kite")
VIDEO = ImageToVideo("https://files.example.net/in.png", prompt="it climbs", negative_prompt="blurry")


def give_token() -> str:
    """Give a token at once."""
    return "sk_token"


async def fetch_token() -> str:
    """Give a token later."""
    return "sk_token"


def some() -> Iterator[TextToImage]:
    """Give some requests."""
    yield IMAGE


async def some_later() -> AsyncIterator[Request[Result]]:
    """Give some requests, as they come."""
    yield IMAGE
    yield VIDEO


async def make(http: aiohttp.ClientSession) -> None:
    """Every way of making a client."""
    A2EClient()
    A2EClient("sk_token", base_url="http://127.0.0.1:1", max_starts=8, rate=2, budget=100, close_timeout=1.5, http=http)
    A2EClient(give_token, cadence=Cadence(delay=1), retry=Retry(attempts=2), webhook=Webhook("https://h", "t"))
    A2EClient(token=fetch_token)
    assert_type(await A2EClient().open(), A2EClient)
    A2EClient(5)  # type: ignore[arg-type]
    A2EClient("sk_token", "http://127.0.0.1:1")  # type: ignore[call-arg]
    A2EClient(max_start=8)  # type: ignore[call-arg]
    A2EClient(rate="fast")  # type: ignore[arg-type]


async def short_forms(a2e: A2EClient) -> None:
    """The short forms take exactly the fields of their requests, and give a job."""
    assert_type(a2e.text_to_image("x"), Job[Result])
    assert_type(await a2e.text_to_image("x"), Result)
    assert_type(await a2e.text_to_image(prompt="x", width=1024, height=768, input_images=["https://f"]), Result)
    assert_type(await a2e.image_to_video("https://f", prompt="p", negative_prompt="n", video_time=10), Result)
    assert_type(a2e.with_options(timeout=None, tagging=False).text_to_image("x"), Job[Result])
    short: Callable[..., Awaitable[Result]] = a2e.image_to_video
    await short(image_url="https://f", lora="l")
    a2e.text_to_image()  # type: ignore[call-arg]
    a2e.text_to_image(5)  # type: ignore[arg-type]
    a2e.text_to_image("x", widht=1024)  # type: ignore[call-arg]
    a2e.text_to_image("x", width="1024")  # type: ignore[arg-type]
    a2e.text_to_image("x", timeout=60)  # type: ignore[call-arg]
    a2e.image_to_video()  # type: ignore[call-arg]
    a2e.image_to_video(prompt="p", negative_prompt="n")  # type: ignore[call-arg]
    a2e.image_to_video("https://f", promt="p")  # type: ignore[call-arg]
    a2e.image_to_video("https://f", None)  # type: ignore[call-arg]
    a2e.with_options(on_unknown="perhaps")  # type: ignore[arg-type]


async def inputs(a2e: A2EClient, image: Result, record: Record, job: Job[Result], file: BinaryIO) -> None:
    """Fields of files take a URL, a path, bytes, an open file, a result, a record or a job, and lists of them."""
    given: list[Input] = ["https://f", Path("a.png"), b"...", file, image, record, job]
    for one in given:
        assert_type(await a2e.image_to_video(one, prompt="p", negative_prompt="n"), Result)
    assert_type(a2e.image_to_video(a2e.text_to_image("x"), prompt="p", negative_prompt="n"), Job[Result])
    assert_type(await a2e.image_to_video(Path("a.png"), prompt="p", negative_prompt="n", end_image_url=job), Result)
    assert_type(await a2e.virtual_try_on([job, Path("dress.png")]), Result)
    ImageToVideo(Path("a.png").open("rb"), lora="l")  # noqa: ASYNC230, SIM115 - never run
    ImageToVideo(io.BytesIO(b"..."), lora="l")
    ImageToVideo(5, lora="l")  # type: ignore[arg-type]
    ImageToVideo(None, lora="l")  # type: ignore[arg-type]
    a2e.virtual_try_on([job, 5])  # type: ignore[list-item]
    a2e.text_to_image(Path("prompt.txt"))  # type: ignore[arg-type]
    assert_type(await a2e.upload(b"..."), str)
    assert_type(await a2e.gather([IMAGE], then=to_video), list[Result])
    assert_type(await a2e.gather([IMAGE], then=to_video, return_exceptions=True), list[Result | BaseException])
    async for pair in a2e.as_completed(some(), then=lambda image: ImageToVideo(image, lora="l")):
        assert_type(pair, Job[Result])
    await a2e.gather([IMAGE], then="image_to_video")  # type: ignore[call-overload]


def to_video(image: Job[Result]) -> ImageToVideo:
    """Give the second step of a pair."""
    return ImageToVideo(image, prompt="it climbs", negative_prompt="blurry")


async def starting(a2e: A2EClient) -> None:
    """The general form gives the job of its request's result."""
    assert_type(a2e.start(IMAGE), Job[Result])
    assert_type(await a2e.start(VIDEO, timeout=1800, tag="k7f3q9x2m4pd", on_unknown="raise"), Result)
    a2e.start("a red kite")  # type: ignore[arg-type]
    a2e.start(IMAGE, timeout="soon")  # type: ignore[arg-type]
    a2e.start(IMAGE, on_unknown="never")  # type: ignore[arg-type]
    TextToImage("x").prompt = "y"  # type: ignore[misc]
    assert_type(IMAGE.replace(width=512), TextToImage)


async def jobs(a2e: A2EClient, job: Job[Result]) -> None:
    """What a job gives."""
    await job.accepted()
    assert_type(await job.wait(timeout=60), Result)
    assert_type(job.status, Status | None)
    assert_type(job.task_ids, tuple[str, ...])
    assert_type(job.request, Request[Result] | None)
    assert_type(job.coins, float | None)
    assert_type(job.done(), bool)
    assert_type(await job.cancel(), bool)
    async for record in job.updates():
        assert_type(record, Record)
    attached = a2e.attach(ImageToVideo, "65f000000000000000000001", "65f000000000000000000002", timeout=None)
    assert_type(attached.task_ids, tuple[str, ...])
    found = await a2e.find("image_to_video", "k7f3q9x2m4pd")
    if found is not None:
        found.detach()
    await job.wait(60, 61)  # type: ignore[call-arg]
    (await job).urls.append("x")  # type: ignore[attr-defined]


async def many(a2e: A2EClient) -> None:
    """Many jobs, by the client's own means and by asyncio's."""
    assert_type(await a2e.gather([IMAGE, VIDEO]), list[Result])
    assert_type(await a2e.gather(some_later(), max_running=10), list[Result])
    assert_type(await a2e.gather([IMAGE], return_exceptions=False), list[Result])
    assert_type(await a2e.gather(some(), return_exceptions=True), list[Result | BaseException])
    async for job in a2e.as_completed(some_later(), max_running=5):
        assert_type(job, Job[Result])
    async for job in a2e.as_completed([IMAGE]):
        assert_type(await job, Result)
    one, other = await asyncio.gather(a2e.start(IMAGE), a2e.image_to_video("https://f", lora="l"))
    assert_type(one, Result)
    assert_type(other, Result)
    assert_type(await asyncio.gather(*[a2e.start(request) for request in some()]), list[Result])
    async with asyncio.TaskGroup() as group:
        assert_type(group.create_task(a2e.start(IMAGE).wait()), asyncio.Task[Result])
    await a2e.gather(["a red kite"])  # type: ignore[arg-type]
    a2e.as_completed(IMAGE)  # type: ignore[arg-type]


async def the_rest(a2e: A2EClient, result: Result) -> None:
    """Results, files and coins."""
    assert_type(result.url, str)
    assert_type(result.urls, tuple[str, ...])
    assert_type(result.coins, float | None)
    assert_type(result.records, tuple[Record, ...])
    assert_type(await a2e.download(result, "out/"), list[Path])
    assert_type(await a2e.download(result.urls, Path("out")), list[Path])
    assert_type(await a2e.upload("in.png"), str)
    assert_type(await a2e.balance(), Balance)
    assert_type((await a2e.balance()).coins, float)
    assert_type(await a2e.quote(VIDEO), Quote)
    assert_type(await a2e.record("text_to_image", "65f000000000000000000001"), Record)
    async for record in a2e.records(TextToImage, limit=5):
        assert_type(record.status, Status)
    await a2e.drain(timeout=5)
    await a2e.quote("image_to_video")  # type: ignore[arg-type]
    await a2e.download(5)  # type: ignore[arg-type]


async def errors(job: Job[Result]) -> None:
    """Errors have typed attributes."""
    try:
        await job
    except JobFailedError as error:
        assert_type(error.code, str)
        assert_type(error.refunded, bool | None)
        assert_type(error.task_ids, tuple[str, ...])
        if error.result is not None:
            assert_type(error.result.urls, tuple[str, ...])
        error.status  # type: ignore[attr-defined]  # noqa: B018 - the line is the point
    except RateLimitedError as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.status, int)
