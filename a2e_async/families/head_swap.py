"""Head swap: the head of an image goes onto another image or video (POST /api/v1/headSwap/start)."""

from __future__ import annotations

import attrs

from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Hooked, Image, request


@request
class HeadSwap(Hooked[Result]):
    """An image or video with another head in it (POST /api/v1/headSwap/start).

    Args:
        image_url: The head; a public http(s) URL.
        target_image_url: Where it goes: an image, or a video of at most 15 seconds.
        minor_suspected_skip: Continue even if a minor is suspected (service default: false).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_url: Image = attrs.field(kw_only=False)
    target_image_url: Image
    minor_suspected_skip: bool | None = None


HEAD_SWAP = register(
    Family(
        name="head_swap",
        title="Swaps the head in an image or a video.",
        request=HeadSwap,
        base="/api/v1/headSwap",
        name_field=None,
        price_fields=("target_image_url",),
        example={
            "image_url": "https://files.example.net/head.png",
            "target_image_url": "https://files.example.net/dance.mp4",
        },
        notes=(
            "An image makes an image, a video makes a video.",
            "Starts have no name: one whose answer is lost can be neither found nor sent again.",
        ),
        webhook=True,
    )
)
