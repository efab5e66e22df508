"""Voice training: recordings become a voice of one's own (POST /api/v1/userVoice/training)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Endpoint, Family, Form, register
from a2e_async.core.records import Result
from a2e_async.core.requests import AUDIO, Input, Usual, request

_BASE = "/api/v1/userVoice"


@request
class VoiceTraining(Usual[Result]):
    """A voice that sounds like recordings (POST /api/v1/userVoice/training).

    Args:
        voice_urls: The recordings; public http(s) URLs, at least one.
        gender: "female" (service default) or "male".
        denoise: Take noise out of the recordings.
        enhance_voice_similarity: Come closer to the recordings.
        model: "a2e" (service default), "cartesia", "minimax" or "elevenlabs".
        language: The language spoken, such as "en-US"; the service takes it from the request's headers (`x-lang`) when
            it is not given.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """

    voice_urls: Annotated[Sequence[Input], rules.urls(), AUDIO] = attrs.field(kw_only=False)
    gender: Literal["female", "male"] | None = None
    denoise: bool | None = None
    enhance_voice_similarity: bool | None = None
    model: Literal["a2e", "cartesia", "minimax", "elevenlabs"] | None = None
    language: str | None = None


VOICE_TRAINING = register(
    Family(
        name="voice_training",
        title="Clones a voice from recordings.",
        request=VoiceTraining,
        base=_BASE,
        forms=(Form(path=f"{_BASE}/training"),),
        listing=Endpoint(path=f"{_BASE}/trainingRecord"),
        batch=None,
        price_fields=("model",),
        price="The model decides; a training that could not be created is not charged.",
        makes="record",
        example={"voice_urls": ["https://files.example.net/voice.mp3"], "name": "my voice", "gender": "female"},
        notes=(
            "The record's id is the voice's: send it as user_voice_id to text to speech.",
            "One training at a time; the service refuses a second one.",
            "The service answers 403 when the account holds as many voices as it may.",
            "A training takes about a minute.",
        ),
        refund_field="hasRefundCoin",
        webhook=True,
    )
)
