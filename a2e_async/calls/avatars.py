"""Avatars: those of the service, those of your own, and images that become one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import attrs

from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import At, Named, Value, each, nothing, one
from a2e_async.calls.writing import Extra, Id
from a2e_async.core.requests import SentAs
from a2e_async.errors import ProtocolError

_NO_FIELDS = "undocumented: the reference names no fields, and no page shows an answer"


@attrs.frozen(kw_only=True)
class Avatar(Value):
    """Somebody who can speak in a video.

    Attributes:
        id: Its id: `anchor_id` of an avatar video.
        name: Its name, "" where it has none.
        anchor_type: `anchor_type` of an avatar video, 0 for one of the service's and 1 for one of your own; None where
            the list does not say.
        cover_url: URL of an image of it.
        video_url: URL of a video of it.
    """

    id: Named = ""
    name: str = ""
    anchor_type: int | None = None
    cover_url: Annotated[str, At("video_cover", "cover_url", "cover", "people_img", "image_url")] = ""
    video_url: Annotated[str, At("base_video", "video_url")] = ""


def read_tags(data: Any) -> list[str]:  # noqa: ANN401 - any JSON shape
    """Read a list of words, or of objects that name one each."""
    found = data.get("tags", data.get("list")) if isinstance(data, dict) else data
    if not isinstance(found, list):
        raise ProtocolError("the tags were answered without a list")
    words = [held.get("tag") or held.get("name") if isinstance(held, dict) else held for held in found]
    return [word for word in words if isinstance(word, str)]


class Avatars(Group):
    """Avatars for videos; how one of your own is made: `a2e.video_twin(...)` and `a2e.calls.twins`."""

    @call(
        "GET",
        "/api/v1/anchor/character_list",
        each(Avatar),
        older=("POST", "/api/v1/anchor/character_list"),
        note="undocumented: only older pages have it",
    )
    def characters(
        self,
        *,
        kind: Annotated[Literal["custom", "default"] | None, SentAs("type")] = None,
        twin_id: Annotated[str | None, SentAs("user_video_twin_id")] = None,
    ) -> None:
        """List avatars for `anchor_id` of a video (GET /api/v1/anchor/character_list).

        Args:
            kind: "custom": your own, "default": the service's; by default both.
            twin_id: Only the avatar that this video twin has become.
        """

    @call("POST", "/api/v1/anchor/list", each(Avatar), reads=True)
    def all(self, *, web_type: Literal["a2e", "tyzn"] | None = None) -> None:
        """List the avatars of your own, and with `web_type` the service's too (POST /api/v1/anchor/list).

        Args:
            web_type: Either value adds the service's avatars.
        """

    @call(
        "POST",
        "/api/v1/userText2Image/quickAddAvatar",
        one(Avatar),
        older=("POST", "/api/v1/userText2image/quickAddAvatar"),
        costs="the avatar may have been made and charged",
    )
    def from_image(self, task_id: Id, *, gender: Literal["female", "male"] | None = None) -> None:
        """Make an avatar of an image that text to image has made (POST /api/v1/userText2Image/quickAddAvatar).

        Args:
            task_id: Id of the task that made the image.
            gender: Whom it shows.

        Raises:
            StartUnknownError: No answer came that can be read; the avatar may have been made and charged.
        """

    @call("POST", "/api/v1/custom_avatar/list", each(Avatar), reads=True, note=_NO_FIELDS)
    def custom(self, *, extra: Extra | None = None) -> None:
        """List the custom avatars (POST /api/v1/custom_avatar/list).

        Args:
            extra: Fields of the body by the service's own names, such as those of paging.
        """

    @call("POST", "/api/v1/custom_avatar/add", one(Avatar), note=_NO_FIELDS)
    def add_custom(self, *, extra: Extra) -> None:
        """Add a custom avatar (POST /api/v1/custom_avatar/add).

        Args:
            extra: The fields of the body by the service's own names.
        """

    @call("PUT", "/api/v1/custom_avatar/{_id}", nothing, note="undocumented: the reference names no fields")
    def update_custom(self, avatar_id: Id, *, extra: Extra) -> None:
        """Change a custom avatar; what is left out stays as it is (PUT /api/v1/custom_avatar/{_id}).

        Args:
            avatar_id: Its id.
            extra: The fields of the body by the service's own names.
        """

    @call(
        "POST",
        "/api/v1/custom_avatar/del",
        nothing,
        note="undocumented: the reference names no fields; `_id` by analogy with custom_back/del",
    )
    def delete_custom(self, avatar_id: Id) -> None:
        """Delete a custom avatar (POST /api/v1/custom_avatar/del).

        Args:
            avatar_id: Its id.
        """

    @call("GET", "/api/v1/custom_avatar/all_tags", read_tags)
    def custom_tags(self) -> None:
        """List the tags of the custom avatars (GET /api/v1/custom_avatar/all_tags)."""
