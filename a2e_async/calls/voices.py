"""Voices: public ones and those of your own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import attrs

from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import At, Named, Value, nothing, rows, task, tasks, value
from a2e_async.calls.writing import Extra, Id
from a2e_async.core import rules

_TRAINING = "voice_training"


@attrs.frozen(kw_only=True)
class Voice(Value):
    """A voice that can speak.

    Attributes:
        id: Its id: `tts_id` of a public voice, `user_voice_id` of one of your own.
        name: Its name.
        gender: "female" or "male", as far as the service says so.
        model: Who makes its audio: "a2e", "cartesia", "minimax" or "elevenlabs"; of voices of your own.
        language: Its language, such as "en-US".
        lang: The model's own code of the language.
        speaker_id: The model's own id of the voice.
        tts_rate: Coins for 10 s of speech, None where it is not told.
        coins: Coins that its training cost, None where it is not told.
        has_refund_coin: Whether the coins of a training that failed came back, None where it is not told.
    """

    id: Named = ""
    name: Annotated[str, At("label", "name")] = ""
    gender: str = ""
    model: str = ""
    language: str = ""
    lang: str = ""
    speaker_id: str = ""
    tts_rate: Annotated[float | None, At("ttsRate")] = None
    coins: float | None = None
    has_refund_coin: Annotated[bool | None, At("hasRefundCoin")] = None


@attrs.frozen(kw_only=True)
class Language(Value):
    """A language as it is spoken somewhere.

    Attributes:
        country: First part of the locale, such as "en", for the arguments `country`.
        region: Second part of the locale, such as "US", for the arguments `region`.
        name: What people call it.
    """

    country: str = ""
    region: Annotated[str, At("value", "region")] = ""
    name: Annotated[str, At("label", "name")] = ""


def read_voices(data: Any) -> list[Voice]:  # noqa: ANN401 - any JSON shape
    """Read voices, alone or in groups by gender (service.md 4)."""
    return [
        value(Voice, {**({"gender": _name_of(above)} if above else {}), **leaf}) for above, leaf in _leaves(rows(data))
    ]


def read_languages(data: Any) -> list[Language]:  # noqa: ANN401 - any JSON shape
    """Read languages: the upper value is the country, the lower one the region (reference: language_list)."""
    return [
        value(
            Language,
            {**leaf, "country": _name_of(above)} if above else {**leaf, "country": _name_of(leaf), "value": None},
        )
        for above, leaf in _leaves(rows(data))
    ]


def _leaves(found: list[dict[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for row in found:
        children = row.get("children")
        if not isinstance(children, list):
            yield {}, row
            continue
        for child in children:
            if isinstance(child, dict):
                yield row, child


def _name_of(row: Mapping[str, Any]) -> object:
    return row.get("value") or row.get("label")


class Voices(Group):
    """Voices for speech, avatar videos and dubbing."""

    @call("GET", "/api/v1/anchor/voice_list", read_voices, older=("POST", "/api/v1/anchor/voice_list", ""))
    def public(
        self, *, country: str | None = None, region: str | None = None, voice_map_type: str | None = None
    ) -> None:
        """List the public voices of a locale (GET /api/v1/anchor/voice_list).

        Args:
            country: Language of the locale (service default: "en").
            region: Region of the locale (service default: "US").
            voice_map_type: Locale in which the voices are named (service default: "en-US").
        """

    @call(
        "POST",
        "/api/v1/anchor/tts_list",
        read_voices,
        reads=True,
        note="undocumented: the reference names no fields, and no page shows an answer",
    )
    def presets(self, *, extra: Extra | None = None) -> None:
        """List the service's voice presets (POST /api/v1/anchor/tts_list).

        Args:
            extra: Fields of the body by the service's own names.
        """

    @call("POST", "/api/v1/anchor/language_list", read_languages, reads=True)
    def languages(self, *, voice_map_type: str | None = None) -> None:
        """List the languages and regions for `public` and `say` (POST /api/v1/anchor/language_list).

        Args:
            voice_map_type: Locale in which they are named, such as "en-US".
        """

    @call("GET", "/api/v1/userVoice/completedRecord", read_voices)
    def own(self) -> None:
        """List the voices of your own that are ready, newest first (GET /api/v1/userVoice/completedRecord)."""

    @call("GET", "/api/v1/userVoice/trainingRecord", tasks(_TRAINING))
    def trainings(self) -> None:
        """List the trainings of voices of your own, newest first (GET /api/v1/userVoice/trainingRecord)."""

    @call("GET", "/api/v1/userVoice/{_id}", task(_TRAINING))
    def training(self, voice_id: Id) -> None:
        """Ask for one training, None where the service has no record of it (GET /api/v1/userVoice/{_id}).

        Args:
            voice_id: Id of the training, which is that of its voice.
        """

    @call("PUT", "/api/v1/userVoice/{_id}", nothing)
    def rename(self, voice_id: Id, name: Annotated[str, rules.text()]) -> None:
        """Give a voice of your own another name (PUT /api/v1/userVoice/{_id}).

        Args:
            voice_id: Its id.
            name: Its new name.
        """

    @call("DELETE", "/api/v1/userVoice/{_id}", nothing)
    def delete(self, voice_id: Id) -> None:
        """Delete a voice of your own (DELETE /api/v1/userVoice/{_id}).

        Args:
            voice_id: Its id.
        """
