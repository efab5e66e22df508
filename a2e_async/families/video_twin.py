"""Video twin: an avatar of one's own from a video or an image (POST /api/v1/userVideoTwin/startTraining)."""

from __future__ import annotations

from typing import Annotated, Literal

from a2e_async.core import rules
from a2e_async.core.family import PAGES, Endpoint, Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Image, Request, SentAs, Video, request
from a2e_async.families._common import need_one

_BASE = "/api/v1/userVideoTwin"


@request
class VideoTwin(Request[Result]):
    """An avatar that looks like the one in a video or image (POST /api/v1/userVideoTwin/startTraining).

    Args:
        video_url: The video of one face, at least 10 s, MP4 or MOV; or give `image_url`.
        image_url: The image of one face.
        name: The avatar's name.
        gender: "female" or "male".
        video_background_image: An image as the background.
        video_background_color: A colour as the background, such as "rgba(255,255,255,1)".
        model_version: "V2.0" or "V2.1".
        prompt: How the one in the image moves.
        negative_prompt: What must not appear.
        skip_preview: Make no video to show the avatar.
        is_transcoding: Let the service recode the video.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    video_url: Video | None = None
    image_url: Image | None = None
    name: Annotated[str, rules.text(at_most=100)] | None = None
    gender: str | None = None
    video_background_image: Annotated[Image, SentAs("video_background_image", "video_backgroud_image")] | None = None
    video_background_color: Annotated[str, SentAs("video_background_color", "video_backgroud_color")] | None = None
    model_version: Literal["V2.0", "V2.1"] | None = None
    prompt: str | None = None
    negative_prompt: str | None = None
    skip_preview: Annotated[bool, SentAs("skipPreview")] | None = None
    is_transcoding: Annotated[bool, SentAs("isTranscoding")] | None = None

    def check(self) -> None:
        """Refuse an avatar of nobody."""
        need_one(self, ("video_url", "image_url"))


VIDEO_TWIN = register(
    Family(
        name="video_twin",
        title="Makes an avatar from a video or image of a person.",
        request=VideoTwin,
        base=_BASE,
        forms=(Form(path=f"{_BASE}/startTraining"),),
        listing=Endpoint(path=f"{_BASE}/records", query=PAGES),
        delete=Endpoint(method="POST", path=f"{_BASE}/remove", body={"_id": "{id}"}),
        result_fields=("preview_result_url",),
        price_fields=("image_url", "model_version"),
        price="A video costs nothing; an image costs coins (30, or one diamond, say older pages).",
        makes="record",
        example={"video_url": "https://files.example.net/me.mp4", "name": "me"},
        notes=(
            "The avatar is `anchor_id` in the record's extra; its preview, where one is made, is the record's URL.",
            "The avatar itself is found by GET /api/v1/anchor/character_list?user_video_twin_id={_id}.",
            "gender, model_version, prompt, negative_prompt, skip_preview and is_transcoding are of older pages only.",
            "Both spellings of the background fields are sent: older servers know video_backgroud_image and _color.",
        ),
    )
)
