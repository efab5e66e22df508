"""GPT Image: a prompt, with or without images, becomes an image (POST /api/v1/userGptImage/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request
from a2e_async.families._common import FORCED, MAY_BE_NSFW, model_dialect

_INPUTS_OF_FIRST = 16


@request
class GptImage(Usual[Result]):
    """An image by a GPT Image model (POST /api/v1/userGptImage/start).

    Args:
        prompt: What the image shows, or what is done to `input_images`; at most 3,000 characters.
        model: "gpt-image-1.5" (service default) or "gpt-image-2".
        input_images: Images to edit, public http(s) URLs; at most 16 with gpt-image-1.5.
        aspect_ratio: "auto", "1:1" (service default), "9:16", "21:9", "16:9", "4:3", "3:2", "3:4" or "2:3";
            gpt-image-1.5 makes "1:1" of all but "1:1", "3:2" and "2:3".
        quality: "medium" (service default) or "high", which gpt-image-1.5 alone has.
        resolution: "1K" (service default), "2K" or "4K"; the larger ones with gpt-image-2 only, and with an
            `aspect_ratio` that is not "auto"; "4K" not with "1:1".
        force_generate: Continue even if NSFW content is detected.

    Raises:
        InvalidRequestError: A field breaks its rule, or asks for what the model cannot do.
    """

    prompt: Annotated[str, rules.text(at_most=3000)] = attrs.field(kw_only=False)
    model: Literal["gpt-image-1.5", "gpt-image-2"] | None = None
    input_images: Annotated[Sequence[Input], rules.urls(), IMAGE] | None = None
    aspect_ratio: Literal["auto", "1:1", "9:16", "21:9", "16:9", "4:3", "3:2", "3:4", "2:3"] | None = None
    quality: Literal["medium", "high"] | None = None
    resolution: Literal["1K", "2K", "4K"] | None = None
    force_generate: bool | None = None

    def check(self) -> None:
        """Refuse what the model does not have, and a resolution that is refused after it was paid for."""
        newer, large = self.model == "gpt-image-2", self.resolution in ("2K", "4K")
        if not newer and len(self.input_images or ()) > _INPUTS_OF_FIRST:
            raise rules.refuse("input_images", self.input_images, "must be at most 16 without model 'gpt-image-2'")
        if newer and self.quality == "high":
            raise rules.refuse("quality", self.quality, "must be 'medium' with model 'gpt-image-2'")
        if large and not newer:
            raise rules.refuse("resolution", self.resolution, "must be '1K' without model 'gpt-image-2'")
        if self.resolution == "4K" and self.aspect_ratio == "1:1":  # refused, or made as 2K: two texts differ
            raise rules.refuse("resolution", self.resolution, "must be '1K' or '2K' with aspect_ratio '1:1'")
        if large and self.aspect_ratio in (None, "auto"):
            raise rules.refuse("resolution", self.resolution, "must be '1K' without an aspect_ratio, or with 'auto'")


GPT_IMAGE = register(
    Family(
        name="gpt_image",
        title="GPT Image: text- or image-to-image.",
        request=GptImage,
        price_fields=("model", "quality", "resolution", "aspect_ratio", "input_images"),
        price="gpt-image-1.5 20 or 35 coins; gpt-image-2 25 (1K), 35 (2K) or 45 (4K) an image, as the service says.",
        example={"prompt": "a red kite over the sea", "model": "gpt-image-2", "resolution": "1K"},
        notes=(
            MAY_BE_NSFW,
            FORCED,
            "Images expire after 3 days.",
        ),
        **model_dialect("/api/v1/userGptImage"),
    )
)
