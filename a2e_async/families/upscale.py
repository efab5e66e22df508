"""Upscale: an image or video gets larger (POST /api/v1/userUpscale/start)."""

from __future__ import annotations

import attrs

from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import ImageOrVideo, Usual, request


@request
class Upscale(Usual[Result]):
    """An image or video with more pixels (POST /api/v1/userUpscale/start).

    Args:
        source_url: The image or video; a public http(s) URL.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    source_url: ImageOrVideo = attrs.field(kw_only=False)


UPSCALE = register(
    Family(
        name="upscale",
        title="Upscales an image or a video.",
        request=Upscale,
        base="/api/v1/userUpscale",
        status_fields=("current_status", "status"),
        price_fields=("source_url",),
        example={"source_url": "https://files.example.net/small.mp4"},
        notes=("An image makes an image, a video makes a video; how much larger cannot be chosen.",),
        webhook=True,
    )
)
