"""Virtual try-on: a person tries on clothes (POST /api/v1/virtualTryOn/start)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import IMAGE, Input, Usual, request
from a2e_async.families._common import Seconds


@request
class VirtualTryOn(Usual[Result]):
    """An image of a person in clothes of another image (POST /api/v1/virtualTryOn/start).

    Args:
        image_urls: The person, then the clothes, public http(s) URLs; older pages of the service ask for four: person,
            its mask, clothes, their mask.
        timeout: The service's own limit for the work in seconds (service default: 120).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_urls: Annotated[Sequence[Input], rules.urls(4, at_least=2), IMAGE] = attrs.field(kw_only=False)
    timeout: Seconds | None = None


VIRTUAL_TRY_ON = register(
    Family(
        name="virtual_try_on",
        title="Virtual try-on: dresses a person in an image.",
        request=VirtualTryOn,
        base="/api/v1/virtualTryOn",
        result_fields=("result_image_url",),
        makes="image",
        example={"image_urls": ["https://files.example.net/person.png", "https://files.example.net/coat.png"]},
        webhook=True,
    )
)
