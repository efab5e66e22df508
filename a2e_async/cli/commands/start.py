"""`a2e start`, `text-to-image`, `image-to-video`: the commands that start tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import click

from a2e_async.cli.by_family import FamilyGroup
from a2e_async.cli.commands.curl import dry_run
from a2e_async.cli.fields import build, given_fields, label_of, options_of
from a2e_async.cli.jobs import see_all, tell_errors
from a2e_async.cli.run import Run, command
from a2e_async.client import A2EClient
from a2e_async.core.family import Request
from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.options import DEFAULT
from a2e_async.errors import A2EError
from a2e_async.families.image_to_video import ImageToVideo
from a2e_async.families.text_to_image import TextToImage

_LINKS = ("http://", "https://")


@attrs.frozen(kw_only=True)
class Asked:
    """How far a command goes after the start.

    Attributes:
        no_wait: Print the ids as soon as they are known and end.
        no_download: Print the links and download nothing.
    """

    no_wait: bool = False
    no_download: bool = False


HOW_FAR = (
    click.Option(["--no-wait"], is_flag=True, help="Print the task ids as soon as they are known, and end."),
    click.Option(["--no-download"], is_flag=True, help="Print the links, download nothing."),
)
"""The options that `Asked` is made of."""


async def start_all(run: Run, a2e: A2EClient, requests: Sequence[Request[Result]], asked: Asked) -> int:
    """Start all requests at once and go as far with them as was asked."""
    jobs = [(a2e.start(request, timeout=run.settings.timeout or DEFAULT), label_of(request)) for request in requests]
    if asked.no_wait:
        return await _print_ids(run, jobs)
    out = None if asked.no_download else run.settings.out or Path()
    return await see_all(run, a2e, jobs, out)


async def _print_ids(run: Run, jobs: Sequence[tuple[Job[Any], str]]) -> int:
    run.take(job for job, _ in jobs)

    async def one(job: Job[Any]) -> None:
        try:
            await job.accepted()
        except A2EError:  # it says itself what became of it
            del run.jobs[job]
            raise
        del run.jobs[job]
        job.detach()
        data = {"family": job.family.name, "task_ids": list(job.task_ids), "tag": job.tag, "coins": job.coins}
        run.output.result("\n".join(job.task_ids), data | {"request": given_fields(job.request)}, paid=True)

    ends = await asyncio.gather(*(one(job) for job, _ in jobs), return_exceptions=True)
    return tell_errors(run, [(end, label) for end, (_, label) in zip(ends, jobs, strict=True) if end is not None])


async def _start(run: Run, request: Request[Result], *, no_wait: bool, no_download: bool) -> int:
    if run.settings.dry_run:
        return dry_run(run, [request])
    async with run.client() as a2e:
        return await start_all(run, a2e, [request], Asked(no_wait=no_wait, no_download=no_download))


start = FamilyGroup(name="start", help="Start a task of any family.", action=_start, extra=HOW_FAR, dry_run=True)


@command("text-to-image", params=[*HOW_FAR, *options_of(TextToImage, skip=("prompt",))], dry_run=True)
@click.argument("prompts", nargs=-1, required=True, metavar="PROMPT...")
async def text_to_image(
    run: Run,
    prompts: tuple[str, ...],
    no_wait: bool,  # noqa: FBT001 - click hands over flags by name
    no_download: bool,  # noqa: FBT001 - as above
    **values: Any,  # noqa: ANN401 - one per field
) -> int:
    """Make pictures from prompts, all at once.

    They go to --out, by default here.
    """
    requests = [build(TextToImage, {**values, "prompt": prompt}) for prompt in prompts]
    if run.settings.dry_run:
        return dry_run(run, requests)
    async with run.client() as a2e:
        return await start_all(run, a2e, requests, Asked(no_wait=no_wait, no_download=no_download))


@command("image-to-video", params=[*HOW_FAR, *options_of(ImageToVideo, skip=("image_url",))], dry_run=True)
@click.argument("image")
async def image_to_video(run: Run, image: str, no_wait: bool, no_download: bool, **values: Any) -> int:  # noqa: ANN401, FBT001 - click hands over each parameter by name
    """Make a film that begins with IMAGE, a link or a file.

    A file is uploaded first. The film goes to --out, by default here.
    """
    path = _file(image)
    # Built before anything is uploaded, so that a wrong field costs nothing.
    request = build(ImageToVideo, {**values, "image_url": _stand_in(path) if path else image})
    if run.settings.dry_run:
        if path:
            run.output.say(f"{path} would be uploaded first; the link in the request stands in for the real one")
        return dry_run(run, [request])
    async with run.client() as a2e:
        if path:
            run.output.note(f"uploading {path}")
            request = build(ImageToVideo, {**values, "image_url": await a2e.upload(path)})
        return await start_all(run, a2e, [request], Asked(no_wait=no_wait, no_download=no_download))


def _file(image: str) -> Path | None:
    if image.lower().startswith(_LINKS):
        return None
    path = Path(image)
    if not path.is_file():
        raise click.UsageError(f"IMAGE is neither an http(s) link nor a file: {image}")
    return path


def _stand_in(path: Path) -> str:
    return f"https://uploaded.example/{quote(path.name)}"
