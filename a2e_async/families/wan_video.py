"""Wan 2.5, 2.6 and 2.7: a video from a prompt, images or videos (POST /api/v1/userWan25/start)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, IMAGE, AtMost, Audio, Image, Input, Usual, Video, request
from a2e_async.core.shapes import shapes
from a2e_async.families._common import Seed, forbid, narrow, need, need_one

_MEDIA = (
    "image_url",
    "last_frame_url",
    "first_clip_url",
    "edit_video_url",
    "reference_media",
    "reference_image_urls",
    "audio_url",
)
_NEEDED = {
    "first_frame": ("image_url",),
    "first_last_frame": ("image_url", "last_frame_url"),
    "video_extend": ("first_clip_url",),
    "video_edit": ("edit_video_url",),
}
_LENGTH_OF_25 = rules.one_of(5, 10)
_LENGTH = rules.one_of(5, 10, 15)
_LENGTHS = {"video_edit": rules.whole(5, 10), "reference_image": rules.whole(2, 15)}
_LENGTH_BESIDE_A_VIDEO = rules.whole(2, 10)
_REFERENCES = shapes(
    {"type": rules.one_of("reference_image", "reference_video"), "url": rules.url()},
    {"duration": rules.number(0)},
    at_most=5,
    kinds={"reference_image": ("image",), "reference_video": ("video",)},
)


@request
class WanVideo(Usual[Result]):
    """A video by Wan 2.5, 2.6 or 2.7 (POST /api/v1/userWan25/start).

    Args:
        prompt: What happens in the video.
        negative_prompt: What must not appear.
        model: "wan2.5-i2v-preview" (service default), "wan2.6-i2v", "wan2.6-i2v-flash" or "wan2.7-i2v"; wan2.6-i2v and
            wan2.7-i2v are for VIP and Max users.
        task_type: What the video is made from: "first_frame" (service default), and with wan2.7-i2v also
            "text_to_video", "first_last_frame", "reference_image", "video_extend" or "video_edit".
        image_url: The first image; required with "first_frame" and "first_last_frame".
        last_frame_url: The last image; required with "first_last_frame", may be given with "video_extend".
        first_clip_url: The video to go on from; required with "video_extend".
        edit_video_url: The video to edit; required with "video_edit".
        reference_media: Images and videos to go by in "reference_image", in order, 1 to 5; each an object with `type`,
            "reference_image" or "reference_video", `url`, and for a video its `duration` in seconds.
        reference_image_urls: Images alone instead of `reference_media`, at most 5; with "video_edit" at most 3.
        duration: Length in seconds (service default: 5): 5 or 10 with Wan 2.5, else 5, 10 or 15; 5 to 10 with
            "video_edit", 2 to 15 with "reference_image" (to 10 with a video among the references).
        resolution: "480p", "720p" (service default) or "1080p".
        ratio: "16:9" (service default), "9:16", "1:1", "4:3" or "3:4"; for wan2.7-i2v with "text_to_video" or
            "reference_image".
        enable_prompt_expansion: Let the service enrich the prompt (service default: false).
        multi_shots: Make several shots (service default: false); only with `enable_prompt_expansion`.
        audio: Make audio as well (service default: true).
        audio_url: The audio for "first_frame" and "first_last_frame": WAV or MP3, 3 to 30 s, at most 15 MB.
        seed: 0 to 2147483647; random if not given.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    negative_prompt: str | None = None
    model: Literal["wan2.5-i2v-preview", "wan2.6-i2v", "wan2.6-i2v-flash", "wan2.7-i2v"] | None = None
    task_type: (
        Literal["text_to_video", "first_frame", "first_last_frame", "reference_image", "video_extend", "video_edit"]
        | None
    ) = None
    image_url: Image | None = None
    last_frame_url: Image | None = None
    first_clip_url: Video | None = None
    edit_video_url: Video | None = None
    reference_media: Annotated[Sequence[Mapping[str, Any]], _REFERENCES] | None = None
    reference_image_urls: Annotated[Sequence[Input], rules.urls(5), IMAGE] | None = None
    duration: Annotated[int, rules.whole(2, 15), AS_TEXT] | None = None
    resolution: Literal["480p", "720p", "1080p"] | None = None
    ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] | None = None
    enable_prompt_expansion: bool | None = None
    multi_shots: bool | None = None
    audio: bool | None = None
    audio_url: Annotated[Audio, AtMost(15 << 20)] | None = None
    seed: Seed | None = None

    def check(self) -> None:
        """Refuse what the model or the kind of task does not take, and a task without what it is made from."""
        newest, task = self.model == "wan2.7-i2v", self.task_type or "first_frame"
        if not newest and task != "first_frame":
            raise rules.refuse("task_type", task, "must be 'first_frame' without model 'wan2.7-i2v'")
        need(self, _NEEDED.get(task, ()), f"with task_type {task!r}")
        if task == "text_to_video":
            forbid(self, _MEDIA, "with task_type 'text_to_video'")
        if task == "reference_image":
            need_one(self, ("reference_media", "reference_image_urls"), "with task_type 'reference_image'")
        if task == "video_edit":
            narrow(self, "reference_image_urls", rules.urls(3), "with task_type 'video_edit'")
        narrow(self, "duration", _LENGTHS.get(task, _LENGTH), f"with task_type {task!r}")
        if any(one["type"] == "reference_video" for one in self.reference_media or ()):
            narrow(self, "duration", _LENGTH_BESIDE_A_VIDEO, "with a video in reference_media")
        if self.model in (None, "wan2.5-i2v-preview"):
            narrow(self, "duration", _LENGTH_OF_25, "with model 'wan2.5-i2v-preview'")
        if not newest or task not in ("text_to_video", "reference_image"):
            forbid(self, ("ratio",), "but for model 'wan2.7-i2v' with 'text_to_video' or 'reference_image'")
        if self.multi_shots and not self.enable_prompt_expansion:
            raise rules.refuse("multi_shots", self.multi_shots, "must be given with enable_prompt_expansion only")


WAN_VIDEO = register(
    Family(
        name="wan_video",
        title="Wan 2.5 to 2.7: text-, image- or video-to-video.",
        request=WanVideo,
        base="/api/v1/userWan25",
        price_fields=("model", "task_type", "duration", "resolution", "audio", "reference_media"),
        price="An input video among the references is billed with the length of the output, 5 s of it at most.",
        example={
            "prompt": "the kite climbs",
            "image_url": "https://files.example.net/in.png",
            "duration": 5,
            "resolution": "720p",
        },
        webhook=True,
    )
)
