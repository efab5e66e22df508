"""Grok Imagine: a video from words or images (POST /api/v1/grokVideo/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, IMAGE, Image, Input, Usual, request
from a2e_async.families._common import forbid, narrow, need, need_one

_RATIOS_OF_WORDS = rules.one_of("1:1", "16:9", "9:16")
_RATIOS_OF_IMAGES = rules.one_of("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")


@request
class GrokVideo(Usual[Result]):
    """A video by Grok Imagine (POST /api/v1/grokVideo/start).

    Args:
        prompt: What happens in the video; required with "text-to-video".
        model_type: "text-to-video" (service default) or "image-to-video".
        model_version: "legacy" (service default) or "1.5", for "image-to-video" only.
        mode: "fun", "normal" (service default) or "spicy", in place of which an image may get "normal".
        image_urls: Images; one at least, here or as `image_url`, with "image-to-video".
        image_url: One image, which is put before `image_urls`.
        aspect_ratio: "1:1", "16:9" (service default) or "9:16"; for images also "4:3", "3:4", "3:2" or "2:3"; with
            version 1.5 also "auto".
        duration: Length in seconds: 6 (service default), 10 or 15.
        nsfw_checker: Let the service look for what is not safe for work (service default: false); version 1.5 only.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str | None = attrs.field(default=None, kw_only=False)
    model_type: Literal["text-to-video", "image-to-video"] | None = None
    model_version: Literal["legacy", "1.5"] | None = None
    mode: Literal["fun", "normal", "spicy"] | None = None
    image_urls: Annotated[Sequence[Input], rules.urls(), IMAGE] | None = None
    image_url: Image | None = None
    aspect_ratio: Literal["auto", "1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"] | None = None
    duration: Annotated[Literal[6, 10, 15], AS_TEXT] | None = None
    nsfw_checker: bool | None = None

    def check(self) -> None:
        """Refuse what the type or the version does not take, and a type without what it needs."""
        if self.model_type == "image-to-video":
            need_one(self, ("image_urls", "image_url"), "with model_type 'image-to-video'")
            ratios = _RATIOS_OF_IMAGES
        else:
            need(self, ("prompt",), "with model_type 'text-to-video'")
            narrow(self, "model_version", rules.one_of("legacy"), "with model_type 'text-to-video'")
            ratios = _RATIOS_OF_WORDS
        if self.model_version != "1.5":
            narrow(self, "aspect_ratio", ratios, f"with {self.model_type or 'text-to-video'} and version 'legacy'")
            forbid(self, ("nsfw_checker",), "without model_version '1.5'")


GROK_VIDEO = register(
    Family(
        name="grok_video",
        title="Grok Imagine: text- or image-to-video.",
        request=GrokVideo,
        base="/api/v1/grokVideo",
        price_fields=("model_type", "model_version", "duration"),
        example={"prompt": "the kite climbs", "duration": 6, "aspect_ratio": "16:9"},
        webhook=True,
    )
)
