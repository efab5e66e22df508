"""Kling Image: a prompt, with or without images, becomes images (POST /api/v1/userKlingImage/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request
from a2e_async.families._common import model_dialect


@request
class KlingImage(Usual[Result]):
    """Images by Kling 3.0 (POST /api/v1/userKlingImage/start).

    Args:
        prompt: What the images show.
        input_images: Images to go by, public http(s) URLs.
        aspect_ratio: "1:1", "4:3", "3:4", "16:9", "9:16" (service default), "2:3", "3:2" or "21:9".
        resolution: "1k" (service default) or "2k", in small letters.
        n: How many images to make, 1 to 9; each is a task of its own.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str = attrs.field(kw_only=False)
    input_images: Annotated[Sequence[Input], rules.urls(), IMAGE] | None = None
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] | None = None
    resolution: Literal["1k", "2k"] | None = None
    n: Annotated[int, rules.whole(1, 9)] | None = None


KLING_IMAGE = register(
    Family(
        name="kling_image",
        title="Kling 3.0: text- or image-to-image.",
        request=KlingImage,
        batch_limit=200,
        count_field="n",
        price_fields=("resolution", "n", "input_images"),
        example={"prompt": "a red kite over the sea", "aspect_ratio": "16:9", "n": 2},
        **model_dialect(
            "/api/v1/userKlingImage", note="undocumented: its paging, here by analogy with GPT Image and Flux 2"
        ),
    )
)
