"""Veo 3.1: a video from words or images, with a body in camelCase (POST /api/v1/veoVideo/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, SentAs, Usual, request
from a2e_async.families._common import narrow, need

_IMAGES = {"FIRST_AND_LAST_FRAMES_2_VIDEO": rules.urls(2), "REFERENCE_2_VIDEO": rules.urls(3)}


@request
class Veo(Usual[Result]):
    """A video by Veo 3.1 (POST /api/v1/veoVideo/start).

    Args:
        prompt: What happens in the video; without one the service thinks of something.
        generation_type: "TEXT_2_VIDEO" (service default), "FIRST_AND_LAST_FRAMES_2_VIDEO" or "REFERENCE_2_VIDEO".
        image_urls: Images: 1 or 2 with "FIRST_AND_LAST_FRAMES_2_VIDEO", 1 to 3 with "REFERENCE_2_VIDEO".
        model: "veo3", which is better, or "veo3_fast" (service default), which is faster.
        aspect_ratio: "16:9", "9:16" or "Auto" (service default).
        watermark: Words to put on the video as a watermark.
        seeds: 10000 to 99999.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str | None = attrs.field(default=None, kw_only=False)
    generation_type: (
        Annotated[
            Literal["TEXT_2_VIDEO", "FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"], SentAs("generationType")
        ]
        | None
    ) = None
    image_urls: Annotated[Sequence[Input], rules.urls(3), IMAGE, SentAs("imageUrls")] | None = None
    model: Literal["veo3", "veo3_fast"] | None = None
    aspect_ratio: Annotated[Literal["16:9", "9:16", "Auto"], SentAs("aspectRatio")] | None = None
    watermark: str | None = None
    seeds: Annotated[int, rules.whole(10000, 99999)] | None = None

    def check(self) -> None:
        """Refuse a video from images without them, or with more than its kind takes."""
        if self.generation_type in _IMAGES:
            why = f"with generation_type {self.generation_type!r}"
            need(self, ("image_urls",), why)
            narrow(self, "image_urls", _IMAGES[self.generation_type], why)


VEO = register(
    Family(
        name="veo",
        title="Veo 3.1: text- or image-to-video.",
        request=Veo,
        base="/api/v1/veoVideo",
        forms=(Form(path="/api/v1/veoVideo/start", always={"prompt": ""}),),
        price_fields=("generation_type", "model"),
        example={"prompt": "the kite climbs", "model": "veo3_fast", "aspect_ratio": "16:9"},
        notes=(
            "A video of 16:9 can be had in 1080p afterwards (GET /api/v1/veoVideo/{_id}/1080p; 202: not ready yet).",
            "Deleting hides a task.",
        ),
        webhook=True,
    )
)
