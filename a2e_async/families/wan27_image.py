"""Wan 2.7 Image: a prompt, with or without images, becomes an image (POST /api/v1/userWan27Image/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, AtMost, Input, Usual, request
from a2e_async.families._common import FORCED, MAY_BE_NSFW, WanRatio, a_list, model_dialect


@request
class Wan27Image(Usual[Result]):
    """An image by Wan 2.7 (POST /api/v1/userWan27Image/start).

    Args:
        prompt: What the image shows, or what is done to `input_images`; at most 5,000 characters.
        model: "wan2.7-image" (service default) or "wan2.7-image-pro".
        input_images: Images to edit, public http(s) URLs; at most 9 of 20 MB each.
        aspect_ratio: "1:1" (service default), "3:2", "2:3", "4:3", "3:4", "16:9", "9:16" or "21:9".
        bbox_list: Boxes in the images to edit, each as the service wants it, which is not documented.
        force_generate: Continue even if NSFW content is detected; what it is by default is not documented.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: Annotated[str, rules.text(at_most=5000)] = attrs.field(kw_only=False)
    model: Literal["wan2.7-image", "wan2.7-image-pro"] | None = None
    input_images: Annotated[Sequence[Input], rules.urls(9), IMAGE, AtMost(20 << 20)] | None = None
    aspect_ratio: WanRatio | None = None
    bbox_list: Annotated[Sequence[Any], a_list()] | None = None
    force_generate: bool | None = None


WAN27_IMAGE = register(
    Family(
        name="wan27_image",
        title="Wan 2.7: text- or image-to-image.",
        request=Wan27Image,
        price_fields=("model", "input_images"),
        price="About 8 coins an image, as one user of it says.",
        example={"prompt": "a red kite over the sea", "model": "wan2.7-image", "aspect_ratio": "16:9"},
        notes=(MAY_BE_NSFW, FORCED),
        **model_dialect("/api/v1/userWan27Image"),
    )
)
