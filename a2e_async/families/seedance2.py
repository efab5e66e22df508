"""Seedance 2.0 and 2.5: a video from words, images, videos and audio (POST /api/v1/seedance2Video/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AUDIO, IMAGE, VIDEO, Image, Input, Usual, request
from a2e_async.families._common import either, forbid, narrow, need, need_one

_NEEDED = {"image-to-video": ("image_url",), "first-last-frames": ("first_frame_url", "last_frame_url")}
_DECIDED = rules.one_of(-1)
_ADAPTIVE = rules.one_of("adaptive")
_LIMITS_OF_20 = {
    "reference_urls": rules.urls(9),
    "video_urls": rules.urls(3),
    "audio_urls": rules.urls(3),
    "duration": either(_DECIDED, rules.whole(4, 15)),
}
_LIMITS_OF_25 = {
    "duration": either(_DECIDED, rules.whole(4, 30)),
    "input_video_duration": rules.number(2, 30),
    "resolution": rules.one_of("480p", "720p", "1080p"),
}
_SMALL = rules.one_of("480p", "720p")


@request
class Seedance2(Usual[Result]):
    """A video by Seedance 2.0 or 2.5 (POST /api/v1/seedance2Video/start).

    Args:
        prompt: What happens in the video.
        mode: "text-to-video" (service default), "image-to-video", "first-last-frames" or "reference".
        model_version: "standard" (service default), "mini" or "fast", all of 2.0, or "2.5", which takes more.
        omni_reference_task_type: "reference", "edit" or "extend", for mode "reference" with 2.5. "edit" needs
            aspect_ratio "adaptive", duration -1 and one video, "extend" needs aspect_ratio "adaptive".
        image_url: The first image; required with "image-to-video".
        first_frame_url: The first image; required with "first-last-frames".
        last_frame_url: The last image; required with "first-last-frames", may be given with "image-to-video".
        reference_urls: Images to go by, at most 9, with 2.5 30.
        video_urls: Videos to go by, mp4 or mov: at most 3 of 2 to 15 s each, with 2.5 10 of 30 s together.
        audio_urls: Audio to go by, mp3 or wav: at most 3 of 2 to 15 s each and 15 s together, and not alone; with
            2.5 at most 10.
        input_video_duration: Length of all videos given, in seconds, as an estimate; the service measures them itself.
        duration: Length in seconds, 4 to 15, with 2.5 to 30 (service default: 5). "edit" needs -1; the service's schema
            takes -1 elsewhere, too, and does not say what it means.
        aspect_ratio: "adaptive", "21:9", "16:9" (service default), "4:3", "1:1", "3:4" or "9:16".
        resolution: "480p", "720p" (service default), "1080p" or "4k": "4k" with "standard" only, "1080p" not with
            "mini" and "fast".
        generate_audio: Make audio as well (service default: true), which costs more.
        minor_suspected_skip: Continue even if a minor is suspected (service default: false).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    mode: Literal["text-to-video", "image-to-video", "first-last-frames", "reference"] | None = None
    model_version: Literal["standard", "mini", "fast", "2.5"] | None = None
    omni_reference_task_type: Literal["reference", "edit", "extend"] | None = None
    image_url: Image | None = None
    first_frame_url: Image | None = None
    last_frame_url: Image | None = None
    reference_urls: Annotated[Sequence[Input], rules.urls(30), IMAGE] | None = None
    video_urls: Annotated[Sequence[Input], rules.urls(10), VIDEO] | None = None
    audio_urls: Annotated[Sequence[Input], rules.urls(10), AUDIO] | None = None
    input_video_duration: Annotated[float, rules.number(2, 45.5)] | None = None
    duration: Annotated[int, rules.whole(-1, 30)] | None = None
    aspect_ratio: Literal["adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] | None = None
    resolution: Literal["480p", "720p", "1080p", "4k"] | None = None
    generate_audio: bool | None = None
    minor_suspected_skip: bool | None = None

    def check(self) -> None:
        """Refuse what the mode or the version does not take, and a mode without what it needs."""
        need(self, _NEEDED.get(self.mode or "", ()), f"with mode {self.mode!r}")
        if self.mode == "reference":
            need_one(self, ("reference_urls", "video_urls", "audio_urls"), "with mode 'reference'")
        if self.model_version != "2.5" or self.mode != "reference":
            forbid(self, ("omni_reference_task_type",), "but for model_version '2.5' with mode 'reference'")
        if self.omni_reference_task_type in ("edit", "extend"):
            self._check_omni(f"with omni_reference_task_type {self.omni_reference_task_type!r}")
        version = f"with model_version {self.model_version or 'standard'!r}"
        for field, rule in (_LIMITS_OF_25 if self.model_version == "2.5" else _LIMITS_OF_20).items():
            if field != "duration" or self.omni_reference_task_type != "edit":
                narrow(self, field, rule, version)
        if self.model_version in ("mini", "fast"):
            narrow(self, "resolution", _SMALL, version)
        if self.model_version != "2.5" and self.audio_urls:
            need_one(self, ("image_url", "reference_urls", "video_urls"), f"beside audio_urls {version}")

    def _check_omni(self, why: str) -> None:
        need(self, ("aspect_ratio",), why)
        narrow(self, "aspect_ratio", _ADAPTIVE, why)
        if self.omni_reference_task_type == "edit":
            need(self, ("duration", "video_urls"), why)
            narrow(self, "duration", _DECIDED, why)
            narrow(self, "video_urls", rules.urls(1), why)


SEEDANCE2 = register(
    Family(
        name="seedance2",
        title="Seedance 2.0 and 2.5: video from text, images, videos and audio.",
        request=Seedance2,
        base="/api/v1/seedance2Video",
        batch_limit=200,
        price_fields=("mode", "model_version", "duration", "resolution", "generate_audio", "input_video_duration"),
        price="By the second; audio is billed in, and videos given by their measured length.",
        example={"prompt": "the kite climbs", "duration": 5, "aspect_ratio": "16:9", "resolution": "720p"},
        notes=("A suspected minor (code 1004) can be gone past with minor_suspected_skip, a sure one (1003) cannot.",),
        webhook=True,
    )
)
