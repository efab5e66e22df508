"""`a2e text-to-image PROMPT...`: pictures from prompts, all at once."""

from __future__ import annotations

from typing import Any

import click

from a2e_async.cli.command import command
from a2e_async.cli.curl import dry_run
from a2e_async.cli.fields import build, options_of
from a2e_async.cli.run import Run
from a2e_async.cli.starting import HOW_FAR, Asked, start_all
from a2e_async.families.text_to_image import TextToImage


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
