"""Hailuo: an image becomes a video (POST /api/v1/hailuoVideo/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, IMAGE, Image, Input, Usual, request
from a2e_async.families._common import narrow, need_one

_SMALL = rules.one_of("768P")


@request
class Hailuo(Usual[Result]):
    """A video by Hailuo from an image (POST /api/v1/hailuoVideo/start).

    The service's schema requires nothing, its text a prompt and an image; so both are required here.

    Args:
        prompt: What happens in the video.
        image_urls: Images to start from, public http(s) URLs; this or `image_url`.
        image_url: One image in the place of `image_urls`.
        resolution: "768P" (service default) or "1080P", which is not for 10 seconds.
        duration: Length in seconds: 6 (service default) or 10.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    image_urls: Annotated[Sequence[Input], rules.urls(), IMAGE] | None = None
    image_url: Image | None = None
    resolution: Literal["768P", "1080P"] | None = None
    duration: Annotated[Literal[6, 10], AS_TEXT] | None = None

    def check(self) -> None:
        """Refuse a video from nothing, and a long one in 1080P."""
        need_one(self, ("image_urls", "image_url"))
        if self.duration == 10:  # noqa: PLR2004 - the longer of two
            narrow(self, "resolution", _SMALL, "with duration 10")


HAILUO = register(
    Family(
        name="hailuo",
        title="Hailuo: image-to-video.",
        request=Hailuo,
        base="/api/v1/hailuoVideo",
        batch=None,
        price_fields=("resolution", "duration"),
        example={
            "prompt": "the kite climbs",
            "image_urls": ["https://files.example.net/in.png"],
            "resolution": "768P",
            "duration": 6,
        },
        webhook=True,
    )
)
