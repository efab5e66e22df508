"""Dubbing: a video speaks another language in the same voices (POST /api/v1/userDubbing/startDubbing)."""

from __future__ import annotations

from typing import Annotated

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Endpoint, Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Usual, Video, request

_BASE = "/api/v1/userDubbing"


@request
class Dubbing(Usual[Result]):
    """A video in another language (POST /api/v1/userDubbing/startDubbing).

    Args:
        source_url: The video; a public http(s) URL.
        target_lang: The target language, such as "es".
        source_lang: The language it speaks, such as "en".
        num_speakers: How many people speak.
        drop_background_audio: Leave out what else is heard.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    source_url: Video = attrs.field(kw_only=False)
    target_lang: str
    source_lang: str | None = None
    num_speakers: Annotated[int, rules.whole(0)] | None = None
    drop_background_audio: bool | None = None


DUBBING = register(
    Family(
        name="dubbing",
        title="Dubs a video into another language, with the same voices.",
        request=Dubbing,
        base=_BASE,
        forms=(
            Form(
                path=f"{_BASE}/startDubbing",
                note="undocumented: the reference names the webhook's fields alone, the others are from older pages",
            ),
        ),
        detail=Endpoint(
            path=f"{_BASE}/{{id}}",
            older=Endpoint(
                path=f"{_BASE}/detail", query={"_id": "{id}"}, note="deprecated: the older pages ask this way"
            ),
        ),
        batch=None,
        price_fields=("source_url", "num_speakers"),
        example={"source_url": "https://files.example.net/talk.mp4", "source_lang": "en", "target_lang": "es"},
        notes=("The voices are cloned by themselves: no training is needed.",),
        webhook=True,
    )
)
