"""Upscale: a picture or film gets larger (POST /api/v1/userUpscale/start)."""

from __future__ import annotations

import attrs

from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Link, Usual, request


@request
class Upscale(Usual[Result]):
    """A picture or film with more pixels (POST /api/v1/userUpscale/start).

    Args:
        source_url: The picture or film; a public http(s) URL.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    source_url: Link = attrs.field(kw_only=False)


UPSCALE = register(
    Family(
        name="upscale",
        title="A picture or a film gets larger.",
        request=Upscale,
        base="/api/v1/userUpscale",
        status_fields=("current_status", "status"),
        price_fields=("source_url",),
        example={"source_url": "https://files.example.net/small.mp4"},
        notes=("A picture makes a picture, a film makes a film; how much larger cannot be chosen.",),
        webhook=True,
    )
)
