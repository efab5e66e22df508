"""Wan Spicy: an image and a prompt become a video (POST /api/v1/userWanSpicy/start)."""

from __future__ import annotations

from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Family, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AUDIO, IMAGE, Input, Usual, request
from a2e_async.families._common import forbid, link_to, narrow, secure_link

_OLDER = "wan2.2-i2v-spicy"
_WITH_OLDER = f"with model {_OLDER!r}"


@request
class WanSpicy(Usual[Result]):
    """A video by Wan Spicy that begins with an image (POST /api/v1/userWanSpicy/start).

    Args:
        image_url: The first image; a public https URL.
        prompt: What happens in the video.
        duration: Length in seconds: 2 to 15, with wan2.2-i2v-spicy 5 or 8.
        resolution: "720p" or "1080p", with wan2.2-i2v-spicy "480p" or "720p".
        model: "wan2.7-i2v-spicy" (service default), which makes audio, or "wan2.2-i2v-spicy", which makes none.
        negative_prompt: What must not appear; not with wan2.2-i2v-spicy.
        audio_url: The audio, .wav or .mp3; a public https URL; not with wan2.2-i2v-spicy.
        prompt_extend: Let the service enrich the prompt (service default: true).
        seed: A whole number from which chance begins.
        minor_suspected_skip: Continue even if a minor is suspected (service default: false).

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    image_url: Annotated[Input, secure_link(), IMAGE] = attrs.field(kw_only=False)
    prompt: str
    duration: Annotated[int, rules.whole(2, 15)]
    resolution: Literal["480p", "720p", "1080p"]
    model: Literal["wan2.7-i2v-spicy", "wan2.2-i2v-spicy"] | None = None
    negative_prompt: str | None = None
    audio_url: Annotated[Input, link_to(".wav", ".mp3", secure=True), AUDIO] | None = None
    prompt_extend: bool | None = None
    seed: int | None = None
    minor_suspected_skip: bool | None = None

    def check(self) -> None:
        """Refuse what the model does not take."""
        if self.model == _OLDER:
            forbid(self, ("negative_prompt", "audio_url"), _WITH_OLDER)
            narrow(self, "duration", rules.one_of(5, 8), _WITH_OLDER)
            narrow(self, "resolution", rules.one_of("480p", "720p"), _WITH_OLDER)
        else:
            narrow(self, "resolution", rules.one_of("720p", "1080p"), "with model 'wan2.7-i2v-spicy'")


WAN_SPICY = register(
    Family(
        name="wan_spicy",
        title="Wan Spicy: image-to-video.",
        request=WanSpicy,
        base="/api/v1/userWanSpicy",
        price_fields=("model", "duration", "resolution"),
        example={
            "image_url": "https://files.example.net/in.png",
            "prompt": "she dances",
            "duration": 5,
            "resolution": "720p",
        },
        notes=("It runs at another provider behind the service.", "Deleting hides a task."),
        webhook=True,
    )
)
