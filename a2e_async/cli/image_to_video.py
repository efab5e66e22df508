"""`a2e image-to-video IMAGE`: a film that begins with a picture, a link or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from a2e_async.cli.command import command
from a2e_async.cli.curl import dry_run
from a2e_async.cli.fields import build, options_of
from a2e_async.cli.run import Run
from a2e_async.cli.starting import HOW_FAR, Asked, start_all
from a2e_async.families.image_to_video import ImageToVideo

_LINKS = ("http://", "https://")


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
            run.output.say(f"uploading {path}")
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
