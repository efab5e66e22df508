"""Motion transfer: the person of an image moves like that of a video (POST /api/v1/motionTransfer/start)."""

from __future__ import annotations

import attrs

from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Image, Usual, Video, request
from a2e_async.families._common import Seconds


@request
class MotionTransfer(Usual[Result]):
    """A video in which the person of an image moves like that of another video (POST /api/v1/motionTransfer/start).

    Args:
        image_url: Who moves; a public http(s) URL.
        video_url: The video whose motion is taken; a public http(s) URL.
        positive_prompt: What happens in the video.
        negative_prompt: What must not appear.
        timeout: The service's own limit for the work in seconds (service default: 300).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_url: Image = attrs.field(kw_only=False)
    video_url: Video
    positive_prompt: str | None = None
    negative_prompt: str | None = None
    timeout: Seconds | None = None


MOTION_TRANSFER = register(
    Family(
        name="motion_transfer",
        title="Transfers the motion of a video to the person in an image.",
        request=MotionTransfer,
        base="/api/v1/motionTransfer",
        result_fields=("result_video_url",),
        price_fields=("video_url",),
        example={
            "image_url": "https://files.example.net/person.png",
            "video_url": "https://files.example.net/dance.mp4",
        },
        webhook=True,
    )
)
