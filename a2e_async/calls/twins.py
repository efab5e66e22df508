"""Video twins: what can be done with an avatar of your own beside its training, `a2e.video_twin(...)`."""

from __future__ import annotations

from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import anything, nothing, task, tasks
from a2e_async.calls.writing import Extra, Id

_TWIN = "video_twin"
_NO_FIELDS = "undocumented: the reference names no fields, and no page shows an answer"
_CHARGED = "it may have been begun and charged"


class Twins(Group):
    """Avatars that are trained from a video or image of somebody."""

    @call("GET", "/api/v1/userVideoTwin/userRecords", tasks(_TWIN))
    def all(self) -> None:
        """List all video twins of the account (GET /api/v1/userVideoTwin/userRecords)."""

    @call("GET", "/api/v1/userVideoTwin/trainingRecords", tasks(_TWIN))
    def trainings(self) -> None:
        """List the trainings of video twins (GET /api/v1/userVideoTwin/trainingRecords)."""

    @call(
        "POST",
        "/api/v1/userVideoTwin/continueTraining",
        task(_TWIN),
        older=("POST", "/api/v1/userVideoTwin/continueTranining"),
        costs=_CHARGED,
    )
    def continue_training(self, twin_id: Id) -> None:
        """Train the lips of a video twin further, for one diamond (POST /api/v1/userVideoTwin/continueTraining).

        It takes about two hours; `a2e.attach("video_twin", twin_id)` waits for it.

        Args:
            twin_id: Id of the video twin.

        Raises:
            StartUnknownError: No answer came that can be read; it may have been begun and charged.
        """

    @call("POST", "/api/v1/userVideoTwin/eyeContact", task(_TWIN), costs=_CHARGED)
    def eye_contact(self, twin_id: Id | None = None) -> None:
        """Turn the eyes of a video twin to the camera (POST /api/v1/userVideoTwin/eyeContact).

        Args:
            twin_id: Id of the video twin; the reference does not require it, and does not say which twin it is without.

        Raises:
            StartUnknownError: No answer came that can be read; it may have been begun and charged.
        """

    @call(
        "POST",
        "/api/v1/userVideoTwin/addVoiceClone",
        task("voice_training"),
        note="undocumented: only older pages have it, and none shows an answer",
        costs=_CHARGED,
    )
    def clone_voice(self, twin_id: Id) -> None:
        """Train a voice from the video of a video twin (POST /api/v1/userVideoTwin/addVoiceClone).

        Args:
            twin_id: Id of the video twin.

        Raises:
            StartUnknownError: No answer came that can be read; it may have been begun and charged.
        """

    @call(
        "POST",
        "/api/v1/userVideoTwin/retry",
        task(_TWIN),
        note="undocumented: the reference names no fields; `_id` by analogy with remove",
        costs=_CHARGED,
    )
    def retry(self, twin_id: Id, *, extra: Extra | None = None) -> None:
        """Train a video twin that has failed once more (POST /api/v1/userVideoTwin/retry).

        The task that comes back can be the same or a new one.

        Args:
            twin_id: Id of the video twin.
            extra: More fields of the body, by the service's own names.

        Raises:
            StartUnknownError: No answer came that can be read; it may have been begun and charged.
        """

    @call("POST", "/api/v1/userVideoTwin/remove", nothing)
    def remove(self, twin_id: Id) -> None:
        """Remove a video twin (POST /api/v1/userVideoTwin/remove).

        Args:
            twin_id: Id of the video twin.
        """

    @call("POST", "/api/v1/userVideoTwin/upload", anything, note=_NO_FIELDS)
    def upload(self, *, extra: Extra) -> None:
        """Upload media for a video twin, and give the answer as it is (POST /api/v1/userVideoTwin/upload).

        Args:
            extra: The fields of the body by the service's own names.
        """

    @call("GET", "/api/v1/userVideoTwin/uploadStatus", anything, note=_NO_FIELDS)
    def upload_status(self, *, extra: Extra | None = None) -> None:
        """Ask how an upload stands, and give the answer as it is (GET /api/v1/userVideoTwin/uploadStatus).

        Args:
            extra: Fields of the query by the service's own names.
        """

    @call(
        "POST",
        "/api/v1/userVideoTwin/training",
        task(_TWIN),
        note="undocumented: the reference names no fields; startTraining, `a2e.video_twin(...)`, is the documented way",
        costs=_CHARGED,
    )
    def train(self, *, extra: Extra) -> None:
        """Train a video twin in the service's own way (POST /api/v1/userVideoTwin/training).

        Args:
            extra: The fields of the body by the service's own names.

        Raises:
            StartUnknownError: No answer came that can be read; it may have been begun and charged.
        """
