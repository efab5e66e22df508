"""MiniMax H3: a video from words, frames, or media to go by (POST /api/v1/minimaxH3Video/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, AUDIO, IMAGE, VIDEO, Image, Input, Usual, request
from a2e_async.families._common import forbid, narrow, need, need_one

_FRAMES = ("first_frame_url", "last_frame_url")
_REFERENCES = ("reference_image_urls", "reference_video_urls", "reference_audio_urls")
_FIXED = rules.one_of("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")


@request
class MinimaxH3(Usual[Result]):
    """A video by MiniMax H3 (POST /api/v1/minimaxH3Video/start).

    Args:
        prompt: What happens in the video.
        mode: "text-to-video" (service default), "image-to-video" or "reference-to-video".
        first_frame_url: The first image; required with "image-to-video", and for it alone.
        last_frame_url: The last image; for "image-to-video" alone.
        reference_image_urls: Images to go by; for "reference-to-video" alone, which needs one of these three.
        reference_video_urls: Videos to go by, likewise.
        reference_audio_urls: Audio to go by, likewise.
        resolution: "768P" or "2K" (service default).
        duration: Length in seconds, 4 to 15 (service default: 12).
        aspect_ratio: "adaptive" (for "reference-to-video" alone, and the service default there), "21:9", "16:9", "4:3",
            "1:1", "3:4" or "9:16"; the service ignores it with "image-to-video".

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    mode: Literal["text-to-video", "image-to-video", "reference-to-video"] | None = None
    first_frame_url: Image | None = None
    last_frame_url: Image | None = None
    reference_image_urls: Annotated[Sequence[Input], rules.urls(), IMAGE] | None = None
    reference_video_urls: Annotated[Sequence[Input], rules.urls(), VIDEO] | None = None
    reference_audio_urls: Annotated[Sequence[Input], rules.urls(), AUDIO] | None = None
    resolution: Literal["768P", "2K"] | None = None
    duration: Annotated[int, rules.whole(4, 15), AS_TEXT] | None = None
    aspect_ratio: Literal["adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] | None = None

    def check(self) -> None:
        """Refuse a mode without what it is made from, and what another mode is made from."""
        if self.mode == "image-to-video":
            need(self, ("first_frame_url",), "with mode 'image-to-video'")
        else:
            forbid(self, _FRAMES, "but with mode 'image-to-video'")
        if self.mode == "reference-to-video":
            need_one(self, _REFERENCES, "with mode 'reference-to-video'")
        else:
            forbid(self, _REFERENCES, "but with mode 'reference-to-video'")
        if self.mode in (None, "text-to-video"):
            narrow(self, "aspect_ratio", _FIXED, "with mode 'text-to-video'")


MINIMAX_H3 = register(
    Family(
        name="minimax_h3",
        title="MiniMax H3: video from text, frames or reference media.",
        request=MinimaxH3,
        base="/api/v1/minimaxH3Video",
        batch_limit=200,
        price_fields=("mode", "resolution", "duration", "reference_video_urls"),
        example={"prompt": "the kite climbs", "resolution": "768P", "duration": 5, "aspect_ratio": "16:9"},
        webhook=True,
    )
)
