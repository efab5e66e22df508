"""Kling 2.6 and 3.0: a video from words, an image, or an image and a video (POST /api/v1/klingVideo/start)."""

from __future__ import annotations

from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, Image, Usual, Video, request
from a2e_async.families._common import forbid, narrow, need

_NEEDED = {"image-to-video": ("image_url",), "motion-control": ("image_url", "video_url")}
_CHEAPER = rules.one_of("std", "pro")
_LENGTH_OF_26 = rules.one_of(5, 10)


@request
class KlingVideo(Usual[Result]):
    """A video by Kling 2.6 or 3.0 (POST /api/v1/klingVideo/start).

    Args:
        prompt: What happens in the video.
        mode: "text-to-video", "image-to-video" or "motion-control", where an image moves as a video does.
        version: "2.6" (service default) or "3.0".
        model_version: "standard" (service default) or "fast", which is for version 3.0 and not for "motion-control".
        resolution: "720p" (service default) or "1080p", for "fast" alone.
        quality_mode: "std" (service default), "pro", or "4k" with version 3.0, but not for "motion-control" or "fast".
        duration: Length in seconds (service default: 5): 5 or 10, with version 3.0 3 to 15.
        image_url: The first image; required with "image-to-video" and "motion-control".
        video_url: The video that shows how to move; required with "motion-control".
        end_image_url: The last image, for "image-to-video" with quality_mode "pro"; in 2.6 not with `sound`.
        aspect_ratio: "16:9" (service default), "9:16" or "1:1", for "text-to-video" only.
        sound: Make audio as well (service default: false); in 2.6 with quality_mode "pro" only.
        character_orientation: What "motion-control" goes by: "video" (service default), of 3 to 30 s, or "image", 3 to
            10.
        negative_prompt: What must not appear.
        seed: A whole number from which chance begins.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    mode: Literal["text-to-video", "image-to-video", "motion-control"]
    version: Literal["2.6", "3.0"] | None = None
    model_version: Literal["standard", "fast"] | None = None
    resolution: Literal["720p", "1080p"] | None = None
    quality_mode: Literal["std", "pro", "4k"] | None = None
    duration: Annotated[int, rules.whole(3, 15), AS_TEXT] | None = None
    image_url: Image | None = None
    video_url: Video | None = None
    end_image_url: Image | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None
    sound: bool | None = None
    character_orientation: Literal["video", "image"] | None = None
    negative_prompt: str | None = None
    seed: int | None = None

    def check(self) -> None:
        """Refuse what the mode or the version does not take, and a mode without what it needs."""
        mode, older = f"with mode {self.mode!r}", self.version != "3.0"
        need(self, _NEEDED.get(self.mode, ()), mode)
        if self.mode == "motion-control":
            narrow(self, "quality_mode", _CHEAPER, mode)
            narrow(self, "model_version", rules.one_of("standard"), mode)
        if self.model_version == "fast":
            narrow(self, "quality_mode", _CHEAPER, "with model_version 'fast', which has resolution in its place")
        else:
            forbid(self, ("resolution",), "but with model_version 'fast'")
        if self.mode != "text-to-video":
            forbid(self, ("aspect_ratio",), mode)
        if self.mode != "image-to-video" or self.quality_mode != "pro":
            forbid(self, ("end_image_url",), "but for mode 'image-to-video' with quality_mode 'pro'")
        if older:
            self._check_older("with version '2.6'")

    def _check_older(self, why: str) -> None:
        narrow(self, "model_version", rules.one_of("standard"), why)
        narrow(self, "quality_mode", _CHEAPER, why)
        if self.mode != "motion-control":
            narrow(self, "duration", _LENGTH_OF_26, why)
        if self.sound:
            forbid(self, ("end_image_url",), f"with audio {why}")
            need(self, ("quality_mode",), f"with audio {why}")
            narrow(self, "quality_mode", rules.one_of("pro"), f"with audio {why}")


KLING_VIDEO = register(
    Family(
        name="kling_video",
        title="Kling: text- or image-to-video, and motion control.",
        request=KlingVideo,
        base="/api/v1/klingVideo",
        price_fields=("mode", "version", "model_version", "resolution", "quality_mode", "duration", "sound"),
        price="quality_mode 4k is billed as a tier of its own.",
        example={"prompt": "the kite climbs", "mode": "text-to-video", "duration": 5, "aspect_ratio": "16:9"},
        notes=("Deleting does not promise that a running task is stopped.",),
        webhook=True,
    )
)
