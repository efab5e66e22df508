"""Photobook: a face becomes a series of photos (POST /api/v1/userPhotobook/start)."""

from __future__ import annotations

from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import Image, Request, request


@request
class Photobook(Request[Result]):
    """Photos of one person (POST /api/v1/userPhotobook/start).

    Args:
        face_image_url: The face; a public http(s) URL.
        location: Where the photos are taken, in words.
        clothing: What is worn, in words.
        total_count: How many photos: 4 (service default), 8, 12 or 16.
        name: The task's name.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    face_image_url: Image = attrs.field(kw_only=False)
    location: str | None = None
    clothing: str | None = None
    total_count: Literal[4, 8, 12, 16] | None = None
    name: Annotated[str | None, rules.text(at_most=100)] = None


PHOTOBOOK = register(
    Family(
        name="photobook",
        title="Makes a series of photos of a face.",
        request=Photobook,
        base="/api/v1/userPhotobook",
        status_fields=("current_status", "status"),
        result_fields=("image_urls", "result_urls", "result_url"),
        price_fields=("total_count",),
        makes="image",
        example={"face_image_url": "https://files.example.net/face.png", "location": "at the sea", "total_count": 4},
        notes=(
            "All photos belong to one task; in which field of its record they stand is not documented.",
            "A photobook that is being made cannot be deleted.",
        ),
    )
)
