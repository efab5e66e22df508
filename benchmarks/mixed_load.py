"""A mixed load for the long run: jobs of many families with inputs, keys, cancels and faults, one after the other."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import attrs

from a2e_async import A2EClient, A2EError, ImageToVideo, TextToImage, families
from a2e_async.core.family import Family
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.simulator.media.plain import tiny_image

FAULTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("*.start", "reset", {"when": "before"}),
    ("*.start", "reset", {"when": "after"}),
    ("*.start", "status", {"status": 502, "when": "after", "body": "html"}),
    ("*.start", "status", {"status": 429, "retry_after": 2}),
    ("*.start", "cut_json", {"when": "after"}),
    ("*.start", "delay", {"seconds": 20}),
    ("*.batch", "status", {"status": 503, "hits": 5}),
    ("*.batch", "html", {}),
    ("*.batch", "missing_id", {}),
    ("*.list", "status", {"status": 500, "hits": 2}),
    ("*.detail", "reset", {}),
)
OF_FILES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("files.*", "cut_body", {}),
    ("files.*", "reset", {}),
    ("files.*", "no_range", {}),
)


@attrs.define(kw_only=True)
class MixedLoad:
    """Plays one user after the other against a client.

    Args:
        a2e: The open client.
        dice: Where chance comes from.
        folder: Where files go; each is checked and removed. None in virtual time, which stands still for no socket and
            no thread: then nothing is downloaded or uploaded, and the client has no store and its jobs no keys.

    Attributes:
        played: How many users there were, by what they did.
        errors: The errors that users were told, by their kind; all of them are A2EErrors.
        paid: The starts that the service took, each by a hash of its first task.
        files: How many files were whole.
    """

    a2e: A2EClient
    dice: random.Random
    folder: Path | None
    played: Counter[str] = attrs.field(factory=Counter)
    errors: Counter[str] = attrs.field(factory=Counter)
    paid: set[int] = attrs.field(factory=set)
    files: int = 0
    _numbers: itertools.count[int] = attrs.field(factory=itertools.count)
    _families: list[Family] = attrs.field(factory=lambda: [one for one in families().values() if one.is_findable])

    async def user(self) -> None:
        """Play one user."""
        acts = [self.image, self.video_of_a_job, self.any_family, self.changes_their_mind]
        if self.folder is not None:
            acts += [self.video_of_a_file, self.asks_twice]
        act = self.dice.choice(acts)
        self.played[act.__name__] += 1
        number = next(self._numbers)
        try:
            await act(number)
        except A2EError as error:
            self.errors[type(error).__name__] += 1

    async def image(self, number: int) -> None:
        """Make one to three images and keep their files."""
        job = self.start(TextToImage(f"a kite, number {number}", max_images=self.dice.choice([None, 1, 3])), number)
        await self.finish(job)

    async def video_of_a_job(self, number: int) -> None:
        """Make a video of an image that is still made."""
        image = self.start(TextToImage(f"a boat, number {number}"), number)
        video = ImageToVideo(image, prompt="it sails", negative_prompt="blurry")
        await self.finish(self.start(video, f"{number} video"))

    async def video_of_a_file(self, number: int) -> None:
        """Make a video of a file, one of ten that come again and again."""
        photo = tiny_image() + str(number % 10).encode()
        await self.finish(self.start(ImageToVideo(photo, prompt="she waves", negative_prompt="blurry"), number))

    async def any_family(self, number: int) -> None:
        """Make the example of any family."""
        family = self.dice.choice(self._families)
        await self.finish(self.start(family.request(**family.example), number))

    async def changes_their_mind(self, number: int) -> None:
        """Cancel, at once or after a while."""
        job = self.start(TextToImage(f"a tree, number {number}"), number)
        await asyncio.sleep(self.dice.choice([0, 0.1, 2]))
        if not await job.cancel():
            await self.finish(job)

    async def asks_twice(self, number: int) -> None:
        """Ask twice under one key, at once and after the end: it is one job."""
        request = TextToImage(f"a house, number {number}")
        first, second = self.start(request, number), self.start(request, number)
        await asyncio.gather(first, second)
        again = self.start(request, number)
        await again
        if not first.task_ids == second.task_ids == again.task_ids:
            raise AssertionError(f"one key, several jobs: {first!r}, {second!r}, {again!r}")

    def start(self, request: Any, number: object) -> AnyJob:  # noqa: ANN401 - of any family
        """Start under a key of this user."""
        job: AnyJob = self.a2e.start(request, key=None if self.folder is None else f"user {number}")
        job.on_end(self._count)
        return job

    async def finish(self, job: AnyJob) -> None:
        """Wait for a job, and for its files."""
        result = await job
        if self.folder is None or not result.urls:
            return
        place = self.folder / str(next(self._numbers))
        paths = await self.a2e.download(result, place)
        if len(paths) != len(result.urls) or not all(path.stat().st_size for path in paths):
            raise AssertionError(f"{paths} are not the files of {result.urls}")
        self.files += len(paths)
        left = [path for path in place.iterdir() if path not in paths]
        if left:
            raise AssertionError(f"beside the files lies {left}")
        shutil.rmtree(place)

    def _count(self, job: AnyJob) -> None:
        if job.task_ids:  # jobs of one key are one start
            self.paid.add(hash(job.task_ids[0]))


async def bad_weather(faults: Any, dice: random.Random, every: float, *, files: bool) -> None:  # noqa: ANN401
    """Add a fault now and then, for ever."""
    kinds = FAULTS + (OF_FILES if files else ())
    while True:
        await asyncio.sleep(dice.expovariate(1 / every))
        route, kind, how = dice.choice(kinds)
        faults.add(route, kind, **how)
