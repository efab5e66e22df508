"""Flux 2: a prompt, with or without images, becomes an image (POST /api/v1/userFlux2/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request
from a2e_async.families._common import FORCED, MAY_BE_NSFW, model_dialect


@request
class Flux2(Usual[Result]):
    """An image by Flux 2 Pro (POST /api/v1/userFlux2/start).

    Args:
        prompt: What the image shows, or what is done to `input_images`.
        input_images: Images to work on, public http(s) URLs; at most 8.
        aspect_ratio: "1:1", "16:9", "9:16" (service default), "4:3", "3:4", "2:3", "3:2", "custom" or
            "match_input_image".
        resolution: "1K" (service default), about one million pixels, or "2K", about two.
        force_generate: Continue even if NSFW content is detected (service default with an API token: True).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    input_images: Annotated[Sequence[Input], rules.urls(8), IMAGE] | None = None
    aspect_ratio: Literal["1:1", "16:9", "9:16", "4:3", "3:4", "2:3", "3:2", "custom", "match_input_image"] | None = (
        None
    )
    resolution: Literal["1K", "2K"] | None = None
    force_generate: bool | None = None


FLUX2 = register(
    Family(
        name="flux2",
        title="Flux 2 Pro: text- or image-to-image.",
        request=Flux2,
        price_fields=("resolution", "input_images"),
        example={"prompt": "a red kite over the sea", "aspect_ratio": "16:9"},
        notes=(
            MAY_BE_NSFW,
            FORCED,
            "An image usually takes 20 to 60 seconds and expires after 7 days.",
        ),
        **model_dialect("/api/v1/userFlux2"),
    )
)
