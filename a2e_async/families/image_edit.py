"""Image edit: a person puts on clothes or holds a product (POST /api/v1/userImageEdit/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request
from a2e_async.families._common import Seconds


@request
class ImageEdit(Usual[Result]):
    """An image of a person with other clothes or with a product (POST /api/v1/userImageEdit/start).

    Args:
        image_urls: The person, then the clothes or the product; at least 2 public http(s) URLs.
        edit_type: "clothing" or "product".
        timeout: The service's own limit for the work in seconds (service default: 120).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_urls: Annotated[Sequence[Input], rules.urls(at_least=2), IMAGE] = attrs.field(kw_only=False)
    edit_type: Literal["clothing", "product"]
    timeout: Seconds | None = None


IMAGE_EDIT = register(
    Family(
        name="image_edit",
        title="Changes the clothes of a person in an image, or adds a product.",
        request=ImageEdit,
        base="/api/v1/userImageEdit",
        result_fields=("result_url", "result_image_url"),
        price_fields=("edit_type",),
        makes="image",
        example={
            "image_urls": ["https://files.example.net/person.png", "https://files.example.net/coat.png"],
            "edit_type": "clothing",
        },
        notes=("Where the result stands is not documented; `image_urls` of a record are the images sent in.",),
        webhook=True,
    )
)
