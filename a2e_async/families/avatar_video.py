"""Avatar video: lip-syncs an avatar to audio (POST /api/v1/video/generate)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Endpoint, Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Audio, Hooked, Image, SentAs, request
from a2e_async.core.shapes import shape
from a2e_async.families._common import ObjectId, need, need_one

_BASE = "/api/v1/video"
_PAGES = {"current": "{page}", "pageSize": "{size}"}
_BACKGROUNDS = ("back_id", "custom_back_id", "color")
_SIZES = ("web_bg_width", "web_bg_height", "web_people_width", "web_people_height")

Size = Annotated[float, rules.number(0)]
Place = Annotated[float, rules.number()]
_GREEN = shape({}, {"compose_mode": rules.text(), "compose_ratio": rules.number()})
_COLOURS = ("PrimaryColour", "TitleBoxColour", "OutlineColour", "BackColour")
_CAPTIONS = shape(
    {},
    {
        **{key: rules.text() for key in ("language", "title", "FontName", *_COLOURS)},
        "Fontsize": rules.whole(1),
        "subtitle_position": rules.number(0, 1),
        "BorderStyle": rules.whole(),
    },
)


@request
class AvatarVideo(Hooked[Result]):
    """A video in which an avatar speaks (POST /api/v1/video/generate).

    Args:
        anchor_id: The avatar's id.
        anchor_type: 0 for an avatar of the service, 1 for one of your own; it comes with the avatar.
        audio_src: What the avatar says, an audio URL, such as text to speech gives; or give `custom_voice`.
        custom_voice: What the avatar says, an audio URL.
        title: The video's title, at most 40 characters.
        resolution: Height of the video in pixels (service default: 1080).
        back_id: Id of a background of the service; never beside `custom_back_id`.
        custom_back_id: Id of a background of your own; never beside `back_id`.
        color: A colour as the background, such as "rgba(255,255,255,1)".
        web_bg_width: Width of the canvas; required with `back_id`, `custom_back_id` or `color`.
        web_bg_height: Height of the canvas; required like `web_bg_width`.
        web_people_width: Width of the avatar; required like `web_bg_width`.
        web_people_height: Height of the avatar; required like `web_bg_width`.
        web_people_x: Where the avatar stands from the left (service default: 0).
        web_people_y: Where the avatar stands from the top (service default: 0).
        web_dist_bg_width: Width of the part of the background that is seen (service default: -1).
        web_dist_bg_height: Height of the part of the background that is seen (service default: -1).
        web_dist_bg_x: Where that part begins from the left (service default: 0).
        web_dist_bg_y: Where that part begins from the top (service default: 0).
        anchor_background_img: The avatar's own background, an image; needed to replace it where the avatar keeps none.
        anchor_background_color: The avatar's own background, a colour such as "rgba(255,255,255,1)"; needed likewise.
        face_swap_id: Id of a face to swap in.
        wl_model: Setting of the watermark or logo.
        lip_model: Model that moves the lips.
        gp_model: Settings of the green screen, an object with `compose_mode`, a text, and `compose_ratio`, a number.
        erode_factor: How much is taken off the avatar's edge.
        is_skip_rs: Do not scale to the resolution.
        is_skip_gp: Do not treat a green screen.
        is_allow_reverse: Let the avatar's video also run backwards; of older pages, the reference lacks it.
        is_caption_enabled: Put captions into the video.
        caption_align: How captions look: an object with `language`, `title`, `FontName`, the colours `PrimaryColour`,
            `TitleBoxColour`, `OutlineColour` and `BackColour` such as "rgba(255,255,255,1)", `Fontsize` in whole
            pixels, `subtitle_position` from 0 to 1, and `BorderStyle`, a number that only older pages have.
        is_to_public_pool: Use the public pool.
        msg: A note of your own.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    anchor_id: ObjectId = attrs.field(kw_only=False)
    anchor_type: Literal[0, 1]
    audio_src: Annotated[Audio, SentAs("audioSrc")] | None = None
    custom_voice: Audio | None = None
    title: Annotated[str, rules.text(at_most=40)] | None = None
    resolution: Annotated[int, rules.whole(1)] | None = None
    back_id: ObjectId | None = None
    custom_back_id: ObjectId | None = None
    color: str | None = None
    web_bg_width: Size | None = None
    web_bg_height: Size | None = None
    web_people_width: Size | None = None
    web_people_height: Size | None = None
    web_people_x: Place | None = None
    web_people_y: Place | None = None
    web_dist_bg_width: Place | None = None
    web_dist_bg_height: Place | None = None
    web_dist_bg_x: Place | None = None
    web_dist_bg_y: Place | None = None
    anchor_background_img: Image | None = None
    anchor_background_color: str | None = None
    face_swap_id: ObjectId | None = None
    wl_model: str | None = None
    lip_model: str | None = None
    gp_model: Annotated[Mapping[str, Any], _GREEN] | None = None
    erode_factor: float | None = None
    is_skip_rs: Annotated[bool, SentAs("isSkipRs")] | None = None
    is_skip_gp: Annotated[bool, SentAs("isSkipGp")] | None = None
    is_allow_reverse: Annotated[bool, SentAs("isAllowReverse")] | None = None
    is_caption_enabled: Annotated[bool, SentAs("isCaptionEnabled")] | None = None
    caption_align: Annotated[Mapping[str, Any], _CAPTIONS, SentAs("captionAlign")] | None = None
    is_to_public_pool: Annotated[bool, SentAs("isToPublicPool")] | None = None
    msg: str | None = None

    def check(self) -> None:
        """Refuse silence, two backgrounds, and a background without the sizes to put it at."""
        need_one(self, ("audio_src", "custom_voice"))
        if self.back_id is not None and self.custom_back_id is not None:
            raise rules.refuse("custom_back_id", self.custom_back_id, "must not be given with back_id")
        for field in _BACKGROUNDS:
            if getattr(self, field) is not None:
                need(self, _SIZES, f"with {field}")


