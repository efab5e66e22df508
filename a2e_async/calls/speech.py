"""Speech: text becomes audio at once, without a task."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

import attrs

from a2e_async.calls import sentences
from a2e_async.calls.base import SLOW, Group, call, pages
from a2e_async.calls.reading import At, Named, Value, nothing, one, row, url_in
from a2e_async.calls.writing import AN_ID, Limit
from a2e_async.core import rules
from a2e_async.core.requests import SentAs

LONGEST_TEXT = 1000
"""Most characters of one speech for callers with an API token (reference: send_tts)."""

Rate = Annotated[float, rules.number(0.5, 2), SentAs("speechRate")]
PreviewId = Annotated[str, AN_ID, SentAs("id")]


@attrs.frozen(kw_only=True)
class SpokenPart:
    """A part of a long text and its audio.

    Attributes:
        text: The part.
        url: URL of the audio; it expires after about seven days.
    """

    text: str
    url: str


@attrs.frozen(kw_only=True)
class SpeechPreview(Value):
    """A speech of the last 24 hours.

    Attributes:
        id: Its id.
        text: What is said.
        url: URL of the audio.
        created_at: When it was made.
    """

    id: Named = ""
    text: Annotated[str, At("msg", "text")] = ""
    url: Annotated[str, At("url", "audio_url", "audioSrc", "result_url", "result", "preview_url")] = ""
    created_at: Annotated[datetime | None, At("createdAt")] = None


VoiceId = Annotated[str, rules.object_id()]
"""The id of a voice; the service refuses any other text."""


class Speech(Group):
    """Text to speech."""

    @call(
        "POST",
        "/api/v1/video/send_tts",
        url_in("url", "audio_url", "result_url", "result"),
        costs="the speech may have been made and charged (`previews()` lists those of the last 24 hours)",
        seconds=SLOW,
    )
    def say(
        self,
        text: Annotated[str, rules.text(at_most=LONGEST_TEXT), SentAs("msg")],
        *,
        tts_id: VoiceId | None = None,
        user_voice_id: VoiceId | None = None,
        country: str | None = None,
        region: str | None = None,
        speech_rate: Rate | None = None,
    ) -> None:
        """Let a voice say a text, and give the URL of the audio, mp3 or wav (POST /api/v1/video/send_tts).

        Args:
            text: What is said, at most 1,000 characters; `say_long` takes more.
            tts_id: A public voice, see `a2e.calls.voices.public`; this or `user_voice_id`.
            user_voice_id: A voice of your own, see `a2e.calls.voices.own`.
            country: Language of the locale (service default: "en").
            region: Region of the locale (service default: "US").
            speech_rate: Speed, 0.5 to 2 (service default: 1).

        Raises:
            StartUnknownError: No answer came that can be read; the speech may have been made and charged.
        """
        if (tts_id is None) == (user_voice_id is None):
            raise rules.refuse("tts_id", tts_id, "exactly one of tts_id and user_voice_id must be given")

    async def say_long(
        self,
        text: str,
        *,
        tts_id: str | None = None,
        user_voice_id: str | None = None,
        country: str | None = None,
        region: str | None = None,
        speech_rate: Rate | None = None,
    ) -> AsyncIterator[SpokenPart]:
        """Let a voice say a text of any length, and give its parts in order, each as soon as it is spoken.

        The text is cut at the ends of sentences. A part that has been given stays yours when a later one fails.

        Args:
            text: What is said.
            tts_id: As in `say`.
            user_voice_id: As in `say`.
            country: As in `say`.
            region: As in `say`.
            speech_rate: As in `say`.
        """
        rules.text().refuse("text", text)
        for part in sentences.parts(text, LONGEST_TEXT):
            url = await self.say(
                part,
                tts_id=tts_id,
                user_voice_id=user_voice_id,
                country=country,
                region=region,
                speech_rate=speech_rate,
            )
            yield SpokenPart(text=part, url=url)

    @pages("/api/v1/tts/preview/list", row(SpeechPreview), page="current")
    def previews(self, *, limit: Limit | None = None) -> None:
        """Give the speeches of the last 24 hours (GET /api/v1/tts/preview/list).

        Args:
            limit: How many at most; by default all.
        """

    @call(
        "GET",
        "/api/v1/tts/preview/{id}",
        one(SpeechPreview),
        note="undocumented: only older pages have it, the reference lists DELETE alone",
    )
    def preview(self, preview_id: PreviewId) -> None:
        """Ask for one speech of the last 24 hours (GET /api/v1/tts/preview/{id}).

        Args:
            preview_id: Its id.
        """

    @call("DELETE", "/api/v1/tts/preview/{id}", nothing)
    def delete_preview(self, preview_id: PreviewId) -> None:
        """Take a speech off the list; its audio stays where it is (DELETE /api/v1/tts/preview/{id}).

        Args:
            preview_id: Its id.
        """
