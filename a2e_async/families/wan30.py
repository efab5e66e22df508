"""Wan 3.0: a film from words, pictures, films, sounds, files or pages (POST /api/v1/userWan30/start)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import PAGES, Endpoint, Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Usual, request

_BASE = "/api/v1/userWan30"
_OLDER = "/api/v1/userWan25"
_NOTE = "undocumented: by analogy with userWan25, for the reference names nothing but the start"
_IDS = {"ids": "{ids}"}


@request
class Wan30(Usual[Result]):
    """A film by Wan 3.0 (POST /api/v1/userWan30/start).

    Args:
        input: What the film is made from: an object with `prompt` and, for the modes that need them, `media`, a list
            of objects such as {"type": "reference_image", "url": "https://..."}; no `negative_prompt`.
        parameters: How it is made: an object such as {"resolution": "1080P", "ratio": "adaptive", "duration": 5,
            "audio": True, "prompt_extend": False, "seed": 7, "watermark": False}.
        mode: "text-to-video" (its default), "first-frame", "first-last-frames" or "reference".
        model: "wan3.0-video" (the default) or "wan3.0-video-prime", which is faster and costs more a second.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    input: Annotated[Mapping[str, Any], rules.mapping()] = attrs.field(kw_only=False)
    parameters: Annotated[Mapping[str, Any], rules.mapping()]
    mode: Literal["text-to-video", "first-frame", "first-last-frames", "reference"] | None = None
    model: Literal["wan3.0-video", "wan3.0-video-prime"] | None = None

    def check(self) -> None:
        """Refuse a negative prompt, which this model does not take."""
        for field, held in (("input", self.input), ("parameters", self.parameters)):
            if "negative_prompt" in held:
                raise rules.refuse(field, held, "must not hold negative_prompt, which Wan 3.0 does not take")


WAN30 = register(
    Family(
        name="wan30",
        title="Words, pictures, films, sounds, files or pages become a film by Wan 3.0.",
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
        price_fields=("model", "mode", "parameters"),
        price="By the second; wan3.0-video-prime costs more.",
        example={
            "input": {"prompt": "the kite climbs"},
            "parameters": {"resolution": "720P", "ratio": "16:9", "duration": 5},
        },
        notes=(
            "A film of 15 s at 720P takes about 14 minutes, with wan3.0-video-prime about 2.",
            "Each film to go by lasts 3 to 15 s, all together at most 15 s, with the output at most 30 s.",
            "Frames cannot be mixed with media to go by, nor files with links to pages.",
            "The start answers 503 where the service has not set this model up.",
        ),
        webhook=True,
    )
)
