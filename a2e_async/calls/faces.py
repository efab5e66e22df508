"""Faces: images that are kept for face swaps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import attrs

from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import At, Named, Value, each, nothing
from a2e_async.calls.writing import Id
from a2e_async.core.requests import BareUrl
from a2e_async.errors import ProtocolError

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class FaceImage(Value):
    """An image of a face.

    Attributes:
        id: Its id, for `face_swap_id` of avatar videos.
        face_url: URL of the image.
        created_at: When it was added.
    """

    id: Named = ""
    face_url: str = ""
    created_at: Annotated[datetime | None, At("createdAt")] = None


class Faces(Group):
    """Images of faces that are kept for later face swaps."""

    async def add(self, face_url: BareUrl) -> FaceImage:
        """Keep an image of a face (POST /api/v1/userFaceSwapImage/add).

        Args:
            face_url: Public URL of the image.
        """
        kept = await self._add(face_url)  # all that are kept, not the new one alone
        same = [face for face in kept if face.face_url == face_url] or kept
        if not same:
            raise ProtocolError("the face was answered without a record")
        return max(same, key=lambda face: face.created_at or _LONG_AGO)

    @call("POST", "/api/v1/userFaceSwapImage/add", each(FaceImage))
    def _add(self, face_url: BareUrl) -> None:
        """Keep an image of a face (POST /api/v1/userFaceSwapImage/add)."""

    @call("GET", "/api/v1/userFaceSwapImage/records", each(FaceImage))
    def own(self) -> None:
        """List the images that are kept (GET /api/v1/userFaceSwapImage/records)."""

    @call("DELETE", "/api/v1/userFaceSwapImage/{_id}", nothing)
    def delete(self, face_id: Id) -> None:
        """Delete an image that is kept (DELETE /api/v1/userFaceSwapImage/{_id}).

        Args:
            face_id: Its id.
        """
