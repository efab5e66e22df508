"""Qwen Image: a prompt, with or without images, becomes an image (POST /api/v1/userQwen2Image/start)."""

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
class QwenImage(Usual[Result]):
    """An image by a Qwen Image model (POST /api/v1/userQwen2Image/start).

    Args:
        prompt: What the image shows, or what is done to `input_images`.
        model: "qwen-image-2.0" (service default), "qwen-image-2.0-pro", "qwen-image-3.0" or "qwen-image-3.0-pro".
        input_images: Images to work on, public http(s) URLs.
        size: Width and height in pixels, such as "1024*1024" (service default); those with 2048 for qwen-image-3.0-pro
            only.

    Raises:
        InvalidRequestError: A field breaks its rule, or asks for a size that the model cannot make.
    """

    prompt: str = attrs.field(kw_only=False)
    model: Literal["qwen-image-2.0", "qwen-image-2.0-pro", "qwen-image-3.0", "qwen-image-3.0-pro"] | None = None
    input_images: Annotated[Sequence[Input], rules.urls(), IMAGE] | None = None
    size: (
        Literal[
            "1024*1024", "1328*880", "880*1328", "1152*864", "864*1152", "1280*720", "720*1280", "1512*648",
            "2048*2048", "2048*1365", "1365*2048", "2048*1536", "1536*2048", "2048*1152", "1152*2048",
        ] | None
    ) = None  # fmt: skip

    def check(self) -> None:
        """Refuse a size that only the largest model makes."""
        if "2048" in (self.size or "") and self.model != "qwen-image-3.0-pro":
            raise rules.refuse("size", self.size, "with 2048 is for model 'qwen-image-3.0-pro' only")


QWEN_IMAGE = register(
    Family(
        name="qwen_image",
        title="Qwen Image: text- or image-to-image.",
        request=QwenImage,
        batch_limit=200,
        price_fields=("model", "size", "input_images"),
        example={"prompt": "a red kite over the sea", "size": "1280*720"},
        **model_dialect(
            "/api/v1/userQwen2Image", note="undocumented: its paging, here by analogy with GPT Image and Flux 2"
        ),
    )
)
