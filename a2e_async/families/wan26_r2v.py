"""Wan 2.6 R2V: a video with the people and things of images and videos (POST /api/v1/userWan26R2V/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, IMAGE, Input, Usual, request


@request
class Wan26R2v(Usual[Result]):
    """A video by Wan 2.6 with what images and videos show (POST /api/v1/userWan26R2V/start).

    Args:
        prompt: What happens in the video; it calls what the references show character1, character2 and so on.
        reference_urls: Images or videos to go by, public http(s) URLs; 1 to 5.
        model: "wan2.6-r2v-flash" (service default), faster and cheaper, or "wan2.6-r2v".
        duration: Length in seconds: 5 (service default) or 10.
        resolution: "720p" (service default) or "1080p".
        aspect_ratio: "16:9" (service default), "9:16", "1:1", "4:3" or "3:4".
        shot_type: "single" (service default) or "multi" shots.
        audio: Make audio as well (service default: true).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    reference_urls: Annotated[Sequence[Input], rules.urls(5), IMAGE]
    model: Literal["wan2.6-r2v-flash", "wan2.6-r2v"] | None = None
    duration: Annotated[Literal[5, 10], AS_TEXT] | None = None
    resolution: Literal["720p", "1080p"] | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] | None = None
    shot_type: Literal["single", "multi"] | None = None
    audio: bool | None = None


WAN26_R2V = register(
    Family(
        name="wan26_r2v",
        title="Wan 2.6: reference-to-video, from images and videos.",
        request=Wan26R2v,
        base="/api/v1/userWan26R2V",
        price_fields=("model", "duration", "resolution", "audio", "reference_urls"),
        example={
            "prompt": "character1 flies a kite",
            "reference_urls": ["https://files.example.net/me.png"],
            "duration": 5,
            "resolution": "720p",
        },
        webhook=True,
    )
)
