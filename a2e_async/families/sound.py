"""Sound: audio that fits a video (POST /api/v1/thinkSound/start)."""

from __future__ import annotations

from typing import Annotated

import attrs

from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import VIDEO, Input, Usual, request
from a2e_async.families._common import link_to


@request
class Sound(Usual[Result]):
    """Audio for a video (POST /api/v1/thinkSound/start).

    Args:
        video_url: The video: a public http(s) URL that ends in .mp4, .avi, .mov or .mkv.
        caption: What is seen and heard.
        cot_description: The same at length, step by step.
        seed: A whole number from which chance begins.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    video_url: Annotated[Input, link_to(".mp4", ".avi", ".mov", ".mkv"), VIDEO] = attrs.field(kw_only=False)
    caption: str | None = None
    cot_description: str | None = None
    seed: int | None = None


SOUND = register(
    Family(
        name="sound",
        title="Adds audio that fits a video.",
        request=Sound,
        base="/api/v1/thinkSound",
        price_fields=("video_url",),
        makes="audio",
        example={"video_url": "https://files.example.net/silent.mp4", "caption": "waves and gulls"},
        webhook=True,
    )
)
