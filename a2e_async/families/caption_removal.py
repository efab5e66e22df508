"""Caption removal: a video without the captions in it (POST /api/v1/userCaptionRemoval/start)."""

from __future__ import annotations

import attrs

from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Usual, Video, request


@request
class CaptionRemoval(Usual[Result]):
    """A video whose captions are taken out (POST /api/v1/userCaptionRemoval/start).

    Args:
        source_url: The video; a public http(s) URL.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    source_url: Video = attrs.field(kw_only=False)


CAPTION_REMOVAL = register(
    Family(
        name="caption_removal",
        title="Removes the captions from a video.",
        request=CaptionRemoval,
        base="/api/v1/userCaptionRemoval",
        price_fields=("source_url",),
        example={"source_url": "https://files.example.net/captioned.mp4"},
        webhook=True,
    )
)
