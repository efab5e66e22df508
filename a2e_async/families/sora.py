"""Sora 2 Pro by name, Kling 3.0 behind it: a video from images or words (POST /api/v1/soraVideo/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, IMAGE, Input, Usual, request
from a2e_async.families._common import need


@request
class Sora(Usual[Result]):
    """A video by what the service calls Sora 2 Pro (POST /api/v1/soraVideo/start).

    Args:
        prompt: What happens in the video.
        model_type: "image-to-video" (service default) or "text-to-video".
        image_urls: Images; required unless model_type is "text-to-video".
        aspect_ratio: "portrait" or "landscape" (service default).
        duration_seconds: Length: 5 (service default), 10 or 15.
        quality: "standard" (service default) or "high".

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    model_type: Literal["text-to-video", "image-to-video"] | None = None
    image_urls: Annotated[Sequence[Input], rules.urls(), IMAGE] | None = None
    aspect_ratio: Literal["portrait", "landscape"] | None = None
    duration_seconds: Annotated[Literal[5, 10, 15], AS_TEXT] | None = None
    quality: Literal["standard", "high"] | None = None

    def check(self) -> None:
        """Refuse a video from images without images."""
        if self.model_type != "text-to-video":
            need(self, ("image_urls",), "unless model_type is 'text-to-video'")


SORA = register(
    Family(
        name="sora",
        title="Sora 2 Pro: text- or image-to-video.",
        request=Sora,
        base="/api/v1/soraVideo",
        price_fields=("model_type", "duration_seconds", "quality"),
        example={"prompt": "the kite climbs", "model_type": "text-to-video", "duration_seconds": 5},
        notes=(
            "Kling 3.0 makes these videos, whatever the name says.",
            "Deleting hides a task and does not promise that a running one is stopped.",
        ),
        webhook=True,
    )
)
