"""Backgrounds: images that stand behind an avatar."""

from __future__ import annotations

from typing import Annotated

import attrs

from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import At, Named, Value, each, nothing, one
from a2e_async.calls.writing import Extra, Id
from a2e_async.core.requests import BareUrl


@attrs.frozen(kw_only=True)
class Background(Value):
    """An image that stands behind an avatar.

    Attributes:
        id: Its id: `back_id` of an avatar video for one of the service's, `custom_back_id` for one of your own.
        url: URL of the image.
        name: Its name, "" where it has none.
        type: Its kind in the service's words, "" where it has none.
    """

    id: Named = ""
    url: Annotated[str, At("img_url", "url")] = ""
    name: str = ""
    type: str = ""


class Backgrounds(Group):
    """Backgrounds of avatar videos."""

    @call("POST", "/api/v1/custom_back/add", one(Background))
    def add(self, img_url: BareUrl) -> None:
        """Add an image as a background of your own (POST /api/v1/custom_back/add).

        Args:
            img_url: Public URL of the image.
        """

    @call(
        "POST",
        "/api/v1/custom_back/list",
        each(Background),
        reads=True,
        note="undocumented: the reference names no fields, and no page shows an answer",
    )
    def own(self, *, extra: Extra | None = None) -> None:
        """List the backgrounds of your own (POST /api/v1/custom_back/list).

        Args:
            extra: Fields of the body by the service's own names.
        """

    @call(
        "POST",
        "/api/v1/custom_back/allBackground",
        each(Background),
        reads=True,
        older=("GET", "/api/v1/custom_back/allBackground"),
    )
    def all(self) -> None:
        """List the service's backgrounds and your own (POST /api/v1/custom_back/allBackground)."""

    @call(
        "POST",
        "/api/v1/custom_back/randomBackground",
        one(Background),
        reads=True,
        note="undocumented: the reference names no fields, and no page shows an answer",
    )
    def random(self, *, extra: Extra | None = None) -> None:
        """Get any background (POST /api/v1/custom_back/randomBackground).

        Args:
            extra: Fields of the body by the service's own names.
        """

    @call("POST", "/api/v1/custom_back/del", nothing)
    def delete(self, background_id: Id) -> None:
        """Delete a background of your own (POST /api/v1/custom_back/del).

        Args:
            background_id: Its id.
        """
