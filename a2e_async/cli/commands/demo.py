"""`a2e demo`: a batch of images and of videos made from them, against a simulator of this process.

Laws of this file. A demo costs nothing: whatever the options and the environment say, its client talks to the
simulator. It is a batch like any other (`BatchRun`), so its display, Ctrl-C, resuming and page are those of the real
product. It writes into an empty folder or that of an earlier demo, never into the batch of somebody else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import click

from a2e_async.batch.rows import Row
from a2e_async.cli.batch.loop import BatchRun, known_rows
from a2e_async.cli.batch.options import BatchOptions
from a2e_async.cli.batch.simulated import to_restart
from a2e_async.cli.commands.simulator import media_option
from a2e_async.cli.display.output import counted
from a2e_async.cli.run import Run, command
from a2e_async.engine.files.names import require_writable
from a2e_async.errors import UsageError

_FOLDER = Path("a2e-demo")
_MOST = 100
_NEGATIVE = "blurry, low quality, distorted, text, watermark"
_POLLS = ("batch", "detail", "list")  # the last part of the names of routes that tell the state of tasks


@command("demo", uses=("out",))
@click.option(
    "--count", type=click.IntRange(1, _MOST), default=6, show_default=True, help="How many images, each with a video."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0.1),
    default=4.0,
    show_default=True,
    help="How many times faster than real time the simulator runs.",
)
@media_option
async def demo(run: Run, count: int, speed: float, media: str) -> int:
    """Run a batch of images and videos against a simulator, and write its page.

    It needs no account and no network, and costs nothing. The files go to --out, by default a2e-demo.
    """
    folder, rows = run.settings.out or _FOLDER, list(rows_of(count))
    await asyncio.to_thread(_check_folder, folder, rows, run)
    batch = BatchRun(run, folder, rows, BatchOptions(), whole=True, simulated={"speed": speed, "media": media})
    began = time.monotonic()
    code = await batch.run()
    _print_totals(run, batch, time.monotonic() - began)
    return code


def _check_folder(folder: Path, rows: list[Row], run: Run) -> None:
    """Make sure that the folder can be written and holds no other batch; say so when the demo is complete in it.

    Raises:
        UsageError: It holds the batch of somebody else.
        OSError: It cannot be written.
    """
    require_writable(folder)
    known = known_rows(folder)
    if others := known.keys() - {row.id for row in rows_of(_MOST)}:
        raise UsageError(f"{folder} holds another batch (with row {min(others)!r:.120}): choose another --out")
    if not to_restart(folder, rows, known) and all(row.id in known for row in rows):
        run.output.note(f"{folder} is complete, and a batch starts no row twice: to see it run again, give a new --out")


def _print_totals(run: Run, batch: BatchRun, seconds: float) -> None:
    polls = _count_polls(run.sim.counters) if run.sim is not None else 0
    coins, page = batch.progress.spent, batch.page
    if polls and not run.signals.count:  # the line that resumes is the last one
        run.output.note(f"{counted(polls, 'poll')} for all tasks together; coins and tasks are simulated")
    if run.settings.json and page is not None:
        jobs = batch.progress.total
        data = {"page": str(page), "jobs": jobs, "status_requests": polls, "coins": coins, "seconds": seconds}
        run.output.result(str(page), data)


def _count_polls(counters: Mapping[str, int]) -> int:
    return sum(count for route, count in counters.items() if route.rpartition(".")[2] in _POLLS)


@attrs.frozen
class Scene:
    """One image and the video that begins with it."""

    id: str
    image: str
    video: str

    def rows(self) -> Iterator[Row]:
        """Give the two rows, the second of which takes the image of the first."""
        image: dict[str, Any] = {"prompt": self.image, "width": 1280, "height": 720}
        video = {"prompt": self.video, "negative_prompt": _NEGATIVE}
        yield Row(id=self.id, family="text_to_image", fields=image)
        yield Row(id=f"{self.id}-video", family="image_to_video", fields=video, image_from=self.id)


SCENES = (
    Scene(
        "red-kite",
        "A red paper kite over wide dunes, low morning sun, thin clouds, film grain",
        "The kite climbs and dips in the wind, its tail curls, light travels along the dunes",
    ),
    Scene(
        "last-light",
        "A white sailing boat on a calm sea at dusk, warm light on the water, long exposure",
        "The boat glides towards the horizon, the water glitters, the sun sinks slowly",
    ),
    Scene(
        "city-at-night",
        "A small city under a full moon, lit windows, deep blue sky, quiet roofs",
        "Windows go on and off, clouds drift past the moon, the camera glides over the roofs",
    ),
    Scene(
        "first-ascent",
        "An orange hot-air balloon with white stripes rising over misty hills at sunrise",
        "The balloon lifts off, mist flows through the valleys, the camera rises with it",
    ),
    Scene(
        "snow-line",
        "Snow mountains on a clear summer day, sharp ridges, a few bright clouds",
        "Cloud shadows climb the ridges, snow blows from a summit, the camera circles once",
    ),
    Scene(
        "autumn-path",
        "An autumn forest on rolling hills, golden haze, long shadows between the trees",
        "Leaves fall through the haze, shadows lengthen, the camera moves slowly forward",
    ),
)


def rows_of(count: int) -> Iterator[Row]:
    """Give the rows of so many scenes; after the last one they begin again, numbered."""
    for number in range(count):
        again, at = divmod(number, len(SCENES))
        scene = SCENES[at]
        yield from (attrs.evolve(scene, id=f"{scene.id}-{again + 1}") if again else scene).rows()
