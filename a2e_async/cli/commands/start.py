"""`a2e start`, `text-to-image`, `image-to-video`: the commands that start tasks."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click

from a2e_async.cli.by_family import FamilyGroup
from a2e_async.cli.commands.curl import dry_run
from a2e_async.cli.fields import MediaType, build, given_fields, label_of, options_of
from a2e_async.cli.jobs import print_errors, run_jobs
from a2e_async.cli.local_files import check_files, paths_in, with_placeholders
from a2e_async.cli.run import Run, command
from a2e_async.client import A2EClient
from a2e_async.core.family import Request
from a2e_async.core.names import safe_name, without_suffix
from a2e_async.core.records import Result
from a2e_async.core.urls import is_path
from a2e_async.engine.files.names import require_writable
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.options import DEFAULT
from a2e_async.errors import A2EError
from a2e_async.families.image_to_video import ImageToVideo
from a2e_async.families.text_to_image import TextToImage

_USES = ("dry_run", "timeout", "max_starts", "out")


@attrs.frozen(kw_only=True)
class StartOptions:
    """What a command does after the start.

    Attributes:
        no_wait: Print the ids as soon as they are known and end.
        no_download: Print the URLs and download nothing.
    """

    no_wait: bool = False
    no_download: bool = False


@attrs.frozen(kw_only=True)
class Labels:
    """What tells the requests of a command apart.

    Attributes:
        words: What each is about, for people; () where its own fields tell.
        stems: What the files of each are called, without suffix; () where the tasks' own names say it.
    """

    words: Sequence[str] = ()
    stems: Sequence[str] = ()


START_OPTIONS = (
    click.Option(["--no-wait"], is_flag=True, help="Print the task ids as soon as they are known, and end."),
    click.Option(["--no-download"], is_flag=True, help="Print the URLs, download nothing."),
)
"""The options that `StartOptions` is made of."""


async def start_all(
    run: Run, a2e: A2EClient, requests: Sequence[Request[Result]], options: StartOptions, labels: Labels
) -> int:
    """Start all requests at once, after making sure that their files can be saved.

    Args:
        run: The run of the command.
        a2e: The open client.
        requests: What to start.
        options: What to do after the start.
        labels: What each request is about, and what its files are called, where its own fields do not tell.
    """
    named = labels.words if len(labels.words) > 1 else [label_of(request) for request in requests]
    out = await _folder(run, options)
    started = [a2e.start(request, timeout=run.settings.timeout or DEFAULT) for request in requests]
    jobs = list(zip(started, named, strict=True))
    if options.no_wait:
        return await _print_ids(run, jobs)
    return await run_jobs(run, a2e, jobs, out, dict(zip(started, labels.stems, strict=False)))


async def _folder(run: Run, options: StartOptions) -> Path | None:
    """Give the folder for results, after making sure that it can be written; None where nothing is downloaded."""
    if options.no_wait or options.no_download:
        return None
    out = run.settings.out or Path()
    await asyncio.to_thread(require_writable, out)
    return out


async def _print_ids(run: Run, jobs: Sequence[tuple[Job[Any], str]]) -> int:
    run.track(job for job, _ in jobs)

    async def one(job: Job[Any]) -> None:
        try:
            await job.accepted()
        except A2EError:  # printed with the other errors
            del run.jobs[job]
            raise
        del run.jobs[job]
        job.detach()
        data = {"family": job.family.name, "task_ids": list(job.task_ids), "tag": job.tag, "coins": job.coins}
        run.output.result("\n".join(job.task_ids), data | {"request": given_fields(job.request)}, paid=True)

    ends = await asyncio.gather(*(one(job) for job, _ in jobs), return_exceptions=True)
    return print_errors(run, [(end, label) for end, (_, label) in zip(ends, jobs, strict=True) if end is not None])


async def _start(run: Run, request: Request[Result], *, no_wait: bool, no_download: bool) -> int:
    return await _start_requests(run, [request], StartOptions(no_wait=no_wait, no_download=no_download))


async def _start_requests(
    run: Run, requests: Sequence[Request[Result]], options: StartOptions, labels: Labels | None = None
) -> int:
    await asyncio.to_thread(check_files, requests)
    if run.settings.dry_run:
        for path in dict.fromkeys(path for request in requests for _field, path in paths_in(request)):
            run.output.say(f"{path} would be uploaded first; the URL in the request is a placeholder")
        return dry_run(run, [with_placeholders(request) for request in requests])
    await _folder(run, options)  # before an upload, which may cost coins
    async with run.client() as a2e:
        return await start_all(run, a2e, requests, options, labels or Labels())


start = FamilyGroup(name="start", help="Start a task of any family.", action=_start, extra=START_OPTIONS, uses=_USES)


def _lines_of_stdin(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Put the lines of stdin in place of a `-`; here, because Ctrl-C can still end the command without a loss."""
    if "-" not in values:
        return values
    try:
        lines = sys.stdin.buffer.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"stdin must be UTF-8, one {param.human_readable_name} per line: {error}") from None
    given = [line.strip() for line in lines if line.strip()]
    if not given:
        raise click.BadParameter("stdin is empty: give one per line", param=param)
    at = values.index("-")
    return (*values[:at], *given, *(value for value in values[at + 1 :] if value != "-"))


