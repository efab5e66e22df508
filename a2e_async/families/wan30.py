"""Wan 3.0: a video from words, images, videos, audio, files or pages (POST /api/v1/userWan30/start)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import PAGES, Endpoint, Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Usual, request
from a2e_async.core.shapes import shape, shapes
from a2e_async.families._common import either

_BASE = "/api/v1/userWan30"
_OLDER = "/api/v1/userWan25"
_NOTE = "undocumented: by analogy with userWan25, for the reference names nothing but the start"
_IDS = {"ids": "{ids}"}
_GUIDES = ("reference_image", "reference_video", "reference_audio", "file", "link")
_FRAMES = ("first_frame", "last_frame")
_KINDS = {
    **dict.fromkeys(("reference_image", *_FRAMES), ("image",)),
    "reference_video": ("video",),
    "reference_audio": ("audio",),
    **dict.fromkeys(("file", "link"), ()),
}
_MEDIA = shapes(
    {"type": rules.one_of(*_GUIDES, *_FRAMES), "url": rules.url()}, {"duration": rules.number(0)}, kinds=_KINDS
)
_INPUT = shape({}, {"prompt": rules.text(at_most=5000), "media": _MEDIA})
_PARAMETERS = shape(
    {},
    {
        "resolution": rules.one_of("480P", "720P", "1080P"),
        "ratio": rules.one_of("adaptive", "16:9", "4:3", "1:1", "3:4", "9:16"),
        "duration": either(rules.one_of(-1), rules.whole(3, 30)),
        "audio": rules.flag(),
        "prompt_extend": rules.flag(),
        "seed": rules.whole(0, 2**31 - 1),
        "watermark": rules.flag(),
    },
)
_FRAMES_OF = {"first-frame": ("first_frame",), "first-last-frames": ("first_frame", "last_frame")}


@request
class Wan30(Usual[Result]):
    """A video by Wan 3.0 (POST /api/v1/userWan30/start).

    Args:
        input: What the video is made from: an object with `prompt` (at most 5,000 characters) and, for the modes that
            need them, `media`, a list of objects such as {"type": "reference_image", "url": "https://..."}. Their
            `type` is "first_frame" or "last_frame" for the modes with frames; "reference_image", "reference_video",
            "reference_audio", "file" or "link" (not these two together) for "reference"; `duration` is a video's length
            in seconds. No `negative_prompt`.
        parameters: How it is made, an object that may be empty: `resolution` "480P", "720P" or "1080P" (service
            default), `ratio` "adaptive" (service default), "16:9", "4:3", "1:1", "3:4" or "9:16", `duration` 3 to 30
            seconds (service default: 5) or -1, as the model decides, `audio` (service default: true), `prompt_extend`
            (service default: false), `seed` 0 to 2147483647, `watermark` (service default: false).
        mode: "text-to-video" (service default), "first-frame", "first-last-frames" or "reference".
        model: "wan3.0-video" (the default) or "wan3.0-video-prime", which is faster and costs more a second.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    input: Annotated[Mapping[str, Any], _INPUT] = attrs.field(kw_only=False)
    parameters: Annotated[Mapping[str, Any], _PARAMETERS]
    mode: Literal["text-to-video", "first-frame", "first-last-frames", "reference"] | None = None
    model: Literal["wan3.0-video", "wan3.0-video-prime"] | None = None

    def check(self) -> None:
        """Refuse a negative prompt, which this model does not take, and media that are not those of the mode."""
        for field, held in (("input", self.input), ("parameters", self.parameters)):
            if "negative_prompt" in held:
                raise rules.refuse(field, held, "must not hold negative_prompt, which Wan 3.0 does not take")
        types = {one["type"] for one in self.input.get("media") or ()}
        mode = self.mode or "text-to-video"
        missing = [kind for kind in _FRAMES_OF.get(mode, ()) if kind not in types]
        if missing or (mode == "reference" and not types):
            raise rules.refuse(
                "input", self.input, f"must hold media ({', '.join(missing or _GUIDES)}) with mode {mode!r}"
            )
        allowed = _GUIDES if mode == "reference" else _FRAMES_OF.get(mode, ())
        if other := sorted(types.difference(allowed)):
            raise rules.refuse("input", self.input, f"must not hold media of type {other[0]!r} with mode {mode!r}")
        if {"file", "link"} <= types:
            raise rules.refuse("input", self.input, "must not hold both files and URLs to pages")


WAN30 = register(
    Family(
        name="wan30",
        title="Wan 3.0: video from text, images, videos, audio, files or web pages.",
        request=Wan30,
        base=_BASE,
        forms=(Form(path=f"{_BASE}/start", always={"model": "wan3.0-video"}),),
        detail=Endpoint(path=f"{_BASE}/{{id}}", older=Endpoint(path=f"{_OLDER}/{{id}}", note=_NOTE), note=_NOTE),
        listing=Endpoint(
            path=f"{_BASE}/allRecords",
            query=PAGES,
            older=Endpoint(path=f"{_OLDER}/allRecords", query=PAGES, note=_NOTE),
            note=_NOTE,
        ),
        batch=Endpoint(
            method="POST",
            path=f"{_BASE}/batchDetail",
            body=_IDS,
            older=Endpoint(method="POST", path=f"{_OLDER}/batchDetail", body=_IDS, note=_NOTE),
            note=_NOTE,
        ),
        delete=Endpoint(
            method="DELETE",
            path=f"{_BASE}/{{id}}",
            older=Endpoint(method="DELETE", path=f"{_OLDER}/{{id}}", note=_NOTE),
            note=_NOTE,
        ),
        names_given_back=False,
        refusals=frozenset({503}),
        price_fields=("model", "mode", "parameters"),
        price="By the second; wan3.0-video-prime costs more.",
        example={
            "input": {"prompt": "the kite climbs"},
            "parameters": {"resolution": "720P", "ratio": "16:9", "duration": 5},
        },
        notes=(
            "A video of 15 s at 720P takes about 14 minutes, with wan3.0-video-prime about 2.",
            "Each video to go by lasts 3 to 15 s, all together at most 15 s, with the output at most 30 s.",
            "Frames cannot be mixed with media to go by, nor files with URLs to pages.",
            "The start answers 503 where the service has not set this model up: a refusal, nothing was started.",
        ),
        webhook=True,
    )
)
