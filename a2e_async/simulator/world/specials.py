"""The rules of a start that lie between its fields, start path by start path (endpoints' notes and service.md 18)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from a2e_async.core.addresses import is_local
from a2e_async.simulator.world.messages import RefusedError
from a2e_async.simulator.world.switches import Body

Check: TypeAlias = Callable[[Body], str | None]

_VIDEOS = (".mp4", ".avi", ".mov", ".mkv")
_BOTH_BACKGROUNDS = 30005
_CANVAS = ("web_bg_width", "web_bg_height", "web_people_width", "web_people_height")


def needs(field: str, **when: tuple[object, ...]) -> Check:
    """The field is required when each of these fields has one of these values; None stands for "not given"."""
    return lambda body: f"{field} is required" if _holds(body, when) and not body.get(field) else None


def absent(*fields: str, **when: tuple[object, ...]) -> Check:
    """None of these fields may be given when each of those has one of these values."""
    words = "{} must not be given"
    return lambda body: next(
        (words.format(field) for field in fields if _holds(body, when) and body.get(field) is not None), None
    )


def among(field: str, *allowed: object, **when: tuple[object, ...]) -> Check:
    """The field has one of these values when each of these fields has one of those."""
    words = f"{field} must be one of {', '.join(map(str, allowed))}"
    return lambda body: words if _holds(body, when) and body.get(field) not in (*allowed, None) else None


def items(field: str, low: int, high: int, **when: tuple[object, ...]) -> Check:
    """The list has so many items when each of these fields has one of these values."""
    words = f"{field} must have {low} to {high} items"
    return lambda body: words if _holds(body, when) and not low <= len(body.get(field) or ()) <= high else None


def within(field: str, low: float, high: float, **when: tuple[object, ...]) -> Check:
    """The number lies within these bounds when each of these fields has one of these values."""
    words = f"{field} must be from {low:g} to {high:g}"
    return lambda body: words if _holds(body, when) and not low <= body.get(field, low) <= high else None


def _holds(body: Body, when: Mapping[str, tuple[object, ...]]) -> bool:
    return all(body.get(field) in values for field, values in when.items())


def _long_prompt(body: Body) -> str | None:
    return None if len(body["prompt"]) <= 3000 else "prompt must have at most 3000 characters"  # noqa: PLR2004


def _prompts(body: Body) -> str | None:
    blank = (field for field in ("prompt", "negative_prompt") if not str(body.get(field) or "").strip())
    return None if body.get("lora") else next((f"{field} is required" for field in blank), None)


def _https(body: Body) -> str | None:
    link = str(body.get("image_url"))
    return None if link.startswith("https://") or is_local(link) else "image_url must be an https URL"


def _avatar(body: Body) -> str | None:
    if body.get("back_id") and body.get("custom_back_id"):
        raise RefusedError("back_id and custom_back_id cannot both be given", status=200, code=_BOTH_BACKGROUNDS)
    if not body.get("audioSrc") and not body.get("custom_voice"):
        return "audioSrc or custom_voice is required"
    is_replaced = any(body.get(field) for field in ("back_id", "custom_back_id", "color"))
    return next((f"{field} is required" for field in _CANVAS if is_replaced and not body.get(field)), None)


def _twin(body: Body) -> str | None:
    return None if body.get("image_url") or body.get("video_url") else "image_url or video_url is required"


def _grok_images(body: Body) -> str | None:
    is_missing = body.get("model_type") == "image-to-video" and not (body.get("image_url") or body.get("image_urls"))
    return "image_urls is required" if is_missing else None


def _omni_shots(body: Body) -> str | None:
    if not body.get("multi_shot") or body.get("shot_type") != "customize":
        return None
    shots = body.get("multi_prompt") or []
    total = sum(int(shot.get("duration") or 0) for shot in shots)
    wrong = "multi_prompt durations must sum to duration"
    return None if total == int(body.get("duration") or "5") else wrong


def _omni_seconds(body: Body) -> str | None:
    asked = body.get("duration", "5")
    return None if asked.isdigit() and 3 <= int(asked) <= 15 else "duration must be 3 to 15 seconds"  # noqa: PLR2004


def _wan_references(body: Body) -> str | None:
    videos = [one for one in body.get("reference_media") or () if one["type"] == "reference_video"]
    wrong = "duration must be one of 2 to 10 with a reference video"
    return wrong if videos and int(body.get("duration", "5")) > 10 else None  # noqa: PLR2004


def _wan30(body: Body) -> str | None:
    seconds = body["parameters"].get("duration", 5)
    if seconds != -1 and seconds < 3:  # noqa: PLR2004
        return "parameters.duration must be -1 or 3 to 30"
    if "negative_prompt" in body["input"] or "negative_prompt" in body["parameters"]:
        return "negative_prompt is not supported"
    types = {one["type"] for one in body["input"].get("media") or ()}
    mode = body.get("mode", "text-to-video")
    frames = {"first-frame": {"first_frame"}, "first-last-frames": {"first_frame", "last_frame"}}.get(mode, set())
    fits = bool(types) and not types & {"first_frame", "last_frame"} if mode == "reference" else types == frames
    return None if fits and not {"file", "link"} <= types else f"input.media does not fit mode {mode}"


def _seedance_seconds(body: Body) -> str | None:
    seconds, most = body.get("duration", 5), 30 if body.get("model_version") == "2.5" else 15
    return None if seconds == -1 or 4 <= seconds <= most else f"duration must be -1 or 4 to {most}"  # noqa: PLR2004


def _minimax_references(body: Body) -> str | None:
    kinds = ("reference_image_urls", "reference_video_urls", "reference_audio_urls")
    is_given = any(body.get(kind) for kind in kinds)
    if body.get("mode") == "reference-to-video":
        return None if is_given else "one of the reference lists is required"
    return f"{kinds[0]} and its like are for reference-to-video only" if is_given else None


def _video_file(body: Body) -> str | None:
    path = str(body.get("video_url")).partition("?")[0].lower()
    return None if path.endswith(_VIDEOS) else f"video_url must end with {', '.join(_VIDEOS)}"


_SHORT = tuple(map(str, range(2, 16)))
_WAN_IN_FIVES = (None, "text_to_video", "first_frame", "first_last_frame", "video_extend")
_WAN_MEDIA = (
    "image_url", "last_frame_url", "first_clip_url", "edit_video_url", "reference_media", "reference_image_urls",
    "audio_url",
)  # fmt: skip
_SEEDANCE_2 = {"model_version": (None, "standard", "mini", "fast")}

SPECIALS: Mapping[str, tuple[Check, ...]] = {
    "/api/v1/userImage2Video/start": (
        _prompts,
        needs("end_image_url", model_type=("FLF2V",)),
        among("video_time", 5, 10, 15, 20),
    ),
    "/api/v1/userText2Image/start": (
        within("width", 1, 1e6),
        within("height", 1, 1e6),
        items("input_images", 0, 2, model_type=(None, "a2e")),
    ),
    "/api/v1/userText2image/start": (within("width", 1, 1e6), within("height", 1, 1e6)),
    "/api/v1/userGptImage/start": (_long_prompt, items("input_images", 0, 16)),
    "/api/v1/userFlux2/start": (items("input_images", 0, 8),),
    "/api/v1/userQwen2Image/start": (
        lambda body: (
            "size of 2K is for qwen-image-3.0-pro only"
            if "2048" in str(body.get("size")) and body.get("model") != "qwen-image-3.0-pro"
            else None
        ),
    ),
    "/api/v1/userWan25/start": (
        among("task_type", "first_frame", model=(None, "wan2.5-i2v-preview", "wan2.6-i2v", "wan2.6-i2v-flash")),
        needs("image_url", task_type=(None, "first_frame", "first_last_frame")),
        needs("last_frame_url", task_type=("first_last_frame",)),
        needs("first_clip_url", task_type=("video_extend",)),
        needs("edit_video_url", task_type=("video_edit",)),
        needs("reference_media", task_type=("reference_image",), reference_image_urls=(None,)),
        absent(*_WAN_MEDIA, task_type=("text_to_video",)),
        among("duration", "5", "10", model=(None, "wan2.5-i2v-preview")),
        among("duration", "5", "10", "15", model=("wan2.6-i2v", "wan2.6-i2v-flash")),
        among("duration", "5", "10", "15", model=("wan2.7-i2v",), task_type=_WAN_IN_FIVES),
        among("duration", *_SHORT[3:9], task_type=("video_edit",)),
        _wan_references,
        items("reference_image_urls", 0, 3, task_type=("video_edit",)),
    ),
    "/api/v1/userWan30/start": (_wan30,),
    "/api/v1/userWanSpicy/start": (
        _https,
        among("resolution", "720p", "1080p", model=(None, "wan2.7-i2v-spicy")),
        among("resolution", "480p", "720p", model=("wan2.2-i2v-spicy",)),
        within("duration", 2, 15, model=(None, "wan2.7-i2v-spicy")),
        among("duration", 5, 8, model=("wan2.2-i2v-spicy",)),
    ),
    "/api/v1/userHappyhorseVideo/start": (
        needs("prompt", mode=("t2v", "r2v", "video-edit")),
        needs("image_url", mode=("i2v",)),
        items("reference_image_urls", 1, 9, mode=("r2v",)),
        items("reference_image_urls", 0, 5, mode=("video-edit",)),
        needs("edit_video_url", mode=("video-edit",)),
        among("duration", "5", "10", "15", model_version=(None, "1.0"), mode=("t2v", "i2v", "r2v")),
        among("resolution", "720P", "1080P", model_version=(None, "1.0")),
        among("resolution", "720P", "1080P", mode=("video-edit",)),
        among("ratio", "16:9", "9:16", "1:1", "4:3", "3:4", model_version=(None, "1.0")),
    ),
    "/api/v1/seedanceVideo/start": (needs("image_url", mode=("image-to-video",)),),
    "/api/v1/seedance2Video/start": (
        needs("image_url", mode=("image-to-video",)),
        needs("first_frame_url", mode=("first-last-frames",)),
        needs("last_frame_url", mode=("first-last-frames",)),
        items("reference_urls", 0, 9, **_SEEDANCE_2),
        items("video_urls", 0, 3, **_SEEDANCE_2),
        items("audio_urls", 0, 3, **_SEEDANCE_2),
        _seedance_seconds,
        among("resolution", "480p", "720p", model_version=("mini", "fast")),
        among("resolution", "480p", "720p", "1080p", model_version=("2.5",)),
        among("aspect_ratio", "adaptive", omni_reference_task_type=("edit", "extend")),
        items("video_urls", 1, 1, omni_reference_task_type=("edit",)),
        among("duration", -1, omni_reference_task_type=("edit",)),
    ),
    "/api/v1/veoVideo/start": (
        items("imageUrls", 1, 2, generationType=("FIRST_AND_LAST_FRAMES_2_VIDEO",)),
        items("imageUrls", 1, 3, generationType=("REFERENCE_2_VIDEO",)),
    ),
    "/api/v1/grokVideo/start": (
        needs("prompt", model_type=(None, "text-to-video")),
        _grok_images,
        among("model_type", "image-to-video", model_version=("1.5",)),
    ),
    "/api/v1/klingVideo/start": (
        needs("image_url", mode=("image-to-video", "motion-control")),
        needs("video_url", mode=("motion-control",)),
        among("model_version", "standard", version=(None, "2.6")),
        among("quality_mode", "std", "pro", version=(None, "2.6")),
        among("quality_mode", "std", "pro", mode=("motion-control",)),
        among("duration", "5", "10", version=(None, "2.6"), mode=("text-to-video", "image-to-video")),
    ),
    "/api/v1/klingOmni/start": (
        _omni_seconds,
        needs("prompt", multi_shot=(None, False)),
        needs("prompt", shot_type=("intelligence",)),
        needs("shot_type", multi_shot=(True,)),
        needs("multi_prompt", shot_type=("customize",)),
        items("multi_prompt", 0, 6),
        _omni_shots,
    ),
    "/api/v1/hailuoVideo/start": (
        needs("prompt"),
        needs("image_urls", image_url=(None,)),
        among("resolution", "768P", duration=("10",)),
    ),
    "/api/v1/minimaxH3Video/start": (
        among("duration", *_SHORT[2:]),
        needs("first_frame_url", mode=("image-to-video",)),
        _minimax_references,
        among("aspect_ratio", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16", mode=(None, "text-to-video")),
    ),
    "/api/v1/soraVideo/start": (needs("image_urls", model_type=(None, "image-to-video")),),
    "/api/v1/video/generate": (_avatar,),
    "/api/v1/userVideoTwin/startTraining": (_twin,),
    "/api/v1/thinkSound/start": (_video_file,),
}
"""What is polled after the fields themselves have been found right."""


def special_wrong(path: str, body: Body) -> str | None:
    """Say what is wrong with a start whose single fields are right, naming the field; None where nothing is.

    Raises:
        RefusedError: A rule has a code of its own.
    """
    return next(filter(None, (check(body) for check in SPECIALS.get(path, ()))), None)
