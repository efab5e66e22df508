"""Nano Banana: a prompt, with or without images, becomes an image (POST /api/v1/userNanoBanana/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Endpoint, Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request
from a2e_async.families._common import FORCED, MAY_BE_NSFW

_BASE = "/api/v1/userNanoBanana"


@request
class NanoBanana(Usual[Result]):
    """An image by a Nano Banana model (POST /api/v1/userNanoBanana/start).

    Args:
        prompt: What the image shows, or what is done to `input_images`.
        model: "nano-banana", "nano-banana-pro" (service default), "nano-banana-2" or "nano-banana-2-lite".
        input_images: Images to edit or to compose, public http(s) URLs; the reference's text speaks of up to four,
            its schema has no limit.
        aspect_ratio: "auto" (service default), "16:9", "1:1", "9:16", "4:3", "3:4", "2:3", "3:2", "4:5", "5:4" or
            "21:9".
        image_size: "1K" (service default), "2K" or "4K"; the larger ones with nano-banana-pro and nano-banana-2 only.
        google_search: Look up what is asked for; nano-banana-2 only (service default: false).
        force_generate: Continue even if NSFW content is detected (service default with an API token: True).

    Raises:
        InvalidRequestError: A field breaks its rule, or asks for what the model cannot do.
    """

    prompt: str = attrs.field(kw_only=False)
    model: Literal["nano-banana", "nano-banana-pro", "nano-banana-2", "nano-banana-2-lite"] | None = None
    input_images: Annotated[Sequence[Input], rules.urls(), IMAGE] | None = None
    aspect_ratio: Literal["auto", "16:9", "1:1", "9:16", "4:3", "3:4", "2:3", "3:2", "4:5", "5:4", "21:9"] | None = None
    image_size: Literal["1K", "2K", "4K"] | None = None
    google_search: bool | None = None
    force_generate: bool | None = None

    def check(self) -> None:
        """Refuse a size and a search that the model does not have."""
        if self.image_size in ("2K", "4K") and self.model in ("nano-banana", "nano-banana-2-lite"):
            raise rules.refuse("image_size", self.image_size, f"must be '1K' with model {self.model!r}")
        if self.google_search and self.model != "nano-banana-2":
            raise rules.refuse("google_search", self.google_search, "is for model 'nano-banana-2' only")


NANO_BANANA = register(
    Family(
        name="nano_banana",
        title="Nano Banana: text- or image-to-image.",
        request=NanoBanana,
        base=_BASE,
        detail=Endpoint(path=f"{_BASE}/detail/{{id}}"),
        delete=Endpoint(method="DELETE", path=f"{_BASE}/delete/{{id}}"),
        status_fields=("current_status", "status"),
        result_fields=("image_urls", "result_url"),
        price_fields=("model", "image_size", "google_search", "input_images"),
        makes="image",
        example={"prompt": "a red kite over the sea", "model": "nano-banana-pro", "image_size": "2K"},
        notes=(MAY_BE_NSFW, FORCED),
        webhook=True,
    )
)
