"""Kling Omni (kling-v3-omni): a video of one or several shots (POST /api/v1/klingOmni/start)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AS_TEXT, IMAGE, AtMost, Input, Usual, WrittenBy, request
from a2e_async.core.shapes import shapes
from a2e_async.families._common import need

_LENGTH = 5
_LONGEST_WORDS = 512
_SECONDS = rules.Rule(
    "must be whole seconds from 1, as a number or as text", lambda value: _seconds({"duration": value}) > 0
)
_SHOTS = shapes({"prompt": rules.text(at_most=_LONGEST_WORDS), "duration": _SECONDS}, {}, at_most=6)


def _seconds(shot: Mapping[str, Any]) -> int:
    """Give the length of a shot, which may be a number or one as text; 0 where it is neither."""
    duration = shot["duration"]
    words = "" if isinstance(duration, bool) else str(duration)
    return int(words) if words.isdecimal() and len(words) < len("100") else 0


def _with_text(shots: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give shots whose durations are text, as the service wants them."""
    return [{**shot, "duration": str(_seconds(shot))} for shot in shots]


@request
class KlingOmni(Usual[Result]):
    """A video by Kling Omni (POST /api/v1/klingOmni/start).

    Args:
        prompt: What happens in the video; <<<image_1>>> names the first of `image_list`. Required unless shot_type is
            "customize".
        image_list: Images to go by, jpg or png, at most 7 of 10 MB each.
        mode: "std" (service default), 720p, or "pro", 1080p.
        duration: Length in seconds, 3 to 15 (service default: 5).
        aspect_ratio: "16:9" (service default), "9:16" or "1:1".
        sound: Make audio as well (service default: false).
        multi_shot: Make several shots (service default: false).
        shot_type: Who divides the video: "intelligence" the model, "customize" you; required with `multi_shot`.
        multi_prompt: The shots, 1 to 6 objects with `prompt` (at most 512 characters) and `duration` (whole seconds),
            which add up to the video's duration; required with "customize".

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    prompt: str | None = attrs.field(default=None, kw_only=False)
    image_list: Annotated[Sequence[Input], rules.urls(7), IMAGE, AtMost(10 << 20)] | None = None
    mode: Literal["std", "pro"] | None = None
    duration: Annotated[int, rules.whole(3, 15), AS_TEXT] | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None
    sound: bool | None = None
    multi_shot: bool | None = None
    shot_type: Literal["intelligence", "customize"] | None = None
    multi_prompt: Annotated[Sequence[Mapping[str, Any]], _SHOTS, WrittenBy(_with_text)] | None = None

    def check(self) -> None:
        """Refuse a video without words, and shots that do not make up the video."""
        if self.multi_shot:
            need(self, ("shot_type",), "with multi_shot")
        if not self.multi_shot or self.shot_type == "intelligence":
            need(self, ("prompt",), "unless shots of one's own are (multi_shot, shot_type 'customize')")
        if self.shot_type == "customize":
            need(self, ("multi_prompt",), "with shot_type 'customize'")
            if sum(map(_seconds, self.multi_prompt or ())) != (self.duration or _LENGTH):
                raise rules.refuse("multi_prompt", self.multi_prompt, "must add up to duration (5 s by default)")


KLING_OMNI = register(
    Family(
        name="kling_omni",
        title="Kling Omni: text- or image-to-video, in one or several shots.",
        request=KlingOmni,
        base="/api/v1/klingOmni",
        batch_limit=200,
        price_fields=("mode", "duration", "sound"),
        example={"prompt": "the kite climbs", "mode": "std", "duration": 5, "aspect_ratio": "16:9"},
        notes=("Deleting hides a task and does not promise that a running one is stopped.",),
        webhook=True,
    )
)
