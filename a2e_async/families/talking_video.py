"""Talking video: the person of a video says something else (POST /api/v1/talkingVideo/start)."""

from __future__ import annotations

import attrs

from a2e_async.core.family import Family, register
from a2e_async.core.requests import Video, request
from a2e_async.families._common import Talking


@request
class TalkingVideo(Talking):
    """A video whose person says something else (POST /api/v1/talkingVideo/start).

    Args:
        video_url: The video; a public http(s) URL.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    video_url: Video = attrs.field(kw_only=False)


TALKING_VIDEO = register(
    Family(
        name="talking_video",
        title="Lip-syncs the person in a video to other audio.",
        request=TalkingVideo,
        base="/api/v1/talkingVideo",
        price_fields=("duration", "audio_url"),
        price="13 coins for 5 seconds in an example of the service's pages.",
        example={
            "video_url": "https://files.example.net/person.mp4",
            "prompt": "tells a joke",
            "negative_prompt": "blurry, cut off",
        },
        webhook=True,
    )
)