AVATAR_VIDEO = register(
    Family(
        name="avatar_video",
        title="Lip-syncs an avatar to audio.",
        request=AvatarVideo,
        base=_BASE,
        forms=(Form(path=f"{_BASE}/generate"),),
        detail=Endpoint(
            method="POST",
            path=f"{_BASE}/awsResult",
            body={"_id": "{id}"},
            older=Endpoint(
                path=f"{_BASE}/detail",
                query={"video_id": "{id}"},
                note="undocumented: what it answers; the reference lists this path alone, pages and clients the other",
            ),
            note="undocumented: older pages",
        ),
        listing=Endpoint(
            path=f"{_BASE}/awsList",
            query=_PAGES,
            note="undocumented: older pages",
            older=Endpoint(
                method="POST", path=f"{_BASE}/awsList", body=_PAGES, note="deprecated: the older pages post it"
            ),
        ),
        batch=None,
        delete=Endpoint(method="DELETE", path=f"{_BASE}/{{id}}", note="undocumented: older pages"),
        status_fields=("status",),
        result_fields=("result",),
        message_fields=("fail_reason", "error", "msg"),
        name_field="title",
        name_limit=40,
        names_given_back=False,
        guest_fields=frozenset({"image_url"}),
        price_fields=("anchor_type", "resolution", "audio_src", "custom_voice"),
        example={
            "anchor_id": "65f000000000000000000020",
            "anchor_type": 0,
            "audio_src": "https://files.example.net/speech.mp3",
        },
        notes=(
            "The video is ready about five times as long after the start as the speech lasts.",
            "The service refuses back_id beside custom_back_id with code 30005.",
            "Its list holds image-to-video tasks, too.",
        ),
        webhook=True,
    )
)
