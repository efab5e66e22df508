"""Text to image: a prompt becomes images.

The service knows two forms of this start: the older one (POST /api/v1/userText2image/start, page
"Start Text-to-Image") with its five fields, and the newer one (POST /api/v1/userText2Image/start).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request

_BASE = "/api/v1/userText2Image"
_NEWER = frozenset({"model_type", "model_version", "max_images", "aspect_ratio", "input_images", "skip_face_enhance"})
_INPUTS_OF_A2E = 2


@request
class TextToImage(Usual[Result]):
    """Images from a prompt (POST /api/v1/userText2Image/start).

    The newer form is sent as soon as one of `model_type`, `model_version`, `max_images`, `aspect_ratio`, `input_images`
    or `skip_face_enhance` is given, so `model_type="a2e"` chooses it for a plain prompt. The older one, which the page
    "Start Text-to-Image" shows, is sent otherwise, and the newer one in its place where the older is refused.

    Args:
        prompt: What the image shows.
        width: Width in pixels (default 1024).
        height: Height in pixels (default 1024).
        req_key: Model of the older form: "high_aes_general_v21_L" (the default) or "high_aes".
        model_type: Model of the newer form: "a2e" (service default), "zimage" (clients use it, the reference lacks it)
            or "seedream".
        model_version: Generation of seedream: "5.0-pro", "5.0" or "4.5"; clients use it, the reference lacks it.
        max_images: How many images to make, 1 to 8; each is a task of its own.
        aspect_ratio: "1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2" or "21:9"; seedream only.
        input_images: Images to start from, public http(s) URLs; at most 2, with seedream 10.
        skip_face_enhance: Leave faces as they are (service default: false).

    Raises:
        InvalidRequestError: A field breaks its rule, or fields of both forms are given.
    """

    prompt: str = attrs.field(kw_only=False)
    width: Annotated[int, rules.whole(1)] | None = None
    height: Annotated[int, rules.whole(1)] | None = None
    req_key: Literal["high_aes_general_v21_L", "high_aes"] | None = None
    model_type: Literal["a2e", "zimage", "seedream"] | None = None
    model_version: Literal["5.0-pro", "5.0", "4.5"] | None = None
    max_images: Annotated[int, rules.whole(1, 8)] | None = None
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] | None = None
    input_images: Annotated[Sequence[Input], rules.urls(10), IMAGE] | None = None
    skip_face_enhance: bool | None = None

    def check(self) -> None:
        """Refuse fields of both forms together, and what only one model takes."""
        newer = sorted(field for field in _NEWER if getattr(self, field) is not None)
        if self.req_key is not None and newer:
            raise rules.refuse("req_key", self.req_key, f"belongs to the older form, {newer[0]} to the newer")
        if self.aspect_ratio is not None and self.model_type in (None, "a2e"):  # a2e is the service's default
            raise rules.refuse("aspect_ratio", self.aspect_ratio, "is for model_type 'seedream' only")
        if self.model_version is not None and self.model_type in ("a2e", "zimage"):
            raise rules.refuse("model_version", self.model_version, "is for model_type 'seedream' only")
        if self.model_type != "seedream" and len(self.input_images or ()) > _INPUTS_OF_A2E:
            raise rules.refuse("input_images", self.input_images, "must be at most 2 without model_type 'seedream'")


TEXT_TO_IMAGE = register(
    Family(
        name="text_to_image",
        title="Text-to-image: a prompt becomes images.",
        request=TextToImage,
        base=_BASE,
        forms=(
            Form(path=f"{_BASE}/start", when=_NEWER),
            Form(
                path="/api/v1/userText2image/start",
                always={"req_key": "high_aes_general_v21_L", "width": 1024, "height": 1024},
                alone="req_key",
                note="deprecated: only an older page has it",
            ),
        ),
        result_fields=("image_urls",),
        count_field="max_images",
        price_fields=(
            "req_key",
            "model_type",
            "model_version",
            "max_images",
            "width",
            "height",
            "aspect_ratio",
            "input_images",
        ),
        makes="image",
        price="Seedream 5 Pro 12 coins an image, as users of it say.",
        example={"prompt": "a red kite over the sea", "width": 1024, "height": 768},
        webhook=True,
        spellings=("userText2Image", "userText2image"),
    )
)
