"""Tasks: what can be said to single tasks and families beside starting, watching and deleting them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import anything, nothing, task, tasks
from a2e_async.calls.writing import Extra, Id
from a2e_async.core import rules
from a2e_async.core.requests import SentAs
from a2e_async.errors import ProtocolError, ServiceError

_ACCEPTED = 202
_BETWEEN_POLLS = 10.0
_LINKS = ("url", "video_url", "videoUrl", "result_url", "resultUrl", "result")
_NO_SHAPE = "undocumented: the reference describes no answer"
_RENAMED = {"seedance2": "seedance2Video", "kling_video": "klingVideo", "kling_omni": "klingOmni"}


def read_link_if_any(data: Any) -> str | None:  # noqa: ANN401 - any JSON shape
    """Read a URL, None where the answer holds none."""
    held = data if isinstance(data, dict) else {"url": data}
    found = (held.get(key) for key in _LINKS)
    return next((one for one in found if isinstance(one, str) and one.startswith(("http://", "https://"))), None)


def read_pool(data: Any) -> bool:  # noqa: ANN401 - any JSON shape
    """Read whether the public pool is used."""
    if isinstance(data, dict) and isinstance(data.get("isAutoToPublicPool"), bool):
        return bool(data["isAutoToPublicPool"])
    raise ProtocolError("the answer does not say whether the public pool is used")


class Tasks(Group):
    """Tasks of image to video and other families, by their ids."""

    @call("PUT", "/api/v1/{family}/{_id}", nothing, segments=_RENAMED)
    def rename(
        self,
        family: Literal["seedance2", "kling_video", "kling_omni"],
        task_id: Id,
        name: Annotated[str, rules.text()],
    ) -> None:
        """Give a task another name; one that is still looked for by the mark in its name is not found any more.

        (PUT /api/v1/seedance2Video/{_id}, /api/v1/klingVideo/{_id}, /api/v1/klingOmni/{_id})

        Args:
            family: Its family.
            task_id: Its id.
            name: Its new name.
        """

    @call("POST", "/api/v1/userImage2Video/{_id}/markShared", nothing)
    def mark_shared(self, task_id: Id) -> None:
        """Note that a video of image to video was shared (POST /api/v1/userImage2Video/{_id}/markShared).

        Args:
            task_id: Id of its task.
        """

    @call("POST", "/api/v1/userImage2Video/{_id}/markDownloaded", nothing)
    def mark_downloaded(self, task_id: Id) -> None:
        """Note that a video of image to video was downloaded (POST /api/v1/userImage2Video/{_id}/markDownloaded).

        Args:
            task_id: Id of its task.
        """

    @call("POST", "/api/v1/userImage2Video/{_id}/markCopied", nothing)
    def mark_copied(self, task_id: Id) -> None:
        """Note that the URL of a video of image to video was copied (POST /api/v1/userImage2Video/{_id}/markCopied).

        Args:
            task_id: Id of its task.
        """

    @call("GET", "/api/v1/userImage2Video/avgProcessingTime", anything, note=_NO_SHAPE)
    def average_time(self) -> None:
        """Ask how long image to video takes now, and give the answer as it is.

        (GET /api/v1/userImage2Video/avgProcessingTime)
        """

    @call("GET", "/api/v1/userImage2Video/unlimitedQueueLevel", anything, note=_NO_SHAPE)
    def queue_level(self) -> None:
        """Ask how full the queue of unlimited plans is, and give the answer as it is.

        (GET /api/v1/userImage2Video/unlimitedQueueLevel)
        """

    @call("GET", "/api/v1/userFaceSwapTask/status", tasks("face_swap"))
    def unfinished_face_swaps(self) -> None:
        """List the face swaps that still run; one that has ended is not in it (GET /api/v1/userFaceSwapTask/status)."""

    @call(
        "GET",
        "/api/v1/userDubbing/allProcessing",
        tasks("dubbing"),
        older=("GET", "/api/v1/userDubbing/processingRecord"),
    )
    def unfinished_dubbings(self) -> None:
        """List the dubbings that still run (GET /api/v1/userDubbing/allProcessing)."""

    @call("GET", "/api/v1/userCaptionRemoval/allProcessing", tasks("caption_removal"))
    def unfinished_caption_removals(self) -> None:
        """List the caption removals that still run (GET /api/v1/userCaptionRemoval/allProcessing)."""

    @call(
        "POST",
        "/api/v1/userCaptionRemoval/retry",
        task("caption_removal"),
        note="undocumented: the reference names no fields; `_id` by analogy with userVideoTwin/remove",
        costs="it may have been begun and charged",
    )
    def retry_caption_removal(self, task_id: Id, *, extra: Extra | None = None) -> None:
        """Try a caption removal that has failed once more (POST /api/v1/userCaptionRemoval/retry).

        The task that comes back can be the same or a new one; None where the service names none.

        Args:
            task_id: Id of the task that has failed.
            extra: More fields of the body, by the service's own names.

        Raises:
            StartUnknownError: No answer came that can be read; it may have been begun and charged.
        """

    async def veo_1080p(self, task_id: Id, *, wait: float = 0) -> str | None:
        """Get the URL of a Veo video in 1080p, None as long as it is not ready (GET /api/v1/veoVideo/{_id}/1080p).

        Args:
            task_id: Id of the video's task; only videos of 16:9 have it.
            wait: Seconds to wait for it at most (default: not at all).
        """
        rules.number(0).refuse("wait", wait)
        now = asyncio.get_running_loop().time
        until = now() + wait
        while True:
            link = await self._link_of_1080p(task_id)
            left = until - now()
            if link is not None or left <= 0:
                return link
            await asyncio.sleep(min(_BETWEEN_POLLS, left))

    async def _link_of_1080p(self, task_id: str) -> str | None:
        try:
            return await self._veo_1080p(task_id)
        except (ServiceError, ProtocolError) as error:  # what a reply 202 holds is not documented
            if error.status == _ACCEPTED or (isinstance(error, ServiceError) and error.code == _ACCEPTED):
                return None
            raise

    @call("GET", "/api/v1/veoVideo/{_id}/1080p", read_link_if_any)
    def _veo_1080p(self, task_id: Id) -> None:
        """Get the URL of a Veo video in 1080p (GET /api/v1/veoVideo/{_id}/1080p)."""

    @call(
        "POST",
        "/api/v1/video/auto-public-pool",
        read_pool,
        note="undocumented: only older pages have it",
    )
    def auto_public_pool(self, use: Annotated[bool, SentAs("isAutoToPublicPool")]) -> None:
        """Let avatar videos go to the public pool when the lines of the account are full, or not.

        (POST /api/v1/video/auto-public-pool)

        Args:
            use: Whether they may.
        """
