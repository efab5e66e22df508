"""Face swap: a face goes into a video or image (POST /api/v1/userFaceSwapTask/add)."""

from __future__ import annotations

from typing import Literal

import attrs

from a2e_async.core.family import PAGES, Endpoint, Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Image, ImageOrVideo, Usual, request

_BASE = "/api/v1/userFaceSwapTask"


@request
class FaceSwap(Usual[Result]):
    """A video or image with another face in it (POST /api/v1/userFaceSwapTask/add).

    Args:
        video_url: The video, or the image, into which the face goes; a public http(s) URL.
        face_url: The face; a public http(s) URL.
        cover_url: An image that stands for the video in lists.
        model_version: "v1" (service default), or "v2", which takes images only.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    video_url: ImageOrVideo = attrs.field(kw_only=False)
    face_url: Image
    cover_url: Image | None = None
    model_version: Literal["v1", "v2"] | None = None


FACE_SWAP = register(
    Family(
        name="face_swap",
        title="Swaps a face in a video or an image.",
        request=FaceSwap,
        base=_BASE,
        forms=(Form(path=f"{_BASE}/add"),),
        listing=Endpoint(path=f"{_BASE}/records", query=PAGES),
        code_fields=("error_code", "failed_code"),
        message_fields=("faild_message", "failed_message"),  # the service really spells it so
        price_fields=("video_url", "model_version"),
        example={"video_url": "https://files.example.net/dance.mp4", "face_url": "https://files.example.net/face.png"},
        webhook=True,
    )
)
