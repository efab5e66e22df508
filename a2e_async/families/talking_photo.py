"""Talking photo: the person of an image talks or sings (POST /api/v1/talkingPhoto/start)."""

from __future__ import annotations

import attrs

from a2e_async.core.family import Family, register
from a2e_async.core.requests import Image, request
from a2e_async.families._common import Talking


@request
class TalkingPhoto(Talking):
    """A video in which the person of an image talks or sings (POST /api/v1/talkingPhoto/start).

    Args:
        image_url: The person; a public http(s) URL.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_url: Image = attrs.field(kw_only=False)


TALKING_PHOTO = register(
    Family(
        name="talking_photo",
        title="Lets the person in an image talk or sing.",
        request=TalkingPhoto,
        base="/api/v1/talkingPhoto",
        price_fields=("duration", "audio_url"),
        example={
            "image_url": "https://files.example.net/person.png",
            "audio_url": "https://files.example.net/words.mp3",
            "prompt": "speaks warmly",
            "negative_prompt": "blurry",
            "duration": 5,
        },
        webhook=True,
    )
)
