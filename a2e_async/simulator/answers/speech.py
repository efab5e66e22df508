"""Calls that speak: voices, languages, text to speech and what was spoken of late."""

from __future__ import annotations

import re

from a2e_async.simulator.answers.desk import Asked, Call, Desk, cut, paging
from a2e_async.simulator.chance import digest
from a2e_async.simulator.media.specs import AudioSpec
from a2e_async.simulator.world.messages import RefusedError

_LONGEST = 1000  # for callers with a token; the schema's 3000 is for the web
_TRAINING = "voice_training"
_DAY = 86_400.0
_WEEK = 7 * _DAY
_SECONDS_OF_A_LETTER = 0.06
_VOICES = {"female": ("Ava", "Emma", "Mia"), "male": ("Adam", "Liam", "Noah")}
_LANGUAGES = {
    "en": ("English", {"US": "United States", "GB": "United Kingdom"}),
    "es": ("Spanish", {"ES": "Spain", "MX": "Mexico"}),
    "de": ("German", {"DE": "Germany"}),
    "zh": ("Chinese", {"CN": "China"}),
    "ja": ("Japanese", {"JP": "Japan"}),
}
_SCRIPTS = ((0x3040, 0x30FF, "ja"), (0x4E00, 0x9FFF, "zh"), (0xAC00, 0xD7AF, "ko"), (0x0400, 0x04FF, "ru"))


def _voice_id(*what: object) -> str:
    return digest("voice", *what) + digest(*what)[:8]


def _locale(asked: Asked) -> tuple[str, str]:
    return asked.text("country") or "en", asked.text("region") or "US"


def _told(locale: tuple[str, str]) -> dict[str, object]:
    """Give what voices carry besides, as one client saw."""
    return {"language": "-".join(locale), "ttsRate": 1}


def _voices(_: Desk, asked: Asked) -> object:
    locale = _locale(asked)
    return [
        {
            "label": gender,
            "value": gender,
            "children": [
                {"label": name, "value": _voice_id(*locale, name), "language": "-".join(locale), "ttsRate": 1}
                for name in names
            ],
        }
        for gender, names in _VOICES.items()
    ]


def _presets(_: Desk, asked: Asked) -> object:
    locale = _locale(asked)
    named = ((gender, name) for gender, names in _VOICES.items() for name in names)
    return [
        {"_id": _voice_id(*locale, name), "name": name, "gender": gender, "language": "-".join(locale)}
        for gender, name in named
    ]


def _languages(_: Desk, __: Asked) -> object:
    return [
        {
            "label": name,
            "value": code,
            "children": [{"label": region, "value": short} for short, region in regions.items()],
        }
        for code, (name, regions) in _LANGUAGES.items()
    ]


def _is_voice(desk: Desk, asked: Asked, voice_id: str) -> bool:
    """Whether there is such a voice: a public one of any locale that is listed, or one of the user's own."""
    if asked.values.get("user_voice_id"):
        return any(
            task.id == voice_id and task.status(desk.now) == "completed" for task in desk.world.listed(_TRAINING)
        )
    locales = [(country, region) for country, (_name, regions) in _LANGUAGES.items() for region in regions]
    named = ((*locale, name) for locale in {*locales, _locale(asked)} for names in _VOICES.values() for name in names)
    return any(_voice_id(*voice) == voice_id for voice in named)


def _say(desk: Desk, asked: Asked) -> object:
    words = asked.text("msg")
    voices = [asked.text(field) for field in ("tts_id", "user_voice_id") if asked.values.get(field)]
    if len(voices) != 1:
        raise RefusedError("Exactly one of tts_id and user_voice_id is required")
    if not re.fullmatch("[0-9a-fA-F]{24}", voices[0]):
        raise RefusedError("tts_id and user_voice_id must be 24 hexadecimal digits")
    if not _is_voice(desk, asked, voices[0]):
        raise RefusedError("The voice was not found")
    if len(words) > _LONGEST:
        raise RefusedError(f"msg must have at most {_LONGEST} characters")
    seconds = max(0.5, min(30.0, len(words) * _SECONDS_OF_A_LETTER / float(asked.values.get("speechRate") or 1)))
    link = desk.files.publish(AudioSpec(words, seconds, voices[0]), lasts=_WEEK)
    spoken = desk.world.shelf("preview").add({"msg": words, "audio_url": link, "duration": seconds}, desk.now)
    desk.world.account.move(-desk.world.switches.prices.get("speech", 0), "speech", spoken["_id"])
    return link


def _previews(desk: Desk, asked: Asked) -> object:
    number, size = paging(asked.values, ("current", "pageSize"), 20)
    kept = desk.world.shelf("preview").records(desk.now - _DAY)
    return {"current": number, "total": len(kept), "success": True, "data": cut(kept, number, size)}


def _preview(desk: Desk, asked: Asked) -> object:
    return desk.world.shelf("preview").find(asked.given_id)


def _forget_preview(desk: Desk, asked: Asked) -> object:
    return {"_id": desk.world.shelf("preview").remove(asked.given_id)["_id"]}


def _language_of(_: Desk, asked: Asked) -> object:
    for letter in asked.text("msg"):
        found = next((code for first, last, code in _SCRIPTS if first <= ord(letter) <= last), None)
        if found:
            return found
    return "en"


CALLS = (
    Call("voices.list", "GET /api/v1/anchor/voice_list", _voices),
    Call("voices.list", "POST /api/v1/anchor/voice_list", _voices),
    Call("voices.presets", "POST /api/v1/anchor/tts_list", _presets),
    Call("voices.languages", "POST /api/v1/anchor/language_list", _languages),
    Call("speech.say", "POST /api/v1/video/send_tts", _say),
    Call("speech.previews", "GET /api/v1/tts/preview/list", _previews),
    Call("speech.preview", "GET /api/v1/tts/preview/{id}", _preview),
    Call("speech.forget", "DELETE /api/v1/tts/preview/{id}", _forget_preview),
    Call("speech.language_of", "POST /api/v1/video/lang_classify", _language_of),
)
