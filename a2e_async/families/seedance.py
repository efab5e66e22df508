"""Seedance 1.5 Pro: a video from words or images (POST /api/v1/seedanceVideo/start).

The reference names the start and the list, and nothing else: so tasks are looked for in the list.
"""

from __future__ import annotations

from typing import Annotated, Literal

import attrs

from a2e_async.core.family import PAGES, Endpoint, Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, Image, Usual, request
from a2e_async.families._common import need

_BASE = "/api/v1/seedanceVideo"
_LIST = Endpoint(
    path=f"{_BASE}/allRecords",
    query=PAGES,
    pages=20,
    note="undocumented: there is no detail, so tasks are looked for in the list",
)


@request
class Seedance(Usual[Result]):
    """A video by Seedance 1.5 Pro (POST /api/v1/seedanceVideo/start).

    Args:
        prompt: What happens in the video.
        mode: "text-to-video" (service default) or "image-to-video".
        image_url: The first image; required with "image-to-video".
        end_image_url: The last image; the video then goes from `image_url` to this one.
        duration: Length in seconds: 5 (service default) or 10.
        aspect_ratio: "16:9" (service default), "9:16" or "1:1".
        resolution: "480p" or "720p" (service default).
        camera_fixed: Leave the camera where it is (service default: false).
        generate_audio: Make audio as well (service default: false).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    mode: Literal["text-to-video", "image-to-video"] | None = None
    image_url: Image | None = None
    end_image_url: Image | None = None
    duration: Annotated[Literal[5, 10], AS_TEXT] | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None
    resolution: Literal["480p", "720p"] | None = None
    camera_fixed: bool | None = None
    generate_audio: bool | None = None

    def check(self) -> None:
        """Refuse a video from images without the first one."""
        if self.mode == "image-to-video":
            need(self, ("image_url",), "with mode 'image-to-video'")
        if self.end_image_url is not None:
            need(self, ("image_url",), "with end_image_url")


SEEDANCE = register(
    Family(
        name="seedance",
        title="Seedance 1.5 Pro: text- or image-to-video.",
        request=Seedance,
        base=_BASE,
        detail=_LIST,
        batch=_LIST,
        delete=Endpoint(method="DELETE", path=f"{_BASE}/{{id}}", note="undocumented: by analogy with seedance2Video"),
        price_fields=("mode", "duration", "resolution", "generate_audio"),
        example={"prompt": "the kite climbs", "duration": 5, "aspect_ratio": "16:9"},
        notes=("Tasks are watched in the list, of which the newest 20 pages are read at most.",),
        webhook=True,
    )
)
