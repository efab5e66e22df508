"""Image to video: a picture and a prompt become a film (POST /api/v1/userImage2Video/start)."""

from __future__ import annotations

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, Form, Request, register
from a2e_async.core.records import Result

_BASE = "/api/v1/userImage2Video"


@attrs.frozen
class ImageToVideo(Request[Result]):
    """A film that begins with a picture.

    Args:
        image_url: The first picture; a public http(s) URL that answers without a redirect.
        prompt: What happens in the film; required unless `lora` is given.
        negative_prompt: What shall not be seen; required unless `lora` is given.
        name: The task's name; by default the beginning of the prompt.
        lora: Id of a LoRA, whose own prompt is then used.
        model_type: "GENERAL" (the default) or "FLF2V", which goes from `image_url` to `end_image_url`.
        model_version: "a2e", "a2e-v2" or "a2e-v2-flash"; the default depends on the plan, a2e-v2 costs more.
        end_image_url: The last picture; required with FLF2V.
        extend_prompt: Let the service enrich the prompt (its default: True).
        number_of_images: How many films to make, 1 to 8 (its default: 1).
        video_time: Length in seconds: 5 (its default), 10, 15 or 20.
        video_length: Length in frames, 1 to 1000; deprecated by the service, use `video_time`.
        skip_face_enhance: Leave faces as they are (its default: False).
        mask_face: Agree that a detected face is masked.
        minor_suspected_skip: Go on although a minor is suspected (its default: False).
        webhook_url: https URL that is told when the task ends, at most 2,048 characters.
        webhook_token: Shared secret sent along to `webhook_url`, at most 256 characters.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_url: str = attrs.field(validator=rules.link(), metadata={rules.IS_LINK: True})
    prompt: str | None = attrs.field(default=None, kw_only=True, validator=rules.text())
    negative_prompt: str | None = attrs.field(default=None, kw_only=True, validator=rules.text())
    name: str | None = attrs.field(default=None, kw_only=True, validator=rules.text(at_most=100))
    lora: str | None = attrs.field(default=None, kw_only=True, validator=rules.text())
    model_type: str | None = attrs.field(default=None, kw_only=True, validator=rules.one_of("GENERAL", "FLF2V"))
    model_version: str | None = attrs.field(
        default=None, kw_only=True, validator=rules.one_of("a2e", "a2e-v2", "a2e-v2-flash")
    )
    end_image_url: str | None = attrs.field(
        default=None, kw_only=True, validator=rules.link(), metadata={rules.IS_LINK: True}
    )
    extend_prompt: bool | None = attrs.field(default=None, kw_only=True, validator=rules.flag())
    number_of_images: int | None = attrs.field(default=None, kw_only=True, validator=rules.whole(1, 8))
    video_time: int | None = attrs.field(default=None, kw_only=True, validator=rules.one_of(5, 10, 15, 20))
    video_length: int | None = attrs.field(default=None, kw_only=True, validator=rules.whole(1, 1000))
    skip_face_enhance: bool | None = attrs.field(default=None, kw_only=True, validator=rules.flag())
    mask_face: bool | None = attrs.field(default=None, kw_only=True, validator=rules.flag())
    minor_suspected_skip: bool | None = attrs.field(default=None, kw_only=True, validator=rules.flag())
    webhook_url: str | None = attrs.field(default=None, kw_only=True, validator=rules.https(at_most=2048))
    webhook_token: str | None = attrs.field(default=None, kw_only=True, validator=rules.text(at_most=256), repr=False)

    def __attrs_post_init__(self) -> None:
        for field in ("prompt", "negative_prompt"):
            if self.lora is None and getattr(self, field) is None:
                raise rules.refuse(field, None, "must be given unless lora is")
        if self.model_type == "FLF2V" and self.end_image_url is None:
            raise rules.refuse("end_image_url", None, "must be given with model_type 'FLF2V'")


IMAGE_TO_VIDEO = register(
    Family(
        name="image_to_video",
        title="A picture and a prompt become a film.",
        request=ImageToVideo,
        forms=(Form(path=f"{_BASE}/start"),),
        detail=f"{_BASE}/{{id}}",
        listing=f"{_BASE}/allRecords",
        batch=f"{_BASE}/batchDetail",
        delete=f"{_BASE}/{{id}}",
        count_field="number_of_images",
        price_fields=("model_type", "model_version", "number_of_images", "video_time", "video_length", "lora"),
        webhook=True,
    )
)
