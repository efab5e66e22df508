"""Image to video: an image and a prompt become a video (POST /api/v1/userImage2Video/start)."""

from __future__ import annotations

from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Image, Usual, request


@request
class ImageToVideo(Usual[Result]):
    """A video that begins with an image (POST /api/v1/userImage2Video/start).

    Args:
        image_url: The first image; a public http(s) URL that answers without a redirect.
        prompt: What happens in the video; required unless `lora` is given.
        negative_prompt: What must not appear; required unless `lora` is given.
        lora: Id of a LoRA, whose own prompt is then used.
        model_type: "GENERAL" (the default) or "FLF2V", which goes from `image_url` to `end_image_url`.
        model_version: "a2e", "a2e-v2" or "a2e-v2-flash"; the default depends on the plan, a2e-v2 costs more.
        end_image_url: The last image; required with FLF2V.
        extend_prompt: Let the service enrich the prompt (service default: true).
        number_of_images: How many videos to make, 1 to 8 (service default: 1).
        video_time: Length in seconds: 5 (service default), 10, 15 or 20.
        video_length: Length in frames, 1 to 1000; deprecated by the service, use `video_time`.
        skip_face_enhance: Leave faces as they are (service default: false).
        mask_face: Allow detected faces to be masked.
        minor_suspected_skip: Continue even if a minor is suspected (service default: false).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_url: Image = attrs.field(kw_only=False)
    prompt: str | None = None
    negative_prompt: str | None = None
    lora: str | None = None
    model_type: Literal["GENERAL", "FLF2V"] | None = None
    model_version: Literal["a2e", "a2e-v2", "a2e-v2-flash"] | None = None
    end_image_url: Image | None = None
    extend_prompt: bool | None = None
    number_of_images: Annotated[int, rules.whole(1, 8)] | None = None
    video_time: Literal[5, 10, 15, 20] | None = None
    video_length: Annotated[int, rules.whole(1, 1000)] | None = None
    skip_face_enhance: bool | None = None
    mask_face: bool | None = None
    minor_suspected_skip: bool | None = None

    def check(self) -> None:
        """Refuse a video without words, and one without the end that its model asks for."""
        for field in ("prompt", "negative_prompt"):
            if self.lora is None and getattr(self, field) is None:
                raise rules.refuse(field, None, "must be given unless lora is")
        if self.model_type == "FLF2V" and self.end_image_url is None:
            raise rules.refuse("end_image_url", None, "must be given with model_type 'FLF2V'")


IMAGE_TO_VIDEO = register(
    Family(
        name="image_to_video",
        title="Image-to-video: an image and a prompt become a video.",
        request=ImageToVideo,
        base="/api/v1/userImage2Video",
        count_field="number_of_images",
        price_fields=("model_type", "model_version", "number_of_images", "video_time", "video_length", "lora"),
        example={
            "image_url": "https://files.example.net/in.png",
            "prompt": "the kite climbs",
            "negative_prompt": "blurry",
            "video_time": 5,
        },
        webhook=True,
    )
)
