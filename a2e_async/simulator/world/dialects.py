"""How the service writes each family down, as data: one line per family that deviates (service.md 0.3, 0.5, 0.6, 0.8).

Where nothing is known the line is by analogy: generators of images like text to image, the others like the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from a2e_async.core.family import Family
from a2e_async.simulator.chance import digest
from a2e_async.simulator.world.facts import facts
from a2e_async.simulator.world.tasks import SimTask, iso

More: TypeAlias = Callable[[SimTask, float], Mapping[str, Any]]


def _no_more(_: SimTask, __: float) -> Mapping[str, Any]:
    return {}


@attrs.frozen(kw_only=True)
class Dialect:
    """How one family's tasks are written down.

    Attributes:
        name: The field of the task's name, None where the start documents none.
        status: The field of its status.
        words: What the usual words of a status are here, where they differ.
        begins: The usual word of its first status; nothing can be cancelled when it is "sent".
        late: The word for the last tenth of its run, "" where there is none.
        result: The field of its URLs, "" where there are none; a list where the name is a plural.
        code: The field of a failure's code, "" where there is none.
        calm: What stands in it while nothing has failed.
        message: The field of a failure's words.
        array: A start answers with an array of its tasks.
        count: The body's field that asks for several tasks.
        outputs: The body's field that asks for several results of one task.
        like: The body's field whose file decides whether an image or a video is made.
        poor: The HTTP status that refuses too few coins, where it is documented.
        denies: Its refusals say `success: false` and no code.
        first: The fields of an item of a start's answer, where they are documented.
        more: Further fields of its records.
    """

    name: str | None = "name"
    status: str = "current_status"
    words: Mapping[str, str] = attrs.field(factory=dict)
    begins: Literal["initialized", "sent"] = "initialized"
    late: str = ""
    result: str = "result_url"
    code: str = "failed_code"
    calm: str = ""
    message: str = "failed_message"
    array: bool = False
    count: str | None = None
    outputs: str | None = None
    like: str | None = None
    poor: Literal["400", "402"] | None = None
    denies: bool = False
    first: tuple[str, ...] = ()
    more: More = _no_more

    def word(self, task: SimTask, now: float) -> str:
        """Give the status of a task in this family's own words."""
        status = task.status(now)
        is_late = bool(self.late) and status == "processing" and task.done(now) >= 0.9  # noqa: PLR2004  # the last tenth
        return self.late if is_late else self.words.get(status, status)


@attrs.frozen(kw_only=True)
class Listing:
    """How one list is asked for and answered.

    Attributes:
        shape: "rows" with a count, "list", "page" (awsList), or a bare "array".
        keys: The parameters of page and length; () where there are none, so that the whole list comes.
        required: Both parameters must be given.
        size: The length of a page that is not asked for.
        only: Which tasks are in it.
    """

    shape: Literal["rows", "list", "page", "array"] = "rows"
    keys: tuple[str, ...] = ("pageNum", "pageSize")
    required: bool = False
    size: int = 10
    only: Literal["all", "unfinished", "completed"] = "all"


def _avatar(task: SimTask, now: float) -> Mapping[str, Any]:
    return {
        "process": min(100, int(100 * task.done(now))),
        "result_people_url": "",
        "result_bg_url": "",
        "diff_s": int(now - task.created),
        "current_date": iso(now),
    }


def _swap(task: SimTask, now: float) -> Mapping[str, Any]:
    times = {
        word: iso(at) for word, at in task.times(now).items() if word in ("initialized", "processing", "completed")
    }
    return {"duration": 8, **{f"{word}_time": at for word, at in times.items()}}


def _twin(task: SimTask, now: float) -> Mapping[str, Any]:
    is_done = task.status(now) == "completed"
    return {"anchor_id": anchor_of(task.id) if is_done else None}


def _voice(task: SimTask, now: float) -> Mapping[str, Any]:
    """Give the fields of the documented record of a voice that its start need not name."""
    language = str(task.fields.get("language") or "en-US")
    return {
        "gender": task.fields.get("gender", "female"),
        "model": task.fields.get("model", "a2e"),
        "denoise": task.fields.get("denoise", False),
        "enhance_voice_similarity": task.fields.get("enhance_voice_similarity", False),
        "language": language,
        "lang": language.partition("-")[0],
        "speaker_id": f"speaker_{task.id[-8:]}",
        "ttsRate": 1,
        "hasRefundCoin": task.status(now) == "failed" and task.refundable,
    }


def anchor_of(twin_id: str) -> str:
    """Give the id of the avatar that a twin becomes."""
    return digest("anchor of", twin_id) + twin_id[-8:]


_IMAGES = Dialect(result="image_urls")
_AVATAR_WORDS = {
    "initialized": "init", "sent": "start", "processing": "process", "completed": "success", "failed": "fail",
}  # fmt: skip