@command(
    "text-to-image",
    params=[*START_OPTIONS, *options_of(TextToImage, skip=("prompt",))],
    uses=_USES,
    examples=(
        'a2e text-to-image "a red kite" --width 1280 --height 720 --out kites',
        "a2e text-to-image - < prompts.txt     # one prompt per line",
        'a2e --simulate text-to-image "a red kite"     # no network, no coins',
    ),
)
@click.argument("prompts", nargs=-1, required=True, metavar="PROMPT...", callback=_lines_of_stdin)
async def text_to_image(
    run: Run,
    prompts: tuple[str, ...],
    no_wait: bool,  # noqa: FBT001 - click hands over flags by name
    no_download: bool,  # noqa: FBT001 - as above
    **values: Any,  # noqa: ANN401 - one per field
) -> int:
    """Make images from prompts, all at once; `-` reads them from stdin, one per line.

    They are saved in --out, by default in the current folder.
    """
    requests = [build(TextToImage, {**values, "prompt": prompt}) for prompt in prompts]
    return await _start_requests(run, requests, StartOptions(no_wait=no_wait, no_download=no_download))


@command(
    "image-to-video",
    params=[*START_OPTIONS, *options_of(ImageToVideo, skip=("image_url",))],
    uses=_USES,
    examples=(
        'a2e image-to-video kite.png --prompt "the kite climbs" --negative-prompt "blurry"',
        'a2e image-to-video photos/*.jpg --prompt "she waves" --negative-prompt "blurry" --out videos',
    ),
)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=MediaType(), callback=_lines_of_stdin)
async def image_to_video(
    run: Run,
    images: tuple[str, ...],
    no_wait: bool,  # noqa: FBT001 - click hands over flags by name
    no_download: bool,  # noqa: FBT001 - as above
    **values: Any,  # noqa: ANN401 - one per field
) -> int:
    """Make a video of each IMAGE, a URL or a file; `-` reads them from stdin, one per line.

    Files are uploaded first. The videos are saved in --out, by default in the current folder, and called like the
    images; --name calls them otherwise.
    """
    if missing := _missing(images):
        raise click.UsageError(f"IMAGE is neither an http(s) URL nor a file: {', '.join(missing)}")
    stems = _stems(images) if values.get("name") is None else []
    named = [{"name": stem} for stem in stems] or [{}] * len(images)
    pairs = zip(images, named, strict=True)
    requests = [build(ImageToVideo, {**values, "image_url": image, **name}) for image, name in pairs]
    options = StartOptions(no_wait=no_wait, no_download=no_download)
    return await _start_requests(run, requests, options, Labels(words=[*map(_label, images)], stems=stems))


def _missing(images: Sequence[str]) -> list[str]:
    """Give the files that are not there, all of them at once."""
    return [image for image in images if is_path(image) and not Path(image).is_file()]


def _label(image: str) -> str:
    """Name the image: the prompt is the same for all of them."""
    return image.partition("?")[0].rstrip("/").rpartition("/")[2] or image


def _stems(images: Sequence[str]) -> list[str]:
    """Give what the video of each image is called: as the image, with its suffix or a number where two are alike."""
    whole = [safe_name(_label(image), "image") for image in images]
    count = Counter(without_suffix(name).casefold() for name in whole)
    stems = [
        name.replace(".", "-") if count[without_suffix(name).casefold()] > 1 else without_suffix(name) for name in whole
    ]
    taken: Counter[str] = Counter()
    found = []
    for stem in stems:
        taken[stem.casefold()] += 1
        found.append(stem if taken[stem.casefold()] == 1 else f"{stem}-{taken[stem.casefold()]}")
    return found
