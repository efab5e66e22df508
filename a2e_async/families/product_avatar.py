"""Product avatar: a person holds a product (POST /api/v1/productAvatar/start)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request
from a2e_async.core.shapes import shape
from a2e_async.families._common import Seconds

_RECT = shape({key: rules.number() for key in ("x", "y", "width", "height", "rotation", "scale")}, {})


@request
class ProductAvatar(Usual[Result]):
    """An image of a person with a product (POST /api/v1/productAvatar/start).

    Args:
        image_urls: The product, then the person; exactly 2 public http(s) URLs.
        product_rect: Where the product goes: an object with all of the numbers `x`, `y`, `width`, `height`, `rotation`
            (degrees) and `scale`.
        prompt: How they are put together.
        timeout: The service's own limit for the work in seconds (service default: 120).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_urls: Annotated[Sequence[Input], rules.urls(2, at_least=2), IMAGE] = attrs.field(kw_only=False)
    product_rect: Annotated[Mapping[str, Any], _RECT]
    prompt: str | None = None
    timeout: Seconds | None = None


PRODUCT_AVATAR = register(
    Family(
        name="product_avatar",
        title="Puts a product into the hands of a person in an image.",
        request=ProductAvatar,
        base="/api/v1/productAvatar",
        result_fields=("result_image_url",),
        makes="image",
        example={
            "image_urls": ["https://files.example.net/bottle.png", "https://files.example.net/person.png"],
            "product_rect": {"x": 120, "y": 340, "width": 200, "height": 300, "rotation": 0, "scale": 1},
        },
        notes=("A task that has not ended after 2 hours fails by itself.",),
        refunds=True,
        webhook=True,
    )
)
