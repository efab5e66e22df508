"""`a2e demo`: images, videos made from them, and a page that shows all; in a simulator, so it costs nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import click

from a2e_async.batch.report import write_page
from a2e_async.cli.codes import FAILED
from a2e_async.cli.commands import page
from a2e_async.cli.commands.simulator import media_option
from a2e_async.cli.display.board import Row
from a2e_async.cli.following import Following
from a2e_async.cli.jobs import Outcome, see_through, tell, verdict
from a2e_async.cli.run import Run, command
from a2e_async.core.records import Result
from a2e_async.engine.files.names import require_writable
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError
from a2e_async.families.image_to_video import ImageToVideo
from a2e_async.families.text_to_image import TextToImage

_COINS_EACH = 1_000
_POLLS = ("batch", "detail", "list")


@attrs.frozen
class Take:
    """What came of a scene; there is no video where there was no image."""

    scene: Scene
    image: Outcome
    video: Outcome | None


@command("demo", uses=("out",))
@click.option("--count", type=click.IntRange(1, 100), default=6, show_default=True, help="How many images and videos.")
@click.option(
    "--speed", type=click.FloatRange(min=0.1), default=4.0, show_default=True, help="How fast the simulator runs."
)
@media_option
async def demo(run: Run, count: int, speed: float, media: str) -> int:
    """Make images and videos from them in a simulator, and a page that shows them.

    They go to --out, by default a2e-demo.
    """
    out = run.settings.out or Path("a2e-demo")
    await asyncio.to_thread(require_writable, out)
    run.settings = attrs.evolve(run.settings, simulate=True)  # whatever else was given: a demo costs nothing
    async with run.client(speed=speed, media=media, coins=_COINS_EACH * count) as a2e:
        began = time.monotonic()
        with run.board:
            async with Following(run, a2e) as following:
                takes = await asyncio.gather(*(_take(following, scene, out) for scene in scenes(count)))
        totals = _totals(run, takes, time.monotonic() - began)
    return _report(run, takes, totals, out)


async def _take(following: Following, scene: Scene, out: Path) -> Take:
    board = following.run.board
    rows = [board.add(family, scene.title) for family in ("text_to_image", "image_to_video")]
    drawn = following.a2e.start(TextToImage(scene.image, name=scene.title, width=1280, height=720))
    image, video = await asyncio.gather(
        see_through(following, drawn, rows[0], out), _video(following, scene, drawn, rows[1], out)
    )
    return Take(scene, image, video)


async def _video(following: Following, scene: Scene, drawn: Job[Result], row: Row, out: Path) -> Outcome | None:
    """Start the video the moment its image is there, which is before the image is downloaded."""
    try:
        image = await drawn
    except A2EError:  # told with the image's own outcome
        following.run.board.change(row, "not started", good=False)
        return None
    request = ImageToVideo(image.url, prompt=scene.video, negative_prompt=NEGATIVE, name=scene.title)
    return await see_through(following, following.a2e.start(request), row, out)


def _report(run: Run, takes: Sequence[Take], totals: page.Totals, out: Path) -> int:
    outcomes = [outcome for take in takes for outcome in (take.image, take.video) if outcome]
    cards = [card for take in takes if (card := _card(take))]
    for outcome in outcomes:
        tell(run, outcome)
    if not cards:
        return verdict(run, outcomes) or FAILED
    index = write_page(out, page.render(cards, totals))
    run.output.result(str(index), {"page": str(index), **attrs.asdict(totals)})
    run.output.note(f"open {index} in a browser")
    return verdict(run, outcomes)


def _card(take: Take) -> page.Card | None:
    image, video = take.image, take.video
    if video is None or not image.paths or not video.paths:
        return None
    return page.Card(
        title=take.scene.title,
        image_prompt=take.scene.image,
        video_prompt=take.scene.video,
        negative_prompt=NEGATIVE,
        image=image.paths[0].name,
        video=video.paths[0].name,
        coins=(image.job.coins or 0) + (video.job.coins or 0),
        seconds=video.seconds,
    )


def _totals(run: Run, takes: Sequence[Take], seconds: float) -> page.Totals:
    return page.Totals(
        jobs=sum(1 + (take.video is not None) for take in takes),
        status_requests=_polls(run.sim.counters) if run.sim else 0,
        coins=run.sim.book.spent if run.sim else 0,
        seconds=seconds,
    )


def _polls(counters: Mapping[str, int]) -> int:
    return sum(count for route, count in counters.items() if route.rpartition(".")[2] in _POLLS)


NEGATIVE = "blurry, low quality, distorted, text, watermark"


@attrs.frozen
class Scene:
    """One image and the video that begins with it."""

    title: str
    image: str
    video: str


SCENES = (
    Scene(
        "The red kite",
        "A red paper kite over wide dunes, low morning sun, thin clouds, video grain",
        "The kite climbs and dips in the wind, its tail curls, light travels along the dunes",
    ),
    Scene(
        "Last light",
        "A white sailing boat on a calm sea at dusk, warm light on the water, long exposure",
        "The boat glides towards the horizon, the water glitters, the sun sinks slowly",
    ),
    Scene(
        "City that hums",
        "A small city under a full moon, lit windows, deep blue sky, quiet roofs",
        "Windows go on and off, clouds drift past the moon, the camera glides over the roofs",
    ),
    Scene(
        "First ascent",
        "An orange hot-air balloon with white stripes rising over misty hills at sunrise",
        "The balloon lifts off, mist flows through the valleys, the camera rises with it",
    ),
    Scene(
        "Above the snow line",
        "Snow mountains on a clear summer day, sharp ridges, a few bright clouds",
        "Cloud shadows climb the ridges, snow blows from a summit, the camera circles once",
    ),
    Scene(
        "Where the path ends",
        "An autumn forest on rolling hills, golden haze, long shadows between the trees",
        "Leaves fall through the haze, shadows lengthen, the camera moves slowly forward",
    ),
)


def scenes(count: int) -> list[Scene]:
    """Give so many scenes; after the last one they begin again, numbered."""
    rounds = (divmod(number, len(SCENES)) for number in range(count))
    return [
        SCENES[at] if again == 0 else attrs.evolve(SCENES[at], title=f"{SCENES[at].title} ({again + 1})")
        for again, at in rounds
    ]
