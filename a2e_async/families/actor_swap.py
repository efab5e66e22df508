"""Actor swap: a person of an image plays a video's part (POST /api/v1/actorSwap/start)."""

from __future__ import annotations

from typing import Annotated

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Image, Usual, Video, request


@request
class ActorSwap(Usual[Result]):
    """A video that somebody else plays in (POST /api/v1/actorSwap/start).

    Args:
        image_url: The new actor; a public http(s) URL.
        video_url: The video that is played after; a public http(s) URL.
        prompt: What happens in the video.
        negative_prompt: What must not appear.
        timeout: The service's own limit for the work in whole seconds (service default: 300).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_url: Image = attrs.field(kw_only=False)
    video_url: Video
    prompt: str | None = None
    negative_prompt: str | None = None
    timeout: Annotated[int, rules.whole(1)] | None = None


ACTOR_SWAP = register(
    Family(
        name="actor_swap",
        title="Replaces a person in a video by the person in an image.",
        request=ActorSwap,
        base="/api/v1/actorSwap",
        price_fields=("video_url",),
        example={
            "image_url": "https://files.example.net/actor.png",
            "video_url": "https://files.example.net/scene.mp4",
        },
        webhook=True,
    )
)
