"""HappyHorse: a video from words, images or a video (POST /api/v1/userHappyhorseVideo/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, IMAGE, Image, Input, Usual, Video, request
from a2e_async.families._common import Seed, forbid, narrow, need

_NEEDED = {
    "t2v": ("prompt",),
    "i2v": ("image_url",),
    "r2v": ("prompt", "reference_image_urls"),
    "video-edit": ("prompt", "edit_video_url"),
}
_OLDER = "with model_version '1.0'"


@request
class HappyHorse(Usual[Result]):
    """A video by HappyHorse (POST /api/v1/userHappyhorseVideo/start).

    Args:
        prompt: What happens in the video; required but for mode "i2v".
        mode: What it is made from: "t2v" words, "i2v" a first image, "r2v" images to go by, "video-edit" a video.
        model_version: "1.0" (service default) or "1.1"; "video-edit" is always done by 1.0.
        image_url: The first image; required with "i2v".
        reference_image_urls: Images to go by: 1 to 9 with "r2v", at most 5 with "video-edit".
        edit_video_url: The video to edit; required with "video-edit" and for it alone.
        input_video_seconds: Length of the video to edit, for the estimate of the price.
        duration: Length in seconds, 3 to 15 (service default: 5); with version 1.0 5, 10 or 15; "video-edit" ignores
            it.
        resolution: "480P", "720P" (service default) or "1080P"; "480P" with version 1.1 only, and not for "video-edit".
        ratio: "16:9" (service default), "9:16", "1:1", "4:3" or "3:4", with version 1.1 also "4:5", "5:4", "9:21" or
            "21:9"; for "t2v" and "r2v" only.
        audio_setting: "auto" (service default) or "origin", for "video-edit" only.
        seed: 0 to 2147483647.
        watermark: Leave the provider's watermark on (service default: true).
        minor_suspected_skip: Continue even if a minor is suspected (service default: false).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str | None = attrs.field(default=None, kw_only=False)
    mode: Literal["t2v", "i2v", "r2v", "video-edit"]
    model_version: Literal["1.0", "1.1"] | None = None
    image_url: Image | None = None
    reference_image_urls: Annotated[Sequence[Input], rules.urls(9), IMAGE] | None = None
    edit_video_url: Video | None = None
    input_video_seconds: Annotated[float, rules.number(0)] | None = None
    duration: Annotated[int, rules.whole(3, 15), AS_TEXT] | None = None
    resolution: Literal["480P", "720P", "1080P"] | None = None
    ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "4:5", "5:4", "9:21", "21:9"] | None = None
    audio_setting: Literal["auto", "origin"] | None = None
    seed: Seed | None = None
    watermark: bool | None = None
    minor_suspected_skip: bool | None = None

    def check(self) -> None:
        """Refuse what the mode or the version does not take, and a mode without what it needs."""
        mode, edits = f"with mode {self.mode!r}", self.mode == "video-edit"
        need(self, _NEEDED[self.mode], mode)
        if edits:
            narrow(self, "reference_image_urls", rules.urls(5), mode)
            narrow(self, "resolution", rules.one_of("720P", "1080P"), mode)
        else:
            forbid(self, ("edit_video_url", "audio_setting"), mode)
        if self.mode in ("i2v", "video-edit"):
            forbid(self, ("ratio",), mode)
        if self.model_version != "1.1":
            narrow(self, "resolution", rules.one_of("720P", "1080P"), _OLDER)
            narrow(self, "ratio", rules.one_of("16:9", "9:16", "1:1", "4:3", "3:4"), _OLDER)
            if not edits:
                narrow(self, "duration", rules.one_of(5, 10, 15), _OLDER)


HAPPY_HORSE = register(
    Family(
        name="happy_horse",
        title="HappyHorse: text-, image- or video-to-video.",
        request=HappyHorse,
        base="/api/v1/userHappyhorseVideo",
        batch_limit=200,
        price_fields=("mode", "model_version", "duration", "resolution", "input_video_seconds"),
        example={"prompt": "a horse runs through snow", "mode": "t2v", "duration": 5, "ratio": "16:9"},
        notes=("The provider puts its watermark on unless watermark is False.", "Deleting hides a task."),
        webhook=True,
    )
)
