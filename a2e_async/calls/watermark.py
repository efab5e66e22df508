"""Watermarks: a text or an image over a video or image, at once and without a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.calls.base import SLOW, Group, call
from a2e_async.calls.reading import At, Named, Value, one
from a2e_async.calls.writing import Extra
from a2e_async.core import rules
from a2e_async.core.requests import BareUrl, SentAs

_COLOUR = rules.Rule(
    "must be red, green, blue and opacity, four whole numbers from 0 to 255",
    lambda value: (
        isinstance(value, list | tuple) and len(value) == len("rgba") and all(map(rules.whole(0, 255).check, value))
    ),
)


@attrs.frozen(kw_only=True)
class Marked(Value):
    """A video or image with its watermark.

    Attributes:
        id: Id of the work at the service.
        url: URL of the result; it expires after about three days.
        coins: Coins charged, or None where the service does not say.
    """

    id: Named = ""
    url: Annotated[str, At("result_url", "url")] = ""
    coins: float | None = None


class Watermark(Group):
    """Watermarks."""

    @call(
        "POST",
        "/api/v1/watermark/start",
        one(Marked, "url"),
        costs="the watermark may have been made and charged",
        note="undocumented: only older pages have it",
        seconds=SLOW,
    )
    def add(
        self,
        media_url: BareUrl,
        *,
        watermark_type: Literal["text", "image"],
        text: str | None = None,
        watermark_image_url: BareUrl | None = None,
        font_size: Annotated[int | None, rules.whole(1), SentAs("fontsize")] = None,
        font_colour: Annotated[Sequence[int] | None, _COLOUR, SentAs("fontcolor")] = None,
        position: str | None = None,
        scale_ratio: Annotated[float | None, rules.number(0)] = None,
        to_720p: bool | None = None,
        extra: Extra | None = None,
    ) -> None:
        """Put a watermark on a video or image, and wait for the result (POST /api/v1/watermark/start).

        Args:
            media_url: Public URL of the video or image.
            watermark_type: "text" or "image".
            text: The words; required with "text".
            watermark_image_url: Public URL of the image; required with "image".
            font_size: Height of the words in pixels.
            font_colour: Red, green, blue and opacity, each from 0 to 255.
            position: Where it stands, such as "bottom_right".
            scale_ratio: Size of the image, 1 for its own.
            to_720p: Make the result 720 pixels high.
            extra: More fields of the body, by the service's own names.

        Raises:
            StartUnknownError: No answer came that can be read; the watermark may have been made and charged.
        """
        if watermark_type == "text" and text is None:
            raise rules.refuse("text", text, "must be given with watermark_type 'text'")
        if watermark_type == "image" and watermark_image_url is None:
            raise rules.refuse("watermark_image_url", None, "must be given with watermark_type 'image'")
