"""Face swap preview: how a face would look in a video (POST /api/v1/userFaceSwapPreview/add)."""

from __future__ import annotations

import attrs

from a2e_async.core.family import Endpoint, Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Image, ImageOrVideo, Request, request

_BASE = "/api/v1/userFaceSwapPreview"


@request
class FaceSwapPreview(Request[Result]):
    """A preview of a video with another face in it (POST /api/v1/userFaceSwapPreview/add).

    Args:
        video_url: The video; a public http(s) URL.
        face_url: The face; a public http(s) URL.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    video_url: ImageOrVideo = attrs.field(kw_only=False)
    face_url: Image


FACE_SWAP_PREVIEW = register(
    Family(
        name="face_swap_preview",
        title="Previews a face swap in a video.",
        request=FaceSwapPreview,
        base=_BASE,
        forms=(Form(path=f"{_BASE}/add"),),
        detail=Endpoint(path=f"{_BASE}/status", query={"_id": "{id}"}),
        listing=None,
        batch=None,
        delete=None,
        status_fields=("current_status", "status"),
        code_fields=("error_code", "failed_code"),
        message_fields=("faild_message", "failed_message"),  # the service really spells it so
        name_field=None,
        price_fields=("video_url",),
        makes="image",
        example={"video_url": "https://files.example.net/dance.mp4", "face_url": "https://files.example.net/face.png"},
        notes=(
            "Previews have no name and no list: a start whose answer is lost can be neither found nor sent again.",
            "Whether a preview is an image or a video is not documented.",
        ),
    )
)
