"""Wan 2.6 Image: a prompt, with or without images, becomes an image (POST /api/v1/userWan26Image/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request
from a2e_async.families._common import FORCED, MAY_BE_NSFW, WanRatio, model_dialect


@request
class Wan26Image(Usual[Result]):
    """An image by Wan 2.6 (POST /api/v1/userWan26Image/start).

    Args:
        prompt: What the image shows, or what is done to `input_images`; at most 2,000 characters.
        input_images: Images to edit, public http(s) URLs; at most 4.
        aspect_ratio: "1:1" (service default), "3:2", "2:3", "4:3", "3:4", "16:9", "9:16" or "21:9".
        negative_prompt: What must not appear; at most 500 characters.
        prompt_extend: Let the service enrich the prompt (service default: true).
        force_generate: Continue even if NSFW content is detected; what it is by default is not documented.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: Annotated[str, rules.text(at_most=2000)] = attrs.field(kw_only=False)
    input_images: Annotated[Sequence[Input], rules.urls(4), IMAGE] | None = None
    aspect_ratio: WanRatio | None = None
    negative_prompt: Annotated[str, rules.text(at_most=500)] | None = None
    prompt_extend: bool | None = None
    force_generate: bool | None = None


WAN26_IMAGE = register(
    Family(
        name="wan26_image",
        title="Wan 2.6: text- or image-to-image.",
        request=Wan26Image,
        price_fields=("input_images",),
        example={"prompt": "a red kite over the sea", "aspect_ratio": "16:9"},
        notes=(MAY_BE_NSFW, FORCED),
        **model_dialect("/api/v1/userWan26Image"),
    )
)