DIALECTS: Mapping[str, Dialect] = {
    "text_to_image": Dialect(
        result="image_urls", array=True, count="max_images",
        first=("_id", "name", "prompt", "current_status", "image_urls", "width", "height", "coins"),
    ),
    "image_to_video": Dialect(count="number_of_images"),
    "nano_banana": _IMAGES,
    "gpt_image": _IMAGES,
    "flux2": Dialect(result="image_urls", poor="402"),
    "qwen_image": _IMAGES,
    "wan26_image": _IMAGES,
    "wan27_image": _IMAGES,
    "kling_image": Dialect(result="image_urls", array=True, count="n"),
    "photobook": Dialect(result="image_urls", outputs="total_count"),
    "virtual_try_on": Dialect(result="result_image_url"),
    "product_avatar": Dialect(result="result_image_url"),
    "motion_transfer": Dialect(result="result_video_url"),
    "head_swap": Dialect(name=None, words={"pending": "processing"}, like="target_image_url", poor="400"),
    "face_swap": Dialect(
        words={"pending": "processing"}, code="error_code", calm="0", message="faild_message", more=_swap
    ),
    "face_swap_preview": Dialect(
        name=None, words={"pending": "processing"}, code="error_code", calm="0", message="faild_message"
    ),
    "avatar_video": Dialect(
        name="title", status="status", words=_AVATAR_WORDS, late="copy", result="result", code="", message="msg",
        more=_avatar,
    ),
    "video_twin": Dialect(
        words={"initialized": "pending", "sent": "pending"}, result="preview_result_url", more=_twin
    ),
    "voice_training": Dialect(begins="sent", words={"pending": "pendding"}, result="", more=_voice),
    "upscale": Dialect(denies=True, like="source_url"),
}  # fmt: skip

LISTS: Mapping[str, Listing] = {
    "/api/v1/userNanoBanana/allRecords": Listing(shape="list", required=True),
    "/api/v1/userGptImage/list": Listing(keys=("page", "page_size"), size=20),
    "/api/v1/userFlux2/list": Listing(keys=("page", "page_size"), size=20),
    "/api/v1/userWan26Image/list": Listing(keys=("page", "page_size"), size=20),
    "/api/v1/userWan27Image/list": Listing(keys=("page", "page_size"), size=20),
    "/api/v1/userQwen2Image/list": Listing(keys=("page", "page_size"), size=20),
    "/api/v1/userKlingImage/list": Listing(keys=("page", "page_size"), size=20),
    "/api/v1/seedanceVideo/allRecords": Listing(size=20),
    "/api/v1/seedance2Video/allRecords": Listing(size=20),
    "/api/v1/userPhotobook/allRecords": Listing(size=20),
    "/api/v1/klingVideo/allRecords": Listing(size=20),
    "/api/v1/klingOmni/allRecords": Listing(size=20),
    "/api/v1/userFaceSwapTask/records": Listing(required=True),
    "/api/v1/userFaceSwapTask/status": Listing(shape="array", keys=(), only="unfinished"),
    "/api/v1/video/awsList": Listing(shape="page", keys=("current", "pageSize")),
    "/api/v1/userVideoTwin/userRecords": Listing(shape="array", keys=()),
    "/api/v1/userVideoTwin/trainingRecords": Listing(shape="array", keys=()),
    "/api/v1/userVoice/trainingRecord": Listing(shape="array", keys=()),
    "/api/v1/userVoice/completedRecord": Listing(shape="array", keys=(), only="completed"),
    "/api/v1/userDubbing/allProcessing": Listing(shape="array", keys=(), only="unfinished"),
    "/api/v1/userDubbing/processingRecord": Listing(shape="array", keys=(), only="unfinished"),
    "/api/v1/userCaptionRemoval/allProcessing": Listing(shape="array", keys=(), only="unfinished"),
}
"""Lists that are not {rows, count} by pageNum and pageSize."""

ARRAYS = frozenset({"/api/v1/video/awsResult"})
"""Details that answer with an array of one."""


BATCHES: Mapping[str, int] = dict.fromkeys(
    ("qwen_image", "kling_image", "happy_horse", "seedance2", "kling_omni", "minimax_h3"), 200
)
"""Most ids of one batch enquiry, where it is documented."""

LENIENT_BATCHES = frozenset({"minimax_h3"})
"""Batch enquiries that take an empty list and look at no more ids than they may, rather than to refuse."""

ALSO_LISTED: Mapping[str, str] = {"/api/v1/video/awsList": "image_to_video"}
"""Families whose tasks come along in the list of another, written as that one does (seen live)."""


def dialect_of(family: Family) -> Dialect:
    """Give a family's dialect: that of the table, the usual one of a documented family, or what it says of itself."""
    known = DIALECTS.get(family.name)
    if known is not None:
        return known
    if any(f"POST {form.path}" in facts() for form in family.forms):
        return Dialect()
    return Dialect(
        name=family.name_field,
        status=family.status_fields[0],
        result=next(iter(family.result_fields), ""),
        code=next(iter(family.code_fields), ""),
        message=next(iter(family.message_fields), ""),
        count=family.count_field,
    )
